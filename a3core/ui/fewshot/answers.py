"""The prompt as text: what stands in the box is answered as it is, token by token, or by three decodings.

Its public endpoints for programs are below.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import gradio as gr

from a3core.fewshot.answering import answer_decodings, answer_prompts, score_text
from a3core.fewshot.prompt import build_prompt as build
from a3core.fewshot.retrieval import Selection
from a3core.fewshot.service import FewShot
from a3core.fewshot.sweep.run import SweepArgs, fit_args
from a3core.llm.decoding import Decoding
from a3core.ui.fewshot.cards import render_answers
from a3core.ui.fewshot.controls import PromptControls
from a3core.ui.shared import screen
from a3core.ui.shared.errors import tells_errors
from a3core.ui.shared.html import render
from a3core.ui.shared.limits import LANGUAGE_MODEL

SCREEN = "screen-prompt"
LEAD = "What you write here is what the model reads, to the last space. It goes on with it to the end of the line."
RESULT = '<div class="a3">{{ status }}<div class="a3-result">{{ answers }}<p>{{ note }}</p></div></div>'
LABEL = "The prompt, exactly as the model reads it"


def build_answer_panel(fewshot: FewShot, controls: PromptControls, prompt: str) -> gr.Textbox:
    """A screen of its own: the prompt at left, what the model makes of it at right; returns the prompt."""
    with screen.build_screen(SCREEN):
        with screen.build_settings(LEAD):
            text = gr.Textbox(prompt, label=LABEL, lines=12, max_lines=22, max_length=150_000, elem_classes="a3-field")
            with gr.Row():
                answer, stop = gr.Button("Answer", variant="primary", scale=2), gr.Button("Stop", scale=1)
            by_decoding = gr.Button("Greedy, beam, sampling side by side")
        with screen.build_results():
            answers = gr.HTML(render(RESULT, status=screen.render_status("not answered yet"), answers="", note=""))

    @tells_errors
    def write_answer(values: dict, progress=gr.Progress()):  # noqa: B008
        prompt, decoding = read_prompt(values[text]), controls.read_decoding(values)
        model, start, written = controls.load_model(fewshot, values, progress), time.monotonic(), ""
        for written in model.stream(prompt, decoding):
            yield render_panel([score_text(decoding.method, written, [], seconds=time.monotonic() - start)])
        gold = controls.read_gold(values)
        yield render_panel([score_text(decoding.method, written, gold, seconds=time.monotonic() - start)])

    @tells_errors
    def compare_decodings(values: dict, progress=gr.Progress()):  # noqa: B008
        prompt, model = read_prompt(values[text]), controls.load_model(fewshot, values, progress)
        args, notes = fit_args(SweepArgs(), model)  # a server has no beam search
        decodings, answered = [controls.read_decoding(values, method=method) for method in args.decoding], []
        for one in answer_decodings(model, prompt, decodings, controls.read_gold(values)):
            answered.append(one)
            yield render_panel(answered, " ".join(notes))

    def run_by(trigger: Callable, fn: Callable):
        return screen.act(trigger, SCREEN, fn=fn, inputs={*controls.inputs, text}, outputs=answers, **LANGUAGE_MODEL)

    stop_by(stop, SCREEN, [run_by(answer.click, write_answer), run_by(by_decoding.click, compare_decodings)])
    return text


def stop_by(button: gr.Button, name: str, running: list) -> None:
    """The button ends what runs, and the screen of that name says so."""
    button.click(None, js=f"() => window.a3?.fail('{name}', 'Stopped.')", cancels=running, **screen.PRIVATE)


def render_panel(answered: list, note: str = "") -> str:
    """The answers as cards, below their status line."""
    seconds = sum(each.seconds for each in answered)
    answers = render_answers(answered, "Answers to the prompt as text")
    status = screen.render_status(f"answered in {seconds:.1f} s", busy="Writing…")
    return render(RESULT, status=status, answers=answers, note=note)


def read_prompt(text: str | None) -> str:
    """Raises ValueError where there is none."""
    if not (text or "").strip():
        raise ValueError("There is no prompt yet: ask a question, or write one.")
    return text


def add_endpoints(fewshot: FewShot) -> None:
    """`build_prompt` and `answer_prompt`, over the built-in bank and the default language model.

    Their docstrings are what a program reads of them.
    """

    @tells_errors
    def build_prompt(question: str, k: int = 8, selection: str = "nearest", order: str = "nearest last") -> dict:
        """Builds a few-shot prompt: solved questions like yours, then yours, for a language model to go on with.

        The demonstrations come from a built-in bank of English questions with short answers in 18 subjects; questions
        of it that are yours, or nearly so, are left out. Give the prompt to answer_prompt, or to any other model.
        Example: question "What is the capital of Peru?", k 4, selection "nearest".

        Args:
            question: a question in English, e.g. "What is the capital of Peru?"; at most 10,000 characters
            k: how many demonstrations to show, a whole number from 0 (zero-shot) to 32
            selection: "random", "nearest" (cosine of sentence embeddings), "mmr" (near and diverse), "bm25" or "hybrid"
            order: where the nearest stands: "nearest last" (beside the question), "nearest first" or "shuffled"

        Returns:
            prompt: the whole text, which ends where the answer is to follow
            demonstrations: a list of question, answer, similarity (cosine, -1 to 1), subject, tokens and in_prompt
            tokens: how many tokens of the language model the prompt has
            window: how many it can read; null if that is not known
            left_out: questions of the bank that the leakage guard left out, each with its reason
            notes: sentences on what else was done, such as demonstrations dropped for want of room
        """
        return build(fewshot.pool(), question, fewshot.model(), Selection(selection, int(k), order)).to_json()

    @tells_errors
    def answer_prompt(prompt: str, decoding: str = "greedy") -> dict:
        """What a small language model (Gemma 3 270M, base) writes after a prompt, up to the end of the line.

        It goes on with text and follows no instructions: give it a prompt of build_prompt, or one that ends in
        "Answer:". Its answers are often wrong. The first call loads the model, which takes some seconds.

        Args:
            prompt: the text it goes on with, e.g. "Question: What is the capital of Peru?\\nAnswer:"
            decoding: "greedy" (likeliest token by token), "beam" (four hypotheses) or "sampling" (by a fixed seed)

        Returns:
            answer: the text that it wrote
            seconds: how long that took
        """
        (answered,) = answer_prompts(fewshot.model(), {decoding: prompt}, Decoding(decoding))
        return {"answer": answered.answer, "seconds": answered.seconds}

    gr.api(build_prompt, concurrency_id="encoder")
    gr.api(answer_prompt, **LANGUAGE_MODEL)
