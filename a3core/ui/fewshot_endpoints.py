"""The Few-shot tab's public endpoints."""

from __future__ import annotations

import gradio as gr

from a3core.decoding import Decoding
from a3core.fewshot.answering import answer_prompts
from a3core.fewshot.asking import FewShot
from a3core.fewshot.building import build_prompt as build
from a3core.fewshot.retrieval import Selection
from a3core.ui.errors import tells_errors


def add_endpoints(fewshot: FewShot) -> None:
    """`build_prompt` and `answer_prompt`, over the built-in bank and the default language model."""

    @tells_errors
    def build_prompt(question: str, k: int = 8, selection: str = "nearest", order: str = "nearest last") -> dict:
        """The prompt to a question, with demonstrations of the built-in bank.

        Args:
            question: what the model is to answer
            k: demonstrations, 0 (zero-shot) to 32
            selection: random, nearest, mmr, bm25 or hybrid
            order: nearest last, nearest first or shuffled

        Returns:
            prompt, demonstrations (question, answer, similarity, subject, tokens, in_prompt), tokens of the prompt,
            window of the model, left_out by the leakage guard, and notes.
        """
        chosen = Selection(selection, k, order)
        return build(fewshot.pool().retriever, question, fewshot.model(), chosen).to_json()

    @tells_errors
    def answer_prompt(prompt: str, decoding: str = "greedy") -> dict:
        """What the language model writes after a prompt, up to the end of the line.

        Args:
            prompt: the text it goes on with
            decoding: greedy, beam (four hypotheses) or sampling (seed 0)

        Returns:
            answer, and the seconds it took.
        """
        (answered,) = answer_prompts(fewshot.model(), {decoding: prompt}, Decoding(decoding))
        return {"answer": answered.answer, "seconds": answered.seconds}

    gr.api(build_prompt, api_name="build_prompt", concurrency_id="encoder")
    gr.api(answer_prompt, api_name="answer_prompt", concurrency_id="language model", concurrency_limit=1)
