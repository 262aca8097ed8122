"""Commands over the store of labels, which is that of the page (A3_DATA, or DATABASE_URL): python -m a3core grader ...

python -m a3core grader import answers.csv --run pilot --map ok=correct
python -m a3core grader import answers.jsonl --run pilot --labels labels.csv --json
python -m a3core grader runs
python -m a3core grader report pilot --json
python -m a3core grader what-if pilot
python -m a3core grader export pilot --out exports
python -m a3core grader merge exports/pilot.zip
python -m a3core grader remove pilot --annotator test --for-good
python -m a3core grader deal pilot --share 0.2 --annotators ann,bo,cy --seed 1

With --json, one line of JSON alone goes to standard output. Where something must be decided first, nothing is stored:
the exit code is 2, and one sentence says what to add.
"""

import json
from getpass import getuser
from pathlib import Path
from typing import Annotated, Any

import typer

from a3core.cli.grader import TASKS, Tasks
from a3core.cli.progress import HELPS, Model, run_with_bar, split_list
from a3core.grader import list_runs, open_store
from a3core.grader.export.files import FORMATS
from a3core.grader.labels import dealing, schema
from a3core.grader.runs import changed_explanations
from a3core.grader.runs.responses import CHAIN_OF_THOUGHT
from a3core.grader.runs.tasks import load_tasks

app = typer.Typer(help="Runs of responses and their labels: import, report, export.", no_args_is_help=True)
RunName = Annotated[str, typer.Argument(help="The run's name, as `grader runs` lists it.")]
NewName = Annotated[str, typer.Argument(help="Its new name.")]
OfAnnotator = Annotated[str | None, typer.Option(help="Of an annotator of the run alone: the name.")]
AsJson = Annotated[bool, typer.Option("--json", help="One line of JSON, and nothing else, on standard output.")]
By = Annotated[list[str] | None, typer.Option(help="Count the labels of this person alone; of several: repeat it.")]
Adjudicated = Annotated[bool, typer.Option(help="Count what was adjudicated, and first.")]
HELP = HELPS["labels"]


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="Responses; or labels of a run that is there.")],
    *,
    run: Annotated[str, typer.Option(help="Name of the run.")],
    labels: Annotated[Path | None, typer.Option(help="A file of labels of these responses.")] = None,
    mapping: Annotated[Path | None, typer.Option(help="What the columns are, as the page saves it.")] = None,
    labels_mapping: Annotated[Path | None, typer.Option(help="The same for the file of labels.")] = None,
    map: Annotated[list[str] | None, typer.Option(help=HELP["map"])] = None,
    skip_bad: Annotated[bool, typer.Option(help="Leave bad rows out, and list them.")] = False,
    conflicts: Annotated[str | None, typer.Option(help="keep or replace labels that differ.")] = None,
    encoding: Annotated[str | None, typer.Option(help="Of a text that is not Unicode: windows-1252.")] = None,
    as_json: AsJson = False,
) -> None:
    """Makes a run of a file, with its labels; or adds the labels of a file to the run of that name."""
    from a3core.grader.importing.drafts import Decisions, import_file
    from a3core.grader.importing.mapping import Mapping

    def read(path: Path | None) -> Mapping | None:
        return Mapping.from_json(path.read_text(encoding="utf-8")) if path else None

    if file.suffix == ".zip":
        raise ValueError(f"{file.name} is an export of a run: `grader merge` takes it.")
    values = {}
    for value, sign, label in (pair.rpartition("=") for pair in map or ()):
        if not sign:
            raise ValueError(f"--map takes VALUE=LABEL, not {label!r}.")
        values[value] = label
    columns = {"mapping": read(mapping), "labels_mapping": read(labels_mapping), "encoding": encoding}
    decisions = Decisions(**columns, values=values, skip_bad=skip_bad, conflicts=conflicts)
    imported = import_file(open_store(), file, run, labels, decisions)
    for sentence in imported["skipped"]:
        typer.echo(f"Left out: {sentence}", err=True)
    imported["skipped"] = len(imported["skipped"])
    counts = "{run}: {responses:,} responses and {labels:,} labels, {skipped:,} rows left out."
    write(imported, as_json, counts.format(**imported))


@app.command()
def runs(*, as_json: AsJson = False) -> None:
    """Lists the runs, the oldest first."""
    rows = list_runs(open_store()).to_dict("records")
    lines = [f"{row['run']}: {row['responses']:,} responses, {row['labels']:,} labels" for row in rows]
    write(rows, as_json, "\n".join(lines) or "There are no runs yet.")


@app.command()
def report(run: RunName, *, by: By = None, adjudicated: Adjudicated = True, as_json: AsJson = False) -> None:
    """What the labels of a run say."""
    from a3core.grader.report.tables import build_all

    everything = build_all(*open_run(run), annotators=by or None, adjudicated=adjudicated)
    sentences = (*everything.report.overall.sentences, everything.report.by_question, everything.whose)
    write(json.loads(everything.to_json()), as_json, "\n".join(filter(None, sentences)))


@app.command()
def what_if(
    run: RunName,
    *,
    tasks: Tasks = TASKS,
    kind: Annotated[str, typer.Option(help="Prompt kind of the responses.")] = CHAIN_OF_THOUGHT,
    most: Annotated[int, typer.Option(help="Responses at most, the first ones.", min=1)] = 1000,
    model: Model = None,
    seed: Annotated[int, typer.Option(help="Of what is changed to what.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Cuts, changes and swaps the explanations of a run, asks the model again, and counts which answers follow."""
    from a3core.llm.local import load_language_model

    store, id_ = open_run(run)
    key, sets = store.run_info(id_).key, load_tasks(split_list(tasks))
    own = [response for response in store.responses(id_) if response.prompt_kind == kind][:most]
    folder = changed_explanations.find_folder(key)
    changed = changed_explanations.ChangedExplanations(own, load_language_model(model), sets, folder, seed)
    typer.echo(f"To be asked: {changed.cost}.", err=True)
    run_with_bar(changed.run())
    path, counts = changed.save(key), changed_explanations.count_outcomes(changed.outcomes())
    result = {"run": run, "path": str(path), "counts": counts}
    write(result, as_json, changed_explanations.describe_counts(counts))


@app.command()
def export(
    run: RunName,
    *,
    out: Annotated[Path, typer.Option(help="Folder of the zip file.")],
    format: Annotated[str, typer.Option(help="Of the tables: {}, {} or {}.".format(*FORMATS))] = FORMATS[0],
    removed: Annotated[bool, typer.Option("--removed", help="One that was removed.")] = False,
    as_json: AsJson = False,
) -> None:
    """Writes everything about a run as one file, from which it can be put back."""
    from a3core.grader.export.archive import export_run

    path = export_run(*open_run(run, removed), format, out)
    write({"run": run, "path": str(path)}, as_json, str(path))


@app.command()
def merge(
    file: Annotated[Path, typer.Argument(metavar="EXPORT", help="An export of the same run on another computer.")],
    *,
    keep_both: Annotated[bool, typer.Option(help=HELP["keep_both"])] = False,
    as_json: AsJson = False,
) -> None:
    """Adds what an export of another computer has more: each event once; a run that is new here as it is."""
    from a3core.grader.export.archive import compare_copy, describe_conflict, merge_copy
    from a3core.grader.labels.changes import describe_change

    store = open_store()
    copy = compare_copy(store, file)
    if copy.conflicts and not keep_both:
        count, first = len(copy.conflicts), describe_conflict(copy.conflicts[0])
        raise ValueError(f"{count} labels differ here and there ({first}): add --keep-both, then decide in the Grader.")
    name = store.run_info(merge_copy(store, copy)).name
    conflicts = [conflict._asdict() for conflict in copy.conflicts]
    text = f"{name}: {copy.added:,} events added, {len(conflicts):,} labels to be decided."
    text = "\n".join([text, *map(describe_change, copy.changes)])
    write({"run": name, "added": copy.added, "conflicts": conflicts}, as_json, text)


@app.command()
def deal(
    run: RunName,
    *,
    share: Annotated[float, typer.Option(help="Of the items that all get, from 0 to 1.")] = 0.2,
    annotators: Annotated[str, typer.Option(help="Who labels, with commas; nobody: it is not dealt out.")],
    seed: Annotated[int, typer.Option(help="Of who gets what.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Deals a run out: some items to all annotators, to be compared, the rest one each."""
    store, id_ = open_run(run)
    names = split_list(annotators)
    store.set(id_, getuser(), deal=(dealt := dealing.Deal(share, names, seed) if names else None))
    parts = {name: len(dealing.list_part(dealt, name, store.run_info(id_).total)) for name in names}
    text = ", ".join(f"{name}: {count:,}" for name, count in parts.items()) or "not dealt out, all get everything"
    write({"run": run, "share": share, "seed": seed, "parts": parts}, as_json, f"{run}: {text}.")


@app.command()
def rename(run: RunName, name: NewName, *, annotator: OfAnnotator = None, as_json: AsJson = False) -> None:
    """Gives a run, or an annotator of it, another name."""
    store, id_ = open_run(run)
    store.change(id_, schema.ANNOTATOR if annotator else schema.RUN, schema.RENAME, annotator or "", name, by=getuser())
    write({"run": run if annotator else name, "before": annotator or run}, as_json, f"It is now called {name}.")


@app.command()
def remove(
    run: RunName,
    *,
    annotator: OfAnnotator = None,
    question: Annotated[str | None, typer.Option(help="Of a question of the run alone: its field.")] = None,
    back: Annotated[bool, typer.Option("--back", help="Take back what was removed.")] = False,
    for_good: Annotated[bool, typer.Option("--for-good", help="Delete what was removed, here and in copies.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Delete without asking.")] = False,
    as_json: AsJson = False,
) -> None:
    """Takes a run, or an annotator or a question of it, out of all lists and reports, from which it can come back."""
    kind = schema.ANNOTATOR if annotator else schema.QUESTION if question else schema.RUN
    store, id_ = open_run(run, removed=kind == schema.RUN and (back or for_good))
    if for_good and not yes:
        if as_json:
            raise ValueError("What is deleted for good does not come back: add --yes.")
        typer.confirm(f"Delete the {kind} {annotator or question or run!r} for good?", abort=True, err=True)
    action = schema.DELETE if for_good else schema.SHOW if back else schema.HIDE
    store.change(id_, kind, action, annotator or question or "", by=getuser())
    done = {schema.DELETE: "deleted for good", schema.SHOW: "there again", schema.HIDE: "removed"}[action]
    result = {"run": run, "removed": action != schema.SHOW}
    result |= {kind: annotator or question} if kind != schema.RUN else {}
    write(result | ({"deleted": True} if for_good else {}), as_json, f"{annotator or question or run} is {done}.")


@app.command()
def log(run: RunName, *, as_json: AsJson = False) -> None:
    """What was renamed, removed, taken back and deleted for good of a run, when and by whom."""
    from a3core.grader.labels.changes import describe_change

    store = open_store()
    found = [one for one in store.deletions().values() if one.name == run]
    own = [store.changes(info.id) for info in store.runs(removed=True) if info.name == run]
    if not found and not own:
        raise ValueError(f"There is no run {run!r}.")
    found += (change for changes in own for change in changes)
    write([one._asdict() for one in found], as_json, "\n".join(map(describe_change, found)) or "Nothing was changed.")


def open_run(name: str, removed: bool = False) -> tuple:
    """The LabelStore, and the id of a run in it, or of a `removed` one. Raises ValueError where there is none of it."""
    store = open_store()
    return store, store.find_run(name, removed)


def write(result: Any, as_json: bool, text: str) -> None:
    """One line of JSON, or the text, on standard output."""
    typer.echo(json.dumps(result, ensure_ascii=False) if as_json else text)
