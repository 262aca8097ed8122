"""Two checkpoints side by side on one question: which of them looks at the name, and where for the place.

What they write is looked at, too: of one that recites first, its sentence and its answer.
"""

from __future__ import annotations

from dataclasses import dataclass

from a3core.birthplace.checkpoints import CheckpointStore
from a3core.ui.birthplace.families import BEST, name_family

COMPARED = {"finetuned": "never read, has read", "recall": "at once, recites"}  # a stage beside the best


@dataclass(frozen=True)
class Preset:
    """What a button sets: two checkpoints, or one, and a text that they continue."""

    label: str
    model: str
    second: str  # "" for none
    text: str


def list_presets(checkpoints: CheckpointStore) -> list[Preset]:
    """For each corpus, every other stage that answers questions beside the pretrained and finetuned one, if any.

    The corpus of the course comes first.
    """
    presets = []
    corpora = dict.fromkeys(training.corpus for training in checkpoints.trainings.values())
    for corpus in sorted(corpora, key=lambda corpus: corpus.startswith("builtin")):
        stages = {checkpoints.trainings[name].stage: name for name in checkpoints.names(corpus)}
        best, question = stages.pop(BEST, ""), checkpoints.ask_somebody(corpus)
        family = name_family(corpus).partition(":")[0]
        presets += [
            Preset(f"{family}: {COMPARED.get(stage, stage) if best else stage}", name, best, question)
            for stage, name in stages.items()
        ]
    return presets
