"""What is set in the Few-shot tab: how demonstrations are chosen, how they are written, how the model decodes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from typing import Any, NamedTuple, TypeVar, get_type_hints

import gradio as gr

from a3core.fewshot.answering import Asked, ask_in_steps, parse_gold
from a3core.fewshot.prompt import MOST_DEMONSTRATIONS, BuiltPrompt, build_prompt
from a3core.fewshot.retrieval import ORDERS, Retriever, Selection, check_question
from a3core.fewshot.service import FewShot
from a3core.llm.decoding import METHODS as DECODINGS
from a3core.llm.decoding import Decoding
from a3core.llm.offered import list_models
from a3core.llm.prompts import Template
from a3core.ui.fewshot.pool import PoolInPage, check_pool
from a3core.ui.shared.html import read_template
from a3core.ui.shared.screen import report_to

Kind = TypeVar("Kind", Selection, Decoding)
Values = Mapping[Any, Any]  # of every widget, as an event brings them
CHOICES = json.loads(read_template(__file__, "choices.json"))  # names of the methods; presets; sliders of decoding


class PromptControls(NamedTuple):
    """Every widget that a prompt and its answer depend on; the values of all of them come to a handler as a dict."""

    question: gr.Textbox
    gold: gr.Textbox
    used: PoolInPage
    selection: dict[str, gr.components.Component]  # by the field of `Selection` or `Template`; and the budget
    decoding: dict[str, gr.components.Component]  # by the field of `Decoding`; and the model

    @property
    def inputs(self) -> set[gr.components.Component]:
        """All the widgets, for the inputs of an event."""
        in_use = self.used.pool, self.used.name, self.used.changed
        return {self.question, self.gold, *in_use, *self.selection.values(), *self.decoding.values()}

    def read_decoding(self, values: Values, **changes) -> Decoding:
        """`changes`, such as the method, instead of what is chosen. Raises ValueError."""
        return read_fields(Decoding, self.decoding, values, **changes)

    def read_template(self, values: Values) -> Template:
        """Raises ValueError with the field that is wrong."""
        text, separator = (values[self.selection[name]] or "" for name in ("text", "separator"))
        return Template(text=text, separator=separator.replace("\\n", "\n"))

    def read_gold(self, values: Values) -> list[str]:
        """The right answers as a person wrote them; [] where none is known."""
        return parse_gold(values[self.gold] or "")

    def load_model(self, fewshot: FewShot, values: Values, progress: Callable) -> Any:
        """Raises ValueError where there is no such model."""
        return fewshot.model(values[self.decoding["model"]], report_to(progress))

    def load_pool(self, fewshot: FewShot, values: Values, progress: Callable) -> Retriever:
        """Raises ValueError where the pool that the page names is gone."""
        check_pool(values[self.used.pool], values[self.used.name])
        return fewshot.pool(values[self.used.pool], report_to(progress))

    def build(self, fewshot: FewShot, values: Values, progress: Callable) -> tuple[Retriever, BuiltPrompt]:
        """The pool in use and the prompt that the widgets describe."""
        used, model = self.load_pool(fewshot, values, progress), self.load_model(fewshot, values, progress)
        question, selection = values[self.question] or "", read_fields(Selection, self.selection, values)
        options = {"new_tokens": int(values[self.decoding["max_new_tokens"]]), **self._options(values)}
        return used, build_prompt(used, question, model, selection, **options)

    def ask(self, fewshot: FewShot, values: Values, progress: Callable) -> Iterator[Asked | None]:
        """The answers to the question in the box, by the steps of `ask_in_steps`."""
        options, selection = self._options(values), read_fields(Selection, self.selection, values)
        question, decoding = values[self.question] or "", self.read_decoding(values)
        check_question(question)  # before anything is loaded
        used, model = self.load_pool(fewshot, values, progress), self.load_model(fewshot, values, progress)
        return ask_in_steps(used, model, question, selection=selection, decoding=decoding, **options)

    def _options(self, values: Values) -> dict[str, Any]:
        return {
            "template": self.read_template(values),
            "budget": int(values[self.selection["budget"]] or 0) or None,  # the page makes 0 of an empty field in sight
            "answers": values[self.used.changed],
            "gold": self.read_gold(values),
        }


def read_fields(kind: type[Kind], widgets: Mapping[str, gr.components.Component], values: Values, **changes) -> Kind:
    """A `kind` of the widgets that are named after its fields, but for `changes`.

    Raises ValueError that names the field where a number is empty, and for what is out of range.
    """
    read = {field.name: values[widgets[field.name]] for field in fields(kind) if field.name in widgets} | changes
    for name, type_ in get_type_hints(kind).items():
        if type_ is int and name in read:
            if read[name] is None:
                raise ValueError(f"The {widgets[name].label.lower()} is empty: it is a whole number.")
            read[name] = int(read[name])
    return kind(**read)


def build_selection_controls(rarer: gr.Accordion) -> dict[str, gr.components.Component]:
    """The method, k and the guard; the rarer settings go into `rarer`."""
    second, number = {"elem_classes": "a3-second"}, {"precision": 0, "minimum": 0}
    names, template = [(name, method) for method, name in CHOICES["methods"].items()], Template()
    separator = template.separator.replace("\n", "\\n")
    placeholders = "{question} and {answer}, each once"
    with gr.Row(**second):
        method = gr.Dropdown(names, value="nearest", label="Demonstrations", filterable=False, scale=3, min_width=0)
        k = gr.Slider(0, MOST_DEMONSTRATIONS, 8, step=1, label="k", buttons=[], scale=2, min_width=0)
    guard = gr.Checkbox(True, label="Leakage guard: no near copies", **second)
    hide_answer = gr.Checkbox(False, label="Answer guard: none in sight", **second)
    with rarer:
        rare = {
            "order": gr.Radio(list(ORDERS), value=ORDERS[0], label="Order", elem_classes="a3-list"),
            "text": gr.Textbox(template.text, label="Template", info=placeholders, lines=2, max_length=2000),
            "separator": gr.Textbox(
                separator, label="Between demonstrations", info="\\n is a new line", max_length=200
            ),
            "seed": gr.Number(0, label="Seed", info="of random selection and shuffling", **number),
            "mmr_weight": gr.Slider(0, 1, 0.5, step=0.05, label="MMR's lambda", info="1 is nearest"),
            "budget": gr.Number(None, label="Budget in tokens", info="0: the model's window", **number),
        }
    return {"method": method, "k": k, "guard": guard, "hide_answer": hide_answer, **rare}


def build_decoding_controls(rarer: gr.Accordion, free: bool) -> dict[str, gr.components.Component]:
    """The model and how it decodes; the rarer settings go into `rarer`. `free`: any model, as on one's own machine."""
    models = list_models()
    with gr.Row(elem_classes="a3-second"):
        model = gr.Dropdown(models, value=models[0], label="Language model", allow_custom_value=free, min_width=0)
        method = gr.Dropdown(list(DECODINGS), value="greedy", label="Decoding", filterable=False, min_width=0)
    with rarer:
        if free:
            gr.Markdown("The model may be a hub id, a folder, or the address of an OpenAI-compatible server.")
        rare = {name: gr.Slider(**options) for name, options in CHOICES["sliders"].items()}
        rare["seed"] = gr.Number(0, label="Seed of sampling", precision=0, minimum=0)
    return {"model": model, "method": method, **rare}
