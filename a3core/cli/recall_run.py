"""The command recall-run: built-in people asked directly and by recall-then-answer, as a run to be labelled.

python -m a3core recall-run --out assets/recall_run
"""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from a3core.birthplace.data.corpora import Corpus, load_corpus
from a3core.cli.birthplace import CorpusOption
from a3core.cli.grader import describe_accuracy
from a3core.cli.progress import run_with_bar

if TYPE_CHECKING:
    from a3core.grader.runs.birthplaces import Asked


def recall_run(
    *,
    corpus: CorpusOption = "builtin:1000",
    people: Annotated[int, typer.Option(help="How many dev people of the corpus are asked.", min=1)] = 100,
    seed: Annotated[int, typer.Option(help="Of who is drawn.")] = 0,
    direct: Annotated[Path, typer.Option(help="Checkpoint that answers at once, as finetune writes them.")] = Path(
        "checkpoints/builtin-pretrained-finetuned"
    ),
    recall: Annotated[Path, typer.Option(help="Checkpoint that recites first, as train-recall writes them.")] = Path(
        "checkpoints/builtin-recall"
    ),
    out: Annotated[Path, typer.Option(help="Folder of the run.")],
) -> None:
    """Asks people of the dev set directly and by recall-then-answer; writes a run to be labelled."""
    from a3core.grader.runs.birthplaces import Asked, BirthplaceRun, draw_people

    loaded = load_corpus(corpus)
    drawn = draw_people([Asked(question.question, question.place) for question in loaded.dev], people, seed)
    check_checkpoints(loaded, direct, recall)
    models = {folder.name: load_predictor(folder) for folder in (direct, recall)}
    run = BirthplaceRun(drawn, models, loaded.name)
    run_with_bar(run.run(), unit="answer", stopped="Nothing was written.")
    command = ["--corpus", corpus, "--people", people, "--seed", seed, "--direct", direct, "--recall", recall]
    facts = {
        "command": f"python -m a3core recall-run {shlex.join(map(str, [*command, '--out', out]))}",
        "people": describe_people(loaded, drawn, seed),
        "checkpoints": [describe_checkpoint(folder) for folder in (direct, recall)],
    }
    run.save(out, facts)
    for line in describe_accuracy(run.accuracy()):
        typer.echo(line)
    typer.echo(f"To be labelled: {out / 'responses.jsonl'}")


def check_checkpoints(corpus: Corpus, direct: Path, recall: Path) -> None:
    """Raises ValueError where the two answer in the same way, or have read another text than the corpus."""
    from a3core.birthplace.checkpoints import RECALL, load_training

    if direct.name == recall.name:
        raise ValueError(
            f"--direct and --recall are both called {recall.name}: give two checkpoints of different names"
        )
    for folder, recites in ((direct, False), (recall, True)):
        training = load_training(folder)
        if training.sha256 != corpus.sha256:
            raise ValueError(f"{folder} has read {training.corpus}, not this {corpus.name}: give its own --corpus")
        if (training.stage == RECALL) != recites:
            wanted = "--recall takes one of train-recall" if recites else "--direct takes one that answers at once"
            raise ValueError(f"{folder} is a checkpoint of the stage {training.stage!r}: {wanted}")


def load_predictor(folder: Path) -> Callable[[list[str]], Sequence]:
    from functools import partial

    from a3core.birthplace.checkpoints import load_checkpoint
    from a3core.birthplace.prediction.direct import predict_places

    return partial(predict_places, load_checkpoint(folder))


def describe_people(corpus: Corpus, drawn: Sequence[Asked], seed: int) -> dict[str, Any]:
    """Who was asked, and how they were chosen."""
    return {
        "corpus": corpus.name,
        "sha256": corpus.sha256,
        "drawn": len(drawn),
        "of": len(corpus.dev),
        "seed": seed,
        "how": (
            "random.Random(seed).sample of the corpus's dev people, whose answers no training saw, in the order of the "
            "corpus; nobody was chosen or left out by what was answered"
        ),
    }


def describe_checkpoint(folder: Path) -> dict[str, Any]:
    """Which weights answered."""
    from a3core.birthplace.checkpoints import WEIGHTS_FILE, load_training

    training = load_training(folder)
    digest = hashlib.sha256((folder / WEIGHTS_FILE).read_bytes()).hexdigest()
    return {"name": folder.name, "stage": training.stage, "sha256": digest, "command": training.command}
