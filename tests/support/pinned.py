"""Outputs that are pinned as JSON, in tests/old_data/outputs."""

from __future__ import annotations

import json
from pathlib import Path

OUTPUTS = Path(__file__).parents[1] / "old_data" / "outputs"
HOSTILE = "<b>&\"' Ada"


def compare(name: str, got, check=None) -> None:
    """Compares with the pinned output, which is JSON."""
    path = OUTPUTS / f"{name}.json"
    expected = json.loads(path.read_text(encoding="utf-8"))
    (check or assert_equal)(json.loads(json.dumps(got)), expected)


def assert_equal(got, expected) -> None:
    assert got == expected
