"""Reciting in batches with a cache against the slow and obvious way, and scoring answers behind a recitation."""

from __future__ import annotations

import random

import pytest
import torch

from a3core.birthplace.recitation import (
    answer_room,
    build_recall_prompt,
    encode_answer,
    recite,
    score_answers,
)
from a3core.birthplace.subwords import build_subwords
from a3core.birthplace.vocabulary import MASK, PAD

SUBWORDS = build_subwords(["Where was Ada Smith born? Leeds"] * 3, 270).text


@pytest.fixture
def gpt(build_gpt):
    """Six letters, so that the closing mask comes up early often."""
    return build_gpt(PAD + MASK + "abcde ", seed=26, tagged=True)  # untied: random tied weights repeat themselves


def draw_prompts(model, count: int, longest: int = 14) -> list[list[int]]:
    rng = random.Random(0)
    return [rng.choices(range(1, len(model.vocabulary)), k=rng.randint(1, longest)) for _ in range(count)]


@torch.inference_mode()
def recite_naively(model, prompt: list[int], room: int) -> tuple[list[int], list[float], float, bool]:
    """One prompt, no cache: the whole text is read again for every token. (ids, tags, log-probability, closed)"""
    ids, log_probability, closed = list(prompt), 0.0, False
    while len(ids) - len(prompt) < room and not closed:
        logs = model(torch.tensor([ids]))[0, -1].log_softmax(-1)
        log_probability += logs.max().item()
        closed = logs.argmax().item() == model.vocabulary.mask_id
        ids += [] if closed else [logs.argmax().item()]
    tags = model(torch.tensor([ids]), tagged=True)[1][0].sigmoid().tolist()
    return ids[len(prompt) :], tags[len(prompt) :], log_probability, closed


def assert_recited(model, row, prompt, room: int) -> None:
    ids, tags, log_probability, closed = recite_naively(model, prompt, room)
    assert (row.ids, row.closed) == (ids, closed)
    assert row.log_probability == pytest.approx(log_probability, rel=1e-4)
    known = len(ids) if closed else len(ids) - 1  # the last token of all the room is not read any more
    assert row.tags[:known] == pytest.approx(tags[:known], abs=1e-5)


@pytest.mark.parametrize("seed", [0, 21, 26])
def test_a_batch_recites_what_one_at_a_time_recites(build_gpt, seed):
    gpt = build_gpt(PAD + MASK + "abcde ", seed=seed, tagged=True)
    prompts = draw_prompts(gpt, 12)
    room = gpt.block_size - max(map(len, prompts)) - answer_room(gpt)
    recital = recite(gpt, prompts)
    for row, prompt in zip(recital.rows, prompts, strict=True):
        assert_recited(gpt, row, prompt, room)
    assert len({len(row.ids) for row in recital.rows}) > 2, "the test needs recitations of different lengths"


def test_one_prompt_alone(gpt):
    for prompt in draw_prompts(gpt, 6):
        (row,) = recite(gpt, [prompt]).rows
        assert_recited(gpt, row, prompt, gpt.block_size - len(prompt) - answer_room(gpt))


def test_sub_words_are_recited_the_same_way(build_gpt):
    gpt = build_gpt(SUBWORDS, block_size=128, tied=True, tagged=True)
    prompts = [build_recall_prompt(gpt, name) for name in ("Ada", "Smith")]
    recital = recite(gpt, prompts)
    for row, prompt in zip(recital.rows, prompts, strict=True):
        assert_recited(gpt, row, prompt, gpt.block_size - max(map(len, prompts)) - answer_room(gpt))


@torch.inference_mode()
def score_naively(model, prompt: list[int], recited: list[int], place: str) -> float:
    context, answer = [*prompt, *recited, model.vocabulary.mask_id], encode_answer(model, place)
    logs = model(torch.tensor([context + answer]))[0].log_softmax(-1)
    return sum(logs[len(context) - 1 + i, token].item() for i, token in enumerate(answer))


def test_answers_are_scored_behind_the_recitation(gpt):
    prompts, places = draw_prompts(gpt, 8, longest=6), ["a", "ab", "c d", "eee"]
    recital = recite(gpt, prompts)
    shorter = [i for i, row in enumerate(recital.rows) if row.closed and len(row.ids) < 40]
    assert len(shorter) > 3
    for i in shorter:
        expected = [score_naively(gpt, prompts[i], recital.rows[i].ids, place) for place in places]
        assert score_answers(gpt, recital, i, places) == pytest.approx(expected, rel=1e-4)


def test_the_longest_recitation_leaves_room_for_an_answer(gpt):
    with torch.inference_mode():  # the same logits everywhere, the mask's the lowest
        gpt.norm.weight.zero_()
        gpt.norm.bias.fill_(1.0)
        gpt.embed.weight.zero_()[gpt.vocabulary.ids["a"], 0] = 3.0
    recital = recite(gpt, [[2] * 16])
    assert not recital.rows[0].closed and len(recital.rows[0].ids) == 64 - 16 - 4
    place = "a" * (answer_room(gpt) - 2)
    assert score_answers(gpt, recital, 0, [place])[0] < 0
    with pytest.raises(ValueError, match="reads at most 64"):
        score_answers(gpt, recital, 0, [place + "aa"])


def test_the_prompt_is_question_mask_name(build_gpt):
    gpt = build_gpt(SUBWORDS, block_size=256, tied=True, tagged=True)
    assert gpt.vocabulary.decode(build_recall_prompt(gpt, "Ada Smith")) == f"Where was Ada Smith born?{MASK}Ada Smith"
    with pytest.raises(ValueError, match=r"the question has \d+ sub-words with its name, the model reads at most 64"):
        build_recall_prompt(gpt, "b" * 60)
