"""The benchmark of the live training: what it tells of a training that has ended."""

from __future__ import annotations

from dataclasses import replace

import pytest

from a3core.birthplace.evaluation import Accuracy
from a3core.birthplace.training.live import FINISHED, TrainingSnapshot
from a3core.birthplace.training.live_probe import HeadOnName, Probe
from benchmarks.watch_it_learn import describe, describe_facts

HEAD = HeadOnName(0, 0, 0.5, ("⁇", "Ada"), (False, True), ("was",), ((0.5, 0.5, 0.0),), ((0.5,),))


def end(people: int, seconds: float) -> TrainingSnapshot:
    """A training of eight epochs with a look behind every second one, which recites one person more each time."""
    probes = tuple(Probe(epoch, (), Accuracy(epoch // 2, 50), Accuracy(epoch, 50), HEAD) for epoch in (0, 2, 4, 6, 8))
    return TrainingSnapshot(FINISHED, people=people, parameters=700_000, epochs=8, probes=probes, seconds=seconds)


@pytest.mark.parametrize(("seconds", "told"), [(180.0, "Within 3 minutes: 200."), (181.0, "Within 3 minutes: none.")])
def test_each_size_is_told_with_what_was_seen_by_when(seconds, told):
    said = describe({"200": end(200, seconds), "1,000": end(1000, 600.0)})
    assert "| 200 | 700,000 | 8 | 3.0 | 1 of 50, 2 of 50, 3 of 50, 4 of 50 | 8 out of 50: 16.0%" in said
    assert "| 1,000 | 700,000 | 8 | 10.0 |" in said
    assert told in said


@pytest.mark.parametrize(
    ("seconds", "right", "met"), [(240.0, 29, "met"), (241.0, 29, "not met"), (100.0, 28, "not met")]
)
def test_facts_of_ones_own_are_compared_with_the_first_training(seconds, right, met):
    own = end(150, seconds)
    own = replace(own, probes=(replace(own.probes[-1], right=Accuracy(right, 30)),))
    told = describe_facts(end(200, 120.0), {"own.csv": own})
    assert f"`own.csv`, 150 facts: {seconds / 120:.2f} times the time of 200 people; {right} of 30 held-out" in told
    assert told.endswith(f"is {met}.**")
