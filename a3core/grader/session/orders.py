"""In which order an annotator goes through a run, and what he is shown of it; what each means stands in `queue`."""

from __future__ import annotations

UNLABELLED_FIRST, RANDOM, GIVEN = ORDERS = ("unlabelled first", "random", "given")
ALL, MINE, DISAGREEMENTS, FLAGGED = FILTERS = ("all", "mine", "disagreements", "flagged")
