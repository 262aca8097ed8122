"""What if the explanation were another: of one response after it is labelled, and what was measured over the run."""

from __future__ import annotations

from functools import cache

import gradio as gr
from markupsafe import Markup

from a3core.common.hosting import is_space
from a3core.fewshot.service import FewShot
from a3core.grader.runs.responses import Response
from a3core.grader.runs.tasks import TASKS, load_tasks
from a3core.llm.offered import list_models
from a3core.ui.grader.service import GraderService, check_run, find_annotator
from a3core.ui.shared.errors import tells_errors
from a3core.ui.shared.html import render_table
from a3core.ui.shared.limits import LANGUAGE_MODEL
from a3core.ui.shared.progress import report_to

LONGEST = 20_000  # characters of an explanation
LEAD = (
    "Change a number, or delete lines, and see whether the answer follows. It opens after you have labelled a response."
)
NONE_LABELLED = "No explanation of this run is labelled by you yet: what the model answers would not leave you blind."
NOT_MEASURED = "Nothing is measured of this run yet: python -m a3core grader what-if does it."
MEASURED = "An answer that follows its last line is copied from there; this does not tell whether the line is right."


def build_what_if_panel(
    grading: GraderService, fewshot: FewShot, run: gr.Dropdown, annotator: gr.Textbox, tab: gr.Tab
) -> None:
    """The model is asked for one response at a time; the run's counts are those of the command."""
    gr.Markdown(f"## Does the answer follow?\n{LEAD}")
    with gr.Row():
        response = gr.Dropdown([], value=None, label="Response, labelled by you", allow_custom_value=True, scale=3)
        model = gr.Dropdown(list_models(), value=list_models()[0], label="Model", allow_custom_value=not is_space())
    text = gr.Textbox(label="Explanation, a step a line", lines=4, max_length=LONGEST)
    with gr.Row():
        ask, write = gr.Button("Answer after each step", variant="primary"), gr.Button("Let the model go on")
    answers, counts = gr.HTML(min_height=24), gr.HTML()

    @tells_errors
    def open_run(chosen: int | None, name: str, request: gr.Request):
        labelled = list_labelled(grading, check_run(chosen), find_annotator(name, request))
        choices = [(f"{one.question[:80]} → {one.answer[:40]}", one.id) for one in labelled]
        first = labelled[0].id if labelled else None
        note = "" if labelled else Markup("<p class='a3 muted'>{}</p>").format(NONE_LABELLED)
        return {response: gr.Dropdown(choices, value=first), answers: note, counts: render_counts(grading, chosen)}

    @tells_errors
    def open_response(chosen: int | None, id_: str | None):
        return "\n".join(find_response(grading, chosen, id_).lines) if id_ else ""

    @tells_errors
    def answer_again(chosen, name: str, id_: str, text: str, wanted: str, request: gr.Request, progress=gr.Progress()):  # noqa: B008
        from a3core.grader.runs.changed_explanations import answer_cuts

        found = find_labelled(grading, chosen, id_, find_annotator(name, request))
        loaded = fewshot.model(wanted, report_to(progress))
        return render_cuts(answer_cuts(loaded, found, split_steps(text), build_prompts()), found.answer)

    @tells_errors
    def extend(chosen, name: str, id_: str, text: str, wanted: str, request: gr.Request, progress=gr.Progress()):  # noqa: B008
        from a3core.grader.runs.changed_explanations import go_on

        found = find_labelled(grading, chosen, id_, find_annotator(name, request))
        added = go_on(fewshot.model(wanted, report_to(progress)), found, split_steps(text), build_prompts())
        return "\n".join(filter(None, [text.strip(), added]))

    private = {"api_visibility": "private"}
    opening = [tab.select, run.change, annotator.submit]
    gr.on(opening, open_run, [run, annotator], [response, answers, counts], show_progress="hidden", **private)
    response.change(open_response, [run, response], text, show_progress="hidden", **private)
    inputs = [run, annotator, response, text, model]
    ask.click(answer_again, inputs, answers, **private, **LANGUAGE_MODEL)
    write.click(extend, inputs, text, **private, **LANGUAGE_MODEL)


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


def find_response(grading: GraderService, run: int | None, id_: str):
    """Raises ValueError for an unknown run or response."""
    found = next((one for one in grading.store.responses(check_run(run)) if one.id == id_), None)
    if found is None:
        raise ValueError("Choose a response of this run.")
    return found


def find_labelled(grading: GraderService, run: int | None, id_: str, annotator: str):
    """Raises ValueError for a response that the annotator has not judged: its answer would not leave them blind."""
    found = next((one for one in list_labelled(grading, check_run(run), annotator) if one.id == id_), None)
    if found is None:
        raise ValueError("Choose a response whose explanation you have labelled.")
    return found


def render_cuts(cuts, answer: str) -> Markup:
    """A row for each number of steps."""
    import pandas as pd

    rows = [
        {
            "steps": f"{cut.steps} of {len(cuts) - 1}",
            "answer": cut.got or "none can be read",
            f"says {answer[:40]}": "yes" if cut.keeps else "no",
            "its log-probability, nats": "" if cut.log_probability is None else f"{cut.log_probability:.2f}",
        }
        for cut in cuts
    ]
    return render_table(pd.DataFrame(rows), "The answer after each step")


def render_counts(grading: GraderService, run: int) -> Markup:
    """What the command has measured over the run."""
    import pandas as pd

    from a3core.grader.runs.changed_explanations import KEEPS, VERDICTS, count_outcomes, load_outcomes, name_change

    outcomes = load_outcomes(grading.store.origin(run).key)
    if not outcomes:
        return Markup("<p class='a3 muted'>{}</p>").format(NOT_MEASURED)
    rows = [
        {
            "what is changed": name_change(row),
            "n": row["n"],
            **{verdict: row[verdict] for verdict in VERDICTS},
            "keep, 95 % interval": f"{100 * row['low']:.0f} to {100 * row['high']:.0f} %" if row["n"] else "",
        }
        for row in count_outcomes(outcomes)
    ]
    return render_table(pd.DataFrame(rows), f"Measured over the run: {KEEPS} its answer, or not", MEASURED)
