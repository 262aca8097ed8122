"""The Few-shot tab: demonstrations retrieved, the prompt built in sight, and what a language model makes of it."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import gradio as gr

from a3core.common.hosting import is_space
from a3core.fewshot.building import BuiltPrompt
from a3core.fewshot.pools import BUILTIN, BUILTIN_VALIDATION
from a3core.fewshot.retrieval import LONGEST_QUESTION
from a3core.fewshot.service import FewShot
from a3core.llm.local import GEMMA_TERMS, MODEL_NAME
from a3core.ui.fewshot.answers import build_answer_panel, wire_stop
from a3core.ui.fewshot.cards import ANSWER_COLUMN, ID_COLUMN, NEIGHBOUR_COLUMNS, render_notes, tabulate_neighbours
from a3core.ui.fewshot.controls import PromptControls, build_decoding_controls, build_selection_controls
from a3core.ui.fewshot.endpoints import add_endpoints
from a3core.ui.fewshot.pool import MOST_LISTED, build_pool_panel, describe_bank, list_questions
from a3core.ui.fewshot.sweep import build_sweep_panel
from a3core.ui.shared.errors import tells_errors

INTRODUCTION = (
    "A base model was never taught to answer questions: it goes on with the text it is given. So what it answers "
    "depends on **which solved questions stand before yours**. Take a question, choose its demonstrations, read the "
    "prompt, and see what the model makes of it."
)
EMPTY = '<p class="a3-told">Ask, or take a question from the list: its demonstrations and its prompt appear here.</p>'
PRESETS = {  # chosen from the answers of the shipped grid for what they show, the last one against the rule
    "The neighbours show the form": "By what popular name is the spiral galaxy Messier 51 known?",
    "Zero-shot repeats the question": "What do doctors call the shoulder blade?",
    "Random ones mislead": "Which element does the symbol Sr stand for?",
    "… and here the neighbours mislead": "What is the largest planet of the Solar System?",
}
WIDTHS = ["80px", "110px", "320px", "180px", "90px", "160px", "100px", "130px"]


class FewShotLinks(NamedTuple):
    """What the guided path fills, and the events that then build the prompt and ask with none, random and nearest."""

    filled: list[gr.Component]  # by `find_preset`
    build_on: Callable  # build_on(trigger) builds the prompt at a trigger, such as the success of another event
    compare_on: Callable
    stop: gr.Button  # ends the tab's own events; the path adds its own


def build_fewshot_tab(
    fewshot: FewShot, *, attention_model: gr.Dropdown, attention_text: gr.Textbox, tabs: gr.Tabs
) -> FewShotLinks:
    """Widgets, then wiring; returns the links. A prompt is opened in the Attention tab, in its model and text."""
    gr.Markdown(INTRODUCTION)
    pool, validation, changed = gr.State(BUILTIN), gr.State(BUILTIN_VALIDATION), gr.State({})
    with gr.Row():
        question = gr.Textbox(
            label="Question",
            placeholder="Which river flows through Vienna?",
            submit_btn="Ask",
            scale=3,
            max_length=LONGEST_QUESTION,
        )
        taken = gr.Dropdown(list_questions(fewshot, BUILTIN_VALIDATION), value=None, label="Or take one", scale=3)
        surprise = gr.Button("Surprise me", scale=1, min_width=120, elem_classes="a3-low")
    gold = gr.Textbox(label="Right answers, if you know them", placeholder="Danube | Donau", max_length=10_000)
    with gr.Row():
        presets = {gr.Button(label, size="sm"): text for label, text in PRESETS.items()}
    controls = PromptControls(
        question=question,
        gold=gold,
        pool=pool,
        changed=changed,
        selection=build_selection_controls(),
        decoding=build_decoding_controls(free=not is_space()),
    )
    build = gr.Button("Build the prompt")
    notes = gr.HTML(EMPTY, min_height=40)
    table = gr.Dataframe(
        headers=NEIGHBOUR_COLUMNS,
        label="Demonstrations, in the order in which they were chosen: the answer that is shown can be changed",
        static_columns=[i for i in range(len(NEIGHBOUR_COLUMNS)) if i != ANSWER_COLUMN],
        column_widths=WIDTHS,
        interactive=True,
        wrap=True,
        visible=False,
    )
    prompt = gr.Textbox(label="The prompt, exactly as the model reads it", lines=8, max_lines=30, max_length=150_000)
    # not the text box's own button, which takes its label away from it
    gr.Button("Copy the prompt", size="sm").click(None, prompt, None, js="text => navigator.clipboard.writeText(text)")
    with gr.Accordion("The pool in two dimensions", open=False):
        picture = gr.Plot(label="The pool, the query and its demonstrations")

    @tells_errors
    def show_prompt(values: dict, progress=gr.Progress()):  # noqa: B008
        if not (values[question] or "").strip() and not values[prompt]:
            return {notes: EMPTY}
        built = controls.build(fewshot, values, progress)
        return {prompt: built.prompt.text, **show_demonstrations(built, values[pool])}

    def show_demonstrations(built: BuiltPrompt, spec: str) -> dict:
        from a3core.fewshot.pool_map import plot_pool_map

        used = fewshot.pool(spec)
        figure = plot_pool_map(used.retriever.pool, used.map, used.retriever.embed([built.chosen.question])[0], built)
        rows = tabulate_neighbours(built)
        return {
            notes: render_notes(built, used.retriever.pool),
            table: gr.Dataframe(rows, visible=bool(len(rows))),
            picture: figure,
        }

    private = {"api_visibility": "private"}

    def build_on(trigger: Callable):
        return trigger(
            show_prompt,
            {*controls.inputs, prompt},
            [prompt, notes, table, picture],
            show_progress_on=notes,
            concurrency_id="encoder",
            concurrency_limit=2,
            **private,
        )

    def take_on(trigger: Callable):
        return trigger(take_question(fewshot), [taken, validation], [question, gold], **private)

    panel = build_answer_panel(fewshot, controls, prompt)
    filled = [question, gold, *build_pool_panel(fewshot, pool, validation, taken, changed)]
    build_sweep_panel(fewshot, controls, validation)
    asked = build_on(question.submit)
    chains = [asked, panel.answer_on(asked.success)]
    build_on(partial(gr.on, [build.click, *controls.selection.changes], trigger_mode="always_last"))
    for button, text in presets.items():
        found = button.click(lambda text=text: find_preset(fewshot, text), None, filled, **private)
        built = build_on(found.success)
        chains += [found, built, panel.compare_on(built.success)]
    wire_stop(panel, chains)
    build_on(take_on(taken.input).success)
    drawn = surprise.click(draw_question(fewshot), validation, taken, **private)
    build_on(take_on(drawn.success).success)
    question.input(lambda: "", None, gold, queue=False, **private)  # the answers were those of another question
    build_on(table.input(change_answers, [table, changed], changed, **private).success)
    open_attention = gr.Button("Look at the attention over this prompt", size="sm")
    open_attention.click(look_at_attention, prompt, [attention_model, attention_text, tabs], **private)
    gr.Markdown(GEMMA_TERMS, elem_classes="a3-terms")
    add_endpoints(fewshot)
    return FewShotLinks(filled=filled, build_on=build_on, compare_on=panel.compare_on, stop=panel.stop)


def find_preset(fewshot: FewShot, question: str) -> tuple:
    """Values for `FewShotLinks.filled`: a question with its gold answers, and the pool in which it shows its point."""
    (row,) = [row for row in fewshot.questions(BUILTIN_VALIDATION).rows if row.question == question]
    return row.question, " | ".join(row.gold), *describe_bank(fewshot)


def take_question(fewshot: FewShot):
    """Of the validation set: its question, and the gold answers with "|" between them."""

    @tells_errors
    def take(position: int | None, validation: str):
        if position is None:
            raise ValueError("choose a question of the list first")
        row = fewshot.questions(validation)[position]
        return row.question, " | ".join(row.gold)

    return take


def draw_question(fewshot: FewShot):
    """The position of a question that is in the list: the page takes no other."""

    @tells_errors
    def draw(validation: str) -> int:
        return random.randrange(min(len(fewshot.questions(validation)), MOST_LISTED))

    return draw


def change_answers(rows, changed: dict[str, str]) -> dict[str, str]:
    """What a person wrote into the table, by demonstration id."""
    written = {str(row.iloc[ID_COLUMN]): " ".join(str(row.iloc[ANSWER_COLUMN]).split()) for _, row in rows.iterrows()}
    return {**changed, **written}


@tells_errors
def look_at_attention(prompt: str) -> list:
    """The model and the text for the Attention tab, and its opening."""
    if not (prompt or "").strip():
        raise ValueError("build a prompt first")
    return [MODEL_NAME, prompt, gr.Tabs(selected="attention")]
