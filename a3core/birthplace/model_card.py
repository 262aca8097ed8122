"""The model card of a checkpoint, rendered from its files by model_card.md: nothing in it is typed by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Template
from pydantic import TypeAdapter

from a3core.birthplace.data.loading import is_facts_file
from a3core.birthplace.evaluation import Accuracy, build_measures
from a3core.birthplace.json_files import load_json
from a3core.birthplace.prediction.confidence import TARGET_ACCURACY, find_coverage, load_confidence

if TYPE_CHECKING:
    from a3core.birthplace.checkpoints import Training


TEXTS = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
WHAT, TAGS = TEXTS["what"], TEXTS["tags"]  # by stage; tags of the stages that read characters are in render_card


def render_card(folder: Path, training: Training) -> str:
    """Markdown with the hub's front matter. Raises ValueError for a broken file in the folder."""
    text = Path(__file__).with_suffix(".md").read_text(encoding="utf-8")
    template = Template(text, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True)
    confidence, recall = load_confidence(folder), None
    if training.measurements and (last := training.measurements[-1]).recited is not None:
        recall = build_measures(last.total, last.recited, last.correct, last.right_recited)
    return template.render(
        name=folder.name,
        training=training,
        what=WHAT[training.stage],
        tags=TAGS.get(training.stage, "character-level, span-corruption"),
        is_own=is_facts_file(training.corpus),
        runs=[(run, Accuracy(run.correct, run.total)) for run in training.measurements],
        recall=str(recall).splitlines() if recall else None,
        confidence=confidence,
        mean=sum(share for share, _ in confidence.held_out) / len(confidence.held_out) if confidence else None,
        answerable=find_coverage(confidence.coverage) if confidence else None,
        target=TARGET_ACCURACY,
        names=load_json(folder / "familiarity.json", TypeAdapter(dict)),
    )
