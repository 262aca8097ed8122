"""The first wrong step, by its number and by where in the explanation it stands."""

from __future__ import annotations

import pytest
from labelled import ask, step

from a3core.grader.labels.schema import DEFAULT_SCHEMA
from a3core.grader.report.build import build_report


def test_first_wrong_steps():
    responses = [ask(str(i), explanation="One.\n\nTwo.\nThree.\nFour.") for i in range(5)]
    responses += [ask("5", steps=("One.", "Two.")), ask("6", explanation="One.\nTwo."), ask("7", explanation="One.")]
    values = ["1", "4", "4", "none", "5", "2", "no", "9" * 5000]
    labels = [step(str(i), value) for i, value in enumerate(values)] + [step("0", "1", "Ben")]
    steps = build_report(responses, labels, DEFAULT_SCHEMA).first_wrong_steps
    assert [(count["position"], count["ids"]) for count in steps["absolute"]] == [
        (1, ("0",)),
        (2, ("5",)),
        (4, ("1", "2")),
    ]
    assert [count["ids"] for count in steps["relative"]] == [("0",), (), (), ("5",), ("1", "2")]
    assert (steps["n"], steps["none_ids"], steps["beyond_ids"]) == (8, ("3",), ("4", "6", "7"))


@pytest.mark.parametrize(
    ("length", "fifths"), [(1, [2]), (5, [0, 1, 2, 3, 4]), (3, [0, 2, 4]), (10, [0, 0, 1, 1, 2, 2, 3, 3, 4, 4])]
)
def test_relative_positions_are_the_middles_of_steps(length, fifths):
    responses = [ask(str(i), steps=("so",) * length) for i in range(length)]
    labels = [step(str(i), str(i + 1)) for i in range(length)]
    relative = build_report(responses, labels, DEFAULT_SCHEMA).first_wrong_steps["relative"]
    assert [
        next(place for place, count in enumerate(relative) if str(i) in count["ids"]) for i in range(length)
    ] == fifths
