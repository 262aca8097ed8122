"""The finished example that the tab opens on: a pattern of a shipped checkpoint, made once, so that none is loaded.

python -m a3core.ui.attention.example      writes assets/attention_example.json anew
"""

from __future__ import annotations

import json

from a3core.birthplace.checkpoints import CheckpointStore
from a3core.common.atomic_io import atomic_write
from a3core.common.paths import ASSETS, CHECKPOINTS
from a3core.ui.attention.models import AttentionModels
from a3core.ui.attention.questions import answer_view, describe_capture

FILE = ASSETS / "attention_example.json"
FAMILY, MODEL = "builtin:1000", "builtin-pretrained-finetuned"
TEXT = "Where was Albert Pujols born?"  # held out: the model has read a sentence about him, and never the answer


def build_example() -> dict:
    """The view's value as the shipped checkpoint gives it today, with the effect of its first head."""
    models = AttentionModels(CheckpointStore(CHECKPOINTS))
    payload = describe_capture(models, MODEL, TEXT, True)
    heads = [payload["start"]]
    asked = {"kind": "effect", "request": payload["request"], "heads": heads}
    asked["key"] = json.dumps(["effect", heads, None], separators=(",", ":"))  # as the view's script writes it
    return {**payload, "answers": [answer_view(models, asked)]}


def load_example(checkpoints: CheckpointStore) -> dict | None:
    """The shipped value; None where its checkpoint is not on the page. Raises ValueError for a broken file."""
    training = checkpoints.trainings.get(MODEL)
    return json.loads(FILE.read_text(encoding="utf-8")) if training and training.corpus == FAMILY else None


if __name__ == "__main__":
    with atomic_write(FILE) as partial:
        partial.write_text(json.dumps(build_example(), ensure_ascii=False) + "\n", encoding="utf-8")
