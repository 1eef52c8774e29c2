"""The operator's word on stories -> judgements, moved members, muted stories. Each runs inside one transaction.

What was judged last counts: an older judgement that contradicts it is forgotten. Nobody is told anything by a
correction, unless the operator asks for it; the next report tells what is true by then and was not told before.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from monitor.cluster import independent_sources
from monitor.decide import decide_alerts
from monitor.errors import CorrectionError
from monitor.model import Config, Story
from monitor.store import StoryRecord, Transaction

# That every database takes for a row's id.
LARGEST_ID = 2**31 - 1


def find_story(tx: Transaction, story: int) -> StoryRecord:
    """Give a story with its members and their reasons.

    Raises:
        CorrectionError: there is none of that number, or it was merged into another, which is named.
    """
    record = find_survivor(tx, story)
    if record.story.id != story:
        raise CorrectionError(f"story {story} was merged into story {record.story.id}")
    return record


def find_survivor(tx: Transaction, story: int) -> StoryRecord:
    """Give a story with its members and their reasons, or the one that it was merged into.

    Raises:
        CorrectionError: there is none of that number.
    """
    records = tx.stories([tx.merged_into(story) or story]) if 0 < story <= LARGEST_ID else []
    if not records:
        raise CorrectionError(f"there is no story {story}; monitor stories lists them")
    return records[0]


def join_item(tx: Transaction, item: int, story: int, *, now: datetime) -> Story:
    """Judge that an item tells a story, and move it there; gives the story that it was in.

    Raises:
        CorrectionError: there is no such story, the item is in none of its topic, or nothing else is in it.
    """
    target = find_story(tx, story).story
    source = _story_of(tx, item, target.topic)
    others = [member.id for member in target.members if member.id != item]
    if not others:
        raise CorrectionError(f"item {item} is all that is in story {story}: there is nothing to liken it to")
    tx.withdraw_judgements(target.topic, [item], others, same=False)
    tx.judge(target.topic, [(item, others[0])], same=True, now=now)
    if source.id != target.id:
        tx.move_members([item], into=target.id, now=now)
        _recount_sources(tx, [source.id, target.id])
    return source


def part_item(tx: Transaction, item: int, story: int, *, now: datetime) -> int | None:
    """Judge that an item does not tell a story; if it is in it, it becomes a story of its own, whose id is given.

    Raises:
        CorrectionError: there is no such story, the item is in none of its topic, or nothing else is in it.
    """
    target = find_story(tx, story).story
    source = _story_of(tx, item, target.topic)
    if source.id == target.id:
        return split_story(tx, story, [item], now=now)
    first = target.members[0].id
    tx.withdraw_judgements(target.topic, [item], [member.id for member in target.members], same=True)
    tx.judge(target.topic, [(item, first)], same=False, now=now)
    return None


def merge_stories(tx: Transaction, survivor: int, other: int, *, now: datetime) -> None:
    """Judge that two stories are one, and put all of `other` into `survivor`, which keeps its number.

    Raises:
        CorrectionError: one does not exist, they are the same, or of two topics.
    """
    kept, gone = find_story(tx, survivor).story, find_story(tx, other).story
    if kept.id == gone.id:
        raise CorrectionError(f"story {survivor} cannot be merged with itself: name two")
    if kept.topic != gone.topic:
        raise CorrectionError(
            f"story {survivor} is on {kept.topic}, story {other} on {gone.topic}: only stories of one topic can be merged"
        )
    items, others = ([member.id for member in story.members] for story in (kept, gone))
    tx.withdraw_judgements(kept.topic, items, others, same=False)
    tx.judge(kept.topic, [(items[0], others[0])], same=True, now=now)
    tx.merge_stories(kept.id, gone.id, now=now)
    _recount_sources(tx, [kept.id])


def split_story(tx: Transaction, story: int, items: Iterable[int], *, now: datetime, tell: Config | None = None) -> int:
    """Judge that some items of a story tell another one, and make them a story of their own, whose id is given.

    Its readers count as told what they were told while the items were in the old one. With `tell`, nobody counts as
    told anything, and the alert rules of that configuration are applied at once.

    Raises:
        CorrectionError: there is no such story, an item is not in it, or none would be left.
    """
    old = find_story(tx, story).story
    members = [member.id for member in old.members]
    moved = list(dict.fromkeys(items))
    if strangers := [str(item) for item in moved if item not in members]:
        raise CorrectionError(
            f"not in story {story}: item {', '.join(strangers)}; monitor story {story} lists its items"
        )
    rest = [item for item in members if item not in moved]
    if not rest:
        raise CorrectionError(f"nothing would be left of story {story}: leave at least one item in it")
    tx.withdraw_judgements(old.topic, moved, rest, same=True)
    tx.judge(old.topic, [(moved[0], item) for item in moved[1:]], same=True, now=now)
    tx.judge(old.topic, [(item, rest[0]) for item in moved], same=False, now=now)
    new = tx.add_story(old.topic, first_seen=now)
    tx.move_members(moved, into=new, now=now)
    if tell is None:
        tx.inherit_told(new, tx.told(old.id))
    _recount_sources(tx, [old.id, new])
    if tell is not None:
        _tell(tx, new, tell, now=now)
    return new


def mute_story(tx: Transaction, story: int, *, since: datetime | None) -> Story:
    """Tell no more of a story, or with None again. What is already in the outbox is still sent.

    Raises:
        CorrectionError: there is no such story.
    """
    found = find_story(tx, story).story
    tx.mute_story(story, since=since)
    return found


def _story_of(tx: Transaction, item: int, topic: str) -> Story:
    stories = tx.topics_of(item) if 0 < item <= LARGEST_ID else {}
    if topic not in stories:
        raise CorrectionError(f"item {item} is in no story on {topic}; monitor story shows the items of one")
    return tx.story(stories[topic])


def _recount_sources(tx: Transaction, stories: Sequence[int]) -> None:
    for record in tx.stories(stories):
        tx.save_sources(record.story.id, independent_sources(record.story.members))


def _tell(tx: Transaction, story: int, config: Config, *, now: datetime) -> None:
    record = find_story(tx, story)
    fresh = {member.id: record.matches[member.id] for member in record.story.members if not member.backfill}
    for alert in decide_alerts(record.story, config.rules, told=tx.told(story), fresh=fresh):
        tx.add_alert(alert, config.channels, now=now)
