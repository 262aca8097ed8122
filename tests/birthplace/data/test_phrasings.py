"""Questions in other words still name their person, whatever the case."""

from __future__ import annotations

import pytest

from a3core.birthplace.data.corpora import build_question, parse_name
from a3core.birthplace.data.phrasings import PHRASINGS, is_cased, spell

NAMES = ("Ada Smith", "Bo Ångström", "Lou de la Cruz", "A. B. Smith", "Max Born")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("phrasing", PHRASINGS)
def test_the_name_is_found_in_every_phrasing(name, phrasing):
    text = PHRASINGS[phrasing](name)
    assert parse_name(text).casefold() == name.casefold()
    assert (parse_name(text) == name) == ("case" not in phrasing)
    assert text != build_question(name)


@pytest.mark.parametrize(
    "text",
    [
        "Where is Ada Smith from?",
        "where was Ada Smith from",
        "Where does Ada Smith come from?",
        "What is the birthplace of Ada Smith?",
        "the birthplace of Ada Smith",
    ],
)
def test_other_questions(text):
    assert parse_name(text) == "Ada Smith"


@pytest.mark.parametrize("name", ["Ada Smith", "J. R. Smith", "O'Neill", "Bo", "7 Seconds"])
def test_a_name_that_can_be_taken_as_typed(name):
    assert is_cased(name)


@pytest.mark.parametrize("name", ["ada smith", "ADA SMITH", "Ada smith", "Lou de la Cruz", "J. R."])
def test_a_name_whose_case_is_in_doubt(name):
    assert not is_cased(name)


@pytest.mark.parametrize(
    "name",
    ["Ada Smith", "Willie McCovey", "Ken Mackay", "O'Neill III", "Lou de la Cruz", "J. R. Ek, 8th Baronet", "王 芳"],
)
@pytest.mark.parametrize("type_name", [str.lower, str.upper])
def test_the_spelling_of_a_name_is_among_those_that_are_tried(name, type_name):
    assert name in spell(type_name(name)) and len(spell(type_name(name))) <= 4


@pytest.mark.parametrize(
    ("typed", "first"), [("Ada Smith", "Ada Smith"), ("Lou de la Cruz", "Lou de la Cruz"), ("", "")]
)
def test_a_name_as_it_is_typed_is_tried_first(typed, first):
    assert spell(typed)[0] == first
