"""python -m a3core attention MODEL "text" --out page.html: the attention view as one HTML file."""

from pathlib import Path
from typing import Annotated

import typer

MODEL = "Checkpoint folder, or its shipped name; hub id or folder; of T5 and BART with :encoder, :decoder or :cross."


def attention(
    model: Annotated[str, typer.Argument(help=MODEL)],
    text: Annotated[str, typer.Argument(help="What the model reads, 2 to 512 tokens.")],
    out: Annotated[Path, typer.Option(help="HTML file to write; it needs nothing else.")],
    generate: Annotated[bool, typer.Option(help="Look at what the model writes after the text as well.")] = True,
    layers: Annotated[str, typer.Option(help="Only these, such as 4-7, where memory is short.")] = "all",
) -> None:
    """Writes where each token looks, in every head, as one self-contained page of at most 3 MB."""
    from a3core.attention.models import choose_layers
    from a3core.attention.page import build_page
    from a3core.common.atomic_io import atomic_write

    page = build_page(choose_layers(load_model(model), layers), text, generate)
    with atomic_write(out) as partial:
        partial.write_text(page, encoding="utf-8")
    typer.echo(f"{out}: {len(page.encode()) / 1e6:.2f} MB")


def load_model(name: str):
    """A checkpoint of this project where the name is of one, else a language model. Raises ValueError."""
    from a3core.attention import encoders
    from a3core.attention.models import GPTModel
    from a3core.birthplace.checkpoints import find_checkpoint, is_checkpoint, load_predictor

    if not is_checkpoint(name):
        return encoders.load_model(name)
    folder = find_checkpoint(name)
    return GPTModel(Path(name).name, load_predictor(folder))
