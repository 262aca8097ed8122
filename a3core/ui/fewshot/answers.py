"""Below the prompt: the model's answer as it is written, and several prompts or decodings side by side."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import gradio as gr

from a3core.fewshot.answering import answer_decodings, answer_prompts, score_text
from a3core.fewshot.prompt import render_prompt
from a3core.fewshot.service import FewShot
from a3core.llm.decoding import METHODS as DECODINGS
from a3core.ui.fewshot.cards import render_answers
from a3core.ui.fewshot.controls import PromptControls
from a3core.ui.shared.errors import tells_errors
from a3core.ui.shared.limits import LANGUAGE_MODEL

CANCELLED = '<p class="a3-told">Stopped.</p>'


class AnswerPanel(NamedTuple):
    """Asking at a trigger, such as the success of another event, and what stops it."""

    answer_on: Callable  # answer_on(trigger) lets the model answer the prompt; returns the event
    compare_on: Callable  # compare_on(trigger) puts zero-shot, random and nearest side by side
    stop: gr.Button
    answers: gr.HTML
    running: list  # what the panel's own buttons start


def build_answer_panel(fewshot: FewShot, controls: PromptControls, prompt: gr.Textbox) -> AnswerPanel:
    """Stop does nothing until `wire_stop`, once all that it ends is wired."""
    with gr.Row():
        answer = gr.Button("Answer", variant="primary")
        by_selection = gr.Button("Zero-shot, random, nearest side by side")
        by_decoding = gr.Button("Greedy, beam, sampling side by side")
        stop = gr.Button("Stop", variant="stop")
    answers = gr.HTML(min_height=40)

    @tells_errors
    def write_answer(values: dict, progress=gr.Progress()):  # noqa: B008
        text, decoding = read_prompt(values[prompt]), controls.decoding.read(values)
        model, start, written = controls.load_model(fewshot, values, progress), time.monotonic(), ""
        for written in model.stream(text, decoding):
            yield show([score_text(decoding.method, written, [], seconds=time.monotonic() - start)])
        gold = controls.read_gold(values)
        yield show([score_text(decoding.method, written, gold, seconds=time.monotonic() - start)])

    @tells_errors
    def compare_selections(values: dict, progress=gr.Progress()):  # noqa: B008
        chosen = values[controls.selection.method]
        methods = ("random", "nearest" if chosen == "random" else chosen)
        model = controls.load_model(fewshot, values, progress)
        built = {name: controls.build(fewshot, values, progress, method=name) for name in methods}
        zero_shot = render_prompt([], built["random"].chosen.question, controls.selection.read_template(values))
        prompts = {"zero-shot": zero_shot} | {
            f"{name}, k = {len(b.prompt.included)}": b.prompt.text for name, b in built.items()
        }
        progress(0.5, desc="three prompts in one batch")
        return show(answer_prompts(model, prompts, controls.decoding.read(values), controls.read_gold(values)))

    @tells_errors
    def compare_decodings(values: dict, progress=gr.Progress()):  # noqa: B008
        text, model = read_prompt(values[prompt]), controls.load_model(fewshot, values, progress)
        decodings, answered = [controls.decoding.read(values, method) for method in DECODINGS], []
        for one in answer_decodings(model, text, decodings, controls.read_gold(values)):
            answered.append(one)
            yield show(answered)

    def run_on(fn: Callable, trigger: Callable):
        return trigger(fn, {*controls.inputs, prompt}, answers, api_visibility="private", **LANGUAGE_MODEL)

    answer_on, compare_on = partial(run_on, write_answer), partial(run_on, compare_selections)
    running = [answer_on(answer.click), compare_on(by_selection.click), run_on(compare_decodings, by_decoding.click)]
    return AnswerPanel(answer_on=answer_on, compare_on=compare_on, stop=stop, answers=answers, running=running)


def wire_stop(panel: AnswerPanel, chains: list) -> None:
    """`chains` are all steps of what others ask: who stops while the prompt is built wants no answer either."""
    # It ends them before it writes so: a piece that is still under way would replace "Stopped." for good.
    panel.stop.click(None, cancels=[*panel.running, *chains], api_visibility="private")
    panel.stop.click(lambda: CANCELLED, None, panel.answers, api_visibility="private", queue=False)


def show(answered: list) -> str:
    """The answers as cards."""
    return render_answers(answered, "Answers of the language model")


def read_prompt(text: str | None) -> str:
    """Raises ValueError where there is none."""
    if not (text or "").strip():
        raise ValueError("There is no prompt yet: ask a question, or build its prompt first.")
    return text
