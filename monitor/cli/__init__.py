"""The commands: their names, options and help. What each does is imported when it runs, so that help is instant."""

from __future__ import annotations

from pathlib import Path

import click

from monitor import __version__
from monitor.errors import ConfigError, MonitorError

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
# A number needs an end, or the database is asked for one that it cannot hold.
limit_option = click.option("--limit", type=click.IntRange(1, 1_000_000), metavar="N", help="Only the N newest.")


class _Commands(click.Group):
    """Turns our errors into exit statuses: 2 for a bad configuration, 1 for anything else that failed."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except ConfigError as error:
            click.echo("\n".join(error.lines()), err=True)
            ctx.exit(2)
        except MonitorError as error:
            click.echo(f"monitor: {error}", err=True)
            ctx.exit(1)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 (click's signature)
        """List the commands in the order in which they are met, not by name."""
        return list(self.commands)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--config",
    metavar="FILE",
    help="The configuration. Default: $MONITOR_CONFIG, else ./feeds.toml, else /etc/monitor/feeds.toml.",
)
@click.version_option(__version__, prog_name="monitor")
@click.pass_context
def cli(ctx: click.Context, config: str | None) -> None:
    """Watch news feeds and tell the right people once.

    Polls the feeds of feeds.toml, keeps what matches a topic, gathers what tells the same story, and sends one alert
    per development through any channel that Apprise reaches.

    Exit status: 0 done; 1 something failed and the message says what; 2 wrong usage or configuration.
    """
    ctx.obj = config


@cli.command()
def demo() -> None:
    """Play a sample of the news through the whole program; needs no network and no configuration."""
    from monitor.demo import play_demo

    play_demo()


@cli.command()
@click.option("--all", "everything", is_flag=True, help="Poll every feed, due or not.")
@json_option
@click.pass_obj
def once(config: str | None, *, everything: bool, as_json: bool) -> None:
    """Poll the feeds that are due, deliver what is pending, print a summary, and exit."""
    from monitor.cli.once import poll_once

    poll_once(config, everything=everything, as_json=as_json)


@cli.command()
@click.pass_obj
def run(config: str | None) -> None:
    """Run the daemon: SIGTERM stops it; a changed configuration is taken up by itself, and at SIGHUP."""
    from monitor.cli.run import run_service

    run_service(config)


@cli.command()
@click.option("--online", is_flag=True, help="Fetch every feed once too, and show what each answers.")
@json_option
@click.pass_obj
def check(config: str | None, *, online: bool, as_json: bool) -> None:
    """Check the configuration: every problem as feeds.toml:LINE: message, then what can have no effect."""
    from monitor.cli.check import check_config

    check_config(config, online=online, as_json=as_json)


@cli.command()
@click.option(
    "--days",
    type=click.IntRange(1, 3650),
    default=30,
    show_default=True,
    metavar="N",
    help="How far back to go. What matched nothing is kept for unmatched_retention.",
)
@json_option
@click.pass_obj
def plan(config: str | None, *, days: int, as_json: bool) -> None:
    """Show which alerts of the last days would appear (+) or disappear (-) with feeds.toml as it is now.

    The stored items, those that matched nothing too, are replayed through it. Nothing is fetched, sent or changed.
    """
    from monitor.cli.plan import show_plan

    show_plan(config, days=days, as_json=as_json)


@cli.command()
@click.argument("url")
@click.option("--name", default="", metavar="NAME", help="What the feed is called. Default: its own title.")
@click.option("--tag", "tags", multiple=True, metavar="TAG", help="A tag of the feed; may be given several times.")
@click.option("--pick", type=click.IntRange(min=1), metavar="N", help="Take the N-th of several feeds that are found.")
@click.option("--yes", is_flag=True, help="Ask nothing: take the first feed that is found.")
@click.option("--dry-run", is_flag=True, help="Show what would be written, and write nothing.")
@click.pass_obj
def add(
    config: str | None, url: str, *, name: str, tags: tuple[str, ...], pick: int | None, yes: bool, dry_run: bool
) -> None:
    """Find the feed at URL, or the one that the page there offers, and add it to feeds.toml.

    A feed that is there already is refused. Comments and order of the file are kept.
    """
    from monitor.cli.add import add_feed

    add_feed(config, url, name=name, tags=tags, pick=pick, yes=yes, dry_run=dry_run)


@cli.command("import")
@click.argument("file")
@click.option("--dry-run", is_flag=True, help="Show what would be written, and write nothing.")
@click.pass_obj
def import_(config: str | None, file: str, *, dry_run: bool) -> None:
    """Add the feeds of an OPML FILE (- for standard input) to feeds.toml, folders as tags.

    Feeds that are there already are left out and named. Nothing is fetched: monitor check --online does that.
    """
    from monitor.cli.add import import_feeds

    import_feeds(config, file, dry_run=dry_run)


@cli.command()
@click.argument("file", default="-")
@click.pass_obj
def export(config: str | None, file: str) -> None:
    """Write all feeds as OPML to a new FILE, or to standard output. Passwords are left out."""
    from monitor.cli.add import export_feeds

    export_feeds(config, file)


@cli.command()
@click.argument("feed", required=False)
@json_option
@click.pass_obj
def feeds(config: str | None, feed: str | None, *, as_json: bool) -> None:
    """Show how each feed fares: last success, items a day, next poll, trouble in plain words.

    With FEED (its name or URL), show this one in full: also why it is polled when it is.
    """
    from monitor.cli.feeds import list_feeds

    list_feeds(config, name=feed, as_json=as_json)


@cli.command()
@click.option("--topic", metavar="NAME", help="Only stories of this topic.")
@limit_option
@json_option
@click.pass_obj
def stories(config: str | None, *, topic: str | None, limit: int | None, as_json: bool) -> None:
    """List the stories, newest first: sources, independent sources, languages, first and last seen."""
    from monitor.cli.listings import list_stories

    list_stories(config, topic=topic, limit=limit, as_json=as_json)


@cli.command()
@click.argument("number", type=int, metavar="ID")
@json_option
@click.pass_obj
def story(config: str | None, number: int, *, as_json: bool) -> None:
    """Show one story: every member, why it matched and why it is there."""
    from monitor.cli.listings import show_story

    show_story(config, number, as_json=as_json)


@cli.command()
@click.argument("target", metavar="ID|URL")
@json_option
@click.pass_obj
def why(config: str | None, target: str, *, as_json: bool) -> None:
    """Say why an item matched, joined its story and was told, or why not.

    ID is an item's number, as monitor story shows it; URL is its link. Of a link that no feed has brought it says
    which feeds are of that site, and whether they may have missed it.
    """
    from monitor.cli.why import explain

    explain(config, target, as_json=as_json)


@cli.group(invoke_without_command=True)
@limit_option
@json_option
@click.pass_context
def alerts(ctx: click.Context, *, limit: int | None, as_json: bool) -> None:
    """List what was told to whom, and what is pending, failing or dead."""
    if ctx.invoked_subcommand is None:
        from monitor.cli.listings import list_alerts

        list_alerts(ctx.obj, limit=limit, as_json=as_json)


@alerts.command()
@click.pass_obj
def retry(config: str | None) -> None:
    """Make everything that failed or was given up due again."""
    from monitor.cli.listings import retry_alerts

    retry_alerts(config)


@cli.command()
@click.argument("item", type=int)
@click.option("--same", type=int, metavar="STORY", help="It tells this story; it is moved there.")
@click.option("--different", type=int, metavar="STORY", help="It does not tell this story; it is taken out of it.")
@click.pass_obj
def label(config: str | None, item: int, *, same: int | None, different: int | None) -> None:
    """Judge whether ITEM (a number, as monitor story shows them) tells a story.

    Judgements are kept, later merging respects them, and monitor evaluate measures by them.
    """
    from monitor.cli.corrections import label_item

    label_item(config, item, same=same, different=different)


@cli.command()
@click.argument("story", type=int)
@click.argument("other", type=int)
@click.pass_obj
def merge(config: str | None, story: int, other: int) -> None:
    """Put all of story OTHER into STORY, which keeps its number. Nobody is told anything twice."""
    from monitor.cli.corrections import merge as merge_stories

    merge_stories(config, story, other)


@cli.command()
@click.argument("story", type=int)
@click.argument("items", type=int, nargs=-1, required=True, metavar="ITEM...")
@click.option("--tell", is_flag=True, help="Tell the new story as new, by the alert rules, at once.")
@click.pass_obj
def split(config: str | None, story: int, items: tuple[int, ...], *, tell: bool) -> None:
    """Make the given items of STORY a story of their own.

    Whoever was told of STORY counts as told of the new one, unless --tell is given.
    """
    from monitor.cli.corrections import split as split_story

    split_story(config, story, items, tell=tell)


@cli.command()
@click.argument("story", type=int)
@click.option("--undo", is_flag=True, help="Tell of it again when it grows.")
@click.pass_obj
def mute(config: str | None, story: int, *, undo: bool) -> None:
    """Tell no more of STORY, however it grows. What is in the outbox already is still sent."""
    from monitor.cli.corrections import mute as mute_story

    mute_story(config, story, undo=undo)


@cli.command()
@click.argument("channel")
@json_option
@click.pass_obj
def test(config: str | None, channel: str, *, as_json: bool) -> None:
    """Send one test message to CHANNEL and report what each of its URLs answers."""
    from monitor.cli.test import test_channel

    test_channel(config, channel, as_json=as_json)


@cli.command()
@click.argument("file")
@click.option("--labels", is_flag=True, help='Score against each line\'s "cluster" instead of printing the stories.')
@click.option(
    "--window",
    type=click.FloatRange(min=0, min_open=True, max=36_500),
    default=7,
    show_default=True,
    metavar="DAYS",
    help="How long a story stays open.",
)
def cluster(file: str, *, labels: bool, window: float) -> None:
    """Gather the items of a JSON Lines FILE (- for standard input) into stories.

    Lines in: {"id", "title"[, "summary", "published", "source", "lang", "url"]}, in order of arrival. Lines out:
    {"id", "story"}, in the same order, after the last was read: until then two stories may prove to be one. Needs no
    configuration.
    """
    from datetime import timedelta

    from monitor.cli.cluster import cluster_file

    cluster_file(file, labels=labels, window=timedelta(days=window))


@cli.command()
@json_option
@click.pass_obj
def evaluate(config: str | None, *, as_json: bool) -> None:
    """Say how often items were gathered rightly, by the operator's own judgements (label, merge, split)."""
    from monitor.cli.evaluate import evaluate_stories

    evaluate_stories(config, as_json=as_json)


@cli.command()
@json_option
@click.pass_obj
def doctor(config: str | None, *, as_json: bool) -> None:
    """Examine the installation: database, disk, clock, names, proxies, channels, feeds, files; say what to do.

    Exit status 1 if something is wrong. Nothing is changed, and nothing is sent.
    """
    from monitor.cli.doctor import examine

    examine(config, as_json=as_json)


@cli.command()
@click.argument("target", metavar="FILE", type=click.Path(path_type=Path))
@click.option(
    "--keep",
    type=click.IntRange(min=1),
    metavar="N",
    help="Where FILE is a folder: drop all but the N newest copies in it.",
)
@click.pass_obj
def backup(config: str | None, target: Path, *, keep: int | None) -> None:
    """Make a whole copy of the database while the daemon runs.

    FILE is a new file, or a folder, in which the copy is named by its time. To restore it, stop the daemon and put it
    in the place of the database. For PostgreSQL use pg_dump.
    """
    from monitor.cli.backup import back_up

    back_up(config, target, keep=keep)


def main() -> None:
    """Run the command line."""
    cli(prog_name="monitor")
