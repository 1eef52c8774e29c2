"""The scenario -> the whole program at work, as a person sees it in a terminal."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from importlib import resources
from pathlib import Path
from shutil import which
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from monitor.cluster.scores import b_cubed
from monitor.config import load_config
from monitor.deliver import deliver_due
from monitor.demo.scenario import Scenario, load_scenario
from monitor.demo.server import DemoServer
from monitor.log import configure_logging
from monitor.model import Config, Member
from monitor.pipeline import Pipeline, PollResult, open_pipeline
from monitor.reading import Reader
from monitor.store import Store, StoryRecord, open_store

WIDTH = 100
_PHONE_WIDTH = 88
# So many messages are shown as the telephone shows them; of the rest, the title and the first line.
_WHOLE_MESSAGES = 4


def play_demo() -> None:
    """Play every round through the real program: real HTTP, real parsing, a real database, a real webhook.

    Everything happens on 127.0.0.1 and in a temporary folder that is removed at the end.
    """
    configure_logging(level="critical")
    console = Console(highlight=False)
    if not console.is_terminal or console.width > WIDTH:
        console = Console(highlight=False, width=WIDTH)
    scenario = load_scenario()
    with DemoServer(scenario) as server, TemporaryDirectory(prefix="monitor-demo-") as folder:
        config = _load_demo_config(Path(folder), server)
        store = open_store(config.database)
        try:
            asyncio.run(_Show(console, scenario, server, config, store).play())
        finally:
            store.close()


def _load_demo_config(folder: Path, server: DemoServer) -> Config:
    path = folder / "feeds.toml"
    path.write_bytes(resources.files("monitor.demo").joinpath("demo.toml").read_bytes())
    return load_config(path, environ={"DEMO_PORT": str(server.port), "DEMO_CHANNEL": server.phone_url})


def _phone_screen(title: str, body: str) -> Panel:
    return Panel(
        Text(body), title=Text(title, style="bold"), title_align="left", width=_PHONE_WIDTH, border_style="cyan"
    )


@dataclass(slots=True)
class _Show:
    """One performance: the clock of the scenario, and what has been shown of stories and of the telephone."""

    console: Console
    scenario: Scenario
    server: DemoServer
    config: Config
    store: Store
    now: datetime = field(init=False)
    shown_items: set[int] = field(default_factory=set)
    shown_messages: int = 0
    polled_items: int = 0

    async def play(self) -> None:
        """Poll and deliver a round at a time, and show what came of it."""
        self._introduce()
        self.now = self.scenario.rounds[0].time
        async with (
            Reader(1) as reader,
            open_pipeline(self.config, store=self.store, reader=reader, clock=lambda: self.now) as pipeline,
        ):
            for number, scene in enumerate(self.scenario.rounds, start=1):
                self.now = scene.time
                self.server.show_round(number)
                with self._waiting():
                    polls = await self._poll(pipeline)
                    await deliver_due(self.store, lambda: self.config, now=lambda: self.now)
                self.console.rule(f"[bold]{scene.time:%a %-d %b %Y, %H:%M} UTC · {scene.caption}", align="left")
                self._show_polls(polls)
                self._show_members()
                self._show_messages()
        self._conclude()

    async def _poll(self, pipeline: Pipeline) -> list[PollResult]:
        """Poll every feed, one after the other: at once they would come in another order at each performance."""
        due = await pipeline.sync_feeds(everything=True)
        return [await pipeline.poll_feed(state) for state in await pipeline.claim_feeds(due)]

    def _waiting(self) -> AbstractContextManager[object]:
        return self.console.status("polling …") if self.console.is_terminal else nullcontext()

    # --- what is printed ----------------------------------------------------------------------------------------------

    def _introduce(self) -> None:
        feeds, topic = self.config.feeds, self.config.topics[0].name
        languages = len({outlet.lang for outlet in self.scenario.outlets})
        self.console.print(
            f"\n[bold]monitor[/bold] replays the spring of 2017: {len(feeds)} invented outlets in {languages} languages, "
            f"one topic ({topic}), one advocate with a telephone. All texts are written for this demo; nothing leaves "
            "this machine.\n[green]●[/green] opens a story   [dim]↳[/dim] is folded into one   boxes and [cyan]▐[/cyan] are "
            "what the telephone shows\n"
        )

    def _show_polls(self, polls: list[PollResult]) -> None:
        outcomes = Counter(poll.outcome for poll in polls)
        self.polled_items += sum(poll.new for poll in polls)
        counted = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.most_common())
        self.console.print(
            f"{len(polls)} feeds polled: {counted}. "
            f"{sum(poll.new for poll in polls)} new items, {sum(poll.matched for poll in polls)} on topic."
        )
        for poll in polls:
            if poll.outcome == "failed":
                self.console.print(Text(f"  {poll.feed}: {poll.error}", style="yellow"))
        self.console.print()

    def _show_members(self) -> None:
        table = Table.grid(padding=(0, 1), expand=True)
        for style, width in (("", 1), ("dim", 3), ("", 22), ("dim", 2)):
            table.add_column(style=style, min_width=min(width, 12), max_width=width, no_wrap=True, overflow="ellipsis")
        table.add_column(ratio=2, no_wrap=True, overflow="ellipsis")
        table.add_column(style="dim", ratio=1, no_wrap=True, overflow="ellipsis")
        rows = sorted(self._unshown(), key=lambda row: row[1].id)
        for record, member in rows:
            opens = record.story.members[0] == member
            mark = Text("●", style="green") if opens else Text("↳", style="dim")
            title = Text(member.item.title, style="bold" if opens else "")
            why = "new" if opens else self._why_folded(record, member)
            table.add_row(mark, str(record.story.id), Text(member.feed), member.item.lang, title, why)
            self.shown_items.add(member.id)
        if rows:
            self.console.print(Padding(table, (0, 0, 1, 1)))

    def _unshown(self) -> Iterable[tuple[StoryRecord, Member]]:
        for record in self._stories():
            yield from ((record, member) for member in record.story.members if member.id not in self.shown_items)

    def _stories(self) -> list[StoryRecord]:
        with self.store.read() as tx:
            return sorted(tx.stories(), key=lambda record: record.story.id)

    def _why_folded(self, record: StoryRecord, member: Member) -> str:
        source = next(source for source in record.story.sources if member.id in source.members)
        if source.members[0] != member.id and source.why:
            return source.why
        return f"alike: {record.placements[member.id].score:.2f}"

    def _show_messages(self) -> None:
        messages = self.server.phone[self.shown_messages :]
        for title, body in messages:
            self.shown_messages += 1
            if self.shown_messages <= _WHOLE_MESSAGES:
                self.console.print(Padding(_phone_screen(title, body), (0, 0, 1, 2)))
            else:
                opening = body.partition("\n")[0]
                self.console.print(
                    Padding(Text.assemble(("▐ ", "cyan"), (title, "bold"), f"\n  {opening}"), (0, 0, 0, 2))
                )
        self.console.print(*[] if messages else ["  [dim]The telephone stays silent.[/dim]\n"])

    def _conclude(self) -> None:
        records = self._stories()
        self.console.rule("[bold]What was folded into what, and why", align="left")
        self._show_stories(records)
        on_topic = sum(len(record.story.members) for record in records)
        self.console.print(
            f"{self.polled_items} items were published, {on_topic} of them on topic. They became {len(records)} stories "
            f"and [bold]{self.shown_messages} messages[/bold]; a feed reader would have sent {on_topic}."
        )
        self._show_score(records)

    def _show_stories(self, records: list[StoryRecord]) -> None:
        with self.store.read() as tx:
            told = Counter(delivery.story for delivery in tx.delivery_records())
        table = Table("", "Story", "Items", "Outlets", "Indep.", "Lang.", "Msgs", box=None, pad_edge=False)
        for column in table.columns[2:5]:
            column.justify = "right"
        for record in records:
            story = record.story
            counts = (str(len(story.members)), str(len(story.owners)), str(len(story.sources)))
            languages = " ".join(story.languages)
            table.add_row(
                str(story.id),
                Text(story.title, style="bold"),
                *counts,
                languages,
                str(told[story.id]),
                end_section=True,
            )
            for source in story.sources:
                if len(source.members) > 1:
                    feeds = dict.fromkeys(member.feed for member in story.members if member.id in source.members)
                    table.add_row("", Text(f"{', '.join(feeds)}: {source.why}", style="dim"))
        self.console.print(table)
        self.console.print()

    def _show_score(self, records: list[StoryRecord]) -> None:
        """Hold the stories against the events that the texts truly tell."""
        entries = self.scenario.by_link()
        pairs = [
            (entries[member.item.url].story, str(record.story.id))
            for record in records
            for member in record.story.members
        ]
        score = b_cubed([found for _, found in pairs], [truth for truth, _ in pairs])
        command = "monitor" if which("monitor") else sys.argv[0]
        self.console.print(
            f"The texts tell {len({truth for truth, _ in pairs})} events. Of what is in a story, {score.precision:.0%} "
            f"belongs together; of what belongs together, {score.recall:.0%} is in one story (B-cubed).\n"
            f"\nNext: edit [bold]feeds.toml[/bold], then [bold]{command} check[/bold] and [bold]{command} once[/bold]."
        )
