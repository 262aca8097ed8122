"""The question in other words: how people type it, for training on it and for measuring what it costs.

>>> PHRASINGS["lower case"]("Ada Smith")
'where was ada smith born?'
"""

from __future__ import annotations

import random
from collections.abc import Callable

from a3core.birthplace.corpora import build_question, parse_name

PHRASINGS: dict[str, Callable[[str], str]] = {
    "lower case": lambda name: build_question(name).lower(),
    "upper case": lambda name: build_question(name).upper(),
    "extra spaces": lambda name: f"  {build_question(name).replace(' ', '   ')} ",
    "no question mark": lambda name: build_question(name).rstrip("?"),
    "where from": lambda name: f"Where is {name} from?",
    "where from, lower case": lambda name: f"where is {name} from".lower(),
    "only the name": lambda name: name,
    "only the name, lower case": lambda name: name.lower(),
}


def rephrase(question: str, rng: random.Random) -> str:
    """The question in one of the PHRASINGS, all equally likely."""
    return rng.choice(list(PHRASINGS.values()))(parse_name(question))


def squeeze(text: str) -> str:
    """The text as a recall model reads it: single spaces, none outside."""
    return " ".join(text.split())


def is_cased(name: str) -> bool:
    """Whether a name can be taken as it is typed: each word opens with a capital, and not all letters are capitals."""
    words = name.split()
    return all(not word[0].isalpha() or word[0].isupper() for word in words) and not name.isupper()
