"""The model card of a checkpoint, rendered from its training.json: nothing in it is typed by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from a3core.birthplace.data.loading import is_facts_file
from a3core.birthplace.evaluation import Accuracy
from a3core.birthplace.prediction.confidence import TARGET_ACCURACY, find_coverage, load_confidence
from a3core.birthplace.recall_measures import RecallMeasures

if TYPE_CHECKING:
    from a3core.birthplace.checkpoints import Training

FRONT_MATTER = """---
license: {licence}
language: en
library_name: a3core
tags: [birthplace, {tags}]
---
"""
TAGS = {"recall": "recall-then-answer", "direct": "question-answering"}  # the other stages: characters
WHAT = {
    "pretrained": "A character GPT that has read its corpus by span corruption and answers no questions yet.",
    "finetuned": "A character GPT finetuned on questions alone, without pretraining: the control.",
    "pretrained-finetuned": "A character GPT that has read its corpus by span corruption, then saw the train answers.",
    "recall": "A GPT that recites the sentence it has read about a person, then answers with a span of it.",
    "direct": "A GPT that has read the sentences and answers without reciting: the control of `recall`.",
}


STARTER = (
    "\n- Unlike in the course's public starter code of 2024, a span's content is closed by a pad, not by a third mask, "
    "and finetuning does not ask for the mask that opens an answer."
)


def render_card(folder: Path, training: Training) -> str:
    """Markdown with the hub's front matter."""
    sections = [f"# {folder.name}\n\n{WHAT[training.stage]}", _how(training), _scores(training)]
    sections += [_confidence(folder), _familiarity(folder, training)]
    notes = "## How it was chosen\n\n" + "\n".join(f"- {note}" for note in training.notes) if training.notes else ""
    licence = "other" if is_facts_file(training.corpus) else "cc-by-sa-3.0"
    tags = TAGS.get(training.stage, "character-level, span-corruption")
    front_matter = FRONT_MATTER.format(licence=licence, tags=tags)
    return front_matter + "\n" + "\n\n".join(filter(None, [*sections, notes])) + "\n"


def _how(training: Training) -> str:
    base = f"- Starts from: `{training.base}`\n" if training.base else ""
    return (
        f"## Training\n\n- Command: `{training.command}`\n{base}"
        f"- Corpus: {training.corpus}, sha256 `{training.sha256}`\n- Source: {training.source}\n"
        f"- {training.parameters:,} parameters; {training.tokens:,} {training.unit} in {training.seconds / 60:.1f} "
        f"minutes on {training.machine}\n- The answers of the dev questions were seen by no training."
        f"{STARTER if training.unit == 'characters' else ''}"
    )


def _scores(training: Training) -> str:
    if not training.measurements:
        return ""
    lines = [
        "## Every run over the dev questions\n",
        "| questions | sha256 | correct | 95 % interval |",
        "|---|---|---|---|",
    ]
    for run in training.measurements:
        accuracy = Accuracy(run.correct, run.total)
        low, high = accuracy.interval
        lines.append(
            f"| {run.questions} | `{run.sha256[:12]}` | {run.correct} of {run.total}: {accuracy.share:.1%} "
            f"| [{100 * low:.1f}, {100 * high:.1f}] |"
        )
    return "\n".join([*lines, *_recitations(training)])


def _recitations(training: Training) -> list[str]:
    """Of the last run over the dev questions, how much was recited word for word, and what that did to the answers."""
    run = training.measurements[-1]
    if run.recited is None:
        return []
    given_exact = Accuracy(run.right_recited, run.recited)
    given_wrong = Accuracy(run.correct - run.right_recited, run.total - run.recited)
    measures = RecallMeasures(Accuracy(run.recited, run.total), given_exact, given_wrong)
    return ["", "The last of them:", "", *(f"- {line}" for line in str(measures).splitlines())]


def _confidence(folder: Path) -> str:
    """What the confidence of the answers was fitted on, and what it was worth there."""
    confidence = load_confidence(folder)
    if confidence is None:
        return ""
    points, asked = confidence.coverage, len(confidence.held_out)
    stated = sum(share for share, _ in confidence.held_out) / asked
    source = (
        f"`{confidence.source}`, the same recipe without them; this checkpoint was shown them too, so the fit is taken "
        "over from there"
        if confidence.source
        else "this checkpoint, which was not shown them"
    )
    return (
        f"## How sure it is\n\nA logistic regression on {asked} held-out train questions as answered by {source}. "
        f"There {points[-1].accuracy:.1%} are right and {stated:.1%} is the mean confidence; answering only when sure "
        f"enough, it can answer {find_coverage(points):.1%} of them with {TARGET_ACCURACY:.0%} of its answers right "
        "(each is measured by a fit on others)."
    )


def _familiarity(folder: Path, training: Training) -> str:
    if not (folder / "familiarity.json").exists():
        return ""
    calibration = json.loads((folder / "familiarity.json").read_text(encoding="utf-8"))
    judged = ", by the probability of the recitation" if training.recalls else ""
    text = (
        f"## Which names it has read\n\nNames of the corpus against its first and last names recombined{judged}: AUROC "
        f"{calibration['auroc']:.3f} on {calibration['names']} names that the calibration did not use."
    )
    if calibration.get("auroc_strangers") is None:
        return text
    unseen = f"{calibration['auroc_strangers']:.3f} ({calibration['strangers']} of them)"
    return f"{text} Against real people who stand in none of its documents: {unseen}."
