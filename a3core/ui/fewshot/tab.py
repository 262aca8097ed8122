"""The Few-shot tab: a question, its demonstrations, the prompt, and what a language model answers, on one screen."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import NamedTuple

import gradio as gr

from a3core.common.hosting import is_space
from a3core.fewshot.answering import Asked, leave_each_out, measure_each
from a3core.fewshot.pools import BUILTIN, BUILTIN_VALIDATION, Demonstration
from a3core.fewshot.prompt import MOST_DEMONSTRATIONS
from a3core.fewshot.retrieval import LONGEST_QUESTION, METHODS
from a3core.fewshot.service import FewShot
from a3core.llm.local import GEMMA_TERMS, MODEL_NAME
from a3core.llm.offered import list_models
from a3core.ui.fewshot import pool
from a3core.ui.fewshot.answers import SCREEN as PROMPT_SCREEN
from a3core.ui.fewshot.answers import add_endpoints, build_answer_panel, stop_by
from a3core.ui.fewshot.cards import SCRIPT, load_example, render_asked, render_notes
from a3core.ui.fewshot.controls import CHOICES, PromptControls, build_decoding_controls, build_selection_controls
from a3core.ui.fewshot.reading import find_prompt
from a3core.ui.fewshot.sweep import build_sweep_panel
from a3core.ui.shared import screen
from a3core.ui.shared.errors import tells_errors
from a3core.ui.shared.html import load_macros
from a3core.ui.shared.limits import LANGUAGE_MODEL

TAB, SCREEN = "fewshot", "screen-fewshot"  # ids on the page
FOLDED = ["a3-second", "a3-fold"]
LEAD = "A base model goes on with text: solved questions before yours shape its answer."
PRESETS = CHOICES["presets"]  # chosen from the answers for what they show, the last one against the rule
SCRIPTS = load_macros(__file__, "tab.js")


class FewShotLinks(NamedTuple):
    """What the guided path fills, and what then asks with none, random and nearest."""

    filled: list[gr.Component]  # by `find_preset`
    ask_on: Callable  # ask_on(trigger) asks at a trigger, such as the success of another event
    stop: gr.Button  # ends the tab's own events; the path adds its own


def build_fewshot_tab(
    fewshot: FewShot, *, attention_model: gr.Dropdown, attention_text: gr.Textbox, tabs: gr.Tabs
) -> FewShotLinks:
    """Widgets, then wiring; returns the links. A prompt is opened in the Attention tab, in its model and text."""
    example = load_example()
    last = gr.State(None)  # what was asked last; None: the example, which not every session needs a copy of
    with screen.build_sections(elem_id="fewshot-sections") as sections:
        with gr.Tab("Ask"), screen.build_screen(SCREEN):
            with screen.build_settings(LEAD):
                question, gold, filled_in = build_question(example)
                with gr.Row():
                    ask = gr.Button("Ask", variant="primary", scale=3, min_width=0)
                    surprise = gr.Button("Surprise me", scale=2, min_width=0)
                    stop = gr.Button("Stop", scale=1, min_width=0)
                presets, known = screen.build_chips(list(PRESETS)), pool.list_questions(fewshot, BUILTIN_VALIDATION)
                quiet = {"elem_classes": ["a3-second", "a3-quiet-field"]}
                taken = gr.Dropdown(known, value=None, label="Or a question of the list", **quiet)
                screen.build_more()
                rarer = gr.Accordion("Order, template, beams, length", open=False, render=False, elem_classes=FOLDED)
                selection, decoding = build_selection_controls(rarer), build_decoding_controls(rarer, not is_space())
                bank, changed = (gr.State(BUILTIN), gr.State(BUILTIN_VALIDATION)), gr.State({})
                name = gr.Textbox("", max_length=1000, visible=False)
                used = pool.PoolInPage(*bank, taken, changed, name)
                controls = PromptControls(question, gold, used, selection, decoding)
                rarer.render()
            with screen.build_results():
                result = gr.HTML(render_asked(example), js_on_load=SCRIPT, label="Answers and prompt")
                note = gr.HTML(elem_classes="a3-progress")  # not over the result
                gr.Markdown(GEMMA_TERMS, elem_classes="a3-terms")
        with gr.Tab("The prompt as text", id="prompt"):
            prompt = build_answer_panel(fewshot, controls, example.prompt)
        with gr.Tab("Map of the pool") as map_tab, screen.build_results():
            build_map_panel(fewshot, controls, map_tab)
        with gr.Tab("Sweep") as sweep_tab:
            reading = build_sweep_panel(fewshot, controls, sweep_tab)
        with gr.Tab("Your own pool") as pool_tab:
            pool_widgets = pool.build_pool_panel(fewshot, used, pool_tab)

    @tells_errors
    def answer_question(values: dict, progress=gr.Progress()):  # noqa: B008
        for asked in controls.ask(fewshot, values, progress):  # between two steps, Stop ends it
            yield {result: render_asked(asked), prompt: asked.prompt, note: "", last: asked} if asked else {note: ""}

    @tells_errors
    def leave_out(asked: Asked, model: str, progress=gr.Progress()):  # noqa: B008
        asked, used = asked or example, fewshot.model(model, screen.report_to(progress))
        return render_asked(asked, leave_each_out(used, asked))

    @tells_errors
    def swap_answers(asked: Asked, model: str, progress=gr.Progress()):  # noqa: B008
        asked, used = asked or example, fewshot.model(model, screen.report_to(progress))
        return render_asked(asked, leave_each_out(used, asked, swap=True), swap=True)

    @tells_errors
    def measure_effects(asked: Asked, model: str, progress=gr.Progress()):  # noqa: B008
        asked, exact = asked or example, fewshot.model(model, screen.report_to(progress), dtype="float32")
        return render_asked(asked, effects=measure_each(exact, asked))

    def ask_on(trigger: Callable):
        options = {"show_progress": "full", "show_progress_on": note, **LANGUAGE_MODEL}
        asked = screen.act(
            trigger, SCREEN, fn=answer_question, inputs=controls.inputs, outputs=[result, prompt, note, last], **options
        )
        asked.success(None, linked, None, js=SCRIPTS.write_link(), **screen.PRIVATE)
        return asked

    model, in_use = decoding["model"], [used.validation, used.pool, used.name]
    linked = [question, selection["k"], selection["method"], model]
    filled = [question, gold, filled_in]
    running = [ask_on(event) for event in (ask.click, question.submit, gold.submit, result.ask)]
    for button, text in zip(presets, PRESETS.values(), strict=True):
        found = button.click(
            lambda text=text: find_preset(fewshot, text), None, [*filled, *pool_widgets], **screen.PRIVATE
        )
        running += [found, ask_on(found.success)]
    for found in (
        taken.input(take_question(fewshot), [taken, *in_use], filled, **screen.PRIVATE),
        surprise.click(draw_question(fewshot), in_use, filled, **screen.PRIVATE),
    ):
        running += [found, ask_on(found.success)]
    for event, fn in ((result.leave_out, leave_out), (result.swap, swap_answers), (result.measure, measure_effects)):
        running.append(screen.act(event, SCREEN, fn=fn, inputs=[last, model], outputs=result, **LANGUAGE_MODEL))
    stop_by(stop, SCREEN, running)
    question.change(None, filled, gold, js=SCRIPTS.keep_gold(), **screen.PRIVATE)
    result.edit(change_answer, used.changed, used.changed, queue=False, **screen.PRIVATE)
    result.attend(look_at_attention, prompt, [attention_model, attention_text, tabs], **screen.QUIET)
    opened = [prompt, *filled, selection["k"], selection["method"], sections]
    filling = reading.table.open(open_prompt(fewshot), [reading.folder, used.validation], opened, **screen.QUIET)
    filling.success(None, js=SCRIPTS.compare([SCREEN, PROMPT_SCREEN]), **screen.PRIVATE)
    follow = gr.JSON(visible=False)
    restored = gr.on(None, restore_link(fewshot), None, [tabs, *filled, *linked[1:], follow], **screen.QUIET)
    restored.success(None, follow, None, js=SCRIPTS.follow_link(SCREEN), **screen.PRIVATE)
    add_endpoints(fewshot)
    return FewShotLinks(filled=[*filled, *pool_widgets], ask_on=ask_on, stop=stop)


def build_question(example: Asked) -> tuple[gr.Textbox, gr.Textbox, gr.JSON]:
    """The question, its right answers, and {question, gold} as a program filled them in."""
    box = {"lines": 1, "max_lines": 3, "max_length": LONGEST_QUESTION, "elem_classes": "a3-field"}
    text = gr.Textbox(example.question, label="Question", placeholder="Which river flows through Vienna?", **box)
    gold_text, label = " | ".join(example.gold), "Right answers, if you know them"
    gold = gr.Textbox(gold_text, label=label, placeholder="Danube | Donau", max_length=10_000)
    return text, gold, gr.JSON({"question": example.question, "gold": gold_text}, visible=False)


def build_map_panel(fewshot: FewShot, controls: PromptControls, tab: gr.Tab) -> None:
    """The pool in two dimensions, drawn for the question in the box whenever the section is opened."""
    notes = gr.HTML("<p>The map is drawn for the question on the first screen.</p>", elem_classes="a3-progress")
    picture = gr.Plot(label="The pool, the query and its demonstrations")

    @tells_errors
    def draw_map(values: dict, progress=gr.Progress()):  # noqa: B008
        from a3core.fewshot.pool_map import plot_pool_map

        used, built = controls.build(fewshot, values, progress)
        return render_notes(built, used.pool), plot_pool_map(used, built)

    options = {"concurrency_id": "encoder", "concurrency_limit": 2, **screen.PRIVATE}
    tab.select(draw_map, controls.inputs, [notes, picture], show_progress_on=notes, **options)


def fill_question(row: Demonstration) -> tuple[str, str, dict]:
    """Values of the question, its right answers, the canonical one first, and of what is remembered of both."""
    gold = " | ".join(row.gold)
    return row.question, gold, {"question": row.question, "gold": gold}


def find_preset(fewshot: FewShot, question: str) -> tuple:
    """Values for `FewShotLinks.filled`: a question with its gold answers, and the pool in which it shows its point."""
    (row,) = [row for row in fewshot.questions(BUILTIN_VALIDATION).rows if row.question == question]
    # the bank is not embedded for that: the guided path opens its tab at once
    n = len(fewshot.questions(BUILTIN))
    return *fill_question(row), *pool.describe_pool(fewshot, BUILTIN, BUILTIN_VALIDATION, n)


def take_question(fewshot: FewShot):
    """Of the validation set: its question, and the gold answers with "|" between them; nothing where none is chosen."""

    @tells_errors
    def take(position: int | None, validation: str, spec: str = BUILTIN, pool_name: str = ""):
        pool.check_pool(spec, pool_name)
        return (gr.skip(),) * 3 if position is None else fill_question(fewshot.questions(validation)[position])

    return take


def draw_question(fewshot: FewShot):
    """A question that is in the list: the page takes no other."""

    @tells_errors
    def draw(validation: str, spec: str = BUILTIN, pool_name: str = ""):
        pool.check_pool(spec, pool_name)
        rows = fewshot.questions(validation)
        return fill_question(rows[random.randrange(min(len(rows), pool.MOST_LISTED))])

    return draw


def change_answer(changed: dict[str, str], event: gr.EventData) -> dict[str, str]:
    """What a person wrote into the prompt, by demonstration id; an empty answer is the pool's own again."""
    return {**changed, str(event.id)[:1000]: " ".join(str(event.answer)[:500].split())}


@tells_errors
def look_at_attention(prompt: str) -> list:
    """The model and the text for the Attention tab, and its opening."""
    if not (prompt or "").strip():
        raise ValueError("build a prompt first")
    return [MODEL_NAME, prompt, gr.Tabs(selected="attention")]


def open_prompt(fewshot: FewShot):
    """A prompt of a sweep as text, and on the first screen its question, right answers, k and selection."""

    @tells_errors
    def open_in_builder(folder: str, validation: str, event: gr.EventData):
        prompt, row, k, selection = find_prompt(folder, str(event.id), str(event.cell), fewshot.questions(validation))
        method = selection if selection in METHODS else gr.skip()  # of zero-shot there is none
        return prompt, *fill_question(row), k, method, gr.Tabs(selected="prompt")

    return open_in_builder


def restore_link(fewshot: FewShot):
    """What the page's address has: the tab, `filled` of a question, k, selection, model, and whether to ask."""

    def restore(request: gr.Request) -> list:
        query = dict(request.query_params)
        question, k, selection = (query.get(name, "") for name in ("question", "k", "selection"))
        if query.get("tab") != TAB or not question or selection not in METHODS or not k.isdecimal():
            return [gr.skip()] * 7 + [{}]
        asked = Demonstration("", question[:LONGEST_QUESTION], ("",))
        known = [row for row in fewshot.questions(BUILTIN_VALIDATION).rows if row.question == question]
        model = query.get("model") or list_models()[0]
        numbers = min(int(k[:3]), MOST_DEMONSTRATIONS), selection, model
        return [gr.Tabs(selected=TAB), *fill_question((known or [asked])[0]), *numbers, {"ask": model in list_models()}]

    return restore
