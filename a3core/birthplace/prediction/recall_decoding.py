"""The sentence that a model has read about a person, token by token.

>>> sentences = recall_sentences(model, [build_recall_prompt(model, "Ada Smith")])        # behind ⁇Ada Smith
>>> model.vocabulary.decode(sentences[0].ids)
'. Ada Smith was born in Leeds in 1901 .'

The sentence is recalled behind the bare name, as it was read, not behind the question: so more are word for word
(BENCHMARKS.md, section choose-recall).
"""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

from a3core.birthplace.data.corpora import build_question
from a3core.birthplace.data.span_corruption import build_prompt
from a3core.birthplace.model.gpt import GPT, Cache
from a3core.birthplace.prediction.direct import pad_left

QUESTION_SHARE, ANSWER_SHARE = 4, 16  # a question may fill a quarter of the block, an answer a sixteenth


@dataclass(frozen=True)
class RecalledSentence:
    """One recalled text: its tokens without the closing mask."""

    ids: list[int]
    logs: list[float]  # log-probability of each token, and of the closing mask unless the limit came before it

    @property
    def log_probability(self) -> float:
        """Of the sentence and its end, in nats."""
        return sum(self.logs)


def build_recall_prompt(model: GPT, name: str) -> list[int]:
    """`⁇name`: as a plain sentence opens. Raises ValueError where the question about it is too long."""
    encode_question(model, name)
    return [model.vocabulary.mask_id, *model.vocabulary.encode(name)]


def encode_question(model: GPT, name: str) -> list[int]:
    """`question ⁇ name`. Raises ValueError for one that is too long."""
    vocabulary, limit = model.vocabulary, question_limit(model)
    prompt = [*vocabulary.encode(build_prompt(build_question(name, model.question))), *vocabulary.encode(name)]
    if len(prompt) > limit:
        length = f"{len(prompt)} {vocabulary.unit}"
        raise ValueError(f"the question has {length} with its name, the model reads at most {limit}: shorten it")
    return prompt


class PartialSentence:
    """What a batch of prompts has recalled so far: allocated once, filled token by token."""

    def __init__(self, model: GPT, prompts: Sequence[list[int]]):
        self.vocabulary, self.length = model.vocabulary, 0
        self.capacity = model.block_size - question_limit(model) - answer_limit(model)
        self.prompts, self.pad = pad_left(model, prompts)  # (B, T), (B,)
        self.cache = Cache(model, len(prompts), self.prompts.size(1) + self.capacity)
        shape = (len(prompts), self.capacity)
        self.ids, self.logs = torch.zeros(shape, dtype=torch.long), torch.zeros(shape)

    def sentence(self, row: int) -> RecalledSentence:
        """A row up to here, or to its closing mask."""
        ids, logs = self.ids[row, : self.length].tolist(), self.logs[row, : self.length].tolist()
        closed = self.vocabulary.mask_id in ids
        end = ids.index(self.vocabulary.mask_id) if closed else len(ids)
        return RecalledSentence(ids[:end], logs[: end + closed])

    def text(self, row: int) -> str:
        """The text of `sentence`; a letter whose bytes are not all there is left out."""
        return self.vocabulary.decode(self.sentence(row).ids).rstrip("\ufffd")

    def surest(self) -> int:
        """The row whose `sentence` is likeliest."""
        return max(range(len(self.ids)), key=lambda row: self.sentence(row).log_probability)


def recall_sentences(model: GPT, prompts: Sequence[list[int]]) -> list[RecalledSentence]:
    """Continues each prompt, likeliest token by likeliest token, to its closing mask."""
    draft = deque(recall_steps(model, prompts), maxlen=1).pop()
    return [draft.sentence(row) for row in range(len(prompts))]


@torch.inference_mode()
def recall_steps(model: GPT, prompts: Sequence[list[int]]) -> Iterator[PartialSentence]:
    """`recall_sentences`, to be watched: yields the one `PartialSentence` after each token that every row has got."""
    draft, ended = PartialSentence(model, prompts), torch.zeros(len(prompts), dtype=torch.bool)
    idx, shift = draft.prompts, draft.pad if draft.pad.any() else None
    for step in range(draft.capacity):
        logits = model(idx, draft.cache, shift)
        draft.logs[:, step : step + 1], idx = logits[:, -1].log_softmax(-1).max(-1, keepdim=True)  # (B, 1) each
        draft.ids[:, step : step + 1] = idx
        draft.length = step + 1
        yield draft
        if (ended := ended | (idx[:, 0] == model.vocabulary.mask_id)).all():
            break


@torch.inference_mode()
def score_sentence(model: GPT, name: str, body: str) -> RecalledSentence:
    """As if the model had recalled this text behind the name."""
    prompt, ids = build_recall_prompt(model, name), model.vocabulary.encode(body)
    closed = torch.tensor([*ids, model.vocabulary.mask_id])
    logs = model(torch.tensor([prompt + ids]))[0, len(prompt) - 1 :].log_softmax(-1)  # (T, V)
    return RecalledSentence(ids, logs.gather(-1, closed[:, None])[:, 0].tolist())


def question_limit(model: GPT) -> int:
    """Positions for a question and its name."""
    return model.block_size // QUESTION_SHARE


def answer_limit(model: GPT) -> int:
    """Positions left free behind a sentence: for the mask and an answer, whose own mask is not read."""
    return model.block_size // ANSWER_SHARE
