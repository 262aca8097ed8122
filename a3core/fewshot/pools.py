"""Pools: the questions with answers that demonstrations are drawn from.

pool = load_pool()                                  the built-in bank's pool; load_pool("builtin:validation")
pool = load_pool("triviaqa/train_pool.jsonl")       any JSONL or CSV with a question and its answer or answers
pool = load_pool("unfiltered-web-dev.json")         the original TriviaQA format
pool = load_pool("hub:triviaqa")                    87,622 questions from the hub; "hub:triviaqa:validation" 11,313

{"question": "Which river flows through Vienna?", "answers": ["Danube", "Donau"], "value": "Danube",
 "subject": "rivers", "id": "17"}                   one row; value, subject and id may be missing
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from a3core.common.paths import ASSETS
from a3core.fewshot.canonical_answer import choose_answer, choose_random_alias

BANK = ASSETS / "questions.jsonl"
BUILTIN, BUILTIN_VALIDATION = "builtin", "builtin:validation"
HUB = "hub:"


@dataclass(frozen=True)
class Demonstration:
    """A question with its gold answers; the prompt shows one of them."""

    id: str
    question: str
    answers: tuple[str, ...]  # aliases, all right; never empty
    value: str | None = None  # the canonical answer, where the source or a person says it
    subject: str | None = None

    @property
    def answer(self) -> str:
        """What the prompt shows: `value`, else the rule's choice among the aliases."""
        return self.value or choose_answer(self.answers)

    @property
    def gold(self) -> tuple[str, ...]:
        """Every answer that is right, `value` included."""
        return tuple(dict.fromkeys([*self.answers, *([self.value] if self.value else [])]))


@dataclass(frozen=True)
class Pool:
    """Demonstrations; a corpus_id is a position in it."""

    name: str
    rows: tuple[Demonstration, ...]
    notes: tuple[str, ...] = ()  # what a reader should know about how it was read

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, corpus_id: int) -> Demonstration:
        return self.rows[corpus_id]

    @property
    def questions(self) -> list[str]:
        return [row.question for row in self.rows]

    @property
    def sha256(self) -> str:
        """Of all that a prompt could show: names the pool in a report."""
        digest = hashlib.sha256()
        for row in self.rows:
            digest.update("\0".join([row.id, row.question, row.value or "", *row.answers]).encode())
        return digest.hexdigest()

    def with_random_aliases(self, seed: int = 0) -> Pool:
        """The pool showing any alias of each answer, as the assignment's solution did: to measure the rule against."""
        rows = (replace(row, value=choose_random_alias(row.answers, seed)) for row in self.rows)
        return replace(self, name=f"{self.name}, random aliases", rows=tuple(rows))

    def where(self, corpus_ids: Sequence[int]) -> Pool:
        """A part of the pool, in the order of `corpus_ids`."""
        return replace(self, rows=tuple(self.rows[i] for i in corpus_ids))


def load_pool(spec: str | Path = BUILTIN, trust_values: bool | None = None) -> Pool:
    """The built-in bank ("builtin", "builtin:validation"), the hub's TriviaQA ("hub:triviaqa" and "...:validation")
    or the pool in a JSONL, CSV, TSV, JSON or Parquet file.

    trust_values: whether the rows' `value` is shown as canonical answer. By default yes, unless some of them are titles
    of disambiguation pages: such a column was filled with arbitrary aliases (in the sample of TriviaQA's validation set
    that this project is measured on, each row's value is its first alias, whatever that is).
    Raises ValueError that names the first bad line.
    """
    if str(spec).partition(":")[0] == BUILTIN:
        return _load_bank(str(spec))
    from a3core.fewshot.pool_files import read_pool_file

    if str(spec).startswith(HUB):
        from a3core.fewshot.hub import download_triviaqa

        return build_pool(str(spec), read_pool_file(download_triviaqa(str(spec))), trust_values)
    path = Path(os.path.expanduser(spec))  # which leaves the home of nobody as it is; Path's own raises
    return build_pool(path.name, read_pool_file(path), trust_values)


def build_pool(name: str, rows: Iterable[Demonstration], trust_values: bool | None = None) -> Pool:
    """A pool of checked rows; see `load_pool` for `trust_values`."""
    rows = tuple(rows)
    trusted = not any("(disambiguation)" in (row.value or "") for row in rows) if trust_values is None else trust_values
    if trusted or not any(row.value for row in rows):
        return Pool(name, rows)
    note = f"The values in {name} are arbitrary aliases: the rule's choice is shown instead."
    return Pool(name, tuple(replace(row, value=None, answers=row.gold) for row in rows), (note,))


def _load_bank(spec: str) -> Pool:
    from a3core.fewshot.pool_files import read_pool_file, read_splits

    wanted = {BUILTIN: "pool", BUILTIN_VALIDATION: "validation"}.get(spec)
    if wanted is None:
        raise ValueError(f"There is no bank {spec!r}: it is {BUILTIN} or {BUILTIN_VALIDATION}.")
    splits = read_splits(BANK)
    rows = [row for row, split in zip(read_pool_file(BANK), splits, strict=True) if split == wanted]
    return Pool(spec, tuple(rows))
