"""`monitor why`: what every stage made of one item, or why a link is not known; for people and (`--json`) programs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from textwrap import wrap
from typing import Any

import click
from rich.console import Console
from rich.text import Text

from monitor.cli.common import (
    count_of,
    hits_in_words,
    local_time,
    make_console,
    print_json,
    read_config,
    read_database,
    utc_now,
)
from monitor.corrections import LARGEST_ID
from monitor.match.explain import Explanation, Lack
from monitor.model import Config, Status
from monitor.schedule import in_words
from monitor.store import DeliveryRecord, Transaction
from monitor.why import (
    FeedVerdict,
    ItemVerdict,
    Membership,
    TopicVerdict,
    canonical_addresses,
    explain_absence,
    explain_item,
)

# So many alternatives of a query are named on the screen.
_NAMED = 8

_Lines = Iterator[tuple[int, str]]


def explain(option: str | None, target: str, *, as_json: bool) -> None:
    """Explain an item by its number or its link, or why there is none behind a link."""
    config = read_config(option)
    number = int(target) if target.isascii() and target.isdigit() else None
    addresses = canonical_addresses(target) if number is None else ()
    if number is None and not addresses:
        raise click.UsageError(f"'{target}' is neither the number of an item nor a link that begins with https://")
    with read_database(config) as tx:
        items = _find_items(tx, number, addresses, config)
        if number is not None and not items:
            raise click.ClickException(
                f"there is no item {number}, or it was dropped; monitor story ID shows the numbers"
            )
        feeds = [] if items else explain_absence(tx, addresses[0], config, now=utc_now())
    if as_json:
        print_json({"items": [_item_json(item) for item in items], "feeds": [_feed_json(feed) for feed in feeds]})
        return
    for place, item in enumerate(items):
        if place:
            click.echo()
        _print_item(item, config)
    if not items:
        _print_absence(feeds, config)


def _find_items(
    tx: Transaction | None, number: int | None, addresses: Iterable[str], config: Config
) -> list[ItemVerdict]:
    if tx is None:
        return []
    ids = [] if number is None or number > LARGEST_ID else [number]
    records = tx.items(ids) + tx.items_at(addresses)
    return [explain_item(tx, record, config) for record in records]


# --- for people -----------------------------------------------------------------------------------------------------


def _print_item(verdict: ItemVerdict, config: Config) -> None:
    record, item, console = verdict.record, verdict.record.item, make_console()
    console.print(Text(item.title, style="bold"))
    published = f"published {local_time(item.published, config)}" if item.published else "without a date"
    console.print(
        Text(f"item {record.id}: {record.feed}, {item.lang or '?'}, {published}, seen {local_time(item.seen, config)}")
    )
    console.print(Text(item.url or "no link"), soft_wrap=True)
    for topic in verdict.topics:
        console.print(Text(f"\n{topic.topic}", style="bold"))
        for depth, line in _topic_lines(topic, config):
            _print_indented(console, line, depth)


def _topic_lines(verdict: TopicVerdict, config: Config) -> _Lines:
    today, membership = verdict.today, verdict.membership
    if membership is None:
        if today is not None and today.matched:
            yield 1, f"in no story, though today's query matches: {hits_in_words(today.hits)}"
            yield 1, "items are matched once, when they come: the topic was another then, or its story was dropped"
        elif today is not None:
            yield 1, f"no match: {_shortfall(today)}"
        return
    yield 1, f"matched: {hits_in_words(membership.match.hits)}"
    if today is None:
        yield 1, "the topic is no longer in feeds.toml"
    elif not today.matched:
        yield 1, f"the topic was another then; today it would refuse the item: {_shortfall(today)}"
    yield from _story_lines(membership)
    yield from _alert_lines(membership, config)


def _shortfall(explanation: Explanation) -> str:
    """Say what keeps an item out of a topic, after what of its query was met."""
    words = list(explanation.narrowed)
    if explanation.lacks and explanation.hits:
        words.append(hits_in_words(explanation.hits))
    return "; ".join([*words, *map(_lack_in_words, explanation.lacks)])


def _lack_in_words(lack: Lack) -> str:
    if len(lack.any_of) == 1:
        return f"{lack.any_of[0]} rules it out: {hits_in_words(lack.met)}" if lack.met else f"lacks {lack.any_of[0]}"
    more = f" and {len(lack.any_of) - _NAMED} more" if len(lack.any_of) > _NAMED else ""
    return f"lacks any of {', '.join(lack.any_of[:_NAMED])}{more}"


def _story_lines(membership: Membership) -> _Lines:
    record, story = membership.record, membership.record.story
    items, sources = count_of(len(story.members), "item"), count_of(len(story.sources), "independent source")
    yield 1, f"in story {story.id}, “{story.title}”: {items}, {sources}"
    yield from _placement_lines(membership)
    for number, why in record.mergers.items():
        yield 2, f"story {number} went up in it: {_merger_in_words(why)}"
    for judgement in membership.judgements:
        yield (
            2,
            f"your word: items {judgement.one} and {judgement.other} tell {'one story' if judgement.same else 'two stories'}",
        )


def _placement_lines(membership: Membership) -> _Lines:
    reason, here = membership.placement.reason, membership.record.story.id
    if "judged" in reason:
        yield 2, "put there by your word"
        return
    score, threshold = reason.get("score", 0.0), reason.get("threshold", 0.0)
    story = reason.get("story")
    if story is None:
        items = count_of(reason.get("open", 0), "open item")
        yield 2, f"opened a story: among {items} of the topic there was nothing to compare it with"
        return
    if score < threshold:
        yield 2, f"opened a story: the most alike, story {story}, scored {score:.2f} and {threshold:.2f} was needed"
    else:
        came = "joined it" if story == here else f"joined story {story} at first"
        yield 2, f"{came}: scored {score:.2f}, {threshold:.2f} was needed"
    yield (
        2,
        f"compared with {reason['compared']} of {count_of(reason['open'], 'open item')}; the most alike in that story:",
    )
    for near in reason["nearest"]:
        yield 3, _near_in_words(near, membership)
    if runner_up := reason["runner_up"]:
        missed = "less than needed" if runner_up["score"] < threshold else "less than that"
        yield 2, f"runner-up: story {runner_up['story']} scored {runner_up['score']:.2f}, {missed}"


def _near_in_words(near: Mapping[str, Any], membership: Membership) -> str:
    neighbour = membership.neighbours.get(near["item"])
    title = f" ({neighbour.feed}, “{neighbour.item.title}”)" if neighbour else ""
    parts = {name: value for name, value in near.items() if name not in ("item", "score")}
    numbers = [f"{name} {value:.2f}" for name, value in parts.items() if not isinstance(value, bool)]
    facts = [name for name, value in parts.items() if value is True]
    return f"item {near['item']}{title} {near['score']:.2f}: {', '.join([*numbers, *facts])}"


def _merger_in_words(why: Mapping[str, Any]) -> str:
    if "score" not in why:
        return "by your word"
    return (
        f"item {why['item']} was like both, and so are their items: "
        f"{why['score']:.2f} over {count_of(why['pairs'], 'pair')}, {why['threshold']:.2f} was needed"
    )


def _alert_lines(membership: Membership, config: Config) -> _Lines:
    if membership.backfill:
        yield 1, "was old already when its feed was first polled: it counts, and causes no alert"
    if not membership.deliveries and not membership.inherited:
        yield 1, "nobody was told"
    for told in membership.inherited:
        yield 1, f"{told.channel} heard “{told.event}” of these items while they were in another story"
    for delivery in membership.deliveries:
        yield (
            1,
            f"{delivery.channel}, URL {delivery.ordinal + 1}, {'+'.join(delivery.events)}: {_state(delivery, config)}",
        )
    reasons = (delivery.reason.items() for delivery in membership.deliveries)
    for event, reason in dict.fromkeys(pair for pairs in reasons for pair in pairs):
        yield 2, f"{event}: {reason}"
    for hold in membership.holds:
        yield 1, f"held back: {hold}"


def _state(delivery: DeliveryRecord, config: Config) -> str:
    tries = "1 try" if delivery.attempts == 1 else f"{delivery.attempts} tries"
    due = local_time(delivery.next_attempt, config)
    error = f": {delivery.last_error}" if delivery.last_error else ""
    return {
        Status.PENDING: f"waits to be sent, from {due} on",
        Status.SENDING: "on its way",
        Status.SENT: f"sent {local_time(delivery.sent, config)}, {tries}",
        Status.FAILED: f"refused, {tries}, again at {due}{error}",
        Status.DEAD: f"given up, {tries}{error}; monitor alerts retry revives it",
        Status.HELD: f"held until {due}",
    }[delivery.status]


def _print_absence(feeds: list[FeedVerdict], config: Config) -> None:
    kept = in_words(config.unmatched_retention)
    click.echo(f"No feed has brought this link, or it matched nothing and was dropped since (after {kept}).")
    if not feeds:
        click.echo("No feed of that site is in feeds.toml: monitor add finds the feeds of a site.")
    console = make_console()
    for feed in feeds:
        name = Text(f"\n{feed.health.name or feed.health.url}", style="bold")
        console.print(name.append(f" {feed.verdict.status}", style="dim"))
        for line in _absence_lines(feed, config):
            _print_indented(console, line, 1)


def _absence_lines(feed: FeedVerdict, config: Config) -> Iterator[str]:
    health = feed.health
    if feed.verdict.words:
        yield feed.verdict.words
    if feed.gap and feed.verdict.status != "rolling":
        start, end = (local_time(when, config) for when in feed.gap)
        yield f"items published between {start} and {end} may be missing: everything was new at a poll"
    last = f"the last poll was at {local_time(health.last_polled, config)}" if health.last_polled else "never polled"
    if feed.missed:
        yield f"it may have missed the page; {last}"
    else:
        yield f"the page was not in its document at any poll since {local_time(feed.since, config)}; {last}"


def _print_indented(console: Console, line: str, depth: int) -> None:
    """Print a line, and what does not fit on it a step further in. Links are never cut."""
    indent = "  " * depth
    wrapped = wrap(
        line,
        console.width,
        initial_indent=indent,
        subsequent_indent=f"{indent}  ",
        break_long_words=False,
        break_on_hyphens=False,
    )
    console.print(Text("\n".join(wrapped)), soft_wrap=True)


# --- for programs ---------------------------------------------------------------------------------------------------


def _item_json(verdict: ItemVerdict) -> dict[str, Any]:
    record, item = verdict.record, verdict.record.item
    return {
        "id": record.id,
        "title": item.title,
        "url": item.url,
        "lang": item.lang,
        "feed": record.feed,
        "feed_url": record.feed_url,
        "published": item.published,
        "seen": item.seen,
        "topics": [_topic_json(topic) for topic in verdict.topics],
    }


def _topic_json(verdict: TopicVerdict) -> dict[str, Any]:
    today, membership = verdict.today, verdict.membership
    return {
        "topic": verdict.topic,
        "matched": membership is not None,
        "hits": [asdict(hit) for hit in membership.match.hits] if membership else [],
        "today": None if today is None else {"matched": today.matched, **asdict(today)},
        "story": None if membership is None else _membership_json(membership),
    }


def _membership_json(membership: Membership) -> dict[str, Any]:
    record, story = membership.record, membership.record.story
    return {
        "id": story.id,
        "title": story.title,
        "items": len(story.members),
        "independent_sources": len(story.sources),
        "muted": record.muted,
        "backfill": membership.backfill,
        "score": round(membership.placement.score, 3),
        "reason": membership.placement.reason,
        "mergers": [{"story": number, "reason": why} for number, why in record.mergers.items()],
        "judgements": [asdict(judgement) for judgement in membership.judgements],
        "told_before": [{"channel": told.channel, "event": told.event} for told in membership.inherited],
        "alerts": [_delivery_json(delivery) for delivery in membership.deliveries],
        "held_back": list(membership.holds),
    }


def _delivery_json(delivery: DeliveryRecord) -> dict[str, Any]:
    return {
        "id": delivery.id,
        "channel": delivery.channel,
        "events": list(delivery.events),
        "why": delivery.reason,
        "status": delivery.status,
        "attempts": delivery.attempts,
        "created": delivery.created,
        "sent": delivery.sent,
        "next_attempt": None if delivery.status in (Status.SENT, Status.DEAD) else delivery.next_attempt,
        "last_error": delivery.last_error or None,
    }


def _feed_json(feed: FeedVerdict) -> dict[str, Any]:
    return {
        "name": feed.health.name or feed.health.url,
        "url": feed.health.url,
        "status": feed.verdict.status,
        "trouble": feed.verdict.words or None,
        "missed": feed.missed,
        "since": feed.since,
        "gap": None if feed.gap is None else list(feed.gap),
        "last_polled": feed.health.last_polled,
        "last_success": feed.health.last_success,
    }
