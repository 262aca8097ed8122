"""The model card of a checkpoint, rendered from its training.json: nothing in it is typed by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from a3core.birthplace.checkpoints import Training

FRONT_MATTER = """---
license: cc-by-sa-3.0
language: en
library_name: a3core
tags: [birthplace, character-level, span-corruption]
---
"""
WHAT = {
    "pretrained": "A character GPT that has read its corpus by span corruption and answers no questions yet.",
    "finetuned": "A character GPT finetuned on questions alone, without pretraining: the control.",
    "pretrained-finetuned": "A character GPT that has read its corpus by span corruption, then saw the train answers.",
}


def render_card(folder: Path, training: Training) -> str:
    """Markdown with the hub's front matter."""
    sections = [f"# {folder.name}\n\n{WHAT[training.stage]}", _how(training), _scores(training), _familiarity(folder)]
    notes = "## How it was chosen\n\n" + "\n".join(f"- {note}" for note in training.notes) if training.notes else ""
    return FRONT_MATTER + "\n" + "\n\n".join(filter(None, [*sections, notes])) + "\n"


def _how(training: Training) -> str:
    base = f"- Starts from: `{training.base}`\n" if training.base else ""
    return (
        f"## Training\n\n- Command: `{training.command}`\n{base}"
        f"- Corpus: {training.corpus}, sha256 `{training.sha256}`\n- Source: {training.source}\n"
        f"- {training.parameters:,} parameters; {training.tokens:,} characters in {training.seconds / 60:.1f} minutes "
        f"on {training.machine}\n- The answers of the dev questions were seen by no training."
    )


def _scores(training: Training) -> str:
    from a3core.birthplace.evaluation import Accuracy

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
    return "\n".join(lines)


def _familiarity(folder: Path) -> str:
    if not (folder / "familiarity.json").exists():
        return ""
    facts = json.loads((folder / "familiarity.json").read_text(encoding="utf-8"))
    text = (
        f"## Which names it has read\n\nNames of the corpus against its first and last names recombined: AUROC "
        f"{facts['auroc']:.3f} on {facts['names']} names that the calibration did not use."
    )
    if facts.get("auroc_strangers") is None:
        return text
    strangers = f"{facts['auroc_strangers']:.3f} ({facts['strangers']} of them)"
    return f"{text} Against real people who stand in none of its documents: {strangers}."
