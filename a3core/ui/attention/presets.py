"""Two checkpoints side by side on one question: which of them looks at the name, and where for the place.

What they write is looked at, too: of one that recites first, its sentence and its answer.
"""

from __future__ import annotations

from dataclasses import dataclass

from a3core.birthplace.checkpoints import CheckpointStore
from a3core.ui.birthplace.tab import name_family

BEST = "pretrained-finetuned"


@dataclass(frozen=True)
class Preset:
    """What a button sets: two checkpoints, or one, and a text that they continue."""

    label: str
    model: str
    second: str  # "" for none
    text: str

    def values(self) -> tuple[str, str, str, bool]:
        """Values of the widgets: model, the one beside it, text, and that the answer is looked at too."""
        return self.model, self.second, self.text, True


def list_presets(checkpoints: CheckpointStore) -> list[Preset]:
    """For each corpus, every other stage that answers questions beside the pretrained and finetuned one, if any."""
    presets = []
    for corpus in dict.fromkeys(training.corpus for training in checkpoints.trainings.values()):
        stages = {checkpoints.trainings[name].stage: name for name in checkpoints.names(corpus)}
        best, question = stages.pop(BEST, ""), checkpoints.ask_somebody(corpus)
        beside = f" beside {BEST}" if best else ""
        presets += [
            Preset(f"{name_family(corpus)}: {stage}{beside}", name, best, question) for stage, name in stages.items()
        ]
    return presets
