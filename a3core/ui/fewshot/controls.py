"""What is set in the Few-shot tab: how demonstrations are chosen, how they are written, how the model decodes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import gradio as gr

from a3core.fewshot.answering import parse_gold
from a3core.fewshot.building import BuiltPrompt, build_prompt
from a3core.fewshot.prompt import MOST_DEMONSTRATIONS
from a3core.fewshot.retrieval import ORDERS, Selection
from a3core.fewshot.service import FewShot
from a3core.llm.decoding import METHODS as DECODINGS
from a3core.llm.decoding import Decoding
from a3core.llm.offered import list_models
from a3core.llm.prompts import Template
from a3core.ui.shared.progress import report_to

METHOD_NAMES = {
    "random": "random",
    "nearest": "nearest (cosine, exact)",
    "mmr": "MMR: near, but not alike",
    "bm25": "BM25: shared words",
    "hybrid": "hybrid: nearest and BM25 fused",
}


class SelectionControls(NamedTuple):
    """The widgets of how demonstrations are chosen and written."""

    method: gr.Radio
    k: gr.Slider
    order: gr.Radio
    guard: gr.Checkbox
    seed: gr.Number
    mmr_weight: gr.Slider
    budget: gr.Number
    template: gr.Textbox
    separator: gr.Textbox

    @property
    def changes(self) -> list[Callable]:
        """Events after which the prompt is another one."""
        settled = [self.seed.submit, self.budget.submit, self.template.blur, self.separator.blur]
        chosen = [widget.input for widget in (self.method, self.order, self.guard)]
        return [*chosen, self.k.release, self.mmr_weight.release, *settled]

    def read(self, values: Mapping[Any, Any]) -> Selection:
        """Raises ValueError for a field that is empty or out of range."""
        return Selection(
            method=values[self.method],
            k=int(values[self.k] or 0),
            order=values[self.order],
            seed=read_number(values[self.seed], "seed"),
            mmr_weight=values[self.mmr_weight],
            guard=values[self.guard],
        )

    def read_template(self, values: Mapping[Any, Any]) -> Template:
        """Raises ValueError with the field that is wrong."""
        separator = (values[self.separator] or "").replace("\\n", "\n")
        return Template(text=values[self.template] or "", separator=separator)


class DecodingControls(NamedTuple):
    """The widgets of which model answers, and how it decodes."""

    model: gr.Dropdown
    method: gr.Radio
    max_new_tokens: gr.Slider
    width: gr.Slider
    temperature: gr.Slider
    top_p: gr.Slider
    seed: gr.Number

    def read(self, values: Mapping[Any, Any], method: str | None = None) -> Decoding:
        """`method` instead of the chosen one. Raises ValueError for a field that is empty or out of range."""
        return Decoding(
            method or values[self.method],
            max_new_tokens=int(values[self.max_new_tokens]),
            width=int(values[self.width]),
            temperature=values[self.temperature],
            top_p=values[self.top_p],
            seed=read_number(values[self.seed], "seed of sampling"),
        )


class PromptControls(NamedTuple):
    """Every widget that a prompt and its answer depend on; the values of all of them come to a handler as a dict."""

    question: gr.Textbox
    gold: gr.Textbox
    pool: gr.State  # as `load_pool` names it
    changed: gr.State  # answers changed by hand, by demonstration id
    selection: SelectionControls
    decoding: DecodingControls

    @property
    def inputs(self) -> set[gr.components.Component]:
        """All the widgets, for the inputs of an event."""
        return {self.question, self.gold, self.pool, self.changed, *self.selection, *self.decoding}

    def read_gold(self, values: Mapping[Any, Any]) -> list[str]:
        """The right answers as a person wrote them; [] where none is known."""
        return parse_gold(values[self.gold] or "")

    def load_model(self, fewshot: FewShot, values: Mapping[Any, Any], progress: Callable) -> Any:
        """Raises ValueError where there is no such model."""
        return fewshot.model(values[self.decoding.model], report_to(progress))

    def build(self, fewshot: FewShot, values: Mapping[Any, Any], progress: Callable, **other) -> BuiltPrompt:
        """The prompt that the widgets describe, with `other` instead of some fields of its selection."""
        selection, template = replace(self.selection.read(values), **other), self.selection.read_template(values)
        used = fewshot.pool(values[self.pool], report_to(progress))
        return build_prompt(
            used.retriever,
            values[self.question] or "",
            self.load_model(fewshot, values, progress),
            selection,
            template,
            budget=int(values[self.selection.budget] or 0) or None,  # the page makes 0 of an empty field in sight
            new_tokens=int(values[self.decoding.max_new_tokens]),
            answers=values[self.changed],
        )


def build_selection_controls() -> SelectionControls:
    """Two rows, and the rarer settings folded away."""
    with gr.Row():
        method = gr.Radio([(name, m) for m, name in METHOD_NAMES.items()], value="nearest", label="Demonstrations")
        k = gr.Slider(0, MOST_DEMONSTRATIONS, 8, step=1, label="k", info="0 is zero-shot")
    with gr.Row():
        order = gr.Radio(list(ORDERS), value=ORDERS[0], label="Order")
        guard = gr.Checkbox(True, label="Leakage guard", info="leaves out pool questions that are nearly this one")
    with gr.Accordion("Seed, MMR, budget, template", open=False):
        with gr.Row():
            seed = gr.Number(0, label="Seed", info="of random selection and shuffling", precision=0, minimum=0)
            mmr_weight = gr.Slider(0, 1, 0.5, step=0.05, label="MMR's lambda", info="1 is nearest")
            budget = gr.Number(None, label="Budget in tokens", info="0: the model's window", precision=0, minimum=0)
        with gr.Row():
            template = gr.Textbox(
                Template().text,
                label="Template",
                info="{question} and {answer}, each once",
                lines=2,
                max_length=2000,
                scale=2,
            )
            separator = gr.Textbox(
                Template().separator.replace("\n", "\\n"),
                label="Between demonstrations",
                info="\\n is a new line",
                max_length=200,
            )
    return SelectionControls(
        method=method,
        k=k,
        order=order,
        guard=guard,
        seed=seed,
        mmr_weight=mmr_weight,
        budget=budget,
        template=template,
        separator=separator,
    )


def read_number(value: float | None, name: str) -> int:
    """The whole number of a field. Raises ValueError that names the field where it is empty."""
    if value is None:
        raise ValueError(f"The {name} is empty: it is a whole number.")
    return int(value)


def build_decoding_controls(free: bool) -> DecodingControls:
    """A row, and the rarer settings folded away. `free`: any model may be named, as on one's own machine."""
    hint = "or type a hub id, a folder, or the address of an OpenAI-compatible server" if free else None
    with gr.Row():
        model = gr.Dropdown(
            list_models(), value=list_models()[0], label="Language model", info=hint, allow_custom_value=free, scale=2
        )
        method = gr.Radio(list(DECODINGS), value="greedy", label="Decoding", scale=2)
    with gr.Accordion("Beams, temperature, length", open=False), gr.Row():
        max_new_tokens = gr.Slider(1, 128, 24, step=1, label="Longest answer in tokens")
        width = gr.Slider(2, 16, 4, step=1, label="Beams", info="of beam search")
        temperature = gr.Slider(0.1, 2, 1, step=0.1, label="Temperature", info="of sampling")
        top_p = gr.Slider(0.05, 1, 1, step=0.05, label="Top-p", info="of sampling")
        seed = gr.Number(0, label="Seed of sampling", precision=0, minimum=0)
    return DecodingControls(
        model=model,
        method=method,
        max_new_tokens=max_new_tokens,
        width=width,
        temperature=temperature,
        top_p=top_p,
        seed=seed,
    )
