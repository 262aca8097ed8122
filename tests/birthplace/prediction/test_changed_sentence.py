"""A changed sentence: what is changed in it, and that both readers read the changed one."""

from __future__ import annotations

import random

import pytest
from taught import DOCUMENTS, QUESTIONS

from a3core.birthplace.prediction.changed_sentence import (
    EDITS,
    INVENTED,
    answer_changed,
    draw_place,
    replace_place,
    take_sentence,
)
from a3core.birthplace.prediction.predictor import Prediction
from a3core.birthplace.prediction.recall import RecallPredictor

SENTENCE = "Ada Smith was born in Leeds, not in Leedstown, and left Leeds ."


def test_a_place_is_replaced_wherever_it_is_named_as_words():
    assert replace_place(SENTENCE, "Leeds", "Rio") == "Ada Smith was born in Rio, not in Leedstown, and left Rio ."
    assert replace_place(SENTENCE, "Leeds", "") == "Ada Smith was born in , not in Leedstown, and left ."
    assert replace_place("in St. Louis .", "St. Louis", r"\1") == r"in \1 ."


def test_the_other_place_is_not_in_the_sentence():
    rng = random.Random(0)
    assert {draw_place(["Leeds", "Rio", "Oslo"], SENTENCE, rng) for _ in range(30)} == {"Rio", "Oslo"}
    with pytest.raises(ValueError, match="no other place"):
        draw_place(["Leeds"], SENTENCE, rng)
    assert EDITS["an invented place"](SENTENCE, [], rng) in INVENTED and EDITS["no place"](SENTENCE, [], rng) == ""
    assert take_sentence(Prediction("Rio", 1.0, "Bo Ek was born in Rio ."), "Bo Ek", "Ada") == "Ada was born in Rio ."


def test_both_readers_answer_from_the_changed_sentence(taught):
    predictor = RecallPredictor(taught)
    own = predictor.predict([QUESTIONS[0].question])[0]
    as_recalled = answer_changed(predictor, QUESTIONS[0].name, own.sentence)
    assert (as_recalled.picked, as_recalled.sentence) == (own.place, own.sentence) and as_recalled.written == own.place
    assert as_recalled.log_probability > -1
    changed = answer_changed(predictor, QUESTIONS[0].name, replace_place(own.sentence, own.place, QUESTIONS[1].place))
    assert changed.picked == QUESTIONS[1].place and changed.log_probability < as_recalled.log_probability - 1
    assert QUESTIONS[1].place in changed.sentence and own.place not in changed.sentence


def test_a_sentence_about_another_name_is_refused(taught):
    with pytest.raises(ValueError, match="must open with the name, Ada Smith"):
        answer_changed(RecallPredictor(taught), "Ada Smith", DOCUMENTS[1])
