"""How often a right answer stands among the demonstrations, with the leakage guard on, and what nearest ones add then.

python -m benchmarks.answer_in_sight                       the built-in bank
python -m benchmarks.answer_in_sight POOL VALIDATION       two files
python -m benchmarks.answer_in_sight POOL VALIDATION 100   log p of the gold answer, nearest less random, too:
                                                           with the answer in sight, and for 100 of the others
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

import numpy as np
from scipy.stats import t

from a3core.common.stats import wilson_interval
from a3core.fewshot.answering import continue_with
from a3core.fewshot.encoder import embed_corpus, load_encoder
from a3core.fewshot.pools import BUILTIN, BUILTIN_VALIDATION, Demonstration, load_pool
from a3core.fewshot.prompt import build_prompt
from a3core.fewshot.retrieval import Retriever, Selection
from a3core.fewshot.scoring import is_same_answer
from a3core.llm.local import load_language_model
from benchmarks.report import table, write_section

K = 8


def main(pool: str = BUILTIN, validation: str = BUILTIN_VALIDATION, n_others: str = "0") -> None:
    """Writes the section: questions with the answer in sight by way of choosing K demonstrations; then the nats."""
    encoder, demonstrations, questions = load_encoder(), load_pool(pool), load_pool(validation)
    retriever = Retriever(demonstrations, encoder, embed_corpus(encoder, demonstrations.questions))
    embeddings = retriever.embed(questions.questions)
    counts = []
    for method in ("random", "nearest"):
        chosen = [
            retriever.select(row.question, Selection(method, K), embedding)
            for row, embedding in zip(questions.rows, embeddings, strict=True)
        ]
        in_sight = [
            any(is_same_answer(neighbour.demonstration.answer, row.gold) for neighbour in each.neighbours)
            for row, each in zip(questions.rows, chosen, strict=True)
        ]
        low, high = wilson_interval(sum(in_sight), len(questions))
        share = f"{100 * sum(in_sight) / len(questions):.1f} % [{100 * low:.1f}, {100 * high:.1f}]"
        counts.append((f"{K} {method} ones", f"{sum(in_sight)} of {len(questions):,}: {share}"))
    body = table(["demonstrations", "questions with a right answer among them"], counts)
    if int(n_others):
        hidden = [row for row, is_in_sight in zip(questions.rows, in_sight, strict=True) if not is_in_sight]
        groups = {
            "in sight among the nearest": [row for row in questions.rows if row not in hidden],
            "not in sight": random.Random(0).sample(hidden, min(int(n_others), len(hidden))),
        }
        rows = [(name, len(group), compare(retriever, group)) for name, group in groups.items()]
        body += "\n\n" + table(["the right answer", "questions", "nearest less random, log-probability"], rows)
    arguments = "" if pool == BUILTIN else f" {Path(pool).name} {Path(validation).name} {n_others}"
    command = f"python -m benchmarks.answer_in_sight{arguments}"
    write_section(f"sight-{Path(questions.name).stem}", "The answer in sight", command, body)


def compare(retriever: Retriever, rows: list[Demonstration]) -> str:
    """The paired difference of log p(canonical answer), nearest less random, with its t interval."""
    model, scores = load_language_model(), {}
    for method in ("random", "nearest"):
        built = [build_prompt(retriever, row.question, model, Selection(method, K)).prompt.text for row in rows]
        gold = [continue_with(prompt, row.answer) for prompt, row in zip(built, rows, strict=True)]
        scores[method] = np.array(model.log_probability(built, gold))
    difference = scores["nearest"] - scores["random"]
    low, high = t.interval(0.95, len(rows) - 1, difference.mean(), difference.std(ddof=1) / len(rows) ** 0.5)
    return f"{difference.mean():+.2f} nats [{low:+.2f}, {high:+.2f}]"


if __name__ == "__main__":
    main(*sys.argv[1:])
