"""Two clusterings of the same items in, precision, recall and F1 out: B-cubed and pairwise."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Score:
    """How well stories agree with labels; each figure lies between 0 and 1."""

    precision: float
    recall: float

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


def b_cubed(stories: Sequence[Hashable], labels: Sequence[Hashable]) -> Score:
    """Give the mean over items of how pure, and how whole, each one's story is.

    Bagga and Baldwin, "Entity-based cross-document coreferencing using the vector space model" (1998); Amigó et al.,
    "A comparison of extrinsic clustering evaluation metrics" (2009), prefer it since it alone meets their constraints.
    """
    together, story_sizes, label_sizes = _sizes(stories, labels)
    items = max(1, len(labels))
    precision = sum(n * n / story_sizes[story] for (story, _), n in together.items()) / items
    recall = sum(n * n / label_sizes[label] for (_, label), n in together.items()) / items
    return Score(precision, recall)


def pairwise(stories: Sequence[Hashable], labels: Sequence[Hashable]) -> Score:
    """Give the share of pairs put together that belong together, and of pairs belonging together that were put so.

    Large events weigh with the square of their size, which is why B-cubed stands beside it.
    """
    together, story_sizes, label_sizes = _sizes(stories, labels)
    right = _pairs(together)
    put, due = _pairs(story_sizes), _pairs(label_sizes)
    return Score(right / put if put else 1.0, right / due if due else 1.0)


def _sizes(
    stories: Sequence[Hashable], labels: Sequence[Hashable]
) -> tuple[Counter[tuple[Hashable, Hashable]], Counter[Hashable], Counter[Hashable]]:
    return Counter(zip(stories, labels, strict=True)), Counter(stories), Counter(labels)


def _pairs(sizes: Counter[Any]) -> int:
    return sum(n * (n - 1) // 2 for n in sizes.values())
