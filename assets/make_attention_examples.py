"""The finished examples that the two sections of the Attention tab open on, as the code answers today.

python -m assets.make_attention_examples           attention_example.json and attention_lab/example.json
"""

from __future__ import annotations

import json

from a3core.birthplace.checkpoints import CheckpointStore
from a3core.birthplace.json_files import save_json
from a3core.common.paths import CHECKPOINTS
from a3core.ui.attention.lab import FILE, draw_run
from a3core.ui.attention.models import AttentionModels, answer_view, describe_capture
from a3core.ui.attention.presets import EXAMPLE, MODEL

TEXT = "Where was Albert Pujols born?"  # held out: the model has read a sentence about him, and never the answer


def build_example() -> dict:
    """The view's value as the shipped checkpoint gives it today, with the effect of its first head."""
    models = AttentionModels(CheckpointStore(CHECKPOINTS))
    payload = describe_capture(models, {"model": MODEL, "text": TEXT, "generate": True})
    heads = [payload["start"]]
    asked = {"kind": "effect", "request": payload["request"], "heads": heads}
    asked["key"] = json.dumps(["effect", heads, None], separators=(",", ":"))  # as the view's script writes it
    return {**payload, "answers": [answer_view(models, asked)]}


if __name__ == "__main__":
    save_json(build_example(), EXAMPLE, ensure_ascii=False)
    save_json(draw_run("1.1", {}), FILE, ensure_ascii=False)
