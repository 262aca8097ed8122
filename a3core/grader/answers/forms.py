r"""The forms of answers in texts, from `forms.toml`, as compiled regular expressions; and where a text marks an answer.

FORMS.number.search("It is $29.00.")["digits"]        "29.00"
FORMS.date, FORMS.yes_no, FORMS.marker, ...

An answer is behind "the answer is", "Answer:", "A:", "####", and in `\boxed{}`:

    "12 - 2 = 10. The answer is 10.\n\nQ: Tom has"    the segment " 10.\n", after “answer is”

The text ends where another question begins, and no marker is looked for behind.
"""

import re
import tomllib
from collections import deque
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

TABLES = tomllib.loads(Path(__file__).with_name("forms.toml").read_text(encoding="utf-8"))
WORDS, SCALES, MONTHS = TABLES["words"], TABLES["scales"], TABLES["months"]["english"]
PARTS = {
    "WORD": "|".join((*WORDS, *SCALES)),
    "MONTH": "|".join(f"{name[:3]}(?:{name[3:]})?" for name in MONTHS).replace("sep(?:", "sept?(?:"),
    "INITIAL": "".join(rf"(?<!\b{word})" for word in ("[A-Z]", "St", "Ste", "Mt", "Mr", "Dr", "Mrs")),
}


PART = re.compile("|".join(PARTS))
FILLED = {name: PART.sub(lambda found: PARTS[found[0]], "".join(form)) for name, form in TABLES["forms"].items()}
FORMS = SimpleNamespace(**{name: re.compile(form) for name, form in FILLED.items()})
MOST_MARKERS = 1_000  # the last so many are looked at


class Segment(NamedTuple):
    """text[start:end] and the marker by which it was found: "after “answer is”"."""

    start: int
    end: int
    why: str


def find_end(text: str) -> int:
    """Where another question begins; the first may be the text's own."""
    begin = re.search(r"\S", text)
    found = FORMS.other_question.search(text, begin.end()) if begin else None
    return found.start() if found else len(text)


def find_segments(text: str, end: int) -> list[Segment]:
    """What stands behind the markers: no two overlap, but for a marker within a box."""
    boxes = [(start, Segment(*inside, "in \\boxed{}")) for start, inside in _find_boxes(text, end)]
    markers = deque(FORMS.marker.finditer(text, 0, end), MOST_MARKERS)
    found = [(marker.start(), Segment(marker.end(), end, f"after “{_plain(marker[0])}”")) for marker in markers]
    ordered = sorted(boxes + found, key=lambda entry: entry[0])[-MOST_MARKERS:]
    following = [*(start for start, _ in ordered[1:]), end]
    return [
        segment if segment.end < end else _cut_line(text, segment, max(segment.start, stop))
        for (_, segment), stop in zip(ordered, following, strict=False)
    ]


def _find_boxes(text: str, end: int) -> list[tuple[int, tuple[int, int]]]:
    """Start of every outermost \\boxed with closed braces, and where their inside begins and ends."""
    if "\\boxed" not in text:
        return []
    opened: list[re.Match[str]] = []
    closed = []
    for brace in FORMS.brace.finditer(text, 0, end):
        if brace[1] or brace[2] == "{":
            opened.append(brace)
        elif brace[2] and opened and (begin := opened.pop())[1]:
            closed.append((begin.start(), (begin.end(), brace.start())))
    reached = -1
    outermost = []
    for start, inside in sorted(closed):
        if start > reached:
            outermost.append((start, inside))
            reached = inside[1]
    return outermost


def _cut_line(text: str, segment: Segment, stop: int) -> Segment:
    """The line behind a marker, or the next with a word on it where nothing but signs such as ":" are on the first."""
    word = re.compile(r"\w").search(text, segment.start, stop)
    begin = word.start() if word else stop
    line_end = text.find("\n", segment.start, begin)
    if line_end >= 0 and "." in text[segment.start : line_end]:
        return segment._replace(end=line_end)
    line_end = text.find("\n", begin, stop)
    return segment._replace(end=line_end if line_end >= 0 else stop)


def _plain(marker: str) -> str:
    return " ".join(marker.replace("*", "").split())
