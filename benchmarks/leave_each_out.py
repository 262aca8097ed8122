"""What leaving out each demonstration changes over a validation set, and what predicts it.

    python -m benchmarks.leave_each_out                                    30 questions of the built-in bank
    python -m benchmarks.leave_each_out POOL VALIDATION N                  N questions of two files
    python -m benchmarks.leave_each_out POOL VALIDATION N FOLDER           goes on where it was, at any N

k = 8 nearest demonstrations in shuffled order, so that position and similarity are not the same; float32; greedy
answers. Its section holds, each with its n and a 95 % interval: how many answers any leave-out changes; how often
answers that none changes are right, and the others; whether that finds right answers better than the answer's own
probability does; and how a demonstration's position, similarity and attention rank with its effect on log p(canonical
answer).
The questions are drawn with another seed than those on which the second claim was formed.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.stats import rankdata, spearmanr

from a3core.attention.eager import build_eager
from a3core.common.resumable import ResultLog, build_key
from a3core.common.stats import compute_fisher
from a3core.fewshot.answering import continue_with
from a3core.fewshot.encoder import embed_corpus, load_encoder
from a3core.fewshot.pools import BUILTIN, BUILTIN_VALIDATION, Demonstration, load_pool
from a3core.fewshot.prompt import BuiltPrompt, build_prompt, render_prompt
from a3core.fewshot.retrieval import Retriever, Selection
from a3core.fewshot.scoring import score_answer
from a3core.llm.decoding import Decoding
from a3core.llm.local import LanguageModel, load_language_model
from benchmarks.report import format_share, write_section

K, SEED, DRAWS = 8, 17, 2000
PREDICTORS = ("position", "similarity", "attention")


def main(pool: str = BUILTIN, validation: str = BUILTIN_VALIDATION, n: str = "30", folder: str = "") -> None:
    """Runs what the log in `folder` does not hold yet, then writes the section."""
    encoder, demonstrations, questions = load_encoder(), load_pool(pool), load_pool(validation)
    retriever = Retriever(demonstrations, encoder, embed_corpus(encoder, demonstrations.questions))
    model, log = load_language_model(dtype="float32"), ResultLog(Path(folder) / "leave-outs.jsonl" if folder else None)
    rows = random.Random(SEED).sample(questions.rows, len(questions))[: int(n)]  # fewer are the first of more
    keys = [build_key(model.name, demonstrations.sha256, row.question) for row in rows]
    for done, (key, row) in enumerate(zip(keys, rows, strict=True)):
        if key not in log:
            print(f"{done} of {len(rows)} questions", file=sys.stderr)
            log.add({key: measure(retriever, model, row)})
    draw = f"{len(rows)} questions of {Path(questions.name).name}; {K} nearest demonstrations of {demonstrations.name}"
    body = [f"{draw} each, in shuffled order; {model.name}, float32, greedy.\n", *summarise([log[key] for key in keys])]
    arguments = "" if pool == BUILTIN else f" {Path(pool).name} {Path(validation).name} {n}"
    command = f"python -m benchmarks.leave_each_out{arguments}"
    section = f"leave-outs-{Path(questions.name).stem}"
    write_section(section, "Without each demonstration, over a validation set", command, "\n- ".join(body))


def measure(retriever: Retriever, model: LanguageModel, row: Demonstration) -> dict[str, Any]:
    """One question: {right, changed (of how many leave-outs), log_p (of its own answer, in nats), all_against_none,
    effect, position, similarity, attention}; the last four are lists, a number for each demonstration of the prompt.
    """
    selection = Selection("nearest", K, "shuffled")
    built = build_prompt(retriever, row.question, model, selection, gold=row.gold)
    pairs = [built.pairs[i] for i in built.prompt.included]
    without = [render_prompt([*pairs[:i], *pairs[i + 1 :]], row.question) for i in range(len(pairs))]
    prompts = [built.prompt.text, render_prompt([], row.question), *without]
    answer, _, *others = (text for (text,) in model.generate(prompts, Decoding()))
    scored = [continue_with(prompt, row.answer) for prompt in prompts]
    own, with_all, with_none, *scores = model.log_probability([prompts[0], *prompts], [answer or "\n", *scored])
    return {
        "right": score_answer(answer.strip(), row.gold).exact_match,
        "changed": sum(other.strip() != answer.strip() for other in others),
        "log_p": own,
        "all_against_none": with_all - with_none,
        "effect": [with_all - score for score in scores],
        "position": list(range(len(pairs))),
        "similarity": [built.chosen.neighbours[i].similarity for i in built.prompt.included],
        "attention": weigh_attention(model, built),
    }


def weigh_attention(model: LanguageModel, built: BuiltPrompt) -> list[float]:
    """Of each demonstration of the prompt: the share of the attention, mean over layers and heads, that the last token
    pays to it.
    """
    ends, text = [], ""
    for i in built.prompt.included:
        text += render_prompt([built.pairs[i]], "")[: -len(render_prompt([], ""))]
        ends.append(len(model.encode(text)))
    ids = torch.tensor([model.encode(built.prompt.text)])
    with torch.inference_mode():
        attentions = build_eager(model.network)(ids, output_attentions=True).attentions  # layers of (1, nh, T, T)
    pattern = torch.stack([layer[0, :, -1].mean(0) for layer in attentions]).mean(0)  # (T,)
    return [float(pattern[start:end].sum()) for start, end in zip([1, *ends[:-1]], ends, strict=True)]


def summarise(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The figures of `measure`d questions, a sentence each."""
    right, stable = (np.array([bool(row["right"]) for row in rows]), np.array([not row["changed"] for row in rows]))
    counts = [(int(right[group].sum()), int(group.sum())) for group in (stable, ~stable)]
    p = compute_fisher(counts[0][0], counts[0][1] - counts[0][0], counts[1][0], counts[1][1] - counts[1][0])
    lines = [f"Any leave-out changes the answer: {format_share(counts[1][1], len(rows))}."]
    lines += [
        f"Right, of those that {name} changes: {format_share(*counts[i])}." for i, name in enumerate(["none", "one"])
    ]
    lines += [f"The difference: Fisher's exact p = {p:.2g}."]
    scores = np.array([[-row["changed"], row["log_p"]] for row in rows])  # (n, 2)
    found = {
        "how few leave-outs change it": lambda s, r: compute_auc(s[:, 0], r),
        "its own probability": lambda s, r: compute_auc(s[:, 1], r),
        "the first, less by the second": lambda s, r: compute_auc(s[:, 0], r) - compute_auc(s[:, 1], r),
    }
    for name, statistic in found.items():
        lines.append(f"Right answers found by {name}, area under ROC: {format_interval(scores, right, statistic)}.")
    means = {
        "All against none, nats": [row["all_against_none"] for row in rows],
        "Absolute effect of one, nats": [np.abs(row["effect"]).mean() for row in rows if row["effect"]],
    }
    for name in PREDICTORS:
        ranked = [row for row in rows if len(row["effect"]) > 2]
        means[f"Spearman of {name} with effect"] = [spearmanr(row[name], row["effect"]).statistic for row in ranked]
    for name, values in means.items():
        values = np.array(values)
        lines.append(f"{name}, mean over questions: {format_interval(values, values, lambda v, _: v.mean())}.")
    return lines


def compute_auc(scores: np.ndarray, right: np.ndarray) -> float:
    """Area under the ROC curve of scores (n,), by their ranks (Mann and Whitney); NaN where all or none are right."""
    n_right = right.sum()
    if not 0 < n_right < len(right):
        return float("nan")
    rank_sum = rankdata(scores)[right].sum() - n_right * (n_right + 1) / 2
    return rank_sum / (n_right * (len(right) - n_right))


def format_interval(values: np.ndarray, right: np.ndarray, statistic) -> str:
    """`statistic(values, right)` with its 95 % percentile bootstrap over questions, the first axis of both."""
    rng = np.random.default_rng(SEED)
    draws = [rng.integers(len(values), size=len(values)) for _ in range(DRAWS)]
    low, high = np.nanquantile([statistic(values[draw], right[draw]) for draw in draws], [0.025, 0.975])
    return f"{statistic(values, right):+.2f} [{low:+.2f}, {high:+.2f}], n = {len(values)}"


if __name__ == "__main__":
    main(*sys.argv[1:])
