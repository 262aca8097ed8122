"""Which items of a run an annotator goes through: conditions on columns and labels, a search, and chosen ids.

    only = Selection((Condition("column", "task", "dates"), Condition("own", "explanation", "flawed")), "marbles")
    [p for p in range(len(snapshot.ids)) if only.passes(snapshot, "ann", p)]
    list_conditions(snapshot)                 what a run can be filtered by: [("prompt kind: standard", Condition), ...]

Conditions of one column or label are alternatives; those of different ones must all hold. While grading is blind, what
an annotator may not see yet does not decide: labels of others before the own ones, the answer before the explanation
is judged.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from a3core.common.tabular import parse_json
from a3core.grader.labels.schema import EXTRA_FIELDS, FIRST, FIRST_WRONG_STEP, FLAG, NOTE

if TYPE_CHECKING:
    from a3core.grader.labels.snapshot import LabelSnapshot

MINE, UNDECIDED, FLAGGED = "mine", "disagreements", "flagged"
COLUMN, OWN, ANYBODY, CHOSEN = "column", "own", "anybody", "chosen"
MOST_VALUES = 30  # of a column that items can be filtered by


class Condition(NamedTuple):
    """What an item must have: a value in a column, or a label; or one of mine, disagreements, flagged, chosen."""

    kind: str
    name: str = ""  # of the column or field
    value: str = ""

    @classmethod
    def parse(cls, text: str) -> Condition:
        """Of its JSON list. Raises ValueError for anything else."""
        try:
            condition = cls(*map(str, parse_json(text)))
        except (TypeError, ValueError):
            raise ValueError(f"This is no condition: {text[:100]!r}.") from None
        if condition.kind not in (MINE, UNDECIDED, FLAGGED, COLUMN, OWN, ANYBODY, CHOSEN):
            raise ValueError(f"There is no condition of the kind {condition.kind!r}.")
        return condition


@dataclass(frozen=True)
class Selection:
    """Conditions, a text to search for, and the ids that the condition "chosen" lets through; of nothing, all pass."""

    conditions: tuple[Condition, ...] = ()
    search: str = ""
    ids: frozenset[str] = frozenset()
    blind: bool = True

    def __bool__(self) -> bool:
        return bool(self.conditions or self._wanted)

    def passes(self, snapshot: LabelSnapshot, annotator: str, position: int) -> bool:
        """Whether an item is among those that were asked for."""
        wanted, content = self._wanted, snapshot.contents[position] if self._wanted else None
        if wanted and wanted not in content.text:
            own = snapshot.labels_for(annotator, FIRST, position)
            values = {field: label.value for field, label in own.items()}
            judged = not self.blind or snapshot.info.schema.is_judged(snapshot.explained[position], values)
            if wanted not in values.get(NOTE, "").casefold() and not (judged and wanted in content.answer):
                return False
        return all(
            any(self._holds(condition, snapshot, annotator, position) for condition in group)
            for group in self._alternatives
        )

    @cached_property
    def _wanted(self) -> str:
        """The text that is searched for, as contents are written; "" for none."""
        return self.search.strip().casefold()

    @cached_property
    def _alternatives(self) -> list[list[Condition]]:
        """The conditions of each column or label, of which one must hold."""
        groups: dict[tuple[str, str], list[Condition]] = defaultdict(list)
        for condition in self.conditions:
            groups[condition.kind, condition.name].append(condition)
        return list(groups.values())

    def _holds(self, condition: Condition, snapshot: LabelSnapshot, annotator: str, position: int) -> bool:
        kind, name, value = condition
        if kind == CHOSEN:
            return snapshot.ids[position] in self.ids
        if kind == COLUMN:
            return snapshot.contents[position].columns.get(name, "") == value
        if kind == UNDECIDED:
            return bool(snapshot.find_undecided(position))
        own = {field: label.value for field, label in snapshot.labels_for(annotator, FIRST, position).items()}
        if kind == FLAGGED:
            return bool(own.get(FLAG))
        if kind == MINE:
            return any(given and field not in EXTRA_FIELDS for field, given in own.items())
        if own.get(name, "") == value or kind == OWN:
            return own.get(name, "") == value
        is_visible = not self.blind or snapshot.is_complete(annotator, FIRST, position)
        return is_visible and any(
            position in labels and name in labels[position] and labels[position][name].value == value
            for _, labels in snapshot.list_others()
        )


EVERYTHING = Selection()


def list_conditions(snapshot: LabelSnapshot) -> list[tuple[str, Condition]]:
    """(words for a person, condition): labels first, then the columns that have few values."""
    found = [("my own", Condition(MINE)), ("disagreements", Condition(UNDECIDED)), ("flagged", Condition(FLAGGED))]
    columns: dict[str, dict[str, None]] = defaultdict(dict)
    for content in snapshot.contents:
        for name, value in content.columns.items():
            if len(columns[name]) <= MOST_VALUES:
                columns[name][value] = None
    for name, values in columns.items():
        for value in values if 1 < len(values) <= MOST_VALUES else ():
            found.append((f"{name}: {value or '(empty)'}"[:80], Condition(COLUMN, name, value)))
    for question in snapshot.info.schema.questions:
        for value in question.choices:
            found.append((f"I: {question.field} {value}", Condition(OWN, question.field, value)))
            found.append((f"anybody: {question.field} {value}", Condition(ANYBODY, question.field, value)))
    return [*found, ("I: no wrong step", Condition(OWN, FIRST_WRONG_STEP, "none"))]
