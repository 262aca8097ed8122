"""The forms of answers in texts, from `forms.toml`, as compiled regular expressions.

FORMS.number.search("It is $29.00.")["digits"]        "29.00"
FORMS.date, FORMS.yes_no, FORMS.marker, ...
"""

import re
import tomllib
from pathlib import Path
from types import SimpleNamespace

TABLES = tomllib.loads(Path(__file__).with_name("forms.toml").read_text(encoding="utf-8"))
WORDS, SCALES, MONTHS = TABLES["words"], TABLES["scales"], TABLES["months"]["english"]
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


FORMS = SimpleNamespace(**{name: _compile(form) for name, form in TABLES["forms"].items()})
