r"""What a short answer means: its kind, its value, and whether two answers mean the same.

    guess_kind("$29.00")                                "number"
    same_answer("1,000 eggs", "1000", "number")         True
    same_answer("05/01/2021", "May 1, 2021", "date")    True      the month first, as BIG-bench writes dates
    same_answer("the Danube.", "Danube", "name")        True
    same_answer("the river Danube", "Danube", "name")   None      cannot be told by rule

Numbers are compared exactly, as fractions: 0.5 is 1/2, 0.33 is not 1/3. A comma before one, two or more than three
digits is a decimal comma; 1.000 is one or a thousand, so that it cannot be told whether it is 1. A percentage is the
number before its sign, or a hundredth of it where the other answer has no sign. Dates: month/day/year, unless the first
is more than 12; day.month.year with dots. Names: without case, accents, punctuation and a leading article; letter by
letter (s-a-n-n) or not.
"""

import re
import unicodedata
from datetime import date
from fractions import Fraction
from functools import lru_cache
from itertools import product
from typing import NamedTuple

from a3core.grader.answers.forms import FORMS, MONTHS, SCALES, WORDS

NUMBER, DATE, YES_NO, CHOICE, NAME = KINDS = ("number", "date", "yes/no", "choice", "name")

LONGEST_NUMBER = 300  # characters; what is longer is compared as text
DIVISORS = ("under", "under_digit", "bottom", "divisor")
ARTICLES = {"the", "a", "an"}


class Number(NamedTuple):
    """A number and whether a percent sign stood behind it."""

    value: Fraction
    percent: bool


def guess_kind(gold: str) -> str:
    """The kind of answer that a gold answer is: one of KINDS; "name" is whatever is nothing else."""
    gold = gold.strip()
    if parse_date(gold):
        return DATE
    if parse_yes_no(gold):
        return YES_NO
    if FORMS.choice_gold.fullmatch(gold):
        return CHOICE
    found = FORMS.number.match(gold)
    return NUMBER if found and FORMS.unit.fullmatch(gold[found.end() :].rstrip(" .")) else NAME


def same_answer(a: str, b: str, kind: str) -> bool | None:
    """Whether two short answers of one kind mean the same; None where it cannot be told by rule."""
    if kind == NUMBER:
        left, right = parse_number(a), parse_number(b)
        if left is None or right is None or a.strip() == b.strip():
            return a.strip() == b.strip()
        same = _is_equal(left, right)
        if not any(map(FORMS.two_readings.search, (a, b))) or (same and not has_two_readings(a, b)):
            return same
        readings = ({parse_number(text), parse_number(swap_signs(text))} - {None} for text in (a, b))
        return None if same or any(_is_equal(x, y) for x, y in product(*readings)) else False
    if kind == NAME:
        a, b = fold_name(a), fold_name(b)
        if a == b:
            return True if a else None
        return None if f" {a} " in f" {b} " or f" {b} " in f" {a} " else False
    parse = {CHOICE: parse_choice, DATE: parse_date, YES_NO: parse_yes_no}[kind]
    left, right = parse(a), parse(b)
    return None if left is None or right is None else left == right


@lru_cache(maxsize=10_000)
def parse_number(text: str) -> Number | None:
    """The first number in a short text, in digits or in English words.

    None if it divides by zero or is longer than LONGEST_NUMBER.
    """
    if found := FORMS.number.search(text):
        has_zero = any(found[name] is not None and not found[name].strip("0") for name in DIVISORS)
        if has_zero or found.end() - found.start() > LONGEST_NUMBER:
            return None
        value = _read_size(found) * SCALES.get((found["scale"] or "").casefold(), 1)
        return Number(-value if found["minus"] or found["inner_minus"] else value, bool(found["percent"]))
    words = FORMS.number_words.search(text)
    if not words:
        return None
    total = current = 0  # "two thousand three hundred and five" is 2305
    for word in re.split(r"[- ]", words["words"].casefold()):
        if word == "hundred":
            current = (current or 1) * 100
        elif word in SCALES:
            total, current = total + (current or 1) * SCALES[word], 0
        else:
            current += WORDS.get(word, 0)
    return Number(Fraction(-total - current if words["minus"] else total + current), False)


def parse_date(text: str) -> date | None:
    """The first date in a short text that is in the calendar."""
    return next((day for found in FORMS.date.finditer(text) if (day := read_date(found))), None)


def read_date(found: re.Match[str]) -> date | None:
    """The day of a match of FORMS.date; None if it is not in the calendar (02/30/2021)."""
    try:
        if found["y"]:
            return date(int(found["y"]), int(found["m"]), int(found["d"]))
        if found["first"]:
            first, second, year = int(found["first"]), int(found["second"]), int(found["year"])
            year += 0 if len(found["year"]) == 4 else 2000 if year < 69 else 1900
            day_first = first > 12 or (found["sign"] == "." and second <= 12)
            return date(year, second, first) if day_first else date(year, first, second)
        month = (found["month"] or found["month2"])[:3].casefold()
        number = next(n for n, name in enumerate(MONTHS, 1) if name.startswith(month))
        return date(int(found["in"] or found["in2"]), number, int(found["day"] or found["day2"]))
    except ValueError:
        return None


def parse_yes_no(text: str) -> str | None:
    """ "yes" or "no" if that, or true or false, is all there is."""
    word = text.strip(" .!,;:*\"'“”()").casefold()
    return {"yes": "yes", "true": "yes", "no": "no", "false": "no"}.get(word)


def parse_choice(text: str) -> str | None:
    """The letter of "(B)", "B)", "B.", "option B" or "B", with or without more behind it; in capitals."""
    found = FORMS.choice.match(text.strip(" *\"'“”"))
    return next(group for group in found.groups() if group).upper() if found else None


def fold_name(text: str) -> str:
    """What the spellings of a name have in common; the text itself where nothing would be left."""
    if FORMS.spelled.fullmatch(text.strip()):
        text = re.sub(r"[\W_]", "", text)
    text = re.sub(r"['’.]", "", text)
    # sign by sign: NFKD sorts a row of accents in quadratic time
    parts = {ord(sign): unicodedata.normalize("NFKD", sign) for sign in set(text)}
    plain = {sign: "".join(c for c in own if not unicodedata.combining(c)) for sign, own in parts.items()}
    words = re.findall(r"[^\W_]+", text.translate(plain).casefold())
    if len(words) > 1 and words[0] in ARTICLES:
        words = words[1:]
    return " ".join(words) or text.strip()


# One kind each


def has_two_readings(*texts: str) -> bool:
    """Whether a text has a number such as 1.000, which is one or a thousand. (1,000 is read as a thousand.)"""
    return any(found and found[1] == "." for found in map(FORMS.two_readings.search, texts))


def swap_signs(text: str) -> str:
    """The text as the other convention writes its number: "3,750" for "3.750"; unchanged where that makes no sense."""
    return text.translate({44: 46, 46: 44}) if FORMS.two_readings.search(text) else text


def _is_equal(left: Number, right: Number) -> bool:
    if left.percent == right.percent:
        return left.value == right.value
    percent, plain = (left, right) if left.percent else (right, left)
    return plain.value in (percent.value, percent.value / 100)


def _read_size(found: re.Match[str]) -> Fraction:
    if over := found["over"] or found["over_digit"]:
        return Fraction(int(over), int(found["under"] or found["under_digit"]))
    if found["whole"]:
        return int(found["whole"]) + Fraction(int(found["top"]), int(found["bottom"]))
    if found["vulgar"]:
        return int(found["ones"] or 0) + Fraction(unicodedata.numeric(found["vulgar"])).limit_denominator(10)
    digits = found["digits"]
    if FORMS.decimal_comma.fullmatch(digits):
        digits = digits.replace(".", "").replace(",", ".")
    size = Fraction(re.sub(r"[^0-9.]", "", digits))
    return size * Fraction(10) ** int(found["exponent"] or 0) / int(found["divisor"] or 1)
