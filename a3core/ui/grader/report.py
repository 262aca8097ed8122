"""What the labels say: sentences, pictures, tables, and behind every number the responses it counts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from importlib import import_module
from threading import Thread

import gradio as gr
import pandas as pd
from markupsafe import Markup

from a3core.common.paths import ASSETS
from a3core.grader.report.assignment import build_assignment_table
from a3core.grader.report.build import Report
from a3core.grader.report.measures import ACCURACY, CONVINCES, EXPLAINED, ONE_TO_ONE, UNCONVINCING, opens_row
from a3core.grader.session.filters import CHOSEN, Condition
from a3core.ui.grader.label import QUIET_FIELD, LabelSettings, list_run_conditions
from a3core.ui.grader.service import GraderService, check_run
from a3core.ui.shared.errors import tells_errors
from a3core.ui.shared.html import ENVIRONMENT, read_template, render
from a3core.ui.shared.screen import QUIET, act

SCRIPT = read_template(__file__, "board.js")
EXAMPLE = ASSETS / "report_example.html"  # written by assets.make_report_example
OPENED = ["id", "prompt kind", "model", "question", "explanation", "answer", "gold answer"]
MOST_OPENED = 500  # rows under a number; the rest is in the export
SECONDS = 10  # between two looks of a live report
INTO_VIEW = "() => document.querySelector('#grader-opened')?.scrollIntoView({ block: 'nearest' })"
CARDS = ((ONE_TO_ONE, "Answer and explanation agree"), (EXPLAINED, "Explanation correct"))
CARDS += ((UNCONVINCING, "Right answer, unconvincing explanation"),)  # in the order of the assignment's sentences
MEASURES = ((ACCURACY, "answer"), (EXPLAINED, "explanation"), (CONVINCES, "convincing"))
MOST_KINDS = 12  # rows of the picture; all are in the table
ENVIRONMENT.filters["json"] = lambda value: json.dumps(value, ensure_ascii=False)


class ReportSettings:
    """The widgets at left, for the section Report alone."""

    def __init__(self):
        check = [QUIET_FIELD, "a3-check", "a3-second"]
        with gr.Column(elem_classes="a3-for-report", min_width=0):
            self.people = gr.Dropdown(
                [],
                value=[],
                multiselect=True,
                label="Count the labels of",
                info="none chosen: of all",
                allow_custom_value=True,  # a page may outlive a restart of the app, which does not know its list
                elem_classes=[QUIET_FIELD, "a3-second"],
            )
            self.adjudicated = gr.Checkbox(True, label="what was adjudicated counts first", elem_classes=check)
            self.name = gr.Radio(
                [], label="The numbers", visible=False, elem_classes=["a3-list", "a3-second", QUIET_FIELD]
            )
            self.live = gr.Checkbox(False, label=f"follow the labels, every {SECONDS} seconds", elem_classes=check)
            self.refresh = gr.Button("Refresh", size="sm")


def build_report_panel(
    grading: GraderService, run: gr.Dropdown, settings: ReportSettings, labelling: LabelSettings, panels: gr.Tabs
) -> dict:
    """Returns the event that shows the report; behind a number are its responses, which lead to labelling."""
    timer = gr.Timer(SECONDS, active=False)
    board = gr.HTML(load_example(), js_on_load=SCRIPT, elem_id="grader-board", padding=False)
    with gr.Column(visible=False, elem_id="grader-opened") as behind:
        with gr.Row():
            title = gr.Markdown()
            label = gr.Button("Label these", size="sm")
            close = gr.Button("Close", size="sm")
        opened = gr.Dataframe(headers=OPENED, label="The responses behind it", interactive=False, wrap=True)
        ids = gr.State([])
    table = gr.Dataframe(label="The numbers", interactive=False, wrap=True, max_height=400, visible=False)
    with gr.Row():
        steps = gr.Plot(label="First wrong step", visible=False)
        agreed = gr.Plot(label="Agreement of annotators", visible=False)

    @tells_errors
    def show(chosen: int | None, people: list[str], adjudicated: bool, table_name: str | None):
        if chosen is None or not grading.store.annotators(check_run(chosen)):
            hidden = dict.fromkeys([steps, agreed], gr.Plot(visible=False))
            hidden |= {settings.name: gr.Radio(visible=False), table: gr.Dataframe(visible=False)}
            return {board: load_example(), settings.people: gr.Dropdown([], value=[], multiselect=True), **hidden}
        everything = build(grading, chosen, people, adjudicated)
        names = [key for key, rows in everything.tables.items() if len(rows)]
        wanted = table_name if table_name in names else names[0]
        counted = [one["annotator"] for one in everything.by_annotator if one["counts"]]
        known = [one["annotator"] for one in everything.by_annotator]
        valid = [name for name in people or () if name in known]
        notes = (everything.report.by_question, everything.whose)
        return {
            board: render_board(everything.report, grading.store.run_info(chosen).name, counted, notes),
            **draw(everything, steps, agreed),
            settings.people: gr.Dropdown(known, value=valid, multiselect=True),
            settings.name: gr.Radio(names, value=wanted, visible=True),
            table: gr.Dataframe(tidy(everything.tables[wanted]), visible=True),
        }

    @tells_errors
    def show_table(chosen: int | None, people: list[str], adjudicated: bool, table_name: str):
        rows = tidy(build(grading, chosen, people, adjudicated).tables[table_name])
        return gr.Dataframe(rows, visible=True), gr.Column(visible=False)

    def show_behind(chosen: int, found: list[str], words: str) -> dict:
        own = [response for response in grading.store.responses(chosen) if response.id in set(found[:MOST_OPENED])]
        rows = [[r.id, r.prompt_kind, r.model, r.question, r.explanation[:2000], r.answer, r.gold_answer] for r in own]
        rows = [[show_plainly(cell or "") for cell in row] for row in rows]
        heading = f"**{len(found):,} {'response' if len(found) == 1 else 'responses'}** · {words}"
        return {behind: gr.Column(visible=True), title: heading, opened: pd.DataFrame(rows, columns=OPENED), ids: found}

    @tells_errors
    def open_row(chosen: int | None, people: list[str], adjudicated: bool, table_name: str, event: gr.SelectData):
        rows = build(grading, chosen, people, adjudicated).tables[table_name]
        row, column = rows.iloc[event.index[0]], tidy(rows).columns[event.index[1]]
        # n counts the responses of every kind, other numbers their own, or the row's first
        kinds, own = list(filter(opens_row, row.index)), f"{column.replace(' ', '_')}_ids"
        counted = kinds if column == "n" else [own] if own in kinds else kinds[:1]
        return show_behind(chosen, [id_ for key in counted for id_ in (row[key] or ())], f"{table_name}, {column}")

    @tells_errors
    def open_number(chosen: int | None, people: list[str], adjudicated: bool, event: gr.EventData):
        number = event._data.get("open")
        found = find_ids(build(grading, chosen, people, adjudicated).report, number)
        if number[0] == "cell":
            answer, explanation = ("right" if number[1] else "not right"), ("correct" if number[2] else "flawed")
            return show_behind(chosen, list(found), f"answer {answer}, explanation {explanation}")
        return show_behind(chosen, list(found), ", ".join(str(name) for name in (number[3], *number[1:3]) if name))

    def label_these(chosen: int, found: list[str]):
        """The section Label, with these items alone."""
        condition = json.dumps(Condition(CHOSEN))
        choices = [(f"from the report ({len(found):,})", condition), *list_run_conditions(grading, chosen)]
        return gr.Tabs(selected="label"), gr.Dropdown(choices, value=[condition], allow_custom_value=True), found

    whose = [run, settings.people, settings.adjudicated]
    results = [board, steps, agreed, settings.people, settings.name, table]
    showing = {"fn": show, "inputs": [*whose, settings.name], "outputs": results}
    act([settings.refresh.click, settings.people.input, settings.adjudicated.input], "screen-grader", **showing)
    timer.tick(**showing, **QUIET)
    settings.live.input(lambda on: gr.Timer(active=on), settings.live, timer, **QUIET)
    settings.name.input(show_table, [*whose, settings.name], [table, behind], **QUIET)
    outputs = [behind, title, opened, ids]
    table.select(open_row, [*whose, settings.name], outputs, **QUIET).success(None, js=INTO_VIEW, **QUIET)
    board.opened(open_number, whose, outputs, **QUIET).success(None, js=INTO_VIEW, **QUIET)
    board.labelled(lambda: gr.Tabs(selected="label"), None, panels, **QUIET)
    label.click(label_these, [run, ids], [panels, labelling.only, labelling.chosen], **QUIET)
    gr.on([close.click, run.change], lambda: gr.Column(visible=False), None, behind, **QUIET)  # rows of another run
    return showing


def load_example() -> Markup:
    """The shipped board, which is there before anybody has labelled."""
    return Markup(EXAMPLE.read_text(encoding="utf-8"))


def warm_up() -> None:
    """When the Grader is opened: loads in the background what its first report would wait for."""
    Thread(target=import_module, args=["plotly.subplots"], daemon=True).start()


def build(grading: GraderService, run: int | None, people: list[str], adjudicated: bool):
    """The report by the labels of those of these people who labelled the run, of all where none did."""
    from a3core.grader.report.tables import build_all

    known = grading.store.annotators(check_run(run))
    return build_all(grading.store, run, [name for name in people or () if name in known] or None, adjudicated)


def draw(everything, steps: gr.Plot, agreed: gr.Plot) -> dict:
    """The pictures below the table, where there is something to draw."""
    from a3core.grader.report.figures import plot_agreement, plot_first_wrong_steps

    report, marked = everything.report, everything.report.first_wrong_steps
    has_steps = bool(marked["absolute"] or marked["none"])
    has_agreement = any(one.value is not None for one in everything.agreement["coefficients"])
    return {
        steps: gr.Plot(plot_first_wrong_steps(report) if has_steps else None, visible=has_steps),
        agreed: gr.Plot(plot_agreement(everything.agreement) if has_agreement else None, visible=has_agreement),
    }


def tidy(rows: pd.DataFrame) -> pd.DataFrame:
    """Without the columns that open a row, and with numbers as they are read."""
    columns = [key for key in rows.columns if not opens_row(key)]
    return rows[columns].map(format_cell).rename(columns=lambda key: key.replace("_", " "))


def format_cell(value) -> str:
    if value is None:
        return ""
    return f"{value:.3g}" if isinstance(value, float) else show_plainly(str(value))


def show_plainly(text: str) -> str:
    """What cannot travel as UTF-8 is shown as a question mark."""
    return text.encode("utf-8", "replace").decode("utf-8")


# The board: the three sentences as cards, and two pictures; every number of it can be opened


def render_board(
    report: Report, run: str, annotators: Sequence[str], notes: Iterable[str] = (), example: str = ""
) -> Markup:
    """All texts are escaped. `example` says where the labels come from, if they are no person's."""
    # prompt kinds, by model where there are several; all responses where there are too many kinds
    kinds = [group for group in report.groups if group.prompt_kind is not None]
    leaves = [group for group in kinds if group.model is not None] or kinds or report.groups
    return render(
        read_template(__file__, "board.html"),
        overall=report.overall,
        groups=leaves[:MOST_KINDS],
        run=run,
        annotators=annotators,
        notes=[*report.notes, *filter(None, notes)],
        example=example,
        cards=CARDS,
        measures=MEASURES,
        stated=build_assignment_table(),
    )


def find_ids(report: Report, opened: Sequence) -> tuple[str, ...]:
    """The responses behind a number of the board. Raises ValueError for what is no number of it."""
    try:
        if opened[0] == "cell":
            return report.overall.table["cells"][2 * (not opened[1]) + (not opened[2])]["ids"]
        _, kind, model, measure = opened
        return report.group(kind, model).shares[measure].ids
    except (KeyError, IndexError, TypeError, ValueError):
        raise ValueError("This is no number of the report: refresh it.") from None
