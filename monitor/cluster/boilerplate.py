"""A title and summary as an outlet sends them in, what they tell of the event out."""

from __future__ import annotations

import re

from anyascii import anyascii

from monitor.text import fold

_LABEL = re.compile(
    r"^\W*(?:breaking(?: news)?|live(?: updates?| blog)?|liveblog|update \d+|update|updated|just in|exclusive|watch|video|"
    r"photos?|opinion|analysis|explainer|срочно|молния|обновлено|видео|эксклюзив|en direct|direct|dernière minute|vidéo|"
    r"exclusif|eilmeldung|liveticker|exklusiv|en vivo|última hora|urgente|ao vivo|عاجل|突发|快讯)\s*[:|–—-]+\s+",
    re.IGNORECASE,
)
_OUTLET = re.compile(r"^(.{8,}\S)\s+[|–—•·-]\s+([^|–—•·]{2,40})$", re.DOTALL)
_TAIL = re.compile(
    r"(?:\bthe post .{0,300} appeared first on\b|\b(?:continue reading|read more|read the full|related (?:stories|articles|"
    r"coverage|content)|see also|more on this story)\b\W|\bчита(?:йте|ть) (?:также|далее|полностью)\b|\bматериалы по теме\b|"
    r"\b(?:lire (?:la suite|aussi)|à lire aussi)\b|\b(?:weiterlesen|mehr zum thema|lesen sie auch)\b|"
    r"\b(?:leer más|seguir leyendo|lea también)\b|اقرأ أيضا|اقرأ المزيد).*$",
    re.IGNORECASE | re.DOTALL,
)
# "MOSCOW, April 3 (Reuters) - ", "Berlin (dpa) -", "ГРОЗНЫЙ (Интерфакс) —": a place, and who wrote the text, or a region.
DATELINE = re.compile(r"^(?=\w)[^.!?()]{2,40}\(([^()\d\s]{2,20}(?: [^()\d\s]{2,20})?)\)\s*[-–—]+\s*")
_LONGEST = 600


def strip_boilerplate(title: str, summary: str, *, outlet: str) -> tuple[str, str]:
    """Take off what says nothing of the event: labels, the outlet's own name, datelines, read-more and related tails.

    `outlet` is the owner, by which the name at a title's end is known. Only the first 600 characters are looked at.
    """
    title = _LABEL.sub("", title[:_LONGEST])
    named = _OUTLET.match(title)
    if named and _is_name(named[2], outlet):
        title = named[1]
    return title, DATELINE.sub("", _TAIL.sub("", summary[:_LONGEST]))


def _is_name(text: str, outlet: str) -> bool:
    """Tell whether the text is the outlet's name: 'BBC News' of bbc.co.uk, 'Новая газета' of novayagazeta.eu."""
    name, known = squeeze(text), squeeze(outlet.partition(".")[0])
    return len(name) > 1 and len(known) > 1 and (name in known or known in name)


def squeeze(text: str) -> str:
    """Reduce a name to its letters and digits in ASCII, so that two spellings are one: "Méridien" is "meridien"."""
    return "".join(filter(str.isalnum, anyascii(fold(text)).lower()))
