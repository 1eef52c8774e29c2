"""A channel's own template says what it wants, no more than the channel's detail allows, and never stops a message."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from monitor.config import load_config
from monitor.errors import ConfigError
from monitor.model import (
    Channel,
    Delivery,
    Detail,
    Event,
    Format,
    Medium,
    Member,
    Message,
    Revision,
    Source,
    Story,
    Template,
    Version,
)
from monitor.render import render_alert
from tests.hostile import ACTIVE, HOSTILE
from tests.makers import NOW, make_item

UTC = ZoneInfo("UTC")
EVERYTHING = """\
{{ title }}: {{ events|join("+") }}, {{ sources }} of {{ outlets }}, {{ languages|join("/") }}, since {{ since }}
{% for report in reports %}
{{ report.outlet }} ({{ report.language }}, {{ report.time }}): {{ report.title }} – {{ report.summary }} {{ report.link }}
{% endfor %}
{% for report in revised %}
{{ report.outlet }}: {{ report.old_title }} > {{ report.new_title }}, {{ report.old_summary }} > {{ report.new_summary }}
{% endfor %}
{% for report in withdrawn %}
gone: {{ report.outlet }}
{% endfor %}
+{{ more }} {{ topic }} {{ words|join(",") }}
"""
FULL = """\
Men abducted: revised, 2 of 2, English/French, since Sat 1 Apr, 09:00
Kurier (French, Sat 1 Apr, 10:00): Men & others abducted – Relatives say so. https://kurier.example/1?a=b&c=d
Agency: Men abducted > Men released, They were. > They are free.
gone: Kurier
+0 chechnya gay"""
TITLES = """\
Men abducted: revised, 2 of 2, English/French, since Sat 1 Apr, 09:00
Kurier (French, Sat 1 Apr, 10:00): Men & others abducted –  
Agency: Men abducted > Men released,  > 
gone: Kurier
+0"""  # noqa: W291 - what is left out leaves its spaces


def member(number: int, outlet: str, title: str, *, minutes: int = 0, lang: str = "en") -> Member:
    when = NOW + timedelta(minutes=minutes)
    url = f"https://{outlet.lower()}.example/1?a=b&c=d"
    item = replace(make_item(title), url=url, lang=lang, seen=when, published=when, summary="Relatives say so.")
    return Member(number, item, outlet, outlet.lower())


def deliver(*members: Member, words: tuple[str, ...] = ("gay",)) -> Delivery:
    story = Story(7, "chechnya", members, tuple(Source((m.owner,), (m.id,)) for m in members))
    return Delivery(1, 1, story, "chechnya", (Event.NEW,), {}, "desk", 0, "", 0, NOW, NOW, words=words)


AGENCY = member(1, "Agency", "Men abducted")
KURIER = member(2, "Kurier", "Men & others abducted", minutes=60, lang="fr")
REVISED = Revision(1, Version("Men abducted", "They were.", NOW), Version("Men released", "They are free.", NOW))
FOLLOW_UP = replace(
    deliver(AGENCY, KURIER), events=(Event.REVISED,), previous=NOW, revisions=(REVISED,), withdrawn=(2,)
)


def render(source: str, delivery: Delivery = FOLLOW_UP, *, medium: Medium | None = None, **keys: object) -> Message:
    channel = replace(Channel("desk", (), template=Template("desk.j2", source)), **keys)  # type: ignore[arg-type]  # any key
    return render_alert(delivery, channel, timezone=UTC, medium=medium or Medium())


@pytest.mark.parametrize(("detail", "body"), [(Detail.FULL, FULL), (Detail.TITLE, TITLES)])
def test_a_template_is_given_all_that_its_channel_may_show(detail: Detail, body: str) -> None:
    made = render(EVERYTHING, detail=detail)
    assert (made.title, made.body, made.fault) == ("Revised: Men abducted", body, "")
    assert made.thread
    assert made.reply


def test_a_discreet_channel_says_a_number_whatever_its_template() -> None:
    assert render(EVERYTHING, detail=Detail.DISCREET) == Message("1 update", "1 update")


def test_the_template_on_the_page_works() -> None:
    page = (Path(__file__).parents[1] / "docs/how-to/choose-a-channel.md").read_text(encoding="utf-8")
    (source,) = re.findall(r"^```jinja\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    made = render(source, medium=Medium(body_limit=60))
    assert (made.fault, made.body) == ("", "2 independent sources, in English, French.\nand 1 more")


UNTITLED = {
    Format.TEXT: "Revised: Men abducted\n\nKurier & Men & others abducted",
    Format.MARKDOWN: "Revised: Men abducted\n\nKurier & Men & others abducted",
    Format.HTML: "Revised: Men abducted<br>\u200b<br>Kurier & Men &amp; others abducted",
}


@pytest.mark.parametrize("form", Format)
def test_where_a_service_has_no_title_it_stands_above_the_template_which_writes_the_format(form: Format) -> None:
    source = "{% for report in reports %}{{ report.outlet }} & {{ report.title }}{% endfor %}"
    made = render(source, medium=Medium(format=form, title_limit=0))
    assert (made.title, made.body, made.format) == ("", UNTITLED[form], form)
    arabic = render(source, medium=Medium(format=form), lang="ar")
    assert "div" not in arabic.body


def test_as_many_reports_are_shown_as_the_service_has_room_for() -> None:
    told = deliver(*(member(number, f"Outlet{number}", "A title of some length") for number in range(9)))
    source = "{% for report in reports %}{{ report.title }}\n{% endfor %}+{{ more }}"
    assert render(source, told).body.endswith("\n+4")
    assert render(source, told, medium=Medium(body_limit=60)).body == "A title of some length\n" * 2 + "+7"


@pytest.mark.parametrize("form", Format)
def test_what_others_wrote_does_nothing_in_a_template_either(form: Format) -> None:
    """Even where the template says that it is safe."""
    source = "{{ title|safe }}\n{% for r in reports %}{{ r.outlet|safe }}\n{{ r.summary|safe }}\n{% endfor %}{{ words|join|safe }}"
    for text in HOSTILE.values():
        hostile = replace(AGENCY, feed=text, item=replace(AGENCY.item, title=text, summary=text))
        made = render(source, deliver(hostile, words=(text,)), medium=Medium(format=form))
        assert not made.fault
        assert not any(ACTIVE.search(line) for line in made.body.split("\n"))


FAULTS = {
    "a misspelt name": ("{{ title }}\n{{ titles }}", "desk.j2, line 2: 'titles' is undefined"),
    "a misspelt key": ("{{ reports[0].url }}", "desk.j2, line 1: 'dict object' has no attribute 'url'"),
    "a division by nothing": ("\n\n{{ sources / 0 }}", "desk.j2, line 3: division by zero"),
    "text and a number": ("{{ title + 1 }}", "desk.j2, line 1: "),
    "a way out": ("{{ title.__class__.__mro__ }}", "desk.j2, line 1: access to attribute '__class__'"),
    "a change of what is given": ("{{ reports.append(1) }}", "desk.j2, line 1: "),
    "another file": ("{% include '/etc/passwd' %}", "desk.j2, line 1: no loader"),
    "an endless loop": ("{% for i in range(1000000000) %}x{% endfor %}", "desk.j2, line 1: 'range' is undefined"),
    "a text that fills the memory": ("\n{{ title * 1000000000 }}", "desk.j2, line 2: the operator * "),
    "a number without end": ("{{ 9 ** 9 ** 9 ** 9 }}", "desk.j2, line 1: the operator ** cannot be used here"),
    "no end of text": ("{% for a in title %}{% for b in title %}{% for c in title %}{% for d in title %}{{ title }}{% endfor %}{% endfor %}{% endfor %}{% endfor %}", "more than 100000"),
    "too long for the service": (".{{ title|center(2000) }}.", "desk.j2 writes more than the 1900 characters"),
    "nothing": ("{# a comment #}", "desk.j2 writes nothing"),
    "no template at all": ("{% for %}", "desk.j2, line 1: "),
}  # fmt: skip


@pytest.mark.parametrize(("source", "fault"), FAULTS.values(), ids=FAULTS)
def test_a_template_that_fails_is_told_and_the_programs_own_words_are_sent(source: str, fault: str) -> None:
    made = render(source)
    assert fault in made.fault
    assert made == replace(
        render_alert(FOLLOW_UP, Channel("desk", ()), timezone=UTC, medium=Medium()), fault=made.fault
    )


# --- in feeds.toml ------------------------------------------------------------------------------------------------

FILE = """
[[feed]]
url = "https://kurier.example/rss"
[[topic]]
name = "chechnya"
query = "chechnya AND gay"
[[channel]]
name = "desk"
url = "print://"
template = "{}"
"""


def load(tmp_path: Path, name: str) -> Template | None:
    path = tmp_path / "feeds.toml"
    path.write_text(FILE.format(name))
    return load_config(path, environ={"WHERE": "templates"}).channels[0].template


def test_a_template_is_read_from_beside_feeds_toml(tmp_path: Path) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "desk.j2").write_text("{{ title }} – é", encoding="utf-8-sig")
    expected = "{{ title }} – é"
    assert load(tmp_path, "templates/desk.j2") == Template("templates/desk.j2", expected)
    assert load(tmp_path, "${WHERE}/desk.j2") == Template("${WHERE}/desk.j2", expected)
    assert load(tmp_path, str(tmp_path / "templates/desk.j2")) is not None
    assert load(tmp_path, "") is None


BAD_TEMPLATES = {
    "missing": ("other.j2", b"", "template: other.j2 cannot be read: No such file or directory"),
    "a folder": (".", b"", "template: . cannot be read: Is a directory"),
    "no text": ("desk.j2", b"\xff\xfe\xff", "template: desk.j2 is not UTF-8 text"),
    "no template": ("desk.j2", b"{{ title }}\n{% endfor %}\n", "template: desk.j2, line 2: Encountered unknown tag 'endfor'."),
    "an unknown filter": ("desk.j2", b"\n\n{{ title|shout }}", "template: desk.j2, line 3: No filter named 'shout'."),
}  # fmt: skip


@pytest.mark.parametrize(("name", "content", "words"), BAD_TEMPLATES.values(), ids=BAD_TEMPLATES)
def test_a_template_that_cannot_be_used_is_a_problem_of_feeds_toml(
    tmp_path: Path, name: str, content: bytes, words: str
) -> None:
    (tmp_path / "desk.j2").write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, name)
    assert caught.value.lines() == [f"{tmp_path / 'feeds.toml'}:10: {words}"]
