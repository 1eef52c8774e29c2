"""A language -> the fixed words of a message, with its plurals, dates, lists and names of languages; knows Babel.

The words stand in the code in English; `monitor/locale/LANGUAGE.po` says them in other languages. The catalogs are read
as they are, so that nothing has to be compiled when the program is built.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from gettext import GNUTranslations, NullTranslations
from importlib import resources
from io import BytesIO
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_datetime
from babel.lists import format_list
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from monitor.render.quote import quote

# The languages that messages are written in: English, and each that has a catalog.
LANGUAGES = ("en", "ar", "es", "fr", "ru")

_LANGUAGE_LENGTH = 30
# Two names and a count read faster than five names.
_LANGUAGES_NAMED = 3


class Words:
    """What is said in one language. A text may hold `{names}`, which are filled in.

    `say` and `count` are what pybabel looks for (`make words`).
    """

    def __init__(self, language: str, catalog: NullTranslations) -> None:
        self._catalog = catalog
        self._locale = Locale(language)
        self.language = language
        self.right_to_left = self._locale.character_order == "right-to-left"

    def say(self, text: str, /, **values: object) -> str:
        """Say a text."""
        return self._catalog.gettext(text).format(**values)

    def count(self, one: str, many: str, number: int, /, **values: object) -> str:
        """Say a text in the form that its number `{n}` asks for."""
        return self._catalog.ngettext(one, many, number).format(n=number, **values)

    def quote(self, text: str, length: int) -> str:
        """Make what others wrote a part of a line, at most `length` characters that can only be read."""
        return quote(text, length, isolate=self.right_to_left)

    def list(self, parts: Sequence[str]) -> str:
        """Join parts: “a, b and c”."""
        return format_list(parts, locale=self._locale)

    def time(self, when: datetime, timezone: ZoneInfo) -> str:
        """Write a time without its year: messages are read on the day they come."""
        # The order of day and month is the language's, written with the letters of Unicode's LDML.
        return format_datetime(when, self.say("EEE d MMM, HH:mm"), tzinfo=timezone, locale=self._locale)

    def name_language(self, code: str) -> str:
        """Name a language; the code itself where it has no name."""
        primary = code.replace("-", "_").split("_")[0].lower()
        return self._locale.languages.get(primary) or self.quote(code, _LANGUAGE_LENGTH)

    def name_languages(self, codes: Sequence[str]) -> str:
        """List languages: two names and a count, if there are many."""
        names = [self.name_language(code) for code in codes]
        if len(names) > _LANGUAGES_NAMED:
            rest = len(names) - _LANGUAGES_NAMED + 1
            names = [
                *names[: _LANGUAGES_NAMED - 1],
                self.count("{n} other language", "{n} other languages", rest),
            ]
        return self.list(names)


@lru_cache(maxsize=len(LANGUAGES))
def find_words(lang: str) -> Words:
    """Give the words of a language tag, `fr` or `fr-CA`; English where there are none."""
    language = spoken_language(lang)
    return Words(language, NullTranslations() if language == "en" else _read_catalog(language))


def spoken_language(lang: str) -> str:
    """Give which of LANGUAGES a channel of this language tag is written to."""
    primary = lang.partition("-")[0].lower()
    return primary if primary in LANGUAGES else "en"


def _read_catalog(language: str) -> GNUTranslations:
    source = resources.files("monitor").joinpath("locale", f"{language}.po").read_bytes()
    compiled = BytesIO()
    write_mo(compiled, read_po(BytesIO(source), locale=language))
    compiled.seek(0)
    return GNUTranslations(compiled)
