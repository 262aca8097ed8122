"""The three claims of the assignment's 2.g, measured on the dev people of a corpus.

    python -m benchmarks.why_pretraining_helps CORPUS PRETRAINED PRETRAINED_FINETUNED FINETUNED

1. The pretraining text holds the answers: how many dev places stand in a document about that very person.
2. The pretrained model remembers them: cloze accuracy on the birthplace in those documents (the place masked, the span
   filled), against the same model's chance: the most common place.
3. Finetuning does not make it forget: cloze accuracy and the loss of the documents before and after, paired.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch
from scipy.stats import bootstrap

from a3core.birthplace.checkpoints import load_checkpoint
from a3core.birthplace.data.corpora import Corpus
from a3core.birthplace.data.examples import Example, build_batch
from a3core.birthplace.data.loading import load_corpus
from a3core.birthplace.evaluation import Accuracy, predict_baseline
from a3core.birthplace.model.vocabulary import MASK
from a3core.birthplace.prediction.direct import MAX_PLACE, generate
from a3core.birthplace.training.trainer import loss_of
from a3core.common.stats import compare_paired
from benchmarks.report import format_share, table, write_section

LIMIT = 128 - MAX_PLACE - 2  # characters of a document that leave room for the place and two masks


def find_documents(corpus: Corpus) -> list[tuple[str, str]]:
    """(document, place) of each dev person whose place stands in a document that opens with the name."""
    found = []
    for question in corpus.dev:
        about = [text for text in corpus.documents if text.startswith(question.name) and question.place in text]
        found += [(about[0], question.place)] if about else []
    return found


def build_cloze(document: str, place: str, limit: int) -> str | None:
    """`prefix ⁇ suffix ⁇` with the place masked; None where it ends beyond what pretraining reads of a document."""
    start = document.index(place, 1)
    if start + len(place) > limit:
        return None
    return f"{document[:start]}{MASK}{document[start + len(place) : limit]}{MASK}"


def cloze_marks(model, pairs: list[tuple[str, str]]) -> list[bool]:
    clozes = [(build_cloze(document, place, LIMIT), place) for document, place in pairs]
    clozes = [(cloze, place) for cloze, place in clozes if cloze]
    spans = generate(model, [model.vocabulary.encode(cloze) for cloze, _ in clozes], model.vocabulary.pad_id)
    # A finetuned model was taught to end an answer by the mask, a pretrained one by the pad: both ends count.
    return [span.split(MASK)[0] == place for (span, _), (_, place) in zip(spans, clozes, strict=True)]


@torch.inference_mode()
def sentence_losses(model, documents: list[str]) -> np.ndarray:
    """Nats a character of each document's first 112 characters, read plainly."""
    sequences = [Example(model.vocabulary.encode(text[:112]), [True] * len(text[:112])) for text in documents]
    batches = [build_batch([sequence], 112, 1, model.vocabulary.pad_id) for sequence in sequences]
    return np.array([loss_of(model(idx), targets).item() for idx, targets in batches])


def main(spec: str, *folders: str) -> None:
    corpus = load_corpus(spec)
    pairs = find_documents(corpus)
    models = {Path(folder).name: load_checkpoint(folder) for folder in folders}
    names = list(models)
    marks = {name: cloze_marks(model, pairs) for name, model in models.items()}
    losses = {name: sentence_losses(model, [document for document, _ in pairs]) for name, model in models.items()}
    constant = predict_baseline("most-common", corpus.train)
    only_before, only_after, p = compare_paired(marks[names[0]], marks[names[1]])
    difference = losses[names[1]] - losses[names[0]]
    low, high = bootstrap((difference,), np.mean, rng=0).confidence_interval
    shares = {name: format_share(sum(right), len(right)) for name, right in marks.items()}
    rows = [(name, shares[name], f"{losses[name].mean():.3f}") for name in names]
    asked = [place for document, place in pairs if build_cloze(document, place, LIMIT)]
    rows.append((f"always {constant}", format_share(asked.count(constant), len(asked)), ""))
    stated = Accuracy(len(pairs), len(corpus.dev))
    body = "\n\n".join([
        table(["model", "birthplace filled in rightly, 95 % interval", "loss of the sentences"], rows),
        f"1. *The text holds the answers*: the place stands in a document about that very person for "
        f"{stated.correct} of {stated.total} dev people ({stated.share:.1%}). **{verdict(stated.share > 0.9)}.**",
        f"2. *The pretrained model remembers them*: it fills in {shares[names[0]]} of the masked birthplaces. "
        f"**{verdict(sum(marks[names[0]]) > 0.5 * len(marks[names[0]]), 'Holds', 'Holds in part')}.**",
        f"3. *Finetuning does not make it forget*: of the clozes, {only_before} are right only before finetuning and "
        f"{only_after} only after (exact paired test, p = {p:.2g}); the loss of the sentences changes by "
        f"{difference.mean():+.3f} nats a character [{low:+.3f}, {high:+.3f}]. "
        f"**{verdict(only_before < 0.1 * len(marks[names[0]]), 'Holds', 'Does not hold: it forgets in part')}.**",
    ])  # fmt: skip
    command = "python -m benchmarks.why_pretraining_helps " + " ".join(
        [corpus.name, *(f"checkpoints/{n}" for n in names)]
    )
    write_section(f"why-{corpus.name}", f"Why pretraining helps ({corpus.name})", command, body)


def verdict(holds: bool, yes: str = "Holds", no: str = "Does not hold") -> str:
    return yes if holds else no


if __name__ == "__main__":
    main(*sys.argv[1:])
