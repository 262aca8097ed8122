"""What if the explanation were another: of one response after it is labelled, and what was measured over the run."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

import gradio as gr
from markupsafe import Markup

from a3core.common.hosting import is_space
from a3core.fewshot.service import FewShot
from a3core.grader.runs.responses import CHAIN_OF_THOUGHT, Response
from a3core.grader.runs.tasks import TASKS, load_tasks
from a3core.llm.offered import list_models
from a3core.ui.grader.service import GraderService, check_run, find_annotator
from a3core.ui.shared.errors import tells_errors
from a3core.ui.shared.html import load_macros, read_template, render_table
from a3core.ui.shared.limits import LANGUAGE_MODEL
from a3core.ui.shared.screen import PRIVATE, QUIET, report_to

LONGEST = 20_000  # characters of an explanation
LEAD = (
    "Click a number to change it, or edit the text. The model answers after each step, or goes on. "
    "It opens after you have labelled a response."
)
NONE_LABELLED = "No explanation of this run is labelled by you yet: what the model answers would not leave you blind."
NOT_MEASURED = "Nothing is measured of this run yet: python -m a3core grader what-if does it. For this run: {}."
MEASURED = (
    "An answer that follows its last line is copied from there; this does not tell whether the line is right. "
    "Intervals draw whole questions where one has several explanations."
)
CARDS = load_macros(__file__, "what_if.html")
SCRIPT = read_template(__file__, "what_if.js")


def build_what_if_panel(
    grading: GraderService, fewshot: FewShot, run: gr.Dropdown, annotator: gr.Textbox, tab: gr.Tab
) -> None:
    """The model is asked for one response at a time; the run's counts are those of the command."""
    gr.Markdown(f"## Does the answer follow?\n{LEAD}")
    with gr.Row():
        response = gr.Dropdown(
            [], value=None, label="Response, labelled by you", allow_custom_value=True, scale=3, min_width=280
        )
        model = gr.Dropdown(list_models(), value=list_models()[0], label="Model", allow_custom_value=not is_space())
    text = gr.Textbox(label="Explanation, a step a line", lines=4, max_length=LONGEST)
    slider = gr.Slider(0, 1, value=1, step=1, label="Steps that the model reads", buttons=[])
    with gr.Row():
        ask, write = gr.Button("Answer after each step", variant="primary"), gr.Button("Let the model go on from there")
    item, counts = gr.HTML(js_on_load=SCRIPT, min_height=24, elem_id="what-if-item"), gr.HTML()
    answered = gr.State({})  # by text the answers after each of its steps: of the text that was asked last

    @tells_errors
    def open_run(chosen: int | None, name: str, request: gr.Request):
        labelled = list_labelled(grading, check_run(chosen), find_annotator(name, request))
        choices = [(f"{one.question[:80]} → {one.answer[:40]}", one.id) for one in labelled]
        first = labelled[0].id if labelled else None
        opened = {response: gr.Dropdown(choices, value=first), counts: render_counts(grading, chosen)}
        return opened if labelled else opened | {item: CARDS.note(NONE_LABELLED)}

    @tells_errors
    def open_response(chosen: int | None, id_: str | None):
        responses = grading.store.responses(check_run(chosen)) if id_ else ()
        found = next((one for one in responses if one.id == id_), None)
        if id_ and found is None:
            raise ValueError("Choose a response of this run.")
        return {answered: {}} | set_text(found.lines if found else ())

    def set_text(lines: Sequence[str], read: int | None = None) -> dict:
        """Steps of which nothing is asked yet, read up to one of them or the end."""
        moved, rendered = show_text("\n".join(lines), len(lines) if read is None else read, {})
        return {text: "\n".join(lines), slider: moved, item: rendered}

    def show_text(now: str, read: int, answers: dict) -> tuple:
        """The slider, and the steps with what was answered of this text."""
        lines = split_steps(now)
        read = min(read, len(lines))
        moved = gr.Slider(0, max(1, len(lines)), value=read)
        return moved, render_item(lines, read, answers.get("\n".join(lines), [])) if lines else ""

    @tells_errors
    def change_number(now: str, event: gr.EventData):
        from a3core.grader.runs.changed_explanations import change_value

        lines, (step, which) = split_steps(now), (event._data[name] for name in ("step", "which"))
        if not 0 <= step < len(lines) or not (changed := change_value(lines[step], now, which)):
            raise ValueError("The text is another one since: click a number that it has now.")
        lines[step] = changed[0]
        return set_text(lines, step + 1)

    def find_asked(values: dict, request: gr.Request, progress: gr.Progress):
        """What a model is asked of: the response, the steps of the text, and the model itself."""
        labelled = list_labelled(grading, check_run(values[run]), find_annotator(values[annotator], request))
        found = next((one for one in labelled if one.id == values[response]), None)
        if found is None:  # its answer would not leave the annotator blind
            raise ValueError("Choose a response whose explanation you have labelled.")
        return found, split_steps(values[text]), fewshot.model(values[model], report_to(progress))

    @tells_errors
    def answer_again(values: dict, request: gr.Request, progress=gr.Progress()):  # noqa: B008
        from a3core.grader.runs.changed_explanations import answer_cuts

        found, lines, loaded = find_asked(values, request, progress)
        cuts = answer_cuts(loaded, found, lines, build_prompts())
        return {answered: {"\n".join(lines): cuts}, item: render_item(lines, values[slider], cuts)}

    @tells_errors
    def extend(values: dict, request: gr.Request, progress=gr.Progress()):  # noqa: B008
        from a3core.grader.runs.changed_explanations import go_on

        found, lines, loaded = find_asked(values, request, progress)
        before = lines[: values[slider]]
        return set_text([*before, *split_steps(go_on(loaded, found, before, build_prompts()))])

    opening, written = [tab.select, run.change, annotator.submit], [text, slider, item]
    gr.on(opening, open_run, [run, annotator], [response, item, counts], **QUIET)
    response.change(open_response, [run, response], [answered, *written], **QUIET)
    current = {"inputs": [text, slider, answered], "trigger_mode": "always_last", **QUIET}
    # by a person alone: what the page writes itself may come before the slider is drawn
    gr.on([text.input, text.blur, slider.input], show_text, outputs=[slider, item], **current)
    item.changed(change_number, text, written, **QUIET)
    asked = {"inputs": {run, annotator, response, text, slider, model}, **PRIVATE, **LANGUAGE_MODEL}
    ask.click(answer_again, outputs=[answered, item], **asked)
    write.click(extend, outputs=written, **asked)


@cache
def build_prompts():
    """The demonstrations of the project's own task sets; a question of none is asked alone."""
    from a3core.grader.runs.changed_explanations import Prompts

    return Prompts(load_tasks(TASKS))


def split_steps(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def list_labelled(grading: GraderService, run: int, annotator: str) -> list[Response]:
    """The responses with an explanation that the annotator has judged."""
    judged = {label.response_id for label in grading.store.labels(run, annotator) if label.field == "explanation"}
    return [one for one in grading.store.responses(run) if one.id in judged and one.lines]


def render_item(lines: list[str], read: int, cuts: list) -> Markup:
    """The steps, those muted that the model does not read; the answer there, and after each number of steps."""
    from a3core.grader.runs.changed_explanations import VALUE, describe_cost

    # what is between its values, and in every second place a value: "2 + 2." is ["", "2", " + ", "2", "."]
    steps = [re.split(f"({VALUE.pattern})", line) for line in lines]
    return CARDS.item(steps, read, cuts, describe_cost(["cut"] * (len(lines) + 1)))


def render_counts(grading: GraderService, run: int) -> Markup:
    """What the command has measured over the run."""
    import pandas as pd

    from a3core.grader.runs import changed_explanations

    outcomes = changed_explanations.load_outcomes(grading.store.run_info(run).key)
    if not outcomes:
        own = [one for one in grading.store.responses(run) if one.prompt_kind == CHAIN_OF_THOUGHT]
        changes = changed_explanations.plan_changes(own[: changed_explanations.MOST_RESPONSES], load_tasks(TASKS))
        return CARDS.note(NOT_MEASURED.format(changed_explanations.describe_cost(change.kind for _, change in changes)))
    rows = []
    for row in changed_explanations.count_outcomes(outcomes):
        interval = f"{100 * row['low']:.0f} to {100 * row['high']:.0f} %" if row["n"] else ""
        verdicts = {verdict: row[verdict] for verdict in changed_explanations.VERDICTS}
        counts = {"what is changed": changed_explanations.name_change(row), "n": row["n"]}
        rows.append(counts | verdicts | {"keep, 95 % interval": interval})
    title = f"Measured over the run: {changed_explanations.KEEPS} its answer, or not"
    return render_table(pd.DataFrame(rows), title, MEASURED)
