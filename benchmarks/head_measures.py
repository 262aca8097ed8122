"""How well weights and direct attribution predict what switching a head off does, on prompts that a model gets right.

python -m benchmarks.head_measures [CHECKPOINT] [N]            held-out questions of the checkpoint's corpus
python -m benchmarks.head_measures gemma-3-270m [N]            capitals that the packaged language model knows

For each prompt: Spearman over all heads between a predictor and the absolute change of the log-probability of the
answer's first token, off everywhere and off only where the answer is written, with zero and with mean ablation; and
whether the head that matters most is among the predictor's first three. Intervals are 95 %: percentile bootstrap over
prompts, and Wilson.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import scipy
import torch

from a3core.attention.ablation import ANSWER, EVERYWHERE, map_ablations, read_pair
from a3core.attention.capture import measure_values
from a3core.attention.measures.answers import find_name
from a3core.attention.measures.direct import attribute_heads
from a3core.attention.models import AttentionModel, GPTModel, HuggingFaceModel
from a3core.birthplace.checkpoints import load_predictor, load_training
from a3core.birthplace.data.corpora import build_question
from a3core.birthplace.data.loading import HELD_OUT, list_people
from a3core.common.paths import CHECKPOINTS
from a3core.common.stats import wilson_interval
from a3core.llm.local import MODEL_NAME, load_language_model
from benchmarks.report import table, write_section

ABLATIONS = [(where, mean) for mean in (False, True) for where in (EVERYWHERE, ANSWER)]
CAPITALS = (
    "France:Paris Germany:Berlin Italy:Rome Spain:Madrid Japan:Tokyo Russia:Moscow China:Beijing Egypt:Cairo "
    "Greece:Athens Austria:Vienna Hungary:Budapest Portugal:Lisbon Ireland:Dublin Norway:Oslo Sweden:Stockholm "
    "Denmark:Copenhagen Finland:Helsinki Poland:Warsaw Cuba:Havana Peru:Lima Iran:Tehran Iraq:Baghdad"
)


def list_questions(checkpoint: str, model: GPTModel) -> Iterator[tuple[str, str | None]]:
    """Held-out questions that the checkpoint answers right, and None: the answer is its own."""
    corpus = load_training(Path(checkpoint)).corpus
    people = [person for person in list_people(corpus).values() if person.split == HELD_OUT]
    questions = [build_question(person.name) for person in people]
    for person, question, found in zip(people, questions, model.predictor.predict(questions), strict=True):
        if found.place == person.place:
            yield question, None


def list_capitals(model: HuggingFaceModel) -> Iterator[tuple[str, str | None]]:
    """Prompts behind which the capital is the likeliest next token."""
    for country, capital in (pair.split(":") for pair in CAPITALS.split()):
        prompt = f"The capital of {country} is the city of"
        read, _, reply = model.continue_text(prompt, f" {capital}")[:3]
        with torch.inference_mode():
            if int(model.logits(model.network, torch.tensor([read]), 1)[0, -1].argmax()) == reply[0]:
                yield prompt, f" {capital}"


@torch.inference_mode()
def predict_effects(model: AttentionModel, text: str, answer: str | None) -> dict[str, np.ndarray]:
    """Each predictor of how much a head matters, (n_layer, n_head): read where the answer begins."""
    prompt, sentence, reply = model.continue_text(text, answer)[:3]
    lead = prompt + sentence
    trace = model.trace(torch.tensor([lead]))
    norms = measure_values(trace)
    pattern = torch.stack([each.pattern[:, -1] for each in trace.attended]).numpy()  # (n_layer, n_head, T)
    first, end = find_name(text, model.split(lead)) or (1, len(lead) - 1)
    found = {
        "direct attribution": attribute_heads(model, trace, len(lead) - 1, reply[0]).heads,
        "attention on the name": pattern[..., first:end].sum(-1),
        "1 - attention on the first token": 1 - pattern[..., 0],
    }
    for name, label in (("v", "times the norm of v"), ("vo", "times the norm of v W_O")):
        if name in norms:
            found[f"attention on the name, {label}"] = (pattern * norms[name])[..., first:end].sum(-1)
    return {name: np.abs(values).ravel() for name, values in found.items()}


def measure(model: AttentionModel, prompts: list[tuple[str, str | None]]) -> list[list[str]]:
    """A row for each predictor and ablation."""
    found: dict[tuple, list[tuple[float, bool]]] = {}
    for text, answer in prompts:
        predicted = predict_effects(model, text, answer)
        read = read_pair(model, text, answer)
        read = read._replace(answer=read.answer[:1])
        for where, mean in ABLATIONS:
            effect = map_ablations(model, read, where=where, mean=mean)
            change = np.abs(np.log(effect.after.clip(1e-30)) - np.log(effect.before)).ravel()
            for name, values in predicted.items():
                spearman = float(scipy.stats.spearmanr(values, change).statistic)
                hit = bool(change.argmax() in np.argsort(-values)[:3])
                found.setdefault((name, where, mean), []).append((spearman, hit))
    return [[name, where, "mean" if mean else "zero", *summarise(each)] for (name, where, mean), each in found.items()]


def summarise(each: list[tuple[float, bool]]) -> tuple[str, str]:
    """Mean Spearman with its bootstrap interval, and the share of hits with Wilson's."""
    values, hits = np.array([spearman for spearman, _ in each]), sum(hit for _, hit in each)
    draws = np.random.default_rng(0).choice(values, (2000, len(values))).mean(axis=1)
    low, high = np.quantile(draws, (0.025, 0.975))
    below, above = wilson_interval(hits, len(each))
    return f"{values.mean():.2f} [{low:.2f}, {high:.2f}]", f"{hits} of {len(each)} [{below:.0%}, {above:.0%}]"


def main(name: str = str(CHECKPOINTS / "builtin-pretrained-finetuned"), n: str = "50") -> None:
    if name == MODEL_NAME:
        model = HuggingFaceModel(load_language_model(dtype="float32"))
        prompts = list(list_capitals(model))
    else:
        model = GPTModel(name.rpartition("/")[2], load_predictor(name))
        prompts = list(list_questions(name, model))
    prompts = prompts[: int(n)]
    headers = ["predictor", "off", "by", "Spearman with the effect", "top head among its first three"]
    title = f"What predicts that a head matters: {model.name}, {len(prompts)} prompts that it gets right"
    command = f"python -m benchmarks.head_measures {model.name} {n}"
    write_section(f"head-measures-{model.name}", title, command, table(headers, measure(model, prompts)))


if __name__ == "__main__":
    main(*sys.argv[1:])
