"""Commands about birthplaces: pretrain, finetune, train-recall, evaluate, predict.

Long trainings show their progress, stop at Ctrl-C, and go on from there when the same command is given again.
"""

import functools
import inspect
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Annotated

import typer

from a3core.birthplace import evaluation
from a3core.birthplace.data import corpora, loading
from a3core.birthplace.training.args import FactsFormat, RecallArgs, TrainingArgs, choose_args
from a3core.cli.progress import HELPS
from a3core.common.device import find_process

# PyTorch takes seconds to import, so a command imports what needs it when it runs: --help answers at once.

HELP = HELPS["birthplace"]
CorpusOption = Annotated[str, typer.Option("--corpus", help=HELP["corpus"])]
Notes = Annotated[list[str] | None, typer.Option("--note", help=HELP["note"])]
Out = Annotated[Path, typer.Option(help=HELP["out"])]
HoldOut = Annotated[int, typer.Option(help=HELP["hold_out"], min=0)]


def takes_training_args(**defaults) -> Callable:
    """Gives a command one option for each field of its parameters that are dataclasses; `defaults`: of some."""

    def decorate(command: Callable) -> Callable:
        parameters = inspect.signature(command).parameters.values()
        taken = {parameter.name: parameter.annotation for parameter in parameters if is_dataclass(parameter.annotation)}

        @functools.wraps(command)
        def run(**options):
            for name, kind in taken.items():
                options[name] = kind(**{field.name: options.pop(field.name) for field in fields(kind)})
            return command(**options)

        offered = [parameter for parameter in parameters if parameter.name not in taken]
        for field in (field for kind in taken.values() for field in fields(kind)):
            option = inspect.Parameter(field.name, inspect.Parameter.KEYWORD_ONLY)
            annotation = Annotated[field.type, typer.Option(help=field.metadata["help"])]
            offered.append(option.replace(default=defaults.get(field.name, field.default), annotation=annotation))
        run.__signature__ = inspect.Signature(offered)
        run.__annotations__ = {parameter.name: parameter.annotation for parameter in offered}
        return run

    return decorate


@takes_training_args()
def pretrain(*, args: TrainingArgs, corpus: CorpusOption = "builtin:500", out: Out, notes: Notes = None) -> None:
    """Reads a corpus by span corruption and writes a checkpoint that remembers it."""
    from a3core.birthplace.training.recipes import Pretraining

    train(Pretraining(notes=tuple(notes or ())), loading.load_corpus(corpus), args, out)


@takes_training_args(epochs=8, matrix_rate=0.006, rate=0.0012)  # chosen on held-out train questions
def finetune(
    *,
    args: TrainingArgs,
    base: Annotated[str | None, typer.Option("--from", help=HELP["base"])] = None,
    corpus: CorpusOption = "builtin:500",
    out: Out,
    hold_out: HoldOut = 0,
    notes: Notes = None,
) -> None:
    """Shows a model the train answers: `Where was X born?` and the place."""
    from a3core.birthplace import checkpoints
    from a3core.birthplace.training.recipes import Finetuning

    start = base and checkpoints.find_checkpoint(base)
    train(Finetuning(base=start, hold_out=hold_out, notes=tuple(notes or ())), loading.load_corpus(corpus), args, out)


@takes_training_args(epochs=40)
def train_recall(
    context: typer.Context,
    *,
    args: TrainingArgs,
    recall: RecallArgs,
    facts: FactsFormat,
    corpus: CorpusOption = "builtin:500",
    out: Out,
    hold_out: HoldOut = 0,
    confidence_from: Annotated[str | None, typer.Option(help=HELP["confidence_from"])] = None,
    notes: Notes = None,
) -> None:
    """Reads a corpus and learns to recite a person's sentence before it answers with a span of it.

    A corpus may be a file of facts of your own: a CSV, JSONL or Parquet file with a name and an answer in each row.
    """
    from a3core.birthplace import checkpoints
    from a3core.birthplace.training.recipes import RecallTraining

    def override(chosen, given):
        """The options as they were chosen, but for those that were typed."""
        typed = [field for field in vars(given) if context.get_parameter_source(field).name == "COMMANDLINE"]
        return replace(chosen, **{field: getattr(given, field) for field in typed})

    loaded, own = loading.load_corpus(corpus, facts), {}
    if loading.is_facts_file(corpus):
        sized = choose_args(len(loaded.names))
        recall, args = override(sized.recall, recall), override(sized.training, args)
        own = {"shape": sized.shape, "facts": facts}
    source = confidence_from and checkpoints.find_checkpoint(confidence_from)
    train(RecallTraining(recall, hold_out, source, notes=tuple(notes or ()), **own), loaded, args, out)


def train(recipe, corpus: corpora.Corpus, args: TrainingArgs, out: Path) -> None:
    """Trains by a `recipes.Recipe`; measures the checkpoint on the questions that were held out.

    Of a file of facts these are the held-out names.
    """
    from a3core.birthplace import checkpoints
    from a3core.birthplace.training.recipes import run_recipe

    with show_progress(args.epochs) as (on_epoch, on_step):
        _, answers = run_recipe(recipe, corpus, args, out, on_epoch, on_step)
    _, held_out = corpora.split_held_out(corpus.train, recipe.hold_out)
    held_out = held_out or (list(corpus.dev) if recipe.facts else [])
    if held_out and find_process().is_main_process:
        kind = "train questions" if recipe.hold_out else "names"
        typer.echo(f"On {len(held_out)} {kind} that were held out:")
        answers = answers or checkpoints.load_predictor(out).predict([question.question for question in held_out])
        print_recall(answers, held_out, corpus)
        typer.echo(evaluation.evaluate_places([answer.place for answer in answers], held_out))


def evaluate(
    checkpoint: Annotated[str, typer.Argument(help=f"{HELP['checkpoint']} {HELP['baseline']}")],
    questions: Annotated[str | None, typer.Argument(help=HELP["asked"])] = None,
    predictions: Annotated[Path | None, typer.Option(help=HELP["predictions"])] = None,
    train: Annotated[Path | None, typer.Option(help=HELP["counted"])] = None,
    log: Annotated[bool, typer.Option(help=HELP["log"])] = False,
) -> None:
    """Measures a checkpoint or baseline; ends with `Correct: 115 out of 500: 23.0%` and its 95 % Wilson interval."""
    from a3core.birthplace import checkpoints

    folder = None if checkpoint in evaluation.BASELINES else checkpoints.find_checkpoint(checkpoint)
    asked, counted = load_measured(questions, folder)
    if folder is None:
        counted = loading.load_questions(train) if train else counted
        answers, places = [], [evaluation.predict_baseline(checkpoint, counted)] * len(asked)
    else:
        loaded = checkpoints.load_predictor(folder)
        answers = loaded.predict_readable([question.question for question in asked])
        if unread := {q.question for q, answer in zip(asked, answers, strict=True) if answer.refusal}:
            typer.echo(f"{len(asked):,} questions asked. {evaluation.describe_unread(unread)}", err=True)
        places = [answer.place for answer in answers]
    if predictions:
        predictions.parent.mkdir(parents=True, exist_ok=True)
        predictions.write_text("\n".join(places) + "\n", encoding="utf-8")
    if asked[0].place is None and predictions:
        typer.echo(f"{len(asked)} questions without answers: their places stand in {predictions}.")
        return
    accuracy, recalled = evaluation.evaluate_places(places, asked), None
    if answers:
        recalled = print_recall(answers, asked, find_corpus(folder))
        print_coverage(answers, asked)
    if log:
        log_measurement(folder or Path(checkpoint), questions, asked, accuracy, recalled)
    typer.echo(accuracy)


def predict(
    checkpoint: Annotated[str, typer.Argument(help=HELP["checkpoint"])],
    names: Annotated[list[str], typer.Argument(help="Names, or whole questions.")],
) -> None:
    """Prints one place a line, in the order of the names."""
    from a3core.birthplace import checkpoints

    loaded = checkpoints.load_predictor(checkpoints.find_checkpoint(checkpoint))
    form = loaded.model.question
    for answer in loaded.predict([corpora.build_question(corpora.parse_name(name, form), form) for name in names]):
        typer.echo(answer.place)


def is_corpus(questions: str) -> bool:
    """Whether the argument names a corpus, and so its dev set, rather than a file."""
    source = corpora.CorpusSpec.parse(questions).source
    return source in (corpora.BUILTIN, corpora.COURSE) and not Path(questions).exists()


def load_measured(
    questions: str | None, folder: Path | None = None
) -> tuple[list[corpora.Question], list[corpora.Question]]:
    """(the questions to ask, the answered ones that most-common counts by default) of a file or a corpus.

    Without either, those of the held-out facts beside a checkpoint on facts of one's own. Raises ValueError for none.
    """
    from a3core.birthplace import checkpoints

    form = checkpoints.load_training(folder).question if folder and folder.is_dir() else corpora.BIRTHPLACE
    if questions is None:
        known = (loading.load_people_of(folder, form) if folder else None) or {}
        own = [person for person in known.values() if person.split == loading.HELD_OUT]
        if not own:
            raise ValueError("name a file of questions, or a corpus such as builtin:1000, for this checkpoint")
        asked = [corpora.Question(corpora.build_question(person.name, form), person.place, form) for person in own]
        return asked, asked
    if is_corpus(questions):
        corpus = loading.load_corpus(questions)
        return list(corpus.dev), list(corpus.train)
    asked = loading.load_questions(questions, form)
    return asked, asked


def find_corpus(checkpoint: Path) -> corpora.Corpus | None:
    """The corpus that a checkpoint has read, to compare recitations with; None where it is not at hand."""
    from a3core.birthplace import checkpoints

    with suppress(ValueError):
        training = checkpoints.load_training(checkpoint)
        corpus = loading.load_corpus(training.corpus)
        return corpus if corpus.sha256 == training.sha256 else None


def print_recall(answers: list, questions: list[corpora.Question], corpus: corpora.Corpus | None):
    """Prints how much was recalled word for word and what that did to the answers, and returns the `RecallMeasures`.

    None where nothing was recalled; and, with a line that says so, where the corpus is not at hand.
    """
    if answers[0].sentence is None:
        return None
    measures = evaluation.measure_recall(answers, questions, corpus) if corpus else None
    typer.echo(measures or "The corpus that was read is not at hand: recitations are not compared with it.")
    return measures


def print_coverage(answers: list, questions: list[corpora.Question]) -> None:
    """Prints how many questions can be answered with nearly all answers right; nothing without a confidence."""
    from a3core.birthplace.prediction import confidence

    if answers[0].confidence is None:
        return
    right = evaluation.judge_places([answer.place for answer in answers], questions)
    curve = confidence.measure_coverage([answer.confidence for answer in answers], right)
    share, target = confidence.find_coverage(curve), confidence.TARGET_ACCURACY
    typer.echo(f"Answering only when sure enough: {share:.1%} of the questions with {target:.0%} of the answers right")


def log_measurement(checkpoint: Path, questions: str | None, asked: list[corpora.Question], accuracy, recalled) -> None:
    """Appends one run over the dev questions to the model card."""
    from a3core.birthplace import checkpoints

    name = "held-out facts" if questions is None else Path(questions).name
    if questions and is_corpus(questions):
        name = f"{questions} dev"
    recited = (recalled.exact.correct, recalled.given_exact.correct) if recalled else (None, None)
    run = checkpoints.Measurement(name, corpora.fingerprint((), asked), accuracy.correct, accuracy.total, *recited)
    training = checkpoints.load_training(checkpoint)
    checkpoints.write_training(checkpoint, replace(training, measurements=(*training.measurements, run)))


@contextmanager
def show_progress(epochs: int) -> Iterator[tuple[Callable, Callable]]:
    """A bar on standard error, with the loss and the time left after a few steps.

    Ctrl-C and SIGTERM end the run behind the step under way, when its state has been saved, and say how to go on.
    """
    from tqdm import tqdm

    stopped = threading.Event()
    shape = "{l_bar}{bar}| {n:.1f}/{total_fmt} epochs [{elapsed}<{remaining}{postfix}]"
    disabled = not find_process().is_main_process
    with tqdm(total=epochs, bar_format=shape, disable=disabled) as bar, ExitStack() as before:

        def stop(number: int, frame) -> None:
            stopped.set()
            before.close()  # a second signal ends the process as ever

        # only the main thread gets signals
        for number in (signal.SIGINT, signal.SIGTERM) if threading.current_thread() is threading.main_thread() else ():
            before.callback(signal.signal, number, signal.signal(number, stop))

        def on_step(done: float) -> None:
            bar.update(done * epochs - bar.n)
            if stopped.is_set():
                raise KeyboardInterrupt

        def on_epoch(epoch) -> None:
            bar.set_postfix(loss=f"{epoch.loss:.3f}", tokens=f"{epoch.tokens:,}")

        try:
            yield on_epoch, on_step
        except KeyboardInterrupt:
            typer.echo("\nStopped. The same command goes on from the last saved state.", err=True)
            raise typer.Exit(130) from None
