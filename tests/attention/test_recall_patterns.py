"""A model of pieces of words that recalls a sentence before it answers: what its text is, and where its heads act."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from taught import DOCUMENTS

from a3core.attention.ablation import ablate_heads, read_pair
from a3core.attention.capture import capture_pattern
from a3core.attention.models import GPTModel
from a3core.attention.payload import build_payload
from a3core.birthplace.checkpoints import build_predictor

QUESTION, NAME = "Where was Ada Smith born?", "Ada Smith"
DOCUMENT = DOCUMENTS[0]  # Ada Smith was born in Leeds in 1901 .


@pytest.fixture(scope="module")
def recall_model(taught) -> GPTModel:
    return GPTModel("tiny-recall", build_predictor(taught))


def test_pieces_of_words_are_the_tokens(recall_model):
    capture = capture_pattern(recall_model, QUESTION)
    assert "".join(capture.tokens) == QUESTION and any(len(token) > 1 for token in capture.tokens)
    assert recall_model.join(recall_model.encode("Zoë ___")) == "Zoë ⁇"


@pytest.mark.parametrize("question", [QUESTION, "where was ada smith born?"])
def test_the_sentence_is_recited_and_then_the_answer(recall_model, question):
    capture = capture_pattern(recall_model, question, generate=True)
    end = capture.n_prompt + capture.n_recited
    assert "".join(capture.tokens[: capture.n_prompt]) == f"{question}⁇{NAME}"
    assert "".join(capture.tokens[capture.n_prompt : end]) == f"{DOCUMENT.removeprefix(NAME)}⁇"
    assert "".join(capture.tokens[end:]) == " Leeds⁇"
    assert build_payload(capture)["n_recited"] == capture.n_recited


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        (f"{QUESTION}⁇", f"{DOCUMENT}⁇ Leeds⁇"),
        (f"{QUESTION}⁇Ada Smith was", " born in Leeds in 1901 .⁇ Leeds⁇"),
        (f"{QUESTION}⁇{DOCUMENT}⁇", " Leeds⁇"),
        (f"{QUESTION}⁇{DOCUMENT.replace('Leeds', 'Oslo')}⁇", " Oslo⁇"),
        ("⁇Ada Smith was", " born in Leeds in 1901 .⁇"),
    ],
)
def test_it_goes_on_wherever_one_stops(recall_model, typed, written):
    capture = capture_pattern(recall_model, typed, generate=True)
    assert "".join(capture.tokens[: capture.n_prompt]) == typed
    assert "".join(capture.tokens[capture.n_prompt :]) == written


@pytest.mark.parametrize("typed", ["Leeds", None])
def test_heads_are_switched_off_behind_the_recitation(recall_model, typed):
    effect = ablate_heads(recall_model, read_pair(recall_model, QUESTION, typed), [(0, 0)])
    assert effect.answer == " Leeds⁇"
    lead, reply = recall_model.encode(f"{QUESTION}⁇{DOCUMENT}⁇"), recall_model.encode(" Leeds⁇")
    with torch.inference_mode():
        steps = recall_model.network(torch.tensor([lead + reply]))[0].log_softmax(-1)
    expected = sum(steps[len(lead) - 1 + i, token].item() for i, token in enumerate(reply))
    assert effect.before.probability == pytest.approx(np.exp(expected), rel=1e-3)
