"""What commands that ask a model many questions have in common: lists in options, and a bar that can be stopped.

>>> split_list("standard, cot,")
('standard', 'cot')
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from a3core.common.resumable import Progress

HELPS = json.loads(Path(__file__).with_name("help.json").read_text(encoding="utf-8"))  # of each option, by group
Model = Annotated[str | None, typer.Option(help=HELPS["questions"]["model"])]
GOES_ON = "The same command goes on where it stood."


def split_list(text: str) -> tuple[str, ...]:
    """The parts of an option that takes several, with commas."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def run_with_bar(steps: Iterable[Progress], unit: str = "prompt", stopped: str = GOES_ON) -> None:
    """Goes through the steps of a run with a bar on standard error, and behind it what comes next.

    On Ctrl-C, the sentence `stopped` is written.
    """
    from tqdm import tqdm

    try:
        with tqdm(unit=unit) as bar:
            for step in steps:
                bar.total = step.total
                bar.set_postfix_str(step.label, refresh=False)
                bar.update(step.done - bar.n)
    except KeyboardInterrupt:
        typer.echo(f"\nStopped. {stopped}", err=True)
        raise typer.Exit(130) from None
