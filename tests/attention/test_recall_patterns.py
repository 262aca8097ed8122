"""A model of pieces of words that recites a sentence before it answers: what its text is, and where its heads act."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from a3core.attention.ablation import ablate_heads
from a3core.attention.capture import capture_pattern
from a3core.attention.models import GPTModel
from a3core.attention.payload import build_payload
from a3core.birthplace.model.subwords import build_subwords

QUESTION = "Where was Ada born?"
DOCUMENT = "Ada. Ada was born in Turin ."


@pytest.fixture(scope="module")
def recall_model(build_gpt) -> GPTModel:
    vocabulary = build_subwords([f"Where was Ada born? {DOCUMENT}"] * 3, 275).text
    return GPTModel("tiny-recall", build_gpt(vocabulary, tagged=True, seed=2), find_name=lambda question: "Ada")


def script(monkeypatch, model, texts: list[str]) -> None:
    """The model continues a text by the first of `texts` that goes on from it, as if it had learned them."""
    learned = [model.encode(text) for text in texts]

    def logits(network, idx, last):
        read = idx[0].tolist()
        following = next((ids[len(read)] for ids in learned if ids[: len(read)] == read and len(ids) > len(read)), 0)
        return torch.eye(len(model.vocabulary))[following].expand(1, last, -1)

    monkeypatch.setattr(model, "logits", logits)


def test_pieces_of_words_are_the_tokens(recall_model):
    capture = capture_pattern(recall_model, QUESTION)
    assert "".join(capture.tokens) == QUESTION and any(len(token) > 1 for token in capture.tokens)
    assert recall_model.join(recall_model.encode("Zoë ___")) == "Zoë ⁇"


def test_the_sentence_is_recited_and_then_the_answer(recall_model, monkeypatch):
    script(monkeypatch, recall_model, [f"{QUESTION}⁇{DOCUMENT}⁇ Turin⁇", f"⁇{DOCUMENT}⁇"])
    capture = capture_pattern(recall_model, QUESTION, generate=True)
    told = capture.n_prompt + capture.n_recited
    assert "".join(capture.tokens[: capture.n_prompt]) == f"{QUESTION}⁇Ada"
    assert "".join(capture.tokens[capture.n_prompt : told]) == ". Ada was born in Turin .⁇"
    assert "".join(capture.tokens[told:]) == " Turin⁇"
    assert build_payload(capture)["n_recited"] == capture.n_recited


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        (f"{QUESTION}⁇", f"{DOCUMENT}⁇ Turin⁇"),
        (f"{QUESTION}⁇Ada. Ada was", " born in Turin .⁇ Turin⁇"),
        (f"{QUESTION}⁇{DOCUMENT}⁇", " Turin⁇"),
        ("⁇Ada. Ada was", " born in Turin .⁇"),
    ],
)
def test_it_goes_on_wherever_one_stops(recall_model, monkeypatch, typed, written):
    script(monkeypatch, recall_model, [f"{QUESTION}⁇{DOCUMENT}⁇ Turin⁇", f"⁇{DOCUMENT}⁇"])
    capture = capture_pattern(recall_model, typed, generate=True)
    assert "".join(capture.tokens[: capture.n_prompt]) == typed
    assert "".join(capture.tokens[capture.n_prompt :]) == written


def test_heads_are_switched_off_behind_the_recitation(recall_model, monkeypatch):
    ids = recall_model.encode(f"{QUESTION}⁇Ada")
    lead = ids + recall_model.recite(ids)
    monkeypatch.setattr(recall_model, "recite", lambda prompt: lead[len(prompt) :])
    if lead[-1] != recall_model.vocabulary.mask_id:
        lead.append(recall_model.vocabulary.mask_id)
    effect = ablate_heads(recall_model, QUESTION, [(0, 0)], "Turin")
    assert effect.answer == " Turin⁇"
    reply = recall_model.encode(" Turin⁇")
    with torch.inference_mode():
        steps = recall_model.network(torch.tensor([lead + reply]))[0].log_softmax(-1)
    expected = sum(steps[len(lead) - 1 + i, token].item() for i, token in enumerate(reply))
    assert effect.before.probability == pytest.approx(np.exp(expected), rel=1e-3)
