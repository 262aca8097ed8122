"""A prompt built from a pool, and answers to it side by side."""

from __future__ import annotations

import pytest
from fakes import build_language_model

from a3core.fewshot.answering import answer_decodings, answer_prompts, continue_with, parse_gold, score_text
from a3core.fewshot.building import build_prompt
from a3core.fewshot.encoder import embed_texts
from a3core.fewshot.prompt import render_prompt
from a3core.fewshot.retrieval import Retriever, Selection
from a3core.llm.decoding import Decoding
from a3core.llm.endpoint import EndpointModel
from a3core.llm.prompts import Template

QUESTION = "Which river flows through Corva?"


@pytest.fixture
def retriever(pool, encoder):
    return Retriever(pool, encoder, embed_texts(encoder, pool.questions))


@pytest.fixture(scope="module")
def model():
    return build_language_model()


def test_the_prompt_is_the_chosen_demonstrations_rendered(retriever, model):
    built = build_prompt(retriever, QUESTION, model, Selection(k=3))
    chosen = retriever.select(QUESTION, Selection(k=3))
    assert built.prompt.text == render_prompt([neighbour.pair for neighbour in chosen.neighbours], QUESTION)
    assert [neighbour.rank for neighbour, *_ in built.nearest_first] == [0, 1, 2]
    assert built.prompt.tokens == model.count_tokens(built.prompt.text)
    assert sum(built.tokens) < built.prompt.tokens + 3


def test_what_is_dropped_is_told_row_by_row(retriever, model):
    built = build_prompt(retriever, QUESTION, model, Selection(k=32), budget=300, new_tokens=24)
    facts = built.to_json()
    assert facts["tokens"] <= 300 and "farthest of 32" in facts["notes"][0]
    inside = [row["in_prompt"] for row in facts["demonstrations"]]
    assert inside == sorted(inside, reverse=True) and not all(inside)  # the farthest went
    similarities = [row["similarity"] for row in facts["demonstrations"]]
    assert similarities == sorted(similarities, reverse=True)


def test_the_answer_keeps_its_room_in_the_window(retriever, model):
    built = build_prompt(retriever, QUESTION, model, Selection(k=32), new_tokens=100, budget=10_000)
    assert built.prompt.tokens <= model.window - 100


def test_an_answer_changed_by_hand_is_shown(retriever, model):
    first = retriever.select(QUESTION, Selection(k=1)).neighbours[0].demonstration
    built = build_prompt(retriever, QUESTION, model, Selection(k=1), answers={first.id: "Moldau", "other": "x"})
    assert "Answer: Moldau\n" in built.prompt.text


def test_another_template(retriever, model):
    built = build_prompt(retriever, QUESTION, model, Selection(k=1), Template("{question} = {answer}", "; "))
    assert built.prompt.text.endswith(f"; {QUESTION} =")


def test_answers_to_several_prompts_are_those_of_each(model):
    prompts = {"one": "Question: who\nAnswer:", "two": "a"}
    answered = answer_prompts(model, prompts, Decoding(), ["Ann", "Anne"])
    assert [one.name for one in answered] == ["one", "two"]
    for one, prompt in zip(answered, prompts.values(), strict=True):
        assert one.answer == model.generate([prompt])[0][0].strip()
        assert one.log_probability == pytest.approx(model.log_probability([prompt], [" Ann"])[0], abs=1e-4)
        assert one.score is not None and one.seconds > 0


def test_without_gold_nothing_is_scored(model):
    (answered,) = answer_decodings(model, "a", [Decoding("beam", 4)])
    assert answered.name == "beam" and answered.score is None and answered.log_probability is None


def test_an_endpoint_tells_no_log_probability():
    assert not EndpointModel.tells_log_probability


def test_gold_answers_as_they_are_written():
    assert parse_gold("Danube | Donau\n  the  Danube |\n") == ["Danube", "Donau", "the Danube"]
    assert parse_gold(" | \n") == []
    assert score_text("x", " Danube ", ["donau", "danube"]).score.exact_match
    assert continue_with("Answer:", "x") == " x" and continue_with("Answer: ", "x") == "x"
