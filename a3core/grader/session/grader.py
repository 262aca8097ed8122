"""Grading one response after another: what an annotator sees of an item, and what his keys do to it.

    grader = Grader(store)
    view = grader.show(run, "ann")                                      the item where he stood
    view = grader.act(run, "ann", "label", {"place": view["place"], "field": "explanation", "value": "correct"})
    view = grader.act(run, "ann", "next", {"place": view["place"]})

A view is a dict that can travel as JSON. While grading is blind, it does not hold the answer, the gold answer, the
model or the prompt kind before the questions about the explanation are answered: what was not sent cannot be seen.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from a3core.grader.answers.extraction import suggest_label
from a3core.grader.labels.events import FIRST
from a3core.grader.labels.schema import EXTRA_FIELDS, LabelQuestion, Schema
from a3core.grader.labels.store import LabelStore
from a3core.grader.runs.responses import Label, Response
from a3core.grader.session import orders, queue
from a3core.grader.session.queue import Place

ACTIONS = ("label", "next", "back", "skip", "undo", "redo", "stay")
HIDDEN = "First judge the explanation: until then the answer stays hidden."
DONE = "Everything in this queue is labelled."
END = "This is the end of the run; the order “unlabelled first” brings what is left."
BEHIND_THE_LAST = Place("", FIRST, sys.maxsize)


@dataclass(frozen=True)
class GradingArgs:
    """How an annotator goes through a run. Raises ValueError for an unknown order or filter."""

    order: str = orders.UNLABELLED_FIRST
    only: str = orders.ALL
    blind: bool = True  # the answer is revealed once the explanation is judged
    adjudicate: bool = False  # decide what others disagree about, with everybody's labels in sight

    def __post_init__(self):
        if self.order not in orders.ORDERS or self.only not in orders.FILTERS:
            raise ValueError(f"There is no queue of order {self.order!r} and filter {self.only!r}.")

    @property
    def way(self) -> dict[str, str]:
        return {"order": self.order, "only": orders.DISAGREEMENTS if self.adjudicate else self.only}


class _Item(NamedTuple):
    """One response as an annotator may see it."""

    response: Response
    schema: Schema
    seen: list[Label]  # his own, and others' where he may see them
    own: dict[str, str]  # value by field, of this round
    revealed: bool  # whether the answer is shown


class Grader:
    """Views of items over a store; keeps nothing itself, so that a reload or a crash loses nothing."""

    def __init__(self, store: LabelStore):
        self.store = store

    def show(self, run: int, annotator: str, args: GradingArgs | None = None) -> dict[str, Any]:
        """The view of the item where the annotator stands."""
        args = args or GradingArgs()
        return self._view(run, annotator, queue.next_response(self.store, run, annotator, **args.way), args)

    def act(
        self, run: int, annotator: str, action: str, told: Mapping[str, Any], args: GradingArgs | None = None
    ) -> dict[str, Any]:
        """What a key did: the view afterwards. `told` holds the `place` it was pressed at, and what was pressed.

        A label is stored when this returns. Raises ValueError for an unknown action, place, field or value.
        """
        args = args or GradingArgs()
        if action not in ACTIONS:
            raise ValueError(f"There is no action {action!r}: it is one of {', '.join(ACTIONS)}.")
        place = read_place(told.get("place"))
        if action in ("undo", "redo"):
            undo = self._take_back if args.adjudicate else self._undo
            return undo(run, annotator, action, place, args)
        if place is None and action != "back":
            return self.show(run, annotator, args)
        if action == "label":
            self._label(run, annotator, place, str(told.get("field")), str(told.get("value", "")), told, args)
        view = self._view(run, annotator, self._move(run, annotator, action, place, args), args)
        return view | {"said": HIDDEN} if action == "stay" and not view.get("revealed", True) else view

    def _move(self, run: int, annotator: str, action: str, place: Place | None, args: GradingArgs) -> Place | None:
        if action == "back":
            return queue.previous_response(self.store, run, annotator, place or BEHIND_THE_LAST, **args.way) or place
        if action in ("next", "skip"):
            skipped = (place.response_id,) if action == "skip" else ()
            return queue.next_response(self.store, run, annotator, after=place, skip=skipped, **args.way)
        return place

    def _undo(self, run: int, annotator: str, action: str, place: Place | None, args: GradingArgs) -> dict[str, Any]:
        """Goes to the item whose label was taken back or given again."""
        events = getattr(self.store, action)(run, annotator)
        if not events:
            return self._view(run, annotator, place, args) | {"said": f"There is nothing to {action}."}
        event = events[0]
        if place is None or place.response_id != event.response_id:
            place = queue.find_place(self.store, run, annotator, event.response_id, event.round, **args.way)
        told = ", ".join(f"{e.field} is {e.new or 'empty'} again" for e in events)
        return self._view(run, annotator, place, args) | {"said": told}

    def _take_back(
        self, run: int, annotator: str, action: str, place: Place | None, args: GradingArgs
    ) -> dict[str, Any]:
        """Undo over decisions: the last of his that stands, and the item it is about. Labels stay as they are."""
        own = [one for one in self.store.adjudications(run) if one.annotator == annotator] if action == "undo" else []
        if not own:
            return self._view(run, annotator, place, args) | {"said": f"There is no decision of yours to {action}."}
        last = max(own, key=lambda one: one.event)
        self.store.adjudicate(run, last.response_id, annotator, last.field, "")
        place = queue.find_place(self.store, run, annotator, last.response_id, **args.way)
        return self._view(run, annotator, place, args) | {"said": f"{last.field} is undecided again"}

    def _list_decisions(self, run: int, response_id: str) -> dict[str, str]:
        """What is decided of a response, by field."""
        return {one.field: one.value for one in self.store.adjudications(run) if one.response_id == response_id}

    def _label(
        self, run: int, annotator: str, place: Place, field: str, value: str, told: Mapping, args: GradingArgs
    ) -> None:
        schema, client_id = self.store.schema(run), told.get("client_id")
        if args.adjudicate and field not in EXTRA_FIELDS:
            self.store.adjudicate(run, place.response_id, annotator, field, value, client_id)
            return
        blind = field in schema.fields and schema.question(field).revealed
        if blind and not self._read_item(run, annotator, place, args).revealed:
            raise ValueError(HIDDEN)
        self.store.label(run, place.response_id, annotator, field, value, client_id, place.round)

    def _read_item(self, run: int, annotator: str, place: Place, args: GradingArgs) -> _Item:
        response, schema = self.store.response(run, place.response_id), self.store.schema(run)
        seen = self.store.labels_seen_by(run, place.response_id, annotator, place.round, args.adjudicate)
        own = {one.field: one.value for one in seen if one.annotator == annotator and one.round == place.round}
        if args.adjudicate:  # what is shown as chosen are the decisions; his own labels stand among those of others
            extra = {field: value for field, value in own.items() if field in EXTRA_FIELDS}
            own = self._list_decisions(run, response.id) | extra
        revealed = not args.blind or args.adjudicate or is_judged(schema, response, own)
        return _Item(response, schema, seen, own, revealed)

    # The view

    def _view(self, run: int, annotator: str, place: Place | None, args: GradingArgs) -> dict[str, Any]:
        facts = {"run": run, "annotator": annotator, "progress": self._describe_progress(run, annotator)}
        facts |= asdict(args) | {"said": "", "version": self.store.schema(run).version}
        if place is None:
            return facts | {
                "place": None,
                "said": END if args.order == orders.GIVEN and args.only == orders.ALL else DONE,
            }
        item = self._read_item(run, annotator, place, args)
        shown = [label for label in item.seen if args.adjudicate or label.annotator != annotator]
        questions = [item.schema.question(field) for field in item.schema.asked(item.response.explained)]
        facts |= {
            "place": list(place),
            "question": item.response.question,
            "lines": list(item.response.lines),
            "questions": [_describe(question, item) for question in questions],
            "revealed": item.revealed,
            **{field: item.own.get(field, "") for field in EXTRA_FIELDS},
            "others": [{"annotator": one.annotator, "field": one.field, "value": one.value} for one in shown],
        }
        return facts | (_reveal(item.response) if item.revealed else {})

    def _describe_progress(self, run: int, annotator: str) -> str:
        done, total, today, per_hour = queue.progress(self.store, run, annotator)
        pace = "" if per_hour is None else f", {per_hour:.0f} an hour"
        return f"{done:,} of {total:,} labelled, {today:,} today{pace}"


def is_judged(schema: Schema, response: Response, own: Mapping[str, str]) -> bool:
    """Whether every question that is asked blind is answered; of a response without explanation none is."""
    asked = schema.asked(response.explained)
    return all(own.get(field) for field in asked if not schema.question(field).revealed)


def _describe(question: LabelQuestion, item: _Item) -> dict[str, Any]:
    choices = [{"value": value, "key": key} for value, key in zip(question.choices, question.keys, strict=True)]
    label = item.own.get(question.field, "")
    facts = {"field": question.field, "text": question.text, "choices": choices, "label": label}
    return facts | {"locked": question.revealed and not item.revealed}


def _reveal(response: Response) -> dict[str, Any]:
    """The answer with what is known of it."""
    suggestion = suggest_label(response)
    return {
        "answer": response.answer,
        "gold_answer": response.gold_answer,
        "prompt_kind": response.prompt_kind,
        "model": response.model,
        "suggestion": None if suggestion is None else {"value": suggestion.value, "why": suggestion.reason},
    }


def read_place(told: Any) -> Place | None:
    """A place as a view told it. Raises ValueError for anything else."""
    if told is None:
        return None
    try:
        response_id, round_, position = told
        return Place(str(response_id), int(round_), int(position))
    except (TypeError, ValueError):
        raise ValueError("The request names no item of a queue.") from None
