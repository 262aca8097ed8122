"""Reciting in batches with a cache against the slow and obvious way, and scoring answers behind a recitation."""

from __future__ import annotations

import contextlib
import random

import pytest
import torch

from a3core.birthplace.model.gpt import Draft, decode_steps
from a3core.birthplace.model.vocabulary import MASK, PAD, build_subwords
from a3core.birthplace.prediction.recall_decoding import (
    EncodedRecall,
    RecalledSentence,
    answer_limit,
    build_recall_prompt,
    encode_answer,
    encode_question,
    question_limit,
    recall_sentences,
    recall_steps,
)

SUBWORDS = build_subwords(["Where was Ada Smith born? Leeds"] * 3, 270).text


@pytest.fixture
def gpt(build_gpt):
    """Six letters, so that the closing mask comes up early often."""
    return build_gpt(PAD + MASK + "abcde ", seed=26, tagged=True)  # untied: random tied weights repeat themselves


def draw_prompts(model, count: int, longest: int = 14) -> list[list[int]]:
    rng = random.Random(0)
    return [rng.choices(range(1, model.vocabulary.size), k=rng.randint(1, longest)) for _ in range(count)]


@torch.inference_mode()
def recite_naively(model, prompt: list[int], room: int) -> tuple[list[int], float]:
    """One prompt, no cache: the whole text is read again for every token. (ids, log-probability)"""
    ids, log_probability, closed = list(prompt), 0.0, False
    while len(ids) - len(prompt) < room and not closed:
        logs = model(torch.tensor([ids]))[0, -1].log_softmax(-1)
        log_probability += logs.max().item()
        closed = logs.argmax().item() == model.vocabulary.mask_id
        ids += [] if closed else [logs.argmax().item()]
    return ids[len(prompt) :], log_probability


def find_room(model) -> int:
    return model.block_size - question_limit(model) - answer_limit(model)


def assert_recited(model, row, prompt) -> None:
    ids, log_probability = recite_naively(model, prompt, find_room(model))
    assert row.ids == ids
    assert row.log_probability == pytest.approx(log_probability, rel=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 21, 26])
def test_a_batch_recites_what_one_at_a_time_recites(build_gpt, seed):
    gpt = build_gpt(PAD + MASK + "abcde ", seed=seed, tagged=True)
    prompts = draw_prompts(gpt, 12)
    rows = recall_sentences(gpt, prompts)
    for row, prompt in zip(rows, prompts, strict=True):
        assert_recited(gpt, row, prompt)
    assert len({len(row.ids) for row in rows}) > 2, "the test needs recitations of different lengths"


def test_one_prompt_alone(gpt):
    for prompt in draw_prompts(gpt, 6):
        (row,) = recall_sentences(gpt, [prompt])
        assert_recited(gpt, row, prompt)


@pytest.fixture
def reader(build_gpt):
    """Sub-words, with room for a question."""
    return build_gpt(SUBWORDS, block_size=128, tied=True, tagged=True)


NAMES = ("Ada", "Smith", "Ada Smith")


def test_sub_words_are_recited_the_same_way(reader):
    prompts = [build_recall_prompt(reader, name) for name in NAMES]
    for row, prompt in zip(recall_sentences(reader, prompts), prompts, strict=True):
        assert_recited(reader, row, prompt)


def draw_recitations(model) -> list[RecalledSentence]:
    """Of different lengths, one of them empty."""
    return [RecalledSentence(ids, -1.0) for ids in ([], *draw_prompts(model, 2, longest=20))]


def test_the_tags_are_those_of_the_question_and_the_recitation_together(reader):
    recitations = draw_recitations(reader)
    reading = EncodedRecall(reader, NAMES, recitations)
    for name, recited, tags in zip(NAMES, recitations, reading.tags, strict=True):
        prompt = encode_question(reader, name)
        with torch.inference_mode():
            expected = reader(torch.tensor([prompt + recited.ids]), tagged=True)[1][0].sigmoid().tolist()
        assert tags == pytest.approx(expected[len(prompt) :], abs=1e-5)
        assert len(tags) == len(recited.ids)


@torch.inference_mode()
def score_naively(model, prompt: list[int], recited: list[int], place: str) -> float:
    context, answer = [*prompt, *recited, model.vocabulary.mask_id], encode_answer(model, place)
    logs = model(torch.tensor([context + answer]))[0].log_softmax(-1)
    return sum(logs[len(context) - 1 + i, token].item() for i, token in enumerate(answer))


def test_answers_are_scored_behind_the_recitation(reader):
    recitations, places = draw_recitations(reader), ["a", "Ada", "S m"]
    reading = EncodedRecall(reader, NAMES, recitations)
    for row, (name, recited) in enumerate(zip(NAMES, recitations, strict=True)):
        expected = [score_naively(reader, encode_question(reader, name), recited.ids, place) for place in places]
        assert reading.score_answers(row, places) == pytest.approx(expected, rel=1e-4)


def find_longest_name(model) -> str:
    name = "b"
    with contextlib.suppress(ValueError):
        while encode_question(model, name + "b"):
            name += "b"
    return name


def test_the_longest_recitation_leaves_room_for_question_and_answer(build_gpt):
    reader = build_gpt(SUBWORDS, block_size=256, tied=True, tagged=True)
    with torch.inference_mode():  # the same logits everywhere, the mask's the lowest
        reader.norm.weight.zero_()
        reader.norm.bias.fill_(1.0)
        (letter,) = reader.vocabulary.encode("b")
        reader.embed.weight.zero_()[letter, 0] = 3.0
    name = find_longest_name(reader)
    (row,) = recall_sentences(reader, [build_recall_prompt(reader, name)])
    assert len(row.ids) == find_room(reader)
    reading, place = EncodedRecall(reader, [name], [row]), "b" * (answer_limit(reader) - 2)
    assert reading.score_answers(0, [place])[0] < 0
    with pytest.raises(ValueError, match="reads at most 256"):
        reading.score_answers(0, [place + "bb"])


def test_a_plain_sentence_opens_with_mask_and_name(build_gpt):
    gpt = build_gpt(SUBWORDS, block_size=256, tied=True, tagged=True)
    assert gpt.vocabulary.decode(build_recall_prompt(gpt, "Ada Smith")) == f"{MASK}Ada Smith"
    assert gpt.vocabulary.decode(encode_question(gpt, "Ada Smith")) == f"Where was Ada Smith born?{MASK}Ada Smith"
    with pytest.raises(ValueError, match=r"the question has \d+ sub-words with its name, the model reads at most 64"):
        build_recall_prompt(gpt, "b" * 60)


def test_a_recitation_is_watched_token_by_token(reader):
    prompts = [build_recall_prompt(reader, name) for name in NAMES]
    watched = list(recall_steps(reader, prompts))
    rows = recall_sentences(reader, prompts)
    assert len(watched) == max(min(len(row.ids) + 1, find_room(reader)) for row in rows)
    assert watched[-1] == rows
    for step, sentences in enumerate(watched, 1):
        assert sentences == [RecalledSentence(row.ids[:step], row.logs[:step]) for row in rows]
    drafts = decode_steps(reader, prompts, find_room(reader), [reader.vocabulary.mask_id])
    assert len({id(draft) for draft in drafts}) == 1, "one draft is filled, none is built for a step"


def test_a_row_is_counted_to_its_closing_mask(gpt):
    mask = gpt.vocabulary.mask_id
    draft = Draft(gpt, [[2, 3], [3]], 5, [mask])
    draft.ids[:, :3] = torch.tensor([[mask, 4, 4], [4, 4, 4]])
    draft.logs[:, :3] = torch.tensor([[-1.0, -9.0, -9.0], [-0.4, -0.4, -0.4]])
    surest = []
    for draft.length in (1, 2, 3):
        surest.append(max((0, 1), key=lambda row: sum(draft.row(row)[1])))
    assert surest == [1, 1, 0]
    assert (draft.row(0)[0], draft.row(1)[0]) == ([mask], [4, 4, 4])
