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
WHAT = TEXTS["what"]  # by stage
OPTIONS = {"trim_blocks": True, "lstrip_blocks": True, "keep_trailing_newline": True}
COMPUTED = {"Accuracy": Accuracy, "build_measures": build_measures, "find_coverage": find_coverage}


def render_card(folder: Path, training: Training) -> str:
    """Markdown with the hub's front matter. Raises ValueError for a broken file in the folder."""
    template = Template(Path(__file__).with_suffix(".md").read_text(encoding="utf-8"), **OPTIONS)
    return template.render(
        **COMPUTED,
        **TEXTS,
        name=folder.name,
        training=training,
        is_own=is_facts_file(training.corpus),
        confidence=load_confidence(folder),
        target=TARGET_ACCURACY,
        names=load_json(folder / "familiarity.json", TypeAdapter(dict)),
    )
