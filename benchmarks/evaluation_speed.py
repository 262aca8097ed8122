"""Evaluating 500 questions against the course's way, and the time of one prediction.

    python -m benchmarks.evaluation_speed [CHECKPOINT]

The course's way: one question at a time, no cache, always 32 greedy steps. Both answer in the same run, in turn.
The questions are built-in people, so that this runs anywhere; a checkpoint of another corpus takes as long.
"""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path

import torch

from a3core.birthplace.checkpoints import CheckpointStore, load_predictor
from a3core.birthplace.data.loading import load_corpus
from a3core.birthplace.model.vocabulary import build_prompt
from a3core.birthplace.prediction.direct import MAX_PLACE
from a3core.birthplace.service import BirthplaceService
from benchmarks.report import table, write_section

ROUNDS = 3


@torch.inference_mode()
def predict_as_the_course(model, question: str) -> str:
    """`utils.sample(model, x, 32, sample=False)` of the assignment, then the text up to the closing mask."""
    prompt = build_prompt(question)
    idx = torch.tensor([model.vocabulary.encode(prompt)])
    for _ in range(MAX_PLACE):
        logits = model(idx[:, -model.block_size :])
        idx = torch.cat((idx, logits[:, -1].argmax(-1, keepdim=True)), dim=1)
    return model.vocabulary.decode(idx[0].tolist())[len(prompt) :].split("\u2047")[0]


def measure(function) -> tuple[float, list[str]]:
    start = time.perf_counter()
    places = function()
    return time.perf_counter() - start, places


def main(checkpoint: str = "checkpoints/builtin-pretrained-finetuned") -> None:
    predictor = load_predictor(checkpoint)
    corpus = load_corpus("builtin:1000")
    questions = [question.question for question in (*corpus.dev, *corpus.train)][:500]
    ratios, singles = [], []
    for _ in range(ROUNDS):
        fast, ours = measure(lambda: [answer.place for answer in predictor.predict(questions)])
        slow, theirs = measure(lambda: [predict_as_the_course(predictor.model, question) for question in questions])
        assert ours == theirs, [pair for pair in zip(ours, theirs, strict=True) if pair[0] != pair[1]]
        ratios.append(slow / fast)
    checkpoints = CheckpointStore(Path(checkpoint).parent)
    service = BirthplaceService(checkpoints)
    family = checkpoints.trainings[Path(checkpoint).name].corpus
    for question in questions[:100]:
        singles.append(measure(lambda question=question: predictor.predict([question]))[0])
    whole = [measure(lambda question=question: service.ask(question, family))[0] for question in questions[:50]]
    rows = [
        (f"500 questions, the course's way / ours, {ROUNDS} rounds", f"{statistics.median(ratios):.1f}x "
         f"({min(ratios):.1f} to {max(ratios):.1f})", "500 of 500 predictions identical"),
        ("one greedy prediction, p50 of 100", f"{1000 * statistics.median(singles):.0f} ms", ""),
        ("one reply of the tab (every checkpoint of the family, beam search, familiarity), p50 of 50",
         f"{1000 * statistics.median(whole):.0f} ms", ""),
    ]  # fmt: skip
    command = f"python -m benchmarks.evaluation_speed {checkpoint}"
    write_section("evaluation-speed", "Evaluation and prediction", command, table(["what", "measured", "check"], rows))


if __name__ == "__main__":
    main(*sys.argv[1:])
