"""Grading one response after another: what an annotator sees of an item, and what a key does to it.

    session = GradingSession(store, run, "ann")
    view = session.show()                                                 the item where the annotator stopped
    view = session.act("label", {"place": view["place"], "field": "explanation", "value": "correct"})
    view = session.act("next", {"place": view["place"]})

A view is a dict that can travel as JSON. While grading is blind, it does not hold the answer, the gold answer, the
model or the prompt kind before the questions about the explanation are answered: what was not sent cannot be seen.
"""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from a3core.grader.answers.extraction import suggest_label
from a3core.grader.labels.events import ADJUDICATION
from a3core.grader.labels.schema import EXTRA_FIELDS, FIRST, FLAG, HIDDEN, NOTE, ROUNDS, is_proposed
from a3core.grader.labels.store import LabelStore
from a3core.grader.runs.responses import Label
from a3core.grader.session.filters import EVERYTHING, UNDECIDED, Condition, Selection
from a3core.grader.session.queue import GIVEN, UNLABELLED_FIRST, Queue, QueuePosition, measure_progress

ACTIONS = ("label", "next", "back", "skip", "undo", "redo", "stay", "conflict", "jump")
STORED = ("label", "undo", "redo")  # actions that store events under the annotator's name
DONE = "Everything in this queue is labelled."
END = "This is the end of the run; the order “unlabelled first” brings what is left."
NO_MATCH = "No item is of this kind: change what is shown only, or the search."
DECIDED = "Every disagreement here is decided."
OWN_LABEL = "A note and a flag are your own labels: leave “settle disagreements” to give them."
BEHIND_THE_LAST = QueuePosition("", FIRST, sys.maxsize)


@dataclass(frozen=True)
class GradingSession:
    """One annotator in one run. It keeps nothing itself, so that a reload or a crash loses nothing.

    An unknown order is an error once the queue is asked.
    """

    store: LabelStore
    run: int
    annotator: str
    order: str = UNLABELLED_FIRST
    blind: bool = True  # the answer is revealed once the explanation is judged
    adjudicate: bool = False  # decide what others disagree about, with everybody's labels in sight
    only: Selection = EVERYTHING

    def show(self) -> dict[str, Any]:
        """The view of the item where the annotator stopped."""
        with self._open_queue() as queue:
            return self._build_view(queue, queue.find_next())

    def act(self, action: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        """What a key did: the view afterwards. `payload` holds the `place` it was pressed at, and what was pressed.

        A label is stored when this returns. Raises ValueError for an unknown action, place, field or value.
        """
        if action not in ACTIONS:
            raise ValueError(f"There is no action {action!r}: it is one of {', '.join(ACTIONS)}.")
        current = read_position(payload.get("place"))
        if action in STORED and self._is_unconfirmed() and not payload.get("confirmed"):
            raise ValueError(f"Confirm first that your labels are signed {self.annotator}, or type another name.")
        if action in ("undo", "redo"):
            return self._revert(action, current)
        if current is None and action not in ("back", "conflict", "jump"):
            return self.show()
        if action == "label":
            field, value = str(payload.get("field")), str(payload.get("value", ""))
            if self.adjudicate and field in (NOTE, FLAG):
                raise ValueError(OWN_LABEL)
            given = {"field": field, "value": value, "client_id": payload.get("client_id")}
            given |= {"kind": ADJUDICATION} if self.adjudicate else {"round": current.round, "blind": self.blind}
            self.store.label(self.run, current.response_id, self.annotator, **given)
        with self._open_queue() as queue:
            moved = find_item(queue, payload.get("to")) if action == "jump" else self._move(queue, action, current)
            view = self._build_view(queue, moved)
        return view | {"said": HIDDEN} if action == "stay" and not view.get("revealed", True) else view

    def _is_unconfirmed(self) -> bool:
        """Whether the name was proposed by the program, and nothing was ever signed with it."""
        return is_proposed(self.annotator) and not self.store.has_events_of(self.annotator)

    @contextmanager
    def _open_queue(self) -> Iterator[Queue]:
        """The queue and its labels in one transaction."""
        is_blind = self.blind and not self.adjudicate
        disputed = (Condition(UNDECIDED),) if self.adjudicate else ()
        only = replace(self.only, conditions=(*self.only.conditions, *disputed), blind=is_blind)
        with self.store.snapshot(self.run) as snapshot:
            yield Queue(snapshot, self.annotator, self.order, only, adjudicating=self.adjudicate)

    def _move(self, queue: Queue, action: str, current: QueuePosition | None) -> QueuePosition | None:
        if action == "back":
            return queue.find_previous(current or BEHIND_THE_LAST) or current
        if action in ("next", "skip"):
            return queue.find_next(current, skip=(current.response_id,) if action == "skip" else ())
        if action == "conflict":
            return queue.find_conflict(current) or current
        return current

    def _revert(self, action: str, current: QueuePosition | None) -> dict[str, Any]:
        """Takes a label or a decision back, or gives a label again, and goes to its item."""
        if self.adjudicate:
            changed, message = self._revert_decision(action)
        else:
            events = (self.store.undo if action == "undo" else self.store.redo)(self.run, self.annotator)
            changed, message = next(iter(events), None), f"There is nothing to {action}."
            if events:
                message = ", ".join(f"{event.field} is {event.new or 'empty'} again" for event in events)
        with self._open_queue() as queue:
            if changed and (self.adjudicate or not current or current.response_id != changed.response_id):
                current = queue.find(changed.response_id, changed.round)
            return self._build_view(queue, current) | {"said": message}

    def _revert_decision(self, action: str) -> tuple[Label | None, str]:
        """The annotator's last decision that is in force; labels stay as they are."""
        own = [label for label in self.store.adjudications(self.run) if label.annotator == self.annotator]
        if not own or action != "undo":
            return None, f"There is no decision of yours to {action}."
        last = max(own, key=lambda label: label.event)
        self.store.label(self.run, last.response_id, self.annotator, last.field, "", kind=ADJUDICATION)
        return last, f"{last.field} is undecided again"

    # The view

    def _build_view(self, queue: Queue, position: QueuePosition | None) -> dict[str, Any]:
        """What the page draws, by the names that its script reads."""
        snapshot = queue.snapshot
        item = {"place": None} if position is None else self._describe_item(queue, position)
        done = measure_progress(snapshot, self.annotator, self.store.now())
        conflicts = [snapshot.conflicts_of(queue.decider, number) for number in ROUNDS]
        of = "of your part " if len(queue.part) < len(snapshot.ids) else ""
        pace = "" if done["per_hour"] is None else f", {done['per_hour']:.0f} an hour"
        view = {
            "run": self.run,
            "annotator": self.annotator,
            "version": snapshot.info.schema.version,
            "part": str(hash(queue.part)),  # numbers, whose hash is always the same
            "newest": snapshot.newest,
            "order": self.order,
            "blind": self.blind,
            "adjudicate": self.adjudicate,
            "conditions": [list(condition) for condition in self.only.conditions],
            "search": self.only.search,
            "done": done["done"] / max(done["total"], 1),
            "progress": f"{done['done']:,} of {done['total']:,} {of}labelled, {done['today']:,} today{pace}",
            "proposed": self._is_unconfirmed(),
            "undecided": sum(len(fields) for own in conflicts for fields in own.values()),
            "total": len(snapshot.ids),
            "matching": len(queue.matching) if queue.only else None,
        }
        if self.annotator in snapshot.hidden:
            view["progress"] += "; these labels are removed, and do not count"
        if self.adjudicate:
            left = view["matching"]
            view["progress"] = f"{left:,} {'response' if left == 1 else 'responses'} with a disagreement left"
        if position is None:
            end = NO_MATCH if view["matching"] == 0 else DONE
            end = END if self.order == GIVEN and view["matching"] is None else end
            view["said"] = DECIDED if self.adjudicate else end
        return view | item

    def _describe_item(self, queue: Queue, at: QueuePosition) -> dict[str, Any]:
        snapshot, schema, adjudicate = queue.snapshot, queue.snapshot.info.schema, self.adjudicate
        number = snapshot.find_position(at.response_id)
        conflicts = snapshot.conflicts_of(queue.decider, at.round).get(number, {})
        differing = snapshot.find_undecided(number) if adjudicate else {}
        response, labels = snapshot.read_item(at.response_id, self.annotator, at.round, adjudicate)
        own = {one.field: one.value for one in labels if (one.annotator, one.round) == (self.annotator, at.round)}
        if adjudicate:  # what is chosen are the decisions; the own labels are listed among those of others
            own = snapshot.decisions_for(number)
        others = [label for label in labels if adjudicate or label.annotator != self.annotator]
        revealed = not self.blind or adjudicate or schema.is_judged(response.explained, own)
        questions = [
            {
                "field": field,
                "text": (question := schema.question(field)).text,
                "choices": [
                    {"value": value, "key": key} for value, key in zip(question.choices, question.keys, strict=True)
                ],
                "label": own.get(field, ""),
                "locked": question.revealed and not revealed,
            }
            for field in schema.asked(response.explained)
        ]
        view = {
            "place": list(at),
            "said": "",
            "number": number + 1,
            "question": response.question,
            "lines": list(response.lines),
            "questions": questions,
            "revealed": revealed,
            **{field: own.get(field, "") for field in EXTRA_FIELDS},
            "others": [{"annotator": one.annotator, "field": one.field, "value": one.value} for one in others],
            "conflicts": [
                {"field": field, "values": list(values)}
                for field, values in conflicts.items()
                if revealed or not schema.is_revealed(field)
            ],
            "differing": {field: sorted(values.items()) for field, values in differing.items()},
        }
        if revealed:  # the answer with what is known of it
            suggestion = suggest_label(response)
            view |= {name: getattr(response, name) for name in ("id", "answer", "gold_answer", "prompt_kind", "model")}
            view["suggestion"] = suggestion and {"value": suggestion.value, "why": suggestion.reason}
        return view


def find_item(queue: Queue, to: Any) -> QueuePosition:
    """The item of an id, or of a number from 1 on in the order of the run. Raises ValueError where there is none."""
    ids, text = queue.snapshot.ids, str(to or "").strip()
    if text in ids:
        return queue.find(text)
    if text.isascii() and text.isdecimal() and 1 <= int(text) <= len(ids):
        return queue.find(ids[int(text) - 1])
    raise ValueError(f"There is no item {text[:100]!r}: type its id, or a number from 1 to {len(ids):,}.")


def read_position(place: Any) -> QueuePosition | None:
    """The position that a view was sent with. Raises ValueError for anything else."""
    if place is None:
        return None
    try:
        response_id, round_, index = place
        return QueuePosition(str(response_id), int(round_), int(index))
    except (TypeError, ValueError):
        raise ValueError("The request names no item of a queue.") from None
