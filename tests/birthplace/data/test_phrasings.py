"""Questions in other words still name their person, whatever the case."""

from __future__ import annotations

import pytest

from a3core.birthplace.data.corpora import build_question, parse_name
from a3core.birthplace.prediction.recall import spell
from benchmarks.recall_dev import PHRASINGS

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
        "Birthplace of Ada Smith",
        "Place of birth of Ada Smith?",
        "Ada Smith's birthplace",
        "Ada Smith’s birthplace?",
        "Ada Smith birth place",
        "where is Ada Smith’s birthplace",
        "What's Ada Smith's birthplace?",
        "What is Ada Smith's place of birth?",
        "Where’s Ada Smith from?",
        "Wheres Ada Smith born",
        "In which city was Ada Smith born?",
        "in what town  was Ada Smith born",
        "Tell me where Ada Smith was born.",
        "Do you know where Ada Smith was born?",
        "So where was Ada Smith born?!",
        "Smith, Ada",
    ],
)
def test_other_questions(text):
    assert parse_name(text) == "Ada Smith"


@pytest.mark.parametrize(
    "name",
    ["Charles Dickens", "Tell Wright", "Max Born", "Born Free", "Who", "Wasim Khan", "Robert Downey, Jr.", "李小龙"],
)
def test_a_name_that_resembles_a_question_stays_a_name(name):
    assert parse_name(name) == parse_name(build_question(name)) == parse_name(f"{name}'s birthplace") == name


@pytest.mark.parametrize("name", ["Sir James Grant, 8th Baronet", "Hugh Fraser, 1st Baron Fraser of Allander"])
def test_a_title_behind_a_comma_stays_there(name):
    assert parse_name(name) == name


@pytest.mark.parametrize(
    "text",
    [
        "When was Ada Smith born?",
        "Who was born in Berlin?",
        "Born in Berlin: who?",
        "How tall is Ada Smith?",
        "who's ada smith",
        "Tell me about Ada Smith",
        "Where did Ada Smith die?",
    ],
)
def test_another_question_is_one_sentence(text):
    with pytest.raises(ValueError, match="only say where somebody was born"):
        parse_name(text)


@pytest.mark.parametrize("name", ["Ada Smith", "J. R. Smith", "O'Neill", "Bo", "7 Seconds"])
def test_a_name_that_can_be_taken_as_typed(name):
    assert spell(name) == [name]


@pytest.mark.parametrize(
    ("name", "spellings"),
    [
        ("ada smith", ["Ada Smith"]),
        ("ADA SMITH", ["Ada Smith"]),
        ("Ada smith", ["Ada smith", "Ada Smith"]),
        ("Lou de la Cruz", ["Lou de la Cruz", "Lou De La Cruz"]),
        ("J. R.", ["J. R."]),
    ],
)
def test_a_name_whose_case_is_in_doubt(name, spellings):
    assert spell(name) == spellings


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
