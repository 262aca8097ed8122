"""From birthplaces to the Grader: the answers just given as a run of one question, and a fresh run of many people."""

from __future__ import annotations

import gradio as gr

from a3core.birthplace.checkpoints import CheckpointStore
from a3core.birthplace.data.corpora import build_question
from a3core.birthplace.data.loading import HELD_OUT
from a3core.birthplace.service import BASELINE, BirthplaceService
from a3core.ui.birthplace.families import name_family
from a3core.ui.birthplace.tab import BirthplaceLinks
from a3core.ui.grader import service
from a3core.ui.grader.service import GraderLinks, GraderService
from a3core.ui.shared.errors import tells_errors
from a3core.ui.shared.limits import LONG_JOB
from a3core.ui.shared.screen import PRIVATE, QUIET, cancel_by

MOST_PEOPLE = 200  # a minute and a half on two cores
NO_RECALL = (
    "No checkpoint here recites before it answers. `python -m a3core train-recall` trains one, beside which the "
    "others of its corpus can be asked."
)


def link_to_grader(
    birthplace: BirthplaceLinks, asking: BirthplaceService, grading: GraderService, grader: GraderLinks, tabs: gr.Tabs
) -> None:
    """The question of the Birthplace tab is asked again, and its answers open in the Grader; `tabs` are the page's."""

    @tells_errors
    def grade_answers(text: str, corpus: str, name: str, request: gr.Request):
        """The run of this question, there already or new, in the open Grader."""
        from a3core.grader.runs.birthplaces import GoldQuestion, add_once, build_question_run

        service.check_may_write(request)
        reply = asking.ask(text or "", corpus)
        question = GoldQuestion(reply.question, reply.person.place if reply.person else None)
        answers = {answer.checkpoint: answer for answer in reply.answers if answer.checkpoint != BASELINE}
        # asked twice, it is one run
        id_ = add_once(grading.store, build_question_run(question, answers, corpus), service.find_user(request) or "")
        return {
            tabs: gr.Tabs(selected="grader"),
            grader.panels: gr.Tabs(selected="label"),
            grader.run: service.show_runs(grading, id_),
            grader.remembered: [name, id_],
        }

    inputs = [birthplace.question, birthplace.family, grader.annotator]
    outputs = [tabs, grader.panels, grader.run, grader.remembered]
    birthplace.grade.click(grade_answers, inputs, outputs, **QUIET).success(**grader.showing)


def build_recall_run_panel(grading: GraderService, checkpoints: CheckpointStore, run: gr.Dropdown) -> None:
    """People whose answers no training saw, asked of every checkpoint of a family."""
    gr.Markdown("## Birthplaces: direct against recall")
    families = [(name_family(c), c) for c in checkpoints.families if list_compared(checkpoints, c)]
    if not families:
        gr.Markdown(NO_RECALL)
        return
    with gr.Row():
        family = gr.Dropdown(families, value=families[0][1], label="Checkpoints trained on")
        people = gr.Slider(10, MOST_PEOPLE, 50, step=10, label="People", info="held out: their answers were not shown")
        seed = gr.Number(1, label="Drawn by the seed", precision=0)
    name = gr.Textbox(label="Name of the run", placeholder="empty: the people and their corpus", max_length=200)
    with gr.Row():
        ask, cancel = gr.Button("Ask them", variant="primary"), gr.Button("Cancel")
    status = gr.Markdown(min_height=40)

    @tells_errors
    def ask_people(corpus: str, people: int, seed: int, name: str, request: gr.Request):
        from a3core.grader.runs.birthplaces import add_once

        service.check_may_write(request)
        made = build_run(checkpoints, corpus, int(people or 0), int(seed or 0))
        for step in made.run():
            yield {status: f"{step.done:,} of {step.total:,} answers …"}
        id_ = add_once(grading.store, made.to_run(name or ""), service.find_user(request) or "")
        yield {status: service.describe_accuracy(made.accuracy()), run: service.show_runs(grading, id_)}

    waiting = {"show_progress_on": status, **PRIVATE, **LONG_JOB}
    running = ask.click(ask_people, [family, people, seed, name], [status, run], **waiting)
    cancel_by(cancel, running, status, "Cancelled: no run was added.")


def list_compared(checkpoints: CheckpointStore, corpus: str) -> list[str]:
    """The checkpoints of a family that have read its text, if one of them recites first."""
    names = [name for name in checkpoints.names(corpus) if checkpoints.trainings[name].stage != "finetuned"]
    return names if any(checkpoints.trainings[name].recalls for name in names) else []


def build_run(checkpoints: CheckpointStore, corpus: str, people: int, seed: int):
    """The run to be made; of a family with few held-out people all of them. Raises ValueError if there is none."""
    from a3core.grader.runs.birthplaces import BirthplaceRun, GoldQuestion, draw_people

    names = list_compared(checkpoints, corpus)
    if not names or not 1 <= people <= MOST_PEOPLE:
        raise ValueError(f"Choose a family that has a checkpoint which recites, and 1 to {MOST_PEOPLE} people.")
    held_out = [person for person in checkpoints.people(corpus).values() if person.split == HELD_OUT]
    question = checkpoints.question(corpus)
    known = [GoldQuestion(build_question(person.name, question), person.place) for person in held_out]
    drawn = draw_people(known, min(people, len(known)), seed)
    return BirthplaceRun(drawn, {name: checkpoints.predictor(name).predict for name in names}, corpus)
