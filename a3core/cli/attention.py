"""python -m a3core attention MODEL "text" --out page.html: the attention view as one HTML file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def attention(
    model: Annotated[
        str,
        typer.Argument(help="Checkpoint folder, hub id or folder; of T5 and BART with :encoder, :decoder or :cross."),
    ],
    text: Annotated[str, typer.Argument(help="What the model reads, 2 to 512 tokens.")],
    out: Annotated[Path, typer.Option(help="HTML file to write; it needs nothing else.")],
    generate: Annotated[bool, typer.Option(help="Look at what the model writes after the text as well.")] = True,
) -> None:
    """Writes where each token looks, in every head, as one self-contained page of at most 3 MB."""
    from a3core.attention.encoders import EncoderModel, capture_encoder
    from a3core.attention.page import build_page, render_page
    from a3core.common.atomic_io import atomic_write

    loaded = load_model(model)
    two_sided = isinstance(loaded, EncoderModel)
    page = render_page(capture_encoder(loaded, text)) if two_sided else build_page(loaded, text, generate)
    with atomic_write(out) as partial:
        partial.write_text(page, encoding="utf-8")
    typer.echo(f"{out}: {len(page.encode()) / 1e6:.2f} MB")


def load_model(name: str):
    """A checkpoint of this project where the folder holds one, else a language model. Raises ValueError."""
    from a3core.attention.models import GPTModel, HuggingFaceModel

    if (Path(name) / "training.json").is_file():
        from a3core.birthplace.checkpoints import load_predictor

        return GPTModel(Path(name).name, load_predictor(name))
    from a3core.attention.encoders import load_encoder
    from a3core.llm.endpoint import is_url
    from a3core.llm.local import load_language_model
    from a3core.llm.two_sided import is_two_sided, split_part

    if is_url(name):
        raise ValueError("A server does not tell its attention weights: name a model that runs on this machine.")
    if is_two_sided(split_part(name)[0]):
        return load_encoder(name)
    return HuggingFaceModel(load_language_model(name, dtype="float32"))
