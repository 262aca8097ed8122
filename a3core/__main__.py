"""The command line, python -m a3core, or a3core where the package is installed:

app | pretrain | finetune | train-recall | evaluate | predict | fewshot-eval | cot-run | recall-run | build-space
attention | grader import | runs | report | what-if | export | merge | rename | remove
"""

import sys

import typer

from a3core.cli import grader_store
from a3core.cli.attention import attention
from a3core.cli.birthplace import evaluate, finetune, predict, pretrain, train_recall
from a3core.cli.fewshot import fewshot_eval
from a3core.cli.grader import cot_run, recall_run
from a3core.cli.space import build_space, start_page

app = typer.Typer(
    help="Train, measure and ask the birthplace models; measure demonstrations; make runs to be labelled.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in (pretrain, finetune, train_recall, evaluate, predict, fewshot_eval, cot_run, recall_run, build_space):
    app.command()(command)
app.command()(attention)
app.add_typer(grader_store.app, name="grader")
app.command("app", context_settings={"ignore_unknown_options": True}, add_help_option=False)(start_page)


def main() -> None:
    """Runs a command; what is wrong with its input is one sentence, not a traceback."""
    try:
        app(prog_name="python -m a3core")
    except (ValueError, OSError) as error:
        typer.echo(f"Error: {error}", err=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
