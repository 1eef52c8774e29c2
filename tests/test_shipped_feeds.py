"""The shipped feeds.toml works as it stands, and its query finds the story of section 1 in six languages."""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from monitor.config import load_config
from monitor.match import compile_topic, match_topics
from monitor.model import Config, Event, Item

SHIPPED = Path(__file__).parents[1] / "feeds.toml"
# Feeds that the list of outlets lacks: rights organisations, LGBTQ press, and the BBC in Arabic.
OTHERS = {
    "https://www.hrw.org/rss/news",
    "https://news.un.org/feed/subscribe/en/news/topic/human-rights/feed/rss.xml",
    "https://www.thepinknews.com/feed/",
    "https://www.washingtonblade.com/feed/",
    "https://tetu.com/feed/",
    "https://agenciapresentes.org/feed/",
    "https://feeds.bbci.co.uk/arabic/rss.xml",
}


@pytest.fixture(scope="module")
def shipped() -> Config:
    return load_config(SHIPPED, environ={})


def test_it_reads_outlets_in_six_languages(shipped: Config) -> None:
    enabled = [feed for feed in shipped.feeds if feed.enabled]
    languages = Counter(feed.lang for feed in enabled)

    assert len(enabled) >= 25
    assert set(languages) == {"en", "ru", "fr", "de", "es", "ar"}
    assert min(languages.values()) >= 3
    assert all(feed.name and feed.tags and feed.owner for feed in enabled)


def test_outlets_of_one_publisher_have_one_owner(shipped: Config) -> None:
    owners = Counter(feed.owner for feed in shipped.feeds)

    assert owners["bbc"] == 3
    assert owners["rferl"] == 3
    assert owners["meduza.io"] == 2


def test_its_addresses_are_real(shipped: Config, data: Path) -> None:
    categories = json.loads((data / "outlets.json").read_text(encoding="utf-8")).values()
    known = {address for category in categories for address in category["feeds"]}
    addresses = {feed.url for feed in shipped.feeds}

    assert addresses - known == OTHERS
    assert len(addresses & known) >= 30


def test_a_story_that_breaks_or_is_confirmed_is_printed(shipped: Config) -> None:
    (rule,), (channel,) = shipped.rules, shipped.channels

    assert rule.topics == tuple(topic.name for topic in shipped.topics)
    assert rule.channels == (channel.name,)
    assert rule.on == {Event.NEW, Event.CORROBORATED}
    assert [url.reveal() for url in channel.urls] == ["print://"]


def test_its_examples_are_right_when_they_are_switched_on(tmp_path: Path) -> None:
    switched_on = re.sub(r"^#(?=[\w\[])", "", SHIPPED.read_text(encoding="utf-8"), flags=re.MULTILINE)
    path = tmp_path / "feeds.toml"
    path.write_text(switched_on, encoding="utf-8")
    environ = {
        "TELEGRAM_URL": "tgram://123456789:abcdefg_hijklmnop/12315544/",
        "SIGNAL_URL": "signal://localhost:8080/15550000001/15550000002",
        "TEAM_URL": "json://localhost",
        "MAIL": "mailtos://desk:secret@mail.example.org",
        "WEB_TOKEN": "x",
    }

    config = load_config(path, environ=environ)

    assert [channel.name for channel in config.channels] == ["desk", "telegram", "signal", "mail", "team"]
    assert [len(channel.urls) for channel in config.channels] == [1, 1, 1, 2, 1]
    assert config.fetch.proxy
    assert len(config.rules) == 2
    assert len(config.heartbeats) == 1
    assert config.web.token


HEADLINES = {
    "en: first report": "Chechen police have rounded up dozens of gay men, newspaper reports",
    "en: capital": "Queer people vanish in Grozny, and nobody dares to ask",
    "en: denial": "Kadyrov aide: there are no homosexuals to detain",
    "ru: first report": "В Чечне массово задерживают геев",
    "ru: euphemism": "Задержания людей нетрадиционной ориентации: что известно о Чечне",
    "ru: denial": "Пресс-секретарь Кадырова отрицает преследования гомосексуалов",
    "ru: capital": "Активисты ЛГБТ рассказали о тайной тюрьме в Грозном",
    "ru: in Latin letters": "Chechenskie vlasti otritsajut presledovanie LGBT",
    "fr: first report": "Tchétchénie : des homosexuels enlevés et torturés",
    "fr: denial": "Le pouvoir tchétchène nie toute arrestation fondée sur l’orientation sexuelle",
    "de: first report": "Tschetschenien: Schwule Männer verschleppt und misshandelt",
    "de: denial": "Tschetschenische Führung bestreitet Verfolgung Homosexueller",
    "es: first report": "Decenas de hombres detenidos en Chechenia por su orientación sexual",
    "es: denial": "El gobierno checheno niega la persecución del colectivo LGTBI",
    "ar: first report": "اختفاء عشرات المثليين في الشيشان",
    "ar: prefixes": "منظمات تندد بتعذيب مثليين بالشيشان",
    "ar: orientation": "السلطات الشيشانية تنفي توقيف رجال بسبب ميولهم الجنسية",
    "ar: denial": "قديروف: لا وجود للمثلية الجنسية في الجمهورية",
}
NEAR_MISSES = {
    "en: the place alone": "Chechen wrestlers take three medals in Paris",
    "en: the people alone": "Gay pride march banned in Moscow again",
    "en: a name that begins like gay": "Gaynor returns to the stage in Grozny",
    "ru: geyser": "Чеченские геологи нашли гейзер",
    "ru: gamer": "Геймер из Чечни выиграл турнир",
    "ru: formidable": "Синоптики обещают геям и всем москвичам грозное лето",
    "ru: lentils": "Чечевица подорожала: что говорят в гей-клубе",
    "fr: the people alone": "Des milliers de manifestants contre l’homophobie à Lyon",
    "de: the place alone": "Tschetschenien weiht eine neue Moschee ein",
    "de: sultry": "Schwüle Woche in Berlin erwartet",
    "es: the people alone": "Madrid celebra el Orgullo LGTBI",
    "ar: the place alone": "نمو السياحة في الشيشان",
    "ar: the people alone": "مظاهرة من أجل حقوق المثليين في بيروت",
}


def is_matched(shipped: Config, title: str) -> bool:
    """Match a headline against the shipped topics, as an item of a feed that they let in."""
    topics = [compile_topic(topic, shipped.feeds) for topic in shipped.topics]
    item = Item(
        key="1", url="", title=title, summary="", lang="", published=None, seen=datetime(2017, 4, 1, 9, 0, tzinfo=UTC)
    )
    return bool(match_topics(item, topics, feed=shipped.feeds[0]))


@pytest.mark.parametrize("title", HEADLINES.values(), ids=HEADLINES)
def test_its_query_finds_the_story(shipped: Config, title: str) -> None:
    assert is_matched(shipped, title)


@pytest.mark.parametrize("title", NEAR_MISSES.values(), ids=NEAR_MISSES)
def test_its_query_leaves_near_misses_alone(shipped: Config, title: str) -> None:
    assert not is_matched(shipped, title)
