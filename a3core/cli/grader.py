"""Commands about chain of thought: cot-run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from a3core.cli.progress import run_with_bar, split_list

if TYPE_CHECKING:
    from a3core.grader.runs.generation import Accuracy


def cot_run(
    *,
    tasks: Annotated[
        str,
        typer.Option(help="Of arithmetic, last-letters, dates, yes-no-facts, commonsense, or JSON lines files."),
    ] = "arithmetic,last-letters,dates,yes-no-facts,commonsense",
    prompts: Annotated[
        str, typer.Option(help="Of standard, variant, cot, instruction, or text files that hold {question}.")
    ] = "standard,variant,cot",
    samples: Annotated[int, typer.Option(help="Responses to each prompt.", min=1)] = 1,
    temperature: Annotated[float, typer.Option(help="Of sampling; 0: greedy.", min=0)] = 0.0,
    seed: Annotated[int, typer.Option(help="Of sampling.")] = 0,
    max_new_tokens: Annotated[int, typer.Option(help="Longest response.", min=1)] = 128,
    model: Annotated[
        str | None, typer.Option(help="Hub id, folder or endpoint's address; by default the packaged Gemma 3 270M.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder of the run; an interrupted run in it goes on.")],
) -> None:
    """Asks a language model the questions of task sets in several ways; writes a run to be labelled."""
    from a3core.grader.runs.generation import CotArgs, CotRun
    from a3core.grader.runs.prompts import load_form
    from a3core.grader.runs.tasks import load_tasks
    from a3core.llm.local import load_language_model

    forms = tuple(load_form(name) for name in split_list(prompts))
    args = CotArgs(forms, samples, temperature, seed, max_new_tokens)
    asked = load_tasks(split_list(tasks))  # what is wrong with a file is said before the model is loaded
    run = CotRun(asked, load_language_model(model), args, out)
    run_with_bar(run.run(), lambda step: f"{step.task}, {step.prompt_kind}")
    run.save()
    for line in describe_accuracy(run.accuracy()):
        typer.echo(line)
    typer.echo(f"To be labelled: {out / 'responses.jsonl'}")


def describe_accuracy(rows: list[Accuracy]) -> list[str]:
    """A table, its heading first: answers that are right by rule, with Wilson's 95 % interval."""
    task, kind = (
        max(len(text) for text in texts) for texts in zip(*((r.task, r.prompt_kind) for r in rows), strict=True)
    )
    interval = f"{'95% CI':>13}"
    head = f"{'task':<{task}}  {'prompt':<{kind}}  {'correct':>9}  accuracy  {interval}  inconsistent  undecided"
    return [head, *(_describe_row(row, task, kind) for row in rows)]


def _describe_row(row: Accuracy, task: int, kind: int) -> str:
    count, interval = f"{row.correct} of {row.n}", f"[{100 * row.low:.1f}, {100 * row.high:.1f}]"
    share = f"{row.correct / row.n:.1%}"
    return (
        f"{row.task:<{task}}  {row.prompt_kind:<{kind}}  {count:>9}  {share:>8}  {interval:>13}"
        f"  {row.inconsistent:>12}  {row.undecided:>9}"
    )
