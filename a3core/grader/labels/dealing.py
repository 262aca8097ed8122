"""A run that is dealt out: some items to all annotators, so that they can be compared, the rest one each.

    deal = Deal(share=0.2, annotators=("ann", "bo", "cy"), seed=1)
    list_part(deal, "Ann", 100)                     positions of ann's items: 20 that all get, a third of the rest

Who is not named has no part of the own, and sees all items.
"""

from __future__ import annotations

import random
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache

from a3core.grader.labels.schema import check_annotator, fold_annotator


@dataclass(frozen=True)
class Deal:
    """Raises ValueError for a share outside [0, 1], nobody to deal to, or one person twice."""

    share: float  # of the items that all annotators get, in [0, 1]
    annotators: tuple[str, ...]
    seed: int = 0

    def __post_init__(self):
        object.__setattr__(self, "annotators", tuple(map(check_annotator, self.annotators)))
        if not 0 <= self.share <= 1:
            raise ValueError(f"The share of items that all get is between 0 and 1, not {self.share}.")
        if len(self.annotators) < 2:
            raise ValueError("A run is dealt out to two annotators or more.")
        if len(set(map(fold_annotator, self.annotators))) < len(self.annotators):
            raise ValueError(f"One of {', '.join(self.annotators)} is named twice.")


@lru_cache(maxsize=20)
def deal_out(deal: Deal, count: int) -> dict[str, frozenset[int]]:
    """Of a run of `count` items the positions that each annotator gets, by folded name; always the same for a deal.

    The parts have the shared items in common, and nothing else; of the rest they differ by one item at most.
    """
    order = list(range(count))
    random.Random(f"deal/{deal.seed}").shuffle(order)
    shared, rest = order[: round(deal.share * count)], order[round(deal.share * count) :]
    hands = {name: rest[number :: len(deal.annotators)] for number, name in enumerate(deal.annotators)}
    return {fold_annotator(name): frozenset(shared + own) for name, own in hands.items()}


def list_part(deal: Deal | None, annotator: str, count: int) -> Collection[int]:
    """The positions that an annotator is to label: all, where the run is not dealt out, or not to that name."""
    part = deal_out(deal, count).get(fold_annotator(annotator)) if deal else None
    return range(count) if part is None else part
