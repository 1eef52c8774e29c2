"""Independent sources: one owner, one agency or one text is one source; own words make another."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from monitor.cluster import independent_sources
from monitor.cluster.sources import credited_agency
from monitor.model import Item, Member

NOW = datetime(2017, 4, 1, 9, 0, tzinfo=UTC)
TEXT = (
    "Security forces have held more than one hundred men for weeks in a disused building near the town, two people who "
    "fled told reporters, and at least three of them did not survive the beatings."
)
OWN_WORDS = (
    "Our correspondent met a survivor who spent eleven days in a cellar. He says that guards demanded the names of "
    "friends, and that he knows of three dead."
)


def make(number: int, title: str, summary: str = "", *, owner: str = "", author: str = "") -> Member:
    """A member of a story, by an outlet of its own unless an owner is given."""
    item = Item(f"k{number}", "", title, summary, "en", None, NOW, author)
    return Member(number, item, f"feed{number}", owner or f"outlet{number}.example")


@pytest.mark.parametrize(
    ("one", "other", "why"),
    [
        pytest.param(make(1, "A", TEXT), make(2, "B", TEXT), "the same text", id="a changed headline"),
        pytest.param(make(1, "A", TEXT), make(2, "A | Kurier", TEXT[:120]), "the same text", id="a tail cut"),
        pytest.param(
            make(1, "A", TEXT), make(2, "A", f"Kurier reports: {TEXT}"), "the same text", id="the outlet's name added"
        ),
        pytest.param(
            make(1, "A", TEXT),
            make(2, "A", TEXT.replace("more than one hundred", "over 100").replace("disused", "derelict")),
            "the same text",
            id="words edited",
        ),
        pytest.param(
            make(1, "A", TEXT),
            make(2, "A", f"{TEXT} Read more: Frost nips orchards"),
            "the same text",
            id="a read-more tail",
        ),
        pytest.param(
            make(1, "车臣当局在阿尔贡秘密监狱关押一百多名男子"),
            make(2, "车臣当局在阿尔贡秘密监狱关押一百多名男子 - 快报"),
            "the same text",
            id="a Chinese headline",
        ),
        pytest.param(make(1, "Short"), make(2, "Short"), "the same text", id="the same short title"),
        pytest.param(
            make(1, "A", f"MOSCOW (Reuters) - {TEXT}"),
            make(2, "B", OWN_WORDS, author="By Reuters staff"),
            "both credit Reuters",
            id="a dateline and an author",
        ),
        pytest.param(
            make(1, "A", f"ГРОЗНЫЙ, апреля (Интерфакс) — {TEXT}"),
            make(2, "B", f"{OWN_WORDS} (Interfax)"),
            "both credit Interfax",
            id="one agency in two scripts",
        ),
        pytest.param(
            make(1, "A", f"MOSCOW (Northwire) - {TEXT}", owner="northwire.example"),
            make(2, "B", f"Moscow, Russia (NORTHWIRE) – {OWN_WORDS}"),
            "both credit Northwire",
            id="an outlet of the story",
        ),
        pytest.param(
            make(1, "A", TEXT, owner="one.example"),
            make(2, "B", OWN_WORDS, owner="one.example"),
            "one owner",
            id="one owner",
        ),
    ],
)
def test_two_members_with_one_origin_are_one_source(one: Member, other: Member, why: str) -> None:
    (source,) = independent_sources((one, other))
    assert source.members == (1, 2)
    assert source.why == why


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(
            make(1, "Men held", TEXT), make(2, "Men held", OWN_WORDS), id="their own words under one headline"
        ),
        pytest.param(make(1, "Men held in Argun"), make(2, "Argun: men held"), id="short titles that differ"),
        pytest.param(make(1, ""), make(2, "Men held"), id="no text at all"),
        pytest.param(
            make(
                1,
                "A",
                f"{TEXT[:60]} “There are no such people among us, and nobody was held”, the spokesman said on Sunday.",
            ),
            make(
                2,
                "B",
                f"{OWN_WORDS} The spokesman denied it: “There are no such people among us, and nobody was held.”",
            ),
            id="one statement quoted",
        ),
        pytest.param(
            make(1, "A", f"{TEXT} (AFP)"), make(2, "B", f"{OWN_WORDS} (Reuters)"), id="two agencies, two texts"
        ),
        pytest.param(
            make(1, "A", f"GROZNY (Chechnya) – {TEXT}"),
            make(2, "B", f"ARGUN (Chechnya) - {OWN_WORDS}"),
            id="a region in the dateline",
        ),
        pytest.param(
            make(1, "A", f"Аргун (Чечня) — {TEXT}"),
            make(2, "B", f"Грозный (Чечня) — {OWN_WORDS}"),
            id="a region in a Russian dateline",
        ),
        pytest.param(
            make(1, "A", "He told Reuters that three had died there, and named no one."),
            make(2, "B", "Reuters was denied entry to the republic last week, its editors said on Monday."),
            id="an agency mentioned, not credited",
        ),
    ],
)
def test_two_members_that_tell_it_themselves_are_two_sources(one: Member, other: Member) -> None:
    first, second = independent_sources((one, other))
    assert (first.members, second.members) == ((1,), (2,))
    assert first.why == second.why == ""


def test_a_group_grows_over_different_bonds_and_says_them_all() -> None:
    sources = independent_sources(
        (
            make(1, "A", TEXT, owner="one.example"),
            make(2, "C", OWN_WORDS),
            make(3, "B", TEXT),
            make(4, "D", "Something else altogether was published here.", owner="one.example"),
        )
    )
    assert [source.members for source in sources] == [(1, 3, 4), (2,)]
    assert sources[0].owners == ("one.example", "outlet3.example")
    assert sources[0].why == "one owner, the same text"


def test_no_members_are_no_sources() -> None:
    assert independent_sources(()) == ()


@pytest.mark.parametrize(
    ("item", "agency"),
    [
        pytest.param(make(1, "t", "MOSCOW, April 3 (Reuters) - Men were held.").item, "Reuters", id="dateline"),
        pytest.param(make(1, "t", "Berlin (dpa) - Männer wurden verschleppt.").item, "dpa", id="German dateline"),
        pytest.param(
            make(1, "t", "MOSCOW (Northwire) - Men were held.").item, "Northwire", id="an outlet in the dateline"
        ),
        pytest.param(make(1, "t", "MOSKAU (dpa/AFP) - Männer wurden verschleppt.").item, "dpa", id="two in a dateline"),
        pytest.param(make(1, "t", "GROZNY (Chechnya) – Men were held.").item, "", id="a region in the dateline"),
        pytest.param(
            make(1, "t", "GROZNY (Chechnya) – Men were held. (AFP)").item,
            "AFP",
            id="a region, and an agency at the tail",
        ),
        pytest.param(make(1, "t", "МОСКВА, 3 апреля. /ТАСС/. Сообщения проверят.").item, "TASS", id="between strokes"),
        pytest.param(make(1, "t", "Des hommes ont été arrêtés. (AFP)").item, "AFP", id="tail"),
        pytest.param(make(1, "t", "Des hommes ont été arrêtés. (afp/ats)").item, "AFP", id="two agencies at the tail"),
        pytest.param(make(1, "t", "Hombres detenidos. Fuente: EFE").item, "EFE", id="named as the source"),
        pytest.param(make(1, "t", "Men held.", author="AP").item, "AP", id="author"),
        pytest.param(make(1, "t", "Men held.", author="Ann Apple").item, "", id="an author's name is no agency"),
        pytest.param(make(1, "t", "Human Rights Watch (HRW) said that men were held.").item, "", id="an abbreviation"),
        pytest.param(make(1, "t", "").item, "", id="nothing"),
    ],
)
def test_an_agency_is_credited_in_dateline_tail_or_author(item: Item, agency: str) -> None:
    assert credited_agency(item, {"northwire"}) == agency


@pytest.mark.parametrize(
    "members",
    [
        pytest.param([make(number, "Weather") for number in range(5000)], id="5,000 times the same"),
        pytest.param(
            [make(number, "A", f"{TEXT} Edition {number}.") for number in range(2000)], id="2,000 small edits"
        ),
        pytest.param([make(1, "x" * 100_000, "(a " * 50_000), make(2, "y", "a, " * 30_000)], id="100 kB texts"),
    ],
)
def test_many_or_large_members_are_grouped_in_a_moment(members: list[Member]) -> None:
    """A bound on the work, generous enough for a busy machine: without it these take minutes."""
    start = time.process_time()
    sources = independent_sources(members)
    assert time.process_time() - start < 20
    assert sum(len(source.members) for source in sources) == len(members)
    assert len(sources) <= 2
