"""The Few-shot tab's public endpoints."""

from __future__ import annotations

import gradio as gr

from a3core.fewshot.answering import answer_prompts
from a3core.fewshot.prompt import build_prompt as build
from a3core.fewshot.retrieval import Selection
from a3core.fewshot.service import FewShot
from a3core.llm.decoding import Decoding
from a3core.ui.shared.errors import tells_errors
from a3core.ui.shared.limits import LANGUAGE_MODEL


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
        chosen = Selection(selection, int(k), order)
        return build(fewshot.pool(), question, fewshot.model(), chosen).to_json()

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
