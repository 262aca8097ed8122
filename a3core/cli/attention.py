"""python -m a3core attention MODEL "text" --out page.html: the attention view as one HTML file."""

from pathlib import Path
from typing import Annotated

import typer

from a3core.common.atomic_io import atomic_write

MODEL = "Checkpoint folder, or its shipped name; hub id or folder; of T5 and BART with :encoder, :decoder or :cross."


def attention(
    model: Annotated[str, typer.Argument(help=MODEL)],
    text: Annotated[str, typer.Argument(help="What the model reads, 2 to 512 tokens.")],
    out: Annotated[Path, typer.Option(help="HTML file to write; it needs nothing else.")],
    generate: Annotated[bool, typer.Option(help="Look at what the model writes after the text as well.")] = True,
    layers: Annotated[str, typer.Option(help="Only these, such as 4-7, where memory is short.")] = "all",
) -> None:
    """Writes where each token looks, in every head, as one self-contained page of at most 3 MB."""
    from a3core.attention import encoders, models
    from a3core.attention.page import build_page
    from a3core.birthplace import checkpoints

    if checkpoints.is_checkpoint(model):
        loaded = models.GPTModel(Path(model).name, checkpoints.load_predictor(checkpoints.find_checkpoint(model)))
    else:
        loaded = encoders.load_model(model)
    page = build_page(models.choose_layers(loaded, layers), text, generate)
    with atomic_write(out) as partial:
        partial.write_text(page, encoding="utf-8")
    typer.echo(f"{out}: {len(page.encode()) / 1e6:.2f} MB")
