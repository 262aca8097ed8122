"""What the tab begins with: a finished example, and two checkpoints side by side on one question.

Which of the two looks at the name, and where for the place? What they write is looked at, too: of one that recites
first, its sentence and its answer. The example is a pattern of a shipped checkpoint, so that none is loaded at start:

python -m assets.make_attention_examples           makes it anew
"""

import json
from typing import NamedTuple

from a3core.birthplace.checkpoints import CheckpointStore
from a3core.common.paths import ASSETS
from a3core.ui.birthplace.families import BEST, name_family

EXAMPLE = ASSETS / "attention_example.json"
FAMILY, MODEL = "builtin:1000", "builtin-pretrained-finetuned"
COMPARED = {"finetuned": "never read, has read", "recall": "at once, recites"}  # a stage beside the best


class Preset(NamedTuple):
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


def load_example(checkpoints: CheckpointStore) -> dict | None:
    """The shipped value of the view; None without its checkpoint. Raises ValueError if it is no JSON."""
    training = checkpoints.trainings.get(MODEL)
    return json.loads(EXAMPLE.read_text(encoding="utf-8")) if training and training.corpus == FAMILY else None
