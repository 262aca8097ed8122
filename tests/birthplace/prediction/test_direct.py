"""Batches, caches and beams against the slow and obvious way; errors that say what to do."""

from __future__ import annotations

import math
import random
from itertools import product

import pytest
import torch

from a3core.birthplace.model.vocabulary import MASK, PAD
from a3core.birthplace.prediction import direct as prediction
from a3core.birthplace.prediction.direct import (
    DirectPredictor,
    encode_prompt,
    fill_span,
    generate,
    search_together,
)
from a3core.birthplace.prediction.predictor import Candidate


def predict_places(model, questions):
    return DirectPredictor(model).predict(questions)


@pytest.fixture
def gpt(build_gpt):
    """Five letters, so that the stop comes up early often."""
    return build_gpt(PAD + MASK + "abcde", seed=4)


@torch.inference_mode()
def generate_naively(model, prompt: list[int], stop_id: int) -> tuple[str, float]:
    """One prompt, no cache: the whole text is read again for every character."""
    ids, log_probability = list(prompt), 0.0
    while len(ids) - len(prompt) < prediction.MAX_PLACE:
        log_probabilities = model(torch.tensor([ids]))[0, -1].log_softmax(-1)
        ids.append(log_probabilities.argmax().item())
        log_probability += log_probabilities.max().item()
        if ids[-1] == stop_id:
            return model.vocabulary.decode(ids[len(prompt) : -1]), math.exp(log_probability)
    return model.vocabulary.decode(ids[len(prompt) :]), math.exp(log_probability)


@torch.inference_mode()
def probability_of(model, question: str, place: str) -> float:
    """P(place and its closing mask | question) from one forward pass."""
    prompt, answer = model.vocabulary.encode(question + MASK), model.vocabulary.encode(place + MASK)
    log_probabilities = model(torch.tensor([prompt + answer]))[0].log_softmax(-1)  # (T, V)
    return math.exp(sum(log_probabilities[len(prompt) - 1 + i, c].item() for i, c in enumerate(answer)))


def draw_prompts(model, count: int) -> list[list[int]]:
    rng = random.Random(0)
    return [rng.choices(range(1, model.vocabulary.size), k=rng.randint(1, 32)) for _ in range(count)]


@pytest.mark.slow
@pytest.mark.parametrize("stop_id", [1, 2])
@pytest.mark.parametrize("batch", [1, 4, 64])
def test_batches_give_what_one_at_a_time_gives(gpt, monkeypatch, batch, stop_id):
    monkeypatch.setattr(prediction, "BATCH", batch)
    prompts = draw_prompts(gpt, 14)
    expected = [generate_naively(gpt, prompt, stop_id) for prompt in prompts]
    answers = generate(gpt, prompts, stop_id)
    assert [text for text, _ in answers] == [text for text, _ in expected]
    assert [p for _, p in answers] == pytest.approx([p for _, p in expected], rel=1e-4)
    assert len({len(text) for text, _ in expected}) > 2, "the test needs answers of different lengths"


def test_the_same_answers_whatever_stands_in_the_batch(gpt):
    questions = ["abc", "a", "dddddddddd", "ebebebebebebebe", "abc"]
    together = predict_places(gpt, questions)
    alone = [predict_places(gpt, [question])[0] for question in questions]
    assert [answer.place for answer in together] == [answer.place for answer in alone]
    assert [answer.probability for answer in together] == pytest.approx([a.probability for a in alone], rel=1e-4)


def test_the_probability_is_of_the_whole_place_and_its_end(gpt):
    questions = ["".join(letters) for letters in product("abcde", repeat=2)]
    ended = 0
    for question, answer in zip(questions, predict_places(gpt, questions), strict=True):
        if len(answer.place) < prediction.MAX_PLACE:
            assert answer.probability == pytest.approx(probability_of(gpt, question, answer.place), rel=1e-4)
            ended += 1
    assert ended > 3


def test_no_questions_no_answers(gpt):
    assert predict_places(gpt, []) == []


def test_an_answer_ends_after_so_many_characters(gpt):
    gpt.norm.weight.data.zero_()  # the same logits everywhere: all 0, but "a" has 3
    gpt.norm.bias.data.fill_(1.0)
    gpt.head.weight.data.zero_()[gpt.vocabulary.ids["a"], 0] = 3.0
    (answer,) = predict_places(gpt, ["ab"])
    assert answer.place == "a" * 32
    assert answer.probability == pytest.approx((math.exp(3) / (math.exp(3) + 6)) ** 32, rel=1e-4)


@pytest.fixture
def small_gpt(build_gpt, monkeypatch):
    """Three letters and answers of at most four signs: 39 places in all."""
    monkeypatch.setattr(prediction, "MAX_PLACE", 4)
    return build_gpt(PAD + MASK + "abc", block_size=32, std=0.5)


def list_all_places(model, question: str) -> list[Candidate]:
    """Every place that fits with its closing mask, best first."""
    places = ["".join(letters) for length in (1, 2, 3) for letters in product("abc", repeat=length)]
    candidates = [Candidate(place, probability_of(model, question, place)) for place in places]
    return sorted(candidates, key=lambda candidate: -candidate.probability)


def assert_same(found: list[Candidate], expected: list[Candidate]) -> None:
    assert [candidate.place for candidate in found] == [candidate.place for candidate in expected]
    assert [c.probability for c in found] == pytest.approx([c.probability for c in expected], rel=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("question", ["a", "abc", "ccba" * 6])
@pytest.mark.parametrize("k", [1, 5, 39, 100])
def test_a_search_as_wide_as_the_tree_finds_the_best_of_all_places(small_gpt, question, k):
    (found,) = search_together(small_gpt, [question], k, width=27)
    assert_same(found, list_all_places(small_gpt, question)[:k])


@pytest.mark.parametrize("width", [1, 2, 3, 8])
def test_a_narrow_search_finds_true_places_in_order(small_gpt, width):
    (found,) = search_together(small_gpt, ["abca"], k=5, width=width)
    assert 0 < len(found) <= 5 and len({candidate.place for candidate in found}) == len(found)
    assert [c.probability for c in found] == sorted((c.probability for c in found), reverse=True)
    for candidate in found:
        assert candidate.place and not set(candidate.place) & {PAD, MASK}
        assert candidate.probability == pytest.approx(probability_of(small_gpt, "abca", candidate.place), rel=1e-4)


def test_the_search_is_at_least_as_good_as_the_greedy_answer(gpt):
    for question in ["ab", "ba", "edc", "aaaa"]:
        (greedy,) = predict_places(gpt, [question])
        if greedy.place and len(greedy.place) < prediction.MAX_PLACE and not set(greedy.place) & {PAD}:
            assert search_together(gpt, [question])[0][0].probability >= greedy.probability * 0.9999


@pytest.mark.parametrize("batch", [1, 2, 16])
def test_searched_together_each_question_has_what_it_has_alone(gpt, monkeypatch, batch):
    monkeypatch.setattr(prediction, "SEARCHED", batch)
    questions = ["abc", "a", "dddddddddd", "ebebebebebebebe", "abc", "e", "ccda"]
    for question, found in zip(questions, search_together(gpt, questions), strict=True):
        assert_same(found, search_together(gpt, [question])[0])
    assert search_together(gpt, []) == []


def test_a_span_is_filled_as_one_at_a_time_would_fill_it(gpt):
    for text in ["ab⁇", "a⁇bcd", "edc⁇ba"]:
        expected = generate_naively(gpt, gpt.vocabulary.encode(text + MASK), gpt.vocabulary.pad_id)
        filled = fill_span(gpt, text)
        assert filled.place == expected[0] and filled.probability == pytest.approx(expected[1], rel=1e-4)


@pytest.mark.parametrize("text", ["", "abc", "⁇", "⁇abc", "a⁇b⁇c"])
def test_a_span_must_be_marked_once_and_behind_something(gpt, text):
    with pytest.raises(ValueError, match="mark one span with ⁇, after at least one character"):
        fill_span(gpt, text)


@pytest.mark.parametrize(
    "ask",
    [
        lambda gpt, text: predict_places(gpt, ["a", text]),
        lambda gpt, text: search_together(gpt, ["a", text]),
        lambda gpt, text: fill_span(gpt, f"a⁇{text}"),
    ],
)
def test_bad_text_is_an_error_for_a_person(gpt, ask):
    with pytest.raises(ValueError, match="never read the character\\(s\\) 'X', 'Ü'"):
        ask(gpt, "aXbÜX")
    with pytest.raises(ValueError, match=r"has 4\d characters, the model reads at most 32: shorten it"):
        ask(gpt, "a" * 40)


def test_the_longest_prompt_leaves_room_for_the_longest_answer(gpt):
    prompt = encode_prompt(gpt, "a" * 31)
    assert len(generate(gpt, [prompt], stop_id=-1)[0][0]) == 32
    with pytest.raises(ValueError, match="has 33 characters"):
        encode_prompt(gpt, "a" * 32)
