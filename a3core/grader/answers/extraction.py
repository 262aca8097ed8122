r"""The answer in a text that explains it, and whether it is the gold answer: a suggestion that a person can overrule.

    "3 boxes of 4 are 12. 12 - 2 = 10. So the answer is $10.00.\n\nQ: Tom has"    "$10.00", after “answer is”

The rule, in the order in which it is applied:

1. What runs on into another question ("Question:", "Q:") is cut off, and what a model thinks before it answers
   (`<think>` to `</think>`) is no answer.
2. An answer is marked by "the answer is", "Answer:", a line that begins with "A:", "####" or `\boxed{}`. It stands on
   the marker's line, or on the next one where nothing but the marker is on it. Of several marked answers the last
   counts; a marker that is followed by "not", or by nothing of the kind that is looked for, does not.
3. Behind a marker the first number counts, or what a calculation that begins there comes to ("5 * 5 = 25"). Of
   "5 or 7" neither counts.
4. Without any marker: the last number, the last date, a sentence that begins with "Yes," or "No,", the choice with
   which the text begins or else the last in brackets that is not denied ("not (B)"), and for a name the whole text if
   it is one short line.
"""

import re
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from a3core.grader.answers import values
from a3core.grader.answers.forms import FORMS, Segment, find_end, find_segments
from a3core.grader.answers.values import CHOICE, DATE, KINDS, NAME, NUMBER, YES_NO
from a3core.grader.labels.schema import CORRECT, NO_CONSISTENT_ANSWER, WRONG
from a3core.grader.runs.responses import Response

CHOICES = (FORMS.choice_bracketed, FORMS.choice_named, FORMS.choice_bare)  # behind a marker, the surest form first
AROUND = " \t\r\n\v\f\"'“”‘’«»*_`.,;:!?()[]{}$\\"
UNCLEAR = "unclear"  # suggested where an answer can be read in two ways
LONGEST_NAME = 200  # characters
FIRST_CHOICE = "the choice at the beginning"
KINDS_TO_TRY = (DATE, CHOICE, YES_NO, NUMBER, NAME)  # where none is asked for
Span = tuple[int, int]
Found = tuple[Span | None, str]  # where an answer is, and why


class Extracted(NamedTuple):
    """An answer as it stands at text[start:end], and the rule that found it; `value` is "" where there is none."""

    value: str
    start: int
    end: int
    why: str


class Suggestion(NamedTuple):
    """A value of the label `answer` (a3core.grader.labels.schema) or UNCLEAR, and why, in one sentence."""

    value: str
    reason: str


@lru_cache(maxsize=10_000)  # gold answers and short answers come again and again
def extract_answer(text: str, kind: str | None = None) -> Extracted:
    """The answer in a text by the rule above. Takes time linear in the text's length.

    `kind` is one of KINDS, that of the gold answer by `guess_kind`; None takes any. Raises ValueError for another kind.
    """
    if kind not in (*KINDS, None):
        raise ValueError(f"there is no kind of answer {kind!r}: it is one of {', '.join(KINDS)}")
    text = hide_thoughts(text)
    end = find_end(text)
    segments = find_segments(text, end)
    for segment in reversed(segments):
        if found := _read_segment(text, segment, kind):
            return found
    for each in () if segments else [kind] if kind else KINDS_TO_TRY:
        span, why = _find_unmarked(text, end, each)
        if span and not (each == CHOICE and kind is None and why != FIRST_CHOICE):
            return Extracted(text[slice(*span)], *span, why)
    return Extracted("", 0, 0, f"no {kind or 'answer'}" + (f" {segments[-1].why}" if segments else ""))


def list_marked_answers(text: str, kind: str | None = None) -> list[Extracted]:
    """Every marked answer in the order of the text."""
    text = hide_thoughts(text)
    return [found for one in find_segments(text, find_end(text)) if (found := _read_segment(text, one, kind))]


def hide_thoughts(text: str) -> str:
    """The text, as long as it was, with empty lines for what a model thinks: up to the last </think>, and an open one.

    A text that ends while the model thinks has no answer.
    """
    may_think = "<" in text
    end = max((found.end() for found in FORMS.thought_end.finditer(text)), default=0) if may_think else 0
    opened = FORMS.thought_begin.search(text, end) if may_think else None
    stop = opened.start() if opened else len(text)
    return "\n" * end + text[end:stop] + "\n" * (len(text) - stop)


def match_answers(answer: str, gold: str, kind: str | None = None) -> bool | None:
    """Whether an answer, alone or in a sentence, means the same as the gold answer; None where it cannot be told.

    A gold answer may be a whole solution with a marked answer, such as GSM8K's "... #### 18".
    """
    kind = kind or guess_gold_kind(gold)
    if kind is None or not gold.strip() or not answer.strip():
        return None
    found = extract_answer(answer, kind).value
    if kind == CHOICE and not found and (named := FORMS.choice_gold.fullmatch(gold.strip())):
        behind = (named[2] or named[4] or "").strip()  # "(A) 05/01/2021" is answered by "05/01/2021" as well
        return match_answers(answer, behind) if behind else None
    return values.same_answer(found, extract_answer(gold, kind).value or gold, kind) if found else None


@lru_cache(maxsize=10_000)
def guess_gold_kind(gold: str | None) -> str | None:
    """The kind of a gold answer, or of the answer that a whole solution marks; None where there is none."""
    return values.guess_kind(read_gold(gold)) if gold and gold.strip() else None


def suggest_label(response: Response) -> Suggestion | None:
    """What the rule says of a response's answer; None where it says nothing (no gold answer, or nothing to compare).

    Without an answer, the one in the explanation counts. If explanation and answer name answers that do not mean the
    same, it is "no consistent answer".
    """
    kind = guess_gold_kind(response.gold_answer)
    answer = response.answer.strip() or extract_answer(response.explanation, kind).value
    if not answer:
        return Suggestion(value=NO_CONSISTENT_ANSWER, reason="No answer was found.")
    if len(different := _list_different(response, answer, kind)) > 1:
        named = " and ".join(f"“{_shorten(value)}”" for value in different[:3])
        return Suggestion(value=NO_CONSISTENT_ANSWER, reason=f"It gives answers that differ: {named}.")
    if not response.gold_answer:
        return None
    given, gold = f"“{_shorten(answer)}”", f"the gold answer “{_shorten(read_gold(response.gold_answer))}”"
    if match := match_answers(answer, response.gold_answer, kind):
        return Suggestion(value=CORRECT, reason=f"{given} means the same as {gold}.")
    if match is False:
        return Suggestion(value=WRONG, reason=f"{given} is not {gold}.")
    if kind == NUMBER and values.has_two_readings(answer, response.gold_answer):
        return Suggestion(value=UNCLEAR, reason=f"{given} may be {gold} or not: thousands or decimals?")
    return None


# What stands there


def _read_segment(text: str, segment: Segment, kind: str | None) -> Extracted | None:
    start, end, why = segment
    if FORMS.negation.match(text, start, end):
        return None
    for each in [kind] if kind else KINDS_TO_TRY:
        if (span := _read_kind(text, start, end, each, kind is None)) and span[0] < span[1]:
            return Extracted(text[slice(*span)], *span, why)
    return None


def _read_kind(text: str, start: int, end: int, kind: str, guessing: bool) -> Span | None:
    """Where the answer of a kind is; when `guessing`, a choice or a yes behind other words does not count."""
    if kind == NUMBER:
        return _read_number(text, start, end)
    if kind == DATE:
        return next((found.span() for found in FORMS.date.finditer(text, start, end) if values.read_date(found)), None)
    if kind == NAME:
        stop = FORMS.name_end.search(text, start, end)
        judged = FORMS.judged.match(text, start, end)
        return None if judged else _strip(text, start, min(stop.start() if stop else end, start + LONGEST_NAME))
    for form in CHOICES if kind == CHOICE else (FORMS.yes_no,):  # the first form that has a match
        found = form.search(text, start, end)
        if found and not (guessing and re.search(r"\w", text[start : found.start()])):
            return found.span()
    return None


def _read_number(text: str, start: int, end: int) -> Span | None:
    sentence = FORMS.sentence_end.search(text, start, end)
    stop = sentence.start() if sentence else end
    if first := FORMS.number.search(text, start, stop):
        joined = FORMS.either.match(text, first.end(), stop)
        if joined and FORMS.number.match(text, joined.end(), stop):
            return None  # one of two: "5 or 7"
        # what a calculation comes to that begins with the number; else the number
        run = FORMS.calculation.match(text, first.start(), stop)
        sign = text.rfind("=", first.start(), run.end()) if run else -1
        result = FORMS.number.search(text, sign + 1, stop) if sign >= 0 else None
        return result.span() if run and result and result.start() < run.end() else first.span()
    filler = FORMS.filler.match(text, start, stop)
    if filler and (words := FORMS.number_words.match(text, filler.end(), stop)):
        return words.span()
    first = FORMS.number.search(text, stop, end)
    return first.span() if first else None


# Without a marker


def _find_unmarked(text: str, end: int, kind: str) -> Found:
    if kind == NUMBER:
        return _find_last_number(text, end)
    if kind == CHOICE:
        return _find_choice(text, end)
    if kind == DATE:
        spans = [found.span() for found in FORMS.date.finditer(text, 0, end) if values.read_date(found)]
        return (spans[-1] if spans else None), "last date"
    if kind == YES_NO:
        spans = [found.span(1) for found in FORMS.spoken_yes_no.finditer(text, 0, end)]
        return (spans[-1] if spans else None), "a sentence that begins with it"
    line = text[:end].strip()
    short = len(line) <= LONGEST_NAME and "\n" not in line and not FORMS.sentence_after.search(line)
    return (_strip(text, 0, end) if short else None), "the whole text"


def _find_last_number(text: str, end: int) -> Found:
    listed = {found.start(1) for found in FORMS.list_number.finditer(text, 0, end)}
    last = in_list = either = None
    for found in FORMS.number.finditer(text, 0, end):
        if found.start() in listed:
            in_list = found.span()
        else:
            either = last is not None and FORMS.either.fullmatch(text, last[1], found.start())
            last = found.span()
    if either:
        return None, "one of two numbers"
    if last or in_list:
        return last or in_list, "last number"
    words = FORMS.number_words.search(text, 0, end) if end <= 60 else None  # "seven apples"; prose has "one" in it
    return (words.span() if words else None), "a number in words"


def _find_choice(text: str, end: int) -> Found:
    span = _strip(text, 0, end, " \t\r\n*\"'“”") or (end, end)
    begin = FORMS.choice.match(text, *span)
    if begin and (begin[0][-1] in ").:]" or begin.end() == span[1]):
        return begin.span(), FIRST_CHOICE
    last = None
    for form in CHOICES[:2]:
        for found in form.finditer(text, 0, end):
            before = text[max(0, found.start() - 30) : found.start()]
            if not FORMS.denied_before.search(before) and not FORMS.denied_behind.match(text, found.end(), end):
                last = max(last or (0, 0), found.span())
    return last, "last choice"


# Small things


def _strip(text: str, start: int, end: int, signs: str = AROUND) -> Span | None:
    part = text[start:end]
    left = len(part) - len(part.lstrip(signs))
    return (start + left, start + len(part.rstrip(signs))) if part.strip(signs).strip() else None


@lru_cache(maxsize=10_000)
def read_gold(gold: str | None) -> str:
    """A gold answer, or the last that a whole solution marks; "" where there is none."""
    marked = list_marked_answers(gold or "")
    return marked[-1].value if marked else (gold or "").strip()


def _list_different(response: Response, answer: str, kind: str | None) -> list[str]:
    """The first of the marked answers and of the one given, and those that surely differ from it.

    An answer that the text takes back ("The answer is (A). No, the answer is (D).") is none.
    """
    marked = list_marked_answers(response.explanation, kind)
    final = marked[:1]
    for before, found in pairwise(marked):
        taken_back = FORMS.taken_back.search(response.explanation, before.end, found.start)
        final = [found] if taken_back else [*final, found]
    first, *others = [*(found.value for found in final), extract_answer(answer, kind).value or answer]
    kind = kind or values.guess_kind(first)
    return [first, *(other for other in others if values.same_answer(first, other, kind) is False)]


def _shorten(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 60 else f"{text[:59]}…"
