"""What a channel is told: the right words, in the right order, and nothing that can do more than be read."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from importlib import resources
from io import BytesIO
from pathlib import Path
from string import Formatter
from zipfile import ZipFile
from zoneinfo import ZoneInfo

import pytest
from apprise import NotifyFormat
from apprise.conversion import convert_between
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from monitor.model import (
    Bundle,
    Channel,
    Delivery,
    Detail,
    Event,
    Format,
    Item,
    Medium,
    Member,
    Message,
    Notice,
    NoticeKind,
    Revision,
    Source,
    Story,
    Version,
)
from monitor.render import render_alert, render_notice, render_summary, render_test
from monitor.render.layout import TITLE_LENGTH
from monitor.render.words import LANGUAGES
from tests.hostile import ACTIVE, HOSTILE
from tests.makers import NOW, make_item

ROOT = Path(__file__).parents[1]
PARIS = ZoneInfo("Europe/Paris")
INVISIBLE = re.compile("[\u200b\u2068\u2069]")


def report(
    number: int,
    outlet: str,
    title: str = "Men abducted in Argun",
    *,
    lang: str = "en",
    url: str = "",
    age: timedelta = timedelta(0),
) -> Member:
    item = replace(make_item(title, age=age), lang=lang, url=url or f"https://outlet{number}.example/story")
    return Member(id=number, item=item, feed=outlet, owner=outlet.lower())


def tell(*members: Member, sources: tuple[tuple[int, ...], ...] = ()) -> Story:
    """A story of these reports; each is an independent source unless `sources` says which belong together."""
    groups = sources or tuple((member.id,) for member in members)
    return Story(7, "chechnya", members, tuple(Source(owners=(), members=group) for group in groups))


def message(story: Story, *events: Event, detail: Detail = Detail.FULL, why: str = "gay", room: int = 1_900) -> Message:
    chosen = events or (Event.NEW,)
    delivery = Delivery(
        id=1,
        alert=1,
        story=story,
        topic=story.topic,
        events=chosen,
        reason=dict.fromkeys((event.value for event in chosen), why),
        channel="desk",
        ordinal=0,
        target="",
        attempts=0,
        created=NOW,
        first_attempt=NOW,
        words=(why,) if why else (),
    )
    return render_alert(delivery, Channel("desk", (), detail=detail), timezone=PARIS, medium=Medium(body_limit=room))


def see(text: str) -> str:
    """The text as a reader sees it."""
    return INVISIBLE.sub("", text).replace("∼", "~").replace("‹", "<")


FIVE_OUTLETS = tell(
    report(1, "Agency", "Dozens of men abducted in Argun, newspaper says"),
    report(2, "Kurier", "Dozens of men abducted in Argun"),
    report(3, "Новости", "В Аргуне задерживают мужчин", lang="ru", age=timedelta(hours=11, minutes=5)),
    report(4, "Tribune", "Dozens abducted in Argun"),
    report(5, "Gazette", "Argun: dozens of men abducted"),
    sources=((1, 2, 4, 5), (3,)),
)

FULL = """\
New story. Confirmed by a second independent source. 5 outlets, 2 independent: Agency +3 and Новости. In English and Russian.

• Agency · English · Sat 1 Apr, 11:00
“Dozens of men abducted in Argun, newspaper says”
https://outlet1.example/story

• Новости · Russian · Fri 31 Mar, 23:55
“В Аргуне задерживают мужчин”
https://outlet3.example/story

• Kurier · English · Sat 1 Apr, 11:00
“Dozens of men abducted in Argun”
https://outlet2.example/story

• Tribune · English · Sat 1 Apr, 11:00
“Dozens abducted in Argun”
https://outlet4.example/story

• Gazette · English · Sat 1 Apr, 11:00
“Argun: dozens of men abducted”
https://outlet5.example/story

Topic: chechnya, for it says “gay”"""

TITLES = """\
New story. Confirmed by a second independent source. 5 outlets, 2 independent: Agency +3 and Новости. In English and Russian.

• Agency: “Dozens of men abducted in Argun, newspaper says”
• Новости: “В Аргуне задерживают мужчин”
• Kurier: “Dozens of men abducted in Argun”
• Tribune: “Dozens abducted in Argun”
• Gazette: “Argun: dozens of men abducted”"""

BOTH = (Event.NEW, Event.CORROBORATED)
DETAILS = {
    Detail.FULL: Message(
        "New, confirmed: Dozens of men abducted in Argun, newspaper says", FULL, thread="7.20170401090000"
    ),
    Detail.TITLE: Message(
        "New, confirmed: Dozens of men abducted in Argun, newspaper says", TITLES, thread="7.20170401090000"
    ),
    Detail.DISCREET: Message("2 updates", "2 updates"),
}


@pytest.mark.parametrize("detail", Detail)
def test_a_message_says_as_much_as_its_channel_allows(detail: Detail) -> None:
    assert message(FIVE_OUTLETS, *BOTH, detail=detail) == DETAILS[detail]


def test_a_discreet_message_of_one_event_is_one_update() -> None:
    assert message(FIVE_OUTLETS, detail=Detail.DISCREET) == Message("1 update", "1 update")


def first_line(story: Story, *events: Event) -> str:
    return message(story, *events).body.partition("\n")[0]


ONE = report(1, "Agency")
OTHER = report(2, "Kurier", lang="ru")
FIRST_LINES = {
    "one report": (tell(ONE), [Event.NEW], "New story. 1 source: Agency. In English."),
    "copies": (
        tell(ONE, OTHER, sources=((1, 2),)),
        [Event.NEW],
        "New story. 2 outlets, 1 independent: Agency +1. In English and Russian.",
    ),
    "two sources": (
        tell(ONE, OTHER),
        [Event.CORROBORATED],
        "Confirmed by a second independent source. 2 independent sources: Agency and Kurier. In English and Russian.",
    ),
    "several sources at once": (
        tell(ONE, OTHER, report(3, "Tribune", lang="fr")),
        [Event.CORROBORATED],
        (
            "Confirmed by other independent sources. 3 independent sources: Agency, Kurier, and Tribune. "
            "In English, Russian, and French."
        ),
    ),
    "one outlet twice": (
        tell(ONE, report(2, "Agency"), sources=((1, 2),)),
        [Event.NEW],
        "New story. 1 source: Agency. In English.",
    ),
    "many languages": (
        tell(*(report(number, f"O{number}", lang=lang) for number, lang in enumerate(["en", "ru", "fr", "de", "es"]))),
        [Event.GROWTH],
        "It is spreading. 5 independent sources: O0, O1, O2, and 2 others. In English, Russian, and 3 other languages.",
    ),
    "no language": (tell(report(1, "Agency", lang="")), [Event.REVISED], "A report was changed. 1 source: Agency."),
    "a regional language": (
        tell(report(1, "Agency", lang="pt-BR")),
        [Event.NEW],
        "New story. 1 source: Agency. In Portuguese.",
    ),
    "a language without a name": (
        tell(report(1, "Agency", lang="x1")),
        [Event.NEW],
        "New story. 1 source: Agency. In x1.",
    ),
}


@pytest.mark.parametrize(("story", "events", "line"), FIRST_LINES.values(), ids=FIRST_LINES)
def test_the_first_line_says_what_happened_who_says_so_and_in_which_languages(
    story: Story, events: list[Event], line: str
) -> None:
    assert first_line(story, *events) == line


LONG_TITLES = {
    "words": ("Word " * 30, "New: " + "Word " * 14 + "Word…"),
    "no spaces": ("字" * 100, "New: " + "字" * 74 + "…"),
    "an endless first word": ("x" * 100 + " y", "New: " + "x" * 74 + "…"),
    "a late space": ("x" * 20 + " " + "y" * 100, "New: " + "x" * 20 + " " + "y" * 53 + "…"),
    "punctuation at the cut": ("a" * 70 + " – and more of it", "New: " + "a" * 70 + "…"),
    "exactly long enough": ("y" * 75, "New: " + "y" * 75),
    "a family of emoji at the cut": ("z" * 72 + "👩‍👩‍👧‍👧" + "z" * 9, "New: " + "z" * 72 + "…"),
    "a mark at the cut": ("z" * 73 + "e\u0301" + "z" * 9, "New: " + "z" * 73 + "…"),
    "nothing but marks": ("\u0301" * 100, "New: \u0301…"),
    "right to left": ("خبر " * 30, "New: \u2068" + "خبر " * 17 + "خبر…\u2069"),
    "right to left without spaces": ("خ" * 100, "New: \u2068" + "خ" * 72 + "…\u2069"),
    "a flag at the cut": ("z" * 73 + "🇫🇷" + "z" * 9, "New: " + "z" * 73 + "…"),
    "a flag before the cut": ("z" * 72 + "🇫🇷" + "z" * 9, "New: " + "z" * 72 + "🇫🇷…"),
    "a coloured emoji at the cut": ("z" * 73 + "👩🏽" + "z" * 9, "New: " + "z" * 73 + "…"),
    "no title": ("", "New: (no title)"),
    "nothing to see": ("\u200b\u202e\x00", "New: (no title)"),
    "a hundred kilobytes": ("lorem ipsum " * 9000, "New: " + "lorem ipsum " * 6 + "…"),
}


@pytest.mark.parametrize(("title", "shown"), LONG_TITLES.values(), ids=LONG_TITLES)
def test_a_title_is_at_most_80_characters_cut_between_words(title: str, shown: str) -> None:
    made = message(tell(report(1, "Agency", title))).title
    assert len(made) <= TITLE_LENGTH
    assert made == shown.replace("ipsum …", "ipsum…")


def test_the_name_of_a_story_is_its_first_reports_whatever_is_told_of_it() -> None:
    story = tell(report(1, "Agency", "The first title"), report(2, "Kurier", "Another title"))
    assert message(story, Event.CORROBORATED).title == "Confirmed: The first title"


def test_a_message_ends_with_its_topic_and_the_words_that_matched() -> None:
    assert message(tell(ONE), why="").body.endswith("\n\nTopic: chechnya")
    assert message(tell(ONE)).body.endswith("\n\nTopic: chechnya, for it says “gay”")


def test_a_long_story_is_cut_between_reports_and_says_how_many_are_left() -> None:
    members = [
        report(number, "Outlet", "A long title " * 20, url=f"https://o.example/{number}/{'x' * 480}")
        for number in range(9)
    ]
    body = message(tell(*members)).body
    assert len(body) <= 1_900
    links = re.findall("https://\\S+", body)
    assert links == [member.item.url for member in members[: len(links)]]
    assert f"\n\n+{9 - len(links)} more\n\nTopic: " in body
    assert len(links) == 2


LINKS = {
    "plain": ("https://a.example/b?c=d#e", "https://a.example/b?c=d#e"),
    "other scripts": ("https://a.example/новости/１", "https://a.example/новости/１"),
    "a mention in the path": ("https://a.example/@everyone", "https://a.example/%40everyone"),
    "markup": ("https://a.example/<!channel>|`*", "https://a.example/%3C!channel%3E%7C%60%2A"),
    "an invisible space": ("https://a.example/\u200bb", "https://a.example/%E2%80%8Bb"),
    "a script": ("javascript:alert(1)", ""),
    "a file": ("file:///etc/passwd", ""),
    "a name before the host": ("https://bank.example@evil.example/", ""),
    "a line break": ("https://a.example/\nhttps://evil.example/", ""),
    "empty": ("", ""),
    "endless": ("https://a.example/" + "x" * 500, ""),
}


@pytest.mark.parametrize(("url", "shown"), LINKS.values(), ids=LINKS)
def test_only_a_plain_web_link_is_given_and_on_a_line_of_its_own(url: str, shown: str) -> None:
    made = message(tell(replace(ONE, item=replace(ONE.item, url=url))), why="").body
    assert made.split("\n\n")[1].split("\n")[2:] == ([shown] if shown else [])


READABLE = [
    "Gay men “abducted”, Novaya Gazeta says: 100+ held — at 14:05, in 3.5 hours",
    "Q&A: what we know #Chechnya 50% (updated) / live; what's next?",
    "Чечня: «их нет», — заявил чиновник…",
    "車臣：男同性戀者遭綁架。當局否認",
    "می‌گویند که آنها ربوده شده‌اند",
    "Люди 🏳️‍🌈 выходят 👩🏽‍🦰",
    "Gazeta.ru: u.s. says e-mail a@b.example is fake",
    "1 < 2 and 3 > 2",
    "snake_case and ~500 held | Kurier",
]


@pytest.mark.parametrize("title", READABLE)
def test_an_honest_title_reads_as_it_was_written(title: str) -> None:
    assert see(message(tell(report(1, "Agency", title))).title) == f"New: {title}"


@pytest.mark.parametrize("detail", [Detail.FULL, Detail.TITLE])
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_what_others_wrote_can_do_nothing_but_be_read(text: str, detail: Detail) -> None:
    """As a title, an outlet's name, a language or a reason: the same lines as ever, and nothing active on them."""
    made = message(tell(report(1, text, text, lang=text)), detail=detail, why=text)
    benign = message(tell(report(1, "Agency", "A title")), detail=detail, why="why")
    assert made.body.count("\n") == benign.body.count("\n")
    own = ["https://outlet1.example/story"]
    lines = [made.title, *(line for line in made.body.split("\n") if line not in own)]
    for line in lines:
        assert not ACTIVE.search(line)
        assert not re.match(r"\s*([#>=+-]|\d+[.)])", line)
        assert line.count("\u2068") == line.count("\u2069")
    (made.title + made.body).encode()


def test_a_right_to_left_title_keeps_its_line_in_order() -> None:
    made = message(tell(report(1, "الجزيرة", "اختطاف رجال", lang="ar")))
    assert made.title == "New: \u2068اختطاف رجال\u2069"
    assert "• \u2068الجزيرة\u2069 · Arabic · Sat 1 Apr, 11:00\n“\u2068اختطاف رجال\u2069”\n" in made.body


@pytest.mark.parametrize(("detail", "names"), [(Detail.FULL, True), (Detail.TITLE, True), (Detail.DISCREET, False)])
def test_a_test_message_says_no_more_than_its_channel_allows(detail: Detail, *, names: bool) -> None:
    made = render_test(Channel("night desk", (), detail=detail), medium=Medium())
    assert made.title
    assert made.body
    assert ("night desk" in made.title) is names
    assert names or made == Message("Test", "Test")


def test_an_items_own_time_is_shown_and_never_one_in_the_future() -> None:
    item: Item = replace(ONE.item, published=NOW + timedelta(days=400))
    assert "Sat 1 Apr, 11:00" in message(tell(replace(ONE, item=item))).body


# --- formats, languages, follow-ups, summaries, notices --------------------------------------------------------------


def deliver(
    story: Story, *events: Event, previous: int | None = None, revisions: tuple[Revision, ...] = ()
) -> Delivery:
    """A delivery; `previous` is how many minutes after NOW the last message was sent."""
    chosen = events or (Event.NEW,)
    since = None if previous is None else NOW + timedelta(minutes=previous)
    return Delivery(
        1, 1, story, story.topic, chosen, {}, "desk", 0, "", 0, NOW, NOW, previous=since, revisions=revisions
    )


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_in_html_there_is_no_tag_but_ours_and_no_entity_is_decoded_twice(text: str) -> None:
    medium = Medium(format=Format.HTML, title_limit=0)
    made = render_alert(
        deliver(tell(report(1, text, text, lang=text))), Channel("desk", ()), timezone=PARIS, medium=medium
    )
    url = "https://outlet1.example/story"
    bare = made.body.replace("<br>", "").replace(f'<a href="{url}">{url}</a>', "")
    assert not re.search(r"[<>]", bare)
    assert not re.search(r"&(?!amp;|lt;|gt;)", bare)


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_in_markdown_there_is_no_markup_but_our_links(text: str) -> None:
    """Shown as Apprise's own converter reads it."""
    medium = Medium(format=Format.MARKDOWN, title_limit=0)
    made = render_alert(
        deliver(tell(report(1, text, text, lang=text))), Channel("desk", ()), timezone=PARIS, medium=medium
    )
    shown = convert_between(NotifyFormat.MARKDOWN, NotifyFormat.HTML, made.body)  # type: ignore[no-untyped-call]  # Apprise's
    url = "https://outlet1.example/story"
    assert shown.count(f'<a href="{url}">{url}</a>') == 1
    bare = shown.replace(f'<a href="{url}">{url}</a>', "")
    assert set(re.findall("<[^>]*>", bare)) == {"<p>", "</p>", "<br />"}


LINKED = {
    Format.TEXT: "\nhttps://a.example/?b=c&d=e\n",
    Format.MARKDOWN: "\n<https://a.example/?b=c&d=e>\n",
    Format.HTML: '<br><a href="https://a.example/?b=c&amp;d=e">https://a.example/?b=c&amp;d=e</a><br>',
}


@pytest.mark.parametrize("form", Format)
def test_a_link_is_shown_in_full_and_can_be_touched(form: Format) -> None:
    story = tell(report(1, "Agency", url="https://a.example/?b=c&d=e"))
    made = render_alert(deliver(story), Channel("desk", ()), timezone=PARIS, medium=Medium(format=form))
    assert LINKED[form] in made.body
    assert made.format is form


def test_where_a_service_has_no_title_it_is_the_first_line() -> None:
    made = render_alert(deliver(tell(ONE)), Channel("desk", ()), timezone=PARIS, medium=Medium(title_limit=0))
    assert made.title == ""
    assert made.body.startswith("New: Men abducted in Argun\nNew story. ")


@pytest.mark.parametrize("form", Format)
@pytest.mark.parametrize("limit", [40, 160, 380, 1000])
def test_a_message_never_exceeds_what_its_service_takes(limit: int, form: Format) -> None:
    story = tell(*(report(number, f"Outlet & {number}", "A & B " * 30) for number in range(9)))
    medium = Medium(format=form, title_limit=0, body_limit=limit)
    made = render_alert(deliver(story), Channel("desk", ()), timezone=PARIS, medium=medium)
    assert 0 < len(made.body) <= limit


def test_where_titles_make_threads_every_message_of_a_story_has_the_same() -> None:
    medium, channel = Medium(threads=True), Channel("desk", ())
    first = render_alert(deliver(tell(ONE)), channel, timezone=PARIS, medium=medium)
    later = render_alert(
        deliver(tell(ONE, OTHER), Event.CORROBORATED, previous=0), channel, timezone=PARIS, medium=medium
    )
    assert (first.title, first.reply) == ("Men abducted in Argun", False)
    assert (later.title, later.reply, later.thread) == (first.title, True, first.thread)


FOLLOW_UP = """\
Confirmed by a second independent source. A report was changed. 2 independent sources: Agency and Новости. In English and Russian.
Since Sat 1 Apr, 12:00: 1 new report. For the first time in Russian.

• Changed by Agency, Sat 1 Apr, 13:00
was: “Men abducted in Argun”
now: “No men abducted in Argun”
was: “They were.”
now: “They were not.”
https://outlet1.example/story

• Новости · Russian · Sat 1 Apr, 12:30
“В Аргуне задерживают мужчин”
https://outlet2.example/story

Topic: chechnya"""


def test_a_follow_up_says_what_is_new_since_the_last_message() -> None:
    late = report(2, "Новости", "В Аргуне задерживают мужчин", lang="ru")
    late = replace(
        late, item=replace(late.item, seen=NOW + timedelta(minutes=90), published=NOW + timedelta(minutes=90))
    )
    revision = Revision(
        1,
        Version("Men abducted in Argun", "They were.", NOW),
        Version("No men abducted in Argun", "They were not.", NOW + timedelta(hours=2)),
    )
    told = deliver(tell(ONE, late), Event.CORROBORATED, Event.REVISED, previous=60, revisions=(revision,))
    assert render_alert(told, Channel("desk", ()), timezone=PARIS, medium=Medium()).body == FOLLOW_UP


def test_of_a_revision_only_what_was_changed_is_shown() -> None:
    old = Version("Men abducted in Argun", "They were.", NOW)
    told = deliver(
        tell(ONE), Event.REVISED, previous=60, revisions=(Revision(1, old, replace(old, summary="Not so.")),)
    )
    body = render_alert(told, Channel("desk", ()), timezone=PARIS, medium=Medium()).body
    assert "\nwas: “They were.”\nnow: “Not so.”\nhttps://" in body
    assert body.count("was: ") == 1


def test_a_withdrawn_report_is_named() -> None:
    told = replace(deliver(tell(ONE), Event.WITHDRAWN, previous=60), withdrawn=(1, 99))
    for detail in (Detail.FULL, Detail.TITLE):
        made = render_alert(told, Channel("desk", (), detail=detail), timezone=PARIS, medium=Medium())
        assert "• Withdrawn by Agency\n“Men abducted in Argun”" in made.body
        assert ("https://" in made.body) is (detail is Detail.FULL)


def test_in_arabic_every_line_runs_from_right_to_left_and_foreign_words_are_isolated() -> None:
    for form in (Format.TEXT, Format.HTML):
        made = render_alert(
            deliver(tell(ONE)), Channel("desk", (), lang="ar"), timezone=PARIS, medium=Medium(format=form)
        )
        lines = re.split("\n|<br>", made.body.removeprefix('<div dir="rtl">'))
        assert all(line.startswith("\u200f") for line in lines if line.strip("\u200b") and "https://" not in line)
        assert "\u2068Agency\u2069 · الإنجليزية" in made.body
        assert made.body.startswith("<div") is (form is Format.HTML)


COUNTS = {
    ("en", 1): "1 update",
    ("fr", 2): "2 nouvelles",
    ("es", 1): "1 novedad",
    ("ru", 1): "1 обновление",
    ("ru", 3): "3 обновления",
    ("ru", 5): "5 обновлений",
    ("ru", 21): "21 обновление",
    ("ar", 1): "تحديث واحد (1)",
    ("ar", 3): "3 تحديثات",
    ("ar", 11): "11 تحديثًا",
    ("ar", 100): "100 تحديث",
    ("pt", 2): "2 updates",
    ("fr-CA", 2): "2 nouvelles",
}


@pytest.mark.parametrize(("lang", "count"), COUNTS)
def test_a_discreet_channel_hears_a_number_in_its_language_and_nothing_else(lang: str, count: int) -> None:
    many = [replace(deliver(tell(ONE)), id=number) for number in range(count)]
    channel = Channel("desk", (), lang=lang, detail=Detail.DISCREET)
    made = render_summary(many, channel, Bundle.DIGEST, timezone=PARIS, medium=Medium())
    assert made.title == COUNTS[lang, count]
    assert made.body.replace("\u200f", "") == made.title
    assert not made.thread


SUMMARY = """\
What happened since Sat 1 Apr, 11:00:

• New, confirmed: “Two sources tell it”
2 independent sources · English and Russian
https://outlet2.example/story

• New: “Men abducted in Argun”
1 source · English
https://outlet1.example/story"""


def test_a_summary_names_each_story_once_the_best_confirmed_first() -> None:
    big = replace(tell(report(2, "Kurier", "Two sources tell it"), report(3, "Новости", lang="ru")), id=8)
    told = [deliver(tell(ONE)), deliver(big), deliver(big, Event.CORROBORATED)]
    made = render_summary(told, Channel("desk", ()), Bundle.QUIET, timezone=PARIS, medium=Medium())
    assert made == Message("During the quiet hours: 2 stories", SUMMARY)


@pytest.mark.parametrize("bundle", Bundle)
@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_summary_is_told_in_every_language(bundle: Bundle, lang: str) -> None:
    channel = Channel("desk", (), lang=lang, detail=Detail.TITLE)
    made = render_summary([deliver(tell(ONE))], channel, bundle, timezone=PARIS, medium=Medium())
    assert "Men abducted in Argun" in made.body
    assert "https://" not in made.body
    assert len(made.title) <= TITLE_LENGTH


FACTS: dict[NoticeKind, dict[str, object]] = {
    NoticeKind.HEARTBEAT: {
        "since": "2017-03-31T09:00:00+00:00",
        "stories": 0,
        "topics": 3,
        "feeds": 215,
        "healthy": 212,
        "silent": ["Kurier", *(f"F{number}" for number in range(9))],
        "failing": ["Agency"],
        "rolling": [],
    },
    NoticeKind.DEAD: {
        "channel": "desk",
        "url": 2,
        "deliveries": 3,
        "error": "ntfy answered 403",
        "since": "2017-03-31T09:00:00+00:00",
    },
    NoticeKind.CONFIG: {"path": "feeds.toml", "problems": ["feeds.toml:3: unknown key", "feeds.toml:9: no"]},
    NoticeKind.STORE: {"error": "no space left", "since": "2017-03-31T09:00:00+00:00"},
    NoticeKind.TEMPLATE: {"channel": "desk", "path": "desk.j2", "error": "line 3"},
}
NOTICES = {
    NoticeKind.HEARTBEAT: (
        "All quiet · 212 of 215 feeds healthy",
        (
            "0 stories on 3 topics since Fri 31 Mar, 11:00.\n212 of 215 feeds healthy.\n\n"
            "Silent: Kurier, F0, F1, F2, F3, F4, F5, F6, and 2 others\nFailing: Agency"
        ),
    ),
    NoticeKind.DEAD: (
        "Channel desk takes no messages",
        (
            "3 messages to URL 2 of this channel were given up; the first is of Fri 31 Mar, 11:00.\n"
            "The last answer: ntfy answered 403\n\n"
            "Mend it and try with “monitor test”; then send what waits with “monitor alerts retry”."
        ),
    ),
    NoticeKind.CONFIG: (
        "2 problems in feeds.toml",
        (
            "The file was not taken up; the last good one stays in force.\n\n"
            "• feeds.toml:3: unknown key\n• feeds.toml:9: no"
        ),
    ),
    NoticeKind.STORE: (
        "The database refuses",
        "Since Fri 31 Mar, 11:00 nothing can be kept.\nno space left",
    ),
    NoticeKind.TEMPLATE: ("The template of channel desk is broken", "desk.j2: line 3"),
}


@pytest.mark.parametrize("kind", NoticeKind)
def test_a_notice_says_what_is_wrong_and_what_to_do(kind: NoticeKind) -> None:
    made = render_notice(Notice(kind, FACTS[kind]), Channel("ops", ()), timezone=PARIS, medium=Medium())
    assert (see(made.title), see(made.body)) == NOTICES[kind]


@pytest.mark.parametrize("kind", NoticeKind)
@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_discreet_notice_is_one_notice(kind: NoticeKind, lang: str) -> None:
    channel = Channel("ops", (), lang=lang, detail=Detail.DISCREET)
    made = render_notice(Notice(kind, FACTS[kind]), channel, timezone=PARIS, medium=Medium())
    assert made.body.replace("\u200f", "") == made.title
    plain = render_notice(
        Notice(kind, FACTS[kind]), replace(channel, detail=Detail.FULL), timezone=PARIS, medium=Medium()
    )
    assert plain.title != made.title


def placeholders(text: object) -> set[str | None]:
    return {name for _, name, _, _ in Formatter().parse(str(text)) if name}


@pytest.mark.parametrize("lang", [lang for lang in LANGUAGES if lang != "en"])
def test_every_fixed_word_is_translated_with_its_placeholders(lang: str) -> None:
    source = resources.files("monitor").joinpath("locale", f"{lang}.po").read_bytes()
    catalog = read_po(BytesIO(source), locale=lang)
    keywords = {"say": None, "count": (1, 2)}
    found = extract_from_dir(str(resources.files("monitor").joinpath("render")), keywords=keywords)
    said = {text for _, _, text, _, _ in found}
    assert said == {entry.id for entry in catalog if entry.id}
    for entry in catalog:
        ids = entry.id if isinstance(entry.id, tuple) else (entry.id,)
        forms = entry.string if isinstance(entry.string, tuple) else (entry.string,)
        for form in forms if entry.id else ():
            assert form
            assert not entry.fuzzy
            assert placeholders(form) == placeholders(str(ids[-1]))


def test_the_package_brings_every_catalog(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)], cwd=ROOT, check=True
    )
    (wheel,) = tmp_path.glob("*.whl")
    with ZipFile(wheel) as packed:
        assert {f"monitor/locale/{lang}.po" for lang in LANGUAGES if lang != "en"} <= set(packed.namelist())


def test_silence_of_feeds_that_were_not_read_is_no_quiet() -> None:
    facts = FACTS[NoticeKind.HEARTBEAT] | {"feeds": 4, "healthy": 2}
    notice = Notice(NoticeKind.HEARTBEAT, facts)
    made = render_notice(notice, Channel("ops", ()), timezone=PARIS, medium=Medium())
    assert made.title == "0 stories · 2 of 4 feeds healthy"
