"""What is set in the Few-shot tab: how demonstrations are chosen, how they are written, how the model decodes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import gradio as gr

from a3core.fewshot.answering import Asked, ask_in_steps, parse_gold
from a3core.fewshot.building import BuiltPrompt, build_prompt
from a3core.fewshot.prompt import MOST_DEMONSTRATIONS
from a3core.fewshot.retrieval import ORDERS, Selection, check_question
from a3core.fewshot.service import FewShot, PoolInUse
from a3core.llm.decoding import METHODS as DECODINGS
from a3core.llm.decoding import Decoding
from a3core.llm.offered import list_models
from a3core.llm.prompts import Template
from a3core.ui.shared.progress import report_to

METHOD_NAMES = {
    "random": "random",
    "nearest": "nearest in meaning",
    "mmr": "MMR: near, but not alike",
    "bm25": "BM25: shared words",
    "hybrid": "hybrid: meaning and words",
}


class SelectionControls(NamedTuple):
    """The widgets of how demonstrations are chosen and written."""

    method: gr.Radio
    k: gr.Slider
    order: gr.Radio
    guard: gr.Checkbox
    hide_answer: gr.Checkbox
    seed: gr.Number
    mmr_weight: gr.Slider
    budget: gr.Number
    template: gr.Textbox
    separator: gr.Textbox

    def read(self, values: Mapping[Any, Any]) -> Selection:
        """Raises ValueError for a field that is empty or out of range."""
        return Selection(
            method=values[self.method],
            k=int(values[self.k] or 0),
            order=values[self.order],
            seed=read_number(values[self.seed], "seed"),
            mmr_weight=values[self.mmr_weight],
            guard=values[self.guard],
            hide_answer=values[self.hide_answer],
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

    def build(self, fewshot: FewShot, values: Mapping[Any, Any], progress: Callable) -> tuple[PoolInUse, BuiltPrompt]:
        """The pool in use and the prompt that the widgets describe."""
        model, used = self._load(fewshot, values, progress)
        question, selection = values[self.question] or "", self.selection.read(values)
        options = {"new_tokens": int(values[self.decoding.max_new_tokens]), **self._options(values)}
        return used, build_prompt(used.retriever, question, model, selection, **options)

    def ask(self, fewshot: FewShot, values: Mapping[Any, Any], progress: Callable) -> Iterator[Asked | None]:
        """The answers to the question in the box, by the steps of `ask_in_steps`."""
        options, selection, decoding = self._options(values), self.selection.read(values), self.decoding.read(values)
        question, gold = values[self.question] or "", options.pop("gold")
        check_question(question)  # before anything is loaded
        model, used = self._load(fewshot, values, progress)
        return ask_in_steps(used.retriever, model, question, gold, selection, decoding, **options)

    def _load(self, fewshot: FewShot, values: Mapping[Any, Any], progress: Callable) -> tuple[Any, PoolInUse]:
        return self.load_model(fewshot, values, progress), fewshot.pool(values[self.pool], report_to(progress))

    def _options(self, values: Mapping[Any, Any]) -> dict[str, Any]:
        return {
            "template": self.selection.read_template(values),
            "budget": int(values[self.selection.budget] or 0) or None,  # the page makes 0 of an empty field in sight
            "answers": values[self.changed],
            "gold": self.read_gold(values),
        }


def build_selection_controls(rarer: gr.Accordion) -> SelectionControls:
    """The method, k and the guard; the rarer settings go into `rarer`."""
    second = {"elem_classes": "a3-second"}
    names = [(name, m) for m, name in METHOD_NAMES.items()]
    with gr.Row(**second):
        method = gr.Dropdown(names, value="nearest", label="Demonstrations", filterable=False, scale=3, min_width=0)
        k = gr.Slider(0, MOST_DEMONSTRATIONS, 8, step=1, label="k", buttons=[], scale=2, min_width=0)
    guard = gr.Checkbox(True, label="Leakage guard: no near copies", **second)
    hide_answer = gr.Checkbox(False, label="Answer guard: none in sight", **second)
    with rarer:
        order = gr.Radio(list(ORDERS), value=ORDERS[0], label="Order", elem_classes="a3-list")
        template = gr.Textbox(
            Template().text, label="Template", info="{question} and {answer}, each once", lines=2, max_length=2000
        )
        separator = gr.Textbox(
            Template().separator.replace("\n", "\\n"),
            label="Between demonstrations",
            info="\\n is a new line",
            max_length=200,
        )
        seed = gr.Number(0, label="Seed", info="of random selection and shuffling", precision=0, minimum=0)
        mmr_weight = gr.Slider(0, 1, 0.5, step=0.05, label="MMR's lambda", info="1 is nearest")
        budget = gr.Number(None, label="Budget in tokens", info="0: the model's window", precision=0, minimum=0)
    return SelectionControls(
        method=method,
        k=k,
        order=order,
        guard=guard,
        hide_answer=hide_answer,
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


def build_decoding_controls(rarer: gr.Accordion, free: bool) -> DecodingControls:
    """The model and how it decodes; the rarer settings go into `rarer`. `free`: any model, as on one's own machine."""
    with gr.Row(elem_classes="a3-second"):
        model = gr.Dropdown(
            list_models(), value=list_models()[0], label="Language model", allow_custom_value=free, min_width=0
        )
        method = gr.Dropdown(list(DECODINGS), value="greedy", label="Decoding", filterable=False, min_width=0)
    with rarer:
        if free:
            gr.Markdown("The model may be a hub id, a folder, or the address of an OpenAI-compatible server.")
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
