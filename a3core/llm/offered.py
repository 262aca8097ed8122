"""The language models that the page offers: on a public page a short list, elsewhere any."""

import os

from a3core.common.hosting import is_space
from a3core.llm.gemma import MODEL_NAME

ALLOWED_MODELS = (MODEL_NAME, "HuggingFaceTB/SmolLM2-135M", "openai-community/gpt2")  # small enough for two cores
PARTS = ("encoder", "decoder", "cross")  # of a model that is no causal language model


def list_models() -> list[str]:
    """The language models that the page offers, the default first: that of A3_LANGUAGE_MODEL, else the packaged one."""
    default = (os.environ.get("A3_LANGUAGE_MODEL") or "").strip()
    offered = [*([default] if default else []), *(ALLOWED_MODELS if is_space() else (MODEL_NAME,))]
    return list(dict.fromkeys(offered))


def check_model(name: str | None) -> str:
    """The name of a language model, the default's for none. Raises ValueError for one that a Space does not offer."""
    offered, name = list_models(), (name or "").strip()
    if is_space() and name and name not in offered:
        raise ValueError(f"This public page offers only {', '.join(offered)}: run the app yourself for another model.")
    return name or offered[0]


def split_part(name: str) -> tuple[str, str]:
    """("google-t5/t5-small", "cross") of "google-t5/t5-small:cross"; the part is "" where none is named."""
    model, _, part = name.rpartition(":")
    return (model, part) if part in PARTS else (name, "")
