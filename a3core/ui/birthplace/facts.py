"""Teach it your own facts: a table is uploaded, checked, learned while the page watches, asked, and taken home."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import gradio as gr

from a3core.birthplace.data.corpora import Corpus, group_documents
from a3core.birthplace.data.facts import KIND, FactsFormat, load_facts
from a3core.birthplace.training.live import LiveTraining
from a3core.common.tabular import SUFFIXES, read_table
from a3core.ui.birthplace.families import FACTS, FACTS_QUESTION, load_texts
from a3core.ui.shared import screen
from a3core.ui.shared.errors import tells_errors
from a3core.ui.shared.limits import LONG_JOB

SCREEN = "screen-facts"
COLUMNS = ("name", "answer", "sentence")  # what a table is read for


def build_facts_panel(live: LiveTraining, follow: tuple, family: gr.Radio, outputs: list, name_page: Callable) -> None:
    """Widgets, then wiring. `follow`: show(family, request), which has values for `outputs`, and the sections."""
    show, panels = follow
    with screen.build_screen(SCREEN):
        with screen.build_settings(load_texts("facts")["lead"]):
            kinds = {"file_types": list(SUFFIXES), "height": 120}
            file = gr.File(str(FACTS), label="Table of facts", elem_classes="a3-field", **kinds)
            with gr.Row():
                check, start = gr.Button("Check the table"), gr.Button("Learn these facts", variant="primary")
            info = "{name} is where the name goes"
            question = gr.Textbox(FACTS_QUESTION, label="Question", info=info, max_length=200)
            share = gr.Slider(0.1, 0.5, 0.2, step=0.05, label="Share of names that is held out")
            questions = gr.File(label="Or a second table: the names to hold out", **kinds)
            choice = {"allow_custom_value": True, "min_width": 200}
            columns = [gr.Dropdown([use], value=use, label=f"{use.capitalize()} column", **choice) for use in COLUMNS]
        with screen.build_results("What was understood of your table"):
            summary = gr.Markdown(f"An example. {describe(load_facts(FACTS, FactsFormat(question=FACTS_QUESTION)))}")
    inputs = {file, question, share, questions, *columns}

    def read(values: dict) -> Corpus:
        if not values[file]:
            raise ValueError("choose a file first: CSV, TSV, JSON, JSONL or Parquet")
        chosen = {f"{use}_column": values[menu] or "" for use, menu in zip(COLUMNS, columns, strict=True)}
        held_out = {"hold_out_share": values[share], "questions_file": values[questions] or ""}
        return load_facts(Path(values[file]), FactsFormat(question=values[question], **chosen, **held_out))

    @tells_errors
    def offer_columns(path: str) -> list:
        there = list(read_table(Path(path), KIND).columns)
        return [gr.Dropdown(there, value=value, allow_custom_value=True) for value in guess_columns(there)]

    @tells_errors
    def describe_facts(values: dict) -> str:
        return describe(read(values))

    @tells_errors
    def start_facts(values: dict, request: gr.Request):
        corpus = read(values)
        live.start_facts(name_page(request), corpus)
        yield {summary: describe(corpus), panels: gr.Tabs(selected="learn"), **show(values[family], request)}
        live.wait()  # so long it has the slot of the long jobs
        yield show(values[family], request)

    offered = screen.act(file.upload, SCREEN, fn=offer_columns, inputs=file, outputs=columns)
    screen.act(offered.success, SCREEN, fn=describe_facts, inputs=inputs, outputs=summary)
    screen.act(check.click, SCREEN, fn=describe_facts, inputs=inputs, outputs=summary)
    learning = {"trigger_mode": "once", "show_progress": "full", "show_progress_on": summary, **LONG_JOB}
    outputs = [summary, panels, *outputs]
    screen.act(start.click, SCREEN, fn=start_facts, inputs={*inputs, family}, outputs=outputs, **learning)


def guess_columns(there: Sequence[str]) -> list[str]:
    """The columns of the name, the answer and the sentence among those of a table: by their headings, else in order."""
    name = "name" if "name" in there else there[0]
    others = [column for column in there if column != name]
    answer = "answer" if "answer" in others else next(iter(others), "")
    return [name, answer, "sentence" if "sentence" in others else ""]


def describe(corpus: Corpus) -> str:
    """What was understood of a file, with its first facts; all text from it is code, so that none is markup."""
    lines = [
        f"{len(corpus.names):,} names, {len(corpus.documents):,} sentences. {len(corpus.train):,} answers are learned, "
        f"{len(corpus.dev):,} are held out. The first three:",
    ]
    documents = group_documents(corpus.documents, corpus.names)
    for question in corpus.train[:3]:
        texts = (documents[question.name][0], question.question, question.place)
        lines.append("- `{}`: `{}` `{}`".format(*(text.replace("`", "'")[:200] for text in texts)))
    return "\n".join(lines)
