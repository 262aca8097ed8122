"""Commands that make runs to be labelled: cot-run asks a language model, recall-run the birthplace checkpoints.

python -m a3core cot-run --out runs/cot
python -m a3core recall-run --out assets/recall_run
"""

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from a3core.birthplace.data.loading import is_facts_file, load_corpus
from a3core.cli.birthplace import CorpusOption, load_measured
from a3core.cli.progress import HELPS, Model, run_with_bar, split_list
from a3core.grader import open_store
from a3core.grader.runs import generation
from a3core.grader.runs.prompts import load_template
from a3core.grader.runs.tasks import load_tasks

TASKS, PROMPTS = "arithmetic,last-letters,dates,yes-no-facts,commonsense", "standard,variant,cot"
Stored = Annotated[str | None, typer.Option("--run", help="Name under which it goes into the store of the page, too.")]
DIRECT, RECALL = "checkpoints/builtin-pretrained-finetuned", "checkpoints/builtin-recall"
DRAWN = (
    "random.Random(seed).sample of the corpus's dev people, whose answers no training saw, in the order of the corpus;"
    " nobody was chosen or left out by what was answered"
)
HELP = HELPS["questions"]
Tasks = Annotated[str, typer.Option(help=HELP["tasks"])]


def cot_run(
    *,
    tasks: Tasks = TASKS,
    prompts: Annotated[str, typer.Option(help=HELP["prompts"])] = PROMPTS,
    samples: Annotated[int, typer.Option(help="Responses to each prompt.", min=1)] = 1,
    temperature: Annotated[float, typer.Option(help="Of sampling; 0: greedy.", min=0)] = 0.0,
    seed: Annotated[int, typer.Option(help="Of sampling.")] = 0,
    max_new_tokens: Annotated[int, typer.Option(help="Longest response.", min=1)] = 128,
    model: Model = None,
    out: Annotated[Path, typer.Option(help="Folder of the run; an interrupted run in it goes on.")],
    run_name: Stored = None,
) -> None:
    """Asks a language model the questions of task sets in several ways; writes a run to be labelled."""
    from a3core.llm.local import load_language_model

    templates = tuple(map(load_template, split_list(prompts)))
    drawn = {"samples": samples, "temperature": temperature, "seed": seed}
    args = generation.CotArgs(templates, max_new_tokens=max_new_tokens, **drawn)
    check_new(run_name)
    task_sets = load_tasks(split_list(tasks))  # what is wrong with a file is said before the model is loaded
    run = generation.CotRun(task_sets, load_language_model(model), args, out)
    run_with_bar(run.run())
    run.save()
    finish(run, run_name, out)


def check_new(run_name: str | None) -> None:
    """Raises ValueError where the store of the page has a run of that name already."""
    if run_name is not None and run_name in {info.name for info in open_store().runs()}:
        raise ValueError(f"There is already a run {run_name!r}: give this one another name.")


def recall_run(
    *,
    corpus: CorpusOption = "builtin:1000",
    people: Annotated[int, typer.Option(help="How many dev people of the corpus are asked.", min=1)] = 100,
    seed: Annotated[int, typer.Option(help="Of who is drawn.")] = 0,
    direct: Annotated[str, typer.Option(help=HELP["direct"])] = DIRECT,
    recall: Annotated[str, typer.Option(help=HELP["recall"])] = RECALL,
    out: Annotated[Path, typer.Option(help="Folder of the run.")],
    run_name: Stored = None,
) -> None:
    """Asks people of the dev set directly and by recall-then-answer; writes a run to be labelled.

    A recall checkpoint on facts of your own is asked about its own held-out names, alone unless --direct is given.
    """
    from a3core.birthplace import checkpoints
    from a3core.grader.runs import birthplaces

    check_new(run_name)
    given = {"--direct": direct, "--recall": recall}
    folders = {flag: checkpoints.find_checkpoint(name) for flag, name in given.items()}
    read = checkpoints.load_training(folders["--recall"])
    if is_facts_file(read.corpus):
        asked, corpus, sha256 = load_measured(None, folders["--recall"])[0], read.corpus, read.sha256
        people = min(people, len(asked))
        if direct == DIRECT:
            del folders["--direct"]
    else:
        loaded = load_corpus(corpus)
        asked, sha256 = loaded.dev, loaded.sha256
    gold = [birthplaces.GoldQuestion(question.question, question.place) for question in asked]
    drawn = birthplaces.draw_people(gold, people, seed)
    check_checkpoints(corpus, sha256, folders)
    predictors = {folder.name: checkpoints.load_predictor(folder).predict for folder in folders.values()}
    run = birthplaces.BirthplaceRun(drawn, predictors, corpus)
    run_with_bar(run.run(), unit="answer", stopped="Nothing was written.")
    options = ["--corpus", corpus, "--people", people, "--seed", seed]
    options += [word for flag in folders for word in (flag, given[flag])]
    command = f"python -m a3core recall-run {shlex.join(map(str, [*options, '--out', out]))}"
    drawing = {"corpus": corpus, "sha256": sha256, "drawn": len(drawn), "of": len(asked), "seed": seed, "how": DRAWN}
    answered = []  # which weights did
    for folder in folders.values():
        training = checkpoints.load_training(folder)
        row = {"name": folder.name, "stage": training.stage, "sha256": checkpoints.hash_weights(folder)}
        answered.append(row | {"command": training.command})
    run.save(out, {"command": command, "people": drawing, "checkpoints": answered})
    finish(run, run_name, out)


def check_checkpoints(corpus: str, sha256: str, folders: Mapping[str, Path]) -> None:
    """Raises ValueError where two answer in the same way, or one has read another text than the corpus.

    folders: by --direct and --recall.
    """
    from a3core.birthplace import checkpoints

    if len({folder.name for folder in folders.values()}) < len(folders):
        name = folders["--recall"].name
        raise ValueError(f"--direct and --recall are both called {name}: give two checkpoints of different names")
    for flag, folder in folders.items():
        training = checkpoints.load_training(folder)
        if training.sha256 != sha256:
            raise ValueError(f"{folder} has read {training.corpus}, not this {corpus}: give its own --corpus")
        if training.recalls != (flag == "--recall"):
            wanted = "takes one of train-recall" if flag == "--recall" else "takes one that answers at once"
            raise ValueError(f"{folder} is a checkpoint of the stage {training.stage!r}: {flag} {wanted}")


def finish(run, run_name: str | None, out: Path) -> None:
    """Adds a run with a name to the store of the page; prints how many answers are right by rule, with Wilson's 95 %
    interval, and the file of the run in its folder `out`. run: a CotRun or a BirthplaceRun.
    """
    if run_name is not None:
        open_store().add_run(run.to_run(run_name))
    rows = run.accuracy()
    task_width, kind_width = max(len(row.task) for row in rows), max(len(row.prompt_kind) for row in rows)
    line = f"{{:<{task_width}}}  {{:<{kind_width}}}  {{:>9}}  {{:>8}}  {{:>13}}  {{:>12}}  {{:>9}}"
    typer.echo(line.format("task", "prompt", "correct", "accuracy", "95% CI", "inconsistent", "undecided"))
    for row in rows:
        count, share = f"{row.correct} of {row.n}", f"{row.correct / row.n:.1%}"
        interval = f"[{100 * row.low:.1f}, {100 * row.high:.1f}]"
        typer.echo(line.format(row.task, row.prompt_kind, count, share, interval, row.inconsistent, row.undecided))
    typer.echo(f"To be labelled: {out / 'responses.jsonl'}")
