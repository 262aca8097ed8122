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
from a3core.fewshot.canonical_answer import choose_random_alias
from a3core.fewshot.pool_files import Demonstration, read_pool_file, read_splits

BANK = ASSETS / "questions.jsonl"
BUILTIN, BUILTIN_VALIDATION = "builtin", "builtin:validation"
HUB = "hub:"
REPOSITORY = "mandarjoshi/trivia_qa"
FILES = {  # without the web pages, which are gigabytes
    "hub:triviaqa": "unfiltered.nocontext/train-00000-of-00001.parquet",
    "hub:triviaqa:validation": "unfiltered.nocontext/validation-00000-of-00001.parquet",
}


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
    if str(spec).startswith(HUB):
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
    wanted = {BUILTIN: "pool", BUILTIN_VALIDATION: "validation"}.get(spec)
    if wanted is None:
        raise ValueError(f"There is no bank {spec!r}: it is {BUILTIN} or {BUILTIN_VALIDATION}.")
    splits = read_splits(BANK)
    rows = [row for row, split in zip(read_pool_file(BANK), splits, strict=True) if split == wanted]
    return Pool(spec, tuple(rows))


def download_triviaqa(spec: str) -> Path:
    """The file that `spec` names. Raises ValueError for another name, or when the hub cannot be reached."""
    from huggingface_hub import hf_hub_download

    if spec not in FILES:
        raise ValueError(f"There is no {spec!r} to load from the hub: it is {' or '.join(FILES)}.")
    try:
        return Path(hf_hub_download(REPOSITORY, FILES[spec], repo_type="dataset"))
    except Exception as error:  # no network, in its many forms
        reason = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
        raise ValueError(
            f"TriviaQA cannot be loaded from the hub: {reason}. A file of it can be named instead."
        ) from error
