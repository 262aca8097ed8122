"""What tests of commands share: questions in a file, options of the shortest training, and how an error is written."""

from __future__ import annotations

import re

GOOD = "Where was Ada born?\tLondon\nWhere was Bo born?\tRio\nWhere was Dora born?\tRio\n"
TINY = ("--epochs", "1", "--tokens", "1024")


def assert_one_sentence(result: tuple[int, str, str], *parts: str) -> None:
    """Exit code 2, and one line on standard error that has all the parts."""
    code, err = result[0], re.sub(r"^.*epochs \[.*\]\n?", "", result[2], flags=re.MULTILINE)  # less the progress bar
    assert code == 2 and err.startswith("Error: ") and err.count("\n") == 1 and "Traceback" not in err, result
    for part in parts:
        assert part in err
