"""The labelled day and its bench: the labels are consistent, the texts fit the topic, the figures mean what they say."""

from __future__ import annotations

import json
import re
import sys
import tomllib
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib import resources
from itertools import combinations
from urllib.parse import urlsplit

import pytest
from rapidfuzz import fuzz

from bench.day import score as day
from bench.day.score import AlertScore, Labelled, Sent, count_sources, load_day, load_outlets, play_day, score_alerts
from monitor.cluster import gather
from monitor.match import compile_topic, match_topics
from monitor.model import Event, Feed, Item, Member, Placement, Secret, Topic
from monitor.text import fold, words
from tests.makers import ONE_EVENT_IN_PARTS

LINES = [json.loads(line) for line in (day.FOLDER / "items.jsonl").read_text(encoding="utf-8").splitlines()]
ITEMS = load_day()
OUTLETS = load_outlets()
BY_ID = {line["id"]: line for line in LINES}
SIZES = Counter(line["event"] for line in LINES)
EVENTS = {event: [line for line in LINES if line["event"] == event] for event in SIZES}


def body(line: dict[str, str]) -> str:
    """The summary without the headlines that one outlet hangs on to it."""
    return line["summary"].split("Related stories:")[0].strip()


# --- The data --------------------------------------------------------------------------------------------------------


def test_the_day_is_as_large_and_as_mixed_as_promised() -> None:
    assert len(LINES) >= 420
    assert 60 <= len(SIZES) <= 75
    large, small = [n for n in SIZES.values() if n > 15], [n for n in SIZES.values() if 2 <= n <= 5]
    assert len(large) == 3
    assert all(25 <= n <= 45 for n in large)
    assert len(small) >= 20
    assert 25 <= sum(n == 1 for n in SIZES.values()) <= 30
    assert sum(line["origin"] != line["id"] for line in LINES) > 150
    assert 5 <= sum(not line["summary"] for line in LINES) <= 12


def test_it_is_told_in_six_languages() -> None:
    share = {lang: 100 * n / len(LINES) for lang, n in Counter(line["lang"] for line in LINES).items()}
    expected = {"en": 35, "ru": 25, "fr": 12, "de": 10, "es": 10, "ar": 8}
    assert share.keys() == expected.keys()
    assert all(abs(share[lang] - expected[lang]) < 2 for lang in expected)


def test_forty_outlets_tell_it_and_some_share_an_owner() -> None:
    assert len(OUTLETS) == 40
    assert {line["source"] for line in LINES} == OUTLETS.keys()
    assert len({outlet.name for outlet in OUTLETS.values()}) == len({outlet.host for outlet in OUTLETS.values()}) == 40
    assert sorted(Counter(outlet.owner for outlet in OUTLETS.values()).values())[-6:] == [1, 2, 2, 2, 2, 2]
    assert all(re.fullmatch("[A-Z]{2}", outlet.country) for outlet in OUTLETS.values())


def test_ids_are_unique_and_only_the_entries_of_a_live_blog_share_a_page() -> None:
    assert len(BY_ID) == len(LINES)
    shared = [url for url, n in Counter(line["url"] for line in LINES).items() if n > 1]
    assert len(shared) == 1
    assert all(line["title"].startswith("Онлайн.") for line in LINES if line["url"] in shared)


def test_dates_run_through_three_days_in_order() -> None:
    dates = [datetime.fromisoformat(line["published"]) for line in LINES]
    assert dates == sorted(dates)
    assert {date.date().isoformat() for date in dates} == {"2017-04-11", "2017-04-12", "2017-04-13"}
    assert all(date.utcoffset() == timedelta(0) for date in dates)


@pytest.mark.parametrize("line", LINES, ids=lambda line: line["id"])
def test_labels_are_consistent(line: dict[str, str]) -> None:
    origin = BY_ID[line["origin"]]
    assert line["cluster"] == line["event"] == origin["event"]
    assert origin["origin"] == origin["id"]
    assert origin["published"] <= line["published"]
    assert (line["source"] == origin["source"]) == (line["id"] == origin["id"])
    assert line["lang"] == OUTLETS[line["source"]].lang
    assert urlsplit(line["url"]).hostname == OUTLETS[line["source"]].host
    assert OUTLETS[line["source"]].host.endswith(".example")


@pytest.mark.parametrize("line", LINES, ids=lambda line: line["id"])
def test_an_item_is_written_as_its_language_is(line: dict[str, str]) -> None:
    script = {"ru": "CYRILLIC", "ar": "ARABIC"}.get(line["lang"], "LATIN")
    text = line["title"] + line["summary"]
    letters = [character for character in text if character.isalpha()]
    assert sum(unicodedata.name(letter).startswith(script) for letter in letters) > 0.8 * len(letters)
    assert 25 <= len(line["title"]) <= 125
    assert text == text.strip()
    assert "  " not in text
    assert not re.search(r"<\w|&\w+;", text)


def test_a_copy_in_the_same_language_is_an_edited_copy() -> None:
    for line in LINES:
        origin = BY_ID[line["origin"]]
        if line is origin or line["lang"] != origin["lang"]:
            continue
        assert (line["title"], line["summary"]) != (origin["title"], origin["summary"])
        one, other = body(line), body(origin)
        assert max(fuzz.partial_ratio(one, other), fuzz.token_set_ratio(one, other)) > 70, line["id"]


def test_independent_reports_of_one_event_are_worded_differently() -> None:
    for told in EVENTS.values():
        for one, other in combinations(told, 2):
            if one["lang"] == other["lang"] and one["origin"] != other["origin"] and body(one):
                assert fuzz.ratio(body(one), body(other)) < 65, (one["id"], other["id"])


@pytest.mark.parametrize(
    "alike",
    [
        ("trial-makhachkala", "trial-stavropol", "makhachkala-appeal"),
        ("raid-rostov", "grozny-cafe", "gudermes-raid"),
        ("kremlin", "mfa-briefing", "chechen-ombudsman", "minister-invite"),
        ("berlin-minister", "canada-minister", "dutch-minister"),
        ("asylum-vienna", "asylum-oslo", "asylum-lyon"),
        ("paris-protest", "newyork-vigil", "madrid-protest", "buenosaires-protest", "warsaw-protest", "nevsky"),
        ("witness-report", "helvetia-report"),
        ("senators-letter", "uk-mps-letter"),
        ("petition-stockholm", "petition-moscow"),
        ("brief-11", "brief-12", "brief-13"),
        ("cifra-11", "cifra-12", "cifra-13"),
    ],
    ids=lambda alike: alike[0],
)
def test_events_have_look_alikes_in_a_language_they_share(alike: Sequence[str]) -> None:
    for one, other in combinations(alike, 2):
        assert {line["lang"] for line in EVENTS[one]} & {line["lang"] for line in EVENTS[other]}


REAL_OUTLETS = """
Novaya Gazeta, Новая газета, Новой газете, Новой газеты, Reuters, AFP, Agence France-Presse, Associated Press, dpa, EFE,
TASS, ТАСС, Interfax, Интерфакс, РИА Новости, Meduza, Медуза, Дождь, Фонтанка, Кавказ.Реалии, BBC, CNN, Guardian,
New York Times, Washington Post, Le Monde, Le Figaro, Têtu, Spiegel, Süddeutsche, Der Standard, El País,
El Mundo, Clarín, الجزيرة, العربية, الشرق الأوسط, رويترز, Al Jazeera, Human Rights Watch, Amnesty, Memorial, Мемориал,
PinkNews, Kommersant, Коммерсантъ
"""


@pytest.mark.parametrize("name", [name.strip() for name in REAL_OUTLETS.split(",")])
def test_no_real_outlet_or_organisation_is_named(name: str) -> None:
    told = [outlet.name for outlet in OUTLETS.values()]
    told += [text for line in LINES for text in (line["title"], line["summary"])]
    texts = [" ".join(words(fold(text))) for text in told]
    assert not [text for text in texts if f" {' '.join(words(fold(name)))} " in f" {text} "]


DEMO_TOPIC = tomllib.loads(resources.files("monitor.demo").joinpath("demo.toml").read_text(encoding="utf-8"))["topic"][
    0
]


@pytest.mark.parametrize("labelled", ITEMS, ids=lambda labelled: labelled.id)
def test_the_demo_topic_finds_every_item(labelled: Labelled) -> None:
    topic = compile_topic(Topic(name=DEMO_TOPIC["name"], query=DEMO_TOPIC["query"]))
    item = labelled.member.item
    assert match_topics(item, [topic], feed=Feed(url=item.url, address=Secret(item.url), owner=labelled.member.owner))


# --- The bench -------------------------------------------------------------------------------------------------------


def make_labelled(number: int, event: str, *, owner: str, origin: int | None = None) -> Labelled:
    when = datetime(2017, 4, 11, number, tzinfo=UTC)
    item = Item(
        key=str(number), url=f"https://{owner}.example/{number}", title=f"{event} {number}", summary="", lang="en",
        published=when, seen=when,
    )  # fmt: skip
    return Labelled(str(number), Member(number, item, owner, owner), event, str(origin or number))


@pytest.mark.parametrize(
    ("told", "sources"),
    [
        pytest.param([("a", 1)], 1, id="alone"),
        pytest.param([("a", 1), ("b", 2)], 2, id="independent"),
        pytest.param([("a", 1), ("b", 1)], 1, id="a copy"),
        pytest.param([("a", 1), ("a", 2)], 1, id="one owner"),
        pytest.param([("a", 1), ("b", 2), ("b", 1)], 1, id="an owner that also copies joins both"),
        pytest.param([("a", 1), ("b", 2), ("c", 2), ("d", 4)], 3, id="mixed"),
    ],
)
def test_sources_are_groups_that_share_owner_or_origin(told: list[tuple[str, int]], sources: int) -> None:
    items = [make_labelled(at, "e", owner=owner, origin=origin) for at, (owner, origin) in enumerate(told, 1)]
    assert count_sources(items) == sources


TWO_EVENTS = [
    make_labelled(1, "raid", owner="a"),
    make_labelled(2, "raid", owner="b"),
    make_labelled(3, "trial", owner="c"),
    make_labelled(4, "trial", owner="d", origin=3),
]
NEW, CORROBORATED = Event.NEW, Event.CORROBORATED


@pytest.mark.parametrize(
    ("sent", "score"),
    [
        pytest.param([], AlertScore(due=3, sent=0, missed=3, superfluous=0), id="silence"),
        pytest.param(
            [Sent(NEW, "raid", true=True), Sent(CORROBORATED, "raid", true=True), Sent(NEW, "trial", true=True)],
            AlertScore(due=3, sent=3, missed=0, superfluous=0),
            id="perfect",
        ),
        pytest.param(
            [Sent(NEW, "raid", true=True), Sent(NEW, "raid", true=True)],
            AlertScore(due=3, sent=2, missed=2, superfluous=1),
            id="told twice",
        ),
        pytest.param(
            [Sent(CORROBORATED, "raid", true=False), Sent(CORROBORATED, "trial", true=True)],
            AlertScore(due=3, sent=2, missed=3, superfluous=2),
            id="untrue, and not due",
        ),
    ],
)
def test_alerts_sent_are_held_against_alerts_due(sent: list[Sent], score: AlertScore) -> None:
    assert score_alerts(TWO_EVENTS, sent) == score


def follow(monkeypatch: pytest.MonkeyPatch, stories: dict[int, int | None]) -> None:
    """Let the bench put items into stories as told here, by item id."""

    def assign_story(member: Member, _index: object, *, now: datetime) -> Placement:
        assert now == member.item.published
        return Placement(stories[member.id], 1.0, {})

    monkeypatch.setattr(gather, "assign_story", assign_story)


def test_two_owners_in_one_story_corroborate_it_once(monkeypatch: pytest.MonkeyPatch) -> None:
    follow(monkeypatch, {1: None, 2: 1})
    played = play_day(TWO_EVENTS[:2])
    assert played.stories == [1, 1]
    assert played.sent == [Sent(NEW, "raid", true=True), Sent(CORROBORATED, "raid", true=True)]


def test_a_wrong_merge_makes_an_untrue_corroboration_and_hides_an_event(monkeypatch: pytest.MonkeyPatch) -> None:
    items = [TWO_EVENTS[0], TWO_EVENTS[2]]
    follow(monkeypatch, {1: None, 3: 1})
    played = play_day(items)
    assert played.sent == [Sent(NEW, "raid", true=True), Sent(CORROBORATED, "trial", true=False)]
    assert score_alerts(items, played.sent) == AlertScore(due=2, sent=2, missed=1, superfluous=1)


def test_a_merger_repeats_no_alert_and_counts_the_sources_of_both() -> None:
    items = [make_labelled(number, "raid", owner=f"owner{number}") for number in range(1, len(ONE_EVENT_IN_PARTS) + 1)]
    items = [
        replace(told, member=replace(told.member, item=replace(told.member.item, title=title, summary=summary)))
        for told, (title, summary) in zip(items, ONE_EVENT_IN_PARTS, strict=True)
    ]
    items[-1] = replace(items[-1], member=replace(items[-1].member, owner="owner1"))
    played = play_day(items)
    assert played.stories == [1, 1, *[3] * 9, 1]
    assert [alert.kind for alert in played.sent] == [NEW, NEW, NEW, CORROBORATED, CORROBORATED]


def test_sources_are_counted_in_the_story_that_holds_most_of_an_event() -> None:
    assert day.score_sources(TWO_EVENTS[:3], [1, 1, 2]) == day.SourceScore(right=1.0, error=0.0)
    assert day.score_sources(TWO_EVENTS[:3], [1, 2, 2]) == day.SourceScore(right=0.0, error=1.0)


def test_the_command_prints_a_line_for_a_language(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["day.py", "--alone", "ar"])
    monkeypatch.setattr(day, "load_encoder", lambda: None)
    day.main()
    *_, row = capsys.readouterr().out.splitlines()
    ar = [line for line in LINES if line["lang"] == "ar"]
    assert row.split()[:3] == ["ar", str(len(ar)), str(len({line["event"] for line in ar}))]
    figures = [float(figure) for figure in row.split()[3:]]
    assert len(figures) == 13
    assert all(0 < figure <= 1 for figure in figures[1:5])
