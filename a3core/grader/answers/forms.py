"""The forms of answers in texts, from `forms.toml`, as compiled regular expressions.

FORMS.number.search("It is $29.00.")["digits"]        "29.00"
FORMS.date, FORMS.yes_no, FORMS.marker, ...
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from types import SimpleNamespace

SMALL = """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
    seventeen eighteen nineteen"""
TENS = """twenty thirty forty fifty sixty seventy eighty ninety"""
WORDS = {word: n for n, word in enumerate(SMALL.split())} | {word: 10 * n for n, word in enumerate(TENS.split(), 2)}
SCALES = {"hundred": 100, "thousand": 1_000, "million": 10**6, "billion": 10**9, "trillion": 10**12}
MONTH_NAMES = """January February March April May June July August September October November December"""
MONTHS = MONTH_NAMES.casefold().split()
PARTS = {
    "WORD": "|".join((*WORDS, *SCALES)),
    "MONTH": "|".join(f"{name[:3]}(?:{name[3:]})?" for name in MONTHS).replace("sep(?:", "sept?(?:"),
    "INITIAL": "".join(rf"(?<!\b{word})" for word in ("[A-Z]", "St", "Ste", "Mt", "Mr", "Dr", "Mrs")),
}


def _compile(form: str | list[str]) -> re.Pattern[str]:
    text = "".join(form)
    for name, part in PARTS.items():
        text = text.replace(name, part)
    return re.compile(text)


_TEXTS = tomllib.loads(Path(__file__).with_name("forms.toml").read_text(encoding="utf-8"))
FORMS = SimpleNamespace(**{name: _compile(form) for name, form in _TEXTS.items()})
