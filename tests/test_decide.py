"""Which developments are worth a message, to whom, and why."""

from __future__ import annotations

from dataclasses import replace

import pytest

from monitor.decide import decide_alerts
from monitor.model import Event, Match, Rule, Source, Story, Told
from tests.makers import make_match, make_member, make_story

NEW, CORROBORATED, GROWTH, *_ = Event
KURIER, VESTNIK, POST = (
    make_member(number, owner=owner)
    for number, owner in enumerate(("kurier.example", "vestnik.example", "post.example"), start=1)
)


def make_rule(
    *on: Event,
    channels: tuple[str, ...] = ("desk",),
    topics: tuple[str, ...] = ("chechnya",),
    min_sources: int = 1,
    growth: tuple[int, ...] = (5, 20),
    urgent: bool = False,
) -> Rule:
    """A rule as feeds.toml has it, `new` and `corroborated` unless told otherwise."""
    return Rule(
        topics=topics,
        channels=channels,
        on=frozenset(on or (NEW, CORROBORATED)),
        min_sources=min_sources,
        growth=growth,
        urgent=urgent,
    )


def fresh(*items: int) -> dict[int, Match]:
    """New members that are no backfill."""
    return {item: make_match() for item in items}


def told(*events: Event, sources: int = 0) -> frozenset[Told]:
    """What a channel has been told."""
    return frozenset(Told("desk", event, sources=sources) for event in events)


ONE, TWO, THREE = make_story(KURIER), make_story(KURIER, VESTNIK), make_story(KURIER, VESTNIK, POST)


@pytest.mark.parametrize(
    ("story", "rule", "before", "expected"),
    [
        (ONE, make_rule(), told(), [NEW]),
        (ONE, make_rule(), told(NEW), []),
        (TWO, make_rule(), told(NEW), [CORROBORATED]),
        (TWO, make_rule(), told(), [NEW, CORROBORATED]),
        (THREE, make_rule(), told(NEW, CORROBORATED), []),
        (ONE, make_rule(min_sources=2), told(), []),
        (TWO, make_rule(min_sources=3), told(), []),
        (THREE, make_rule(min_sources=3), told(), [NEW, CORROBORATED]),
        (TWO, make_rule(NEW), told(), [NEW]),
        (ONE, make_rule(CORROBORATED), told(), []),
        (TWO, make_rule(CORROBORATED), told(), [CORROBORATED]),
        (TWO, make_rule(CORROBORATED, min_sources=9), told(), [CORROBORATED]),
        (ONE, make_rule(topics=("other",)), told(), []),
        (THREE, make_rule(GROWTH), told(), []),
        (THREE, make_rule(GROWTH, growth=(2, 3, 9)), told(), [GROWTH]),
        (THREE, make_rule(NEW, GROWTH, growth=(2, 3)), told(), [NEW]),
        (THREE, make_rule(NEW, GROWTH, growth=(2, 3), min_sources=4), told(), []),
        (THREE, make_rule(NEW, GROWTH, growth=(2, 3)), told(NEW, sources=2), [GROWTH]),
        (THREE, make_rule(NEW, GROWTH, growth=(2, 3)), told(NEW, sources=3), []),
        (THREE, make_rule(NEW, growth=(3,)), told(NEW, sources=1), []),
    ],
    ids=[
        "a first report",
        "a story already told",
        "a second source",
        "two sources at once",
        "a third source",
        "too few sources",
        "corroboration does not pass min_sources by",
        "enough sources at last",
        "only new is wanted",
        "one source corroborates nothing",
        "only corroboration is wanted",
        "min_sources is about new",
        "another topic's rule",
        "growth has yet to come",
        "several thresholds at once are one event",
        "the first message tells all there is",
        "growth does not pass min_sources by",
        "a threshold is passed",
        "a threshold that was passed when the channel was told",
        "growth is not wanted",
    ],
)
def test_events_fall_due(story: Story, rule: Rule, before: frozenset[Told], expected: list[Event]) -> None:
    alerts = decide_alerts(story, [rule], told=before, fresh=fresh(story.members[-1].id))
    assert [event for alert in alerts for event in alert.events] == expected
    assert len(alerts) <= 1, "several events of one cycle are one alert"


def test_nothing_is_told_of_backfill_alone() -> None:
    assert decide_alerts(TWO, [make_rule()], told=told(), fresh={}) == []


def test_outlets_that_share_a_source_do_not_corroborate() -> None:
    reprinted = replace(
        TWO, sources=(Source(owners=("kurier.example", "vestnik.example"), members=(1, 2), why="the same text"),)
    )
    assert decide_alerts(reprinted, [make_rule()], told=told(NEW), fresh=fresh(2)) == []


def test_two_rules_to_one_channel_tell_it_once() -> None:
    (alert,) = decide_alerts(ONE, [make_rule(), make_rule(NEW)], told=told(), fresh=fresh(1))
    assert (alert.events, alert.channels) == ((NEW,), ("desk",))


def test_channels_that_hear_the_same_share_an_alert_and_others_get_their_own() -> None:
    rules = [make_rule(channels=("desk", "press")), make_rule(CORROBORATED, channels=("board",))]
    alerts = decide_alerts(TWO, rules, told=told(NEW), fresh=fresh(2))
    assert {alert.channels: alert.events for alert in alerts} == {
        ("desk", "board"): (CORROBORATED,),
        ("press",): (NEW, CORROBORATED),
    }


def test_an_urgent_rule_makes_its_channels_alert_urgent() -> None:
    rules = [make_rule(), make_rule(channels=("duty",), urgent=True)]
    alerts = decide_alerts(ONE, rules, told=told(), fresh=fresh(1))
    assert {alert.channels: alert.urgent for alert in alerts} == {("desk",): False, ("duty",): True}


def test_of_many_sources_the_first_are_named() -> None:
    members = [make_member(number, owner=f"outlet{number}.example") for number in range(1, 6)]
    (alert,) = decide_alerts(make_story(*members), [make_rule(CORROBORATED)], told=told(), fresh=fresh(5))
    assert alert.reason == {"corroborated": "5 outlets, 5 independent: Outlet1, Outlet2, Outlet3 and 2 more"}


def test_an_agencys_copies_are_counted_and_named_as_such() -> None:
    members = [make_member(number, owner=f"outlet{number}.example") for number in range(1, 8)]
    sources = (
        Source(owners=(), members=(1, 3, 4), agency="AFP"),
        Source(owners=(), members=(2, 5, 6)),
        Source(owners=(), members=(7,), agency="Reuters"),
    )
    story = replace(make_story(*members), sources=sources)
    (alert,) = decide_alerts(story, [make_rule(CORROBORATED)], told=told(), fresh=fresh(7))
    assert alert.reason == {"corroborated": "7 outlets, 3 independent: AFP copy ×3, Outlet2 ×3, Outlet7"}


def test_growth_names_the_threshold_that_was_passed() -> None:
    rules = [make_rule(GROWTH, growth=(2,)), make_rule(GROWTH, growth=(3, 4))]
    (alert,) = decide_alerts(THREE, rules, told=told(NEW, sources=1), fresh=fresh(3))
    assert (alert.reason, alert.sources) == ({"growth": "3 independent sources, 3 were asked for"}, 3)


@pytest.mark.parametrize(
    ("lang", "tags", "before", "expected"),
    [
        ("fr", (), told(NEW), "Vestnik is the first in language fr"),
        ("en-GB", (), told(NEW), ""),
        ("", (), told(NEW), ""),
        ("en", ("press", "ru"), told(NEW), "Vestnik is the first with tag ru"),
        ("fr", ("ru",), told(NEW), "Vestnik is the first in language fr; Vestnik is the first with tag ru"),
        ("fr", ("ru",), told(), ""),
    ],
    ids=[
        "a new language",
        "a region is no language",
        "no language can be told",
        "a new tag",
        "both",
        "a channel that never heard of the story",
    ],
)
def test_a_story_grows_into_languages_and_tags(
    lang: str, tags: tuple[str, ...], before: frozenset[Told], expected: str
) -> None:
    first = replace(KURIER, tags=("press",))
    second = replace(VESTNIK, tags=tags, item=replace(VESTNIK.item, lang=lang))
    rules = [make_rule(GROWTH)]
    alerts = decide_alerts(make_story(first, second), rules, told=before, fresh=fresh(2))
    assert [alert.reason["growth"] for alert in alerts] == ([expected] if expected else [])
    again = make_story(first, second, replace(second, id=3))
    assert decide_alerts(again, rules, told=before, fresh=fresh(3)) == [], "each is new once"
    put_together = decide_alerts(make_story(first, second), rules, told=before, fresh=fresh(1, 2))
    assert put_together == [], "a story that was split off another has not grown"


def test_reasons_name_the_words_that_matched_and_who_corroborates() -> None:
    (alert,) = decide_alerts(TWO, [make_rule()], told=told(), fresh=fresh(2))
    assert alert.reason == {
        "new": "Vestnik has “abducted”, and this story was not told before",
        "corroborated": "2 outlets, 2 independent: Kurier, Vestnik",
    }
