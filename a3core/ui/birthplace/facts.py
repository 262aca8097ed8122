"""Teach it your own facts: a table is uploaded, checked, learned while the page watches, asked, and taken home."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import gradio as gr

from a3core.birthplace.checkpoints import CheckpointStore
from a3core.birthplace.data.corpora import BIRTHPLACE, Corpus, CorpusSpec
from a3core.birthplace.data.facts import FactsFormat, load_facts
from a3core.birthplace.training.live import LiveTraining
from a3core.common.tabular import SUFFIXES
from a3core.ui.shared.errors import tells_errors
from a3core.ui.shared.limits import LONG_JOB

INTRODUCTION = (
    "A table with a **name** and an **answer** in each row is enough; a **sentence** that says so is better. Of some "
    "of the names the answer is held out: the model reads their sentence, and is asked for the answer at the end."
)
PRIVATE = {"api_visibility": "private"}


def build_facts_panel(live: LiveTraining, show: Callable, family: gr.Radio, outputs: list, name_page: Callable) -> None:
    """Widgets, then wiring. show(family, request) gives what all panels of a training show, for `outputs`."""
    with gr.Accordion("Teach it your own facts", open=False):
        gr.Markdown(INTRODUCTION)
        with gr.Row():
            file = gr.File(label="Table of facts", file_types=list(SUFFIXES), height=120)
            with gr.Column():
                question = gr.Textbox(BIRTHPLACE, label="Question", info="{name} stands for the name", max_length=200)
                share = gr.Slider(0.1, 0.5, 0.2, step=0.05, label="Share of names that is held out")
        with gr.Row():
            columns = [
                gr.Textbox(column, label=f"Column of the {column}s", max_length=100)
                for column in ("name", "answer", "sentence")
            ]
        with gr.Row():
            check, start = gr.Button("What was understood?"), gr.Button("Start on these facts")
            download = gr.DownloadButton("Download the model", interactive=True)
        summary = gr.Markdown()
    inputs = [file, question, share, *columns]

    def read(path: str | None, question: str, share: float, name: str, answer: str, sentence: str) -> Corpus:
        if not path:
            raise ValueError("choose a file first: CSV, TSV, JSON, JSONL or Parquet")
        form = FactsFormat(
            name_column=name, answer_column=answer, sentence_column=sentence, question=question, hold_out_share=share
        )
        return load_facts(Path(path), form)

    @tells_errors
    def describe_facts(path: str, question: str, share: float, name: str, answer: str, sentence: str) -> str:
        return describe(read(path, question, share, name, answer, sentence))

    @tells_errors
    def start_facts(
        path: str, question: str, share: float, name: str, answer: str, sentence: str, current: str, request: gr.Request
    ):
        corpus = read(path, question, share, name, answer, sentence)
        live.start_facts(name_page(request), corpus)
        yield {summary: describe(corpus), **show(current, request)}
        live.wait()  # so long it has the slot of the long jobs
        yield show(current, request)

    @tells_errors
    def download_model(request: gr.Request):
        return zip_model(live.checkpoints, name_page(request))

    check.click(describe_facts, inputs, summary, **PRIVATE)
    start.click(start_facts, [*inputs, family], [summary, *outputs], show_progress_on=summary, **PRIVATE, **LONG_JOB)
    download.click(download_model, None, download, **PRIVATE)


def describe(corpus: Corpus) -> str:
    """What was understood of a file, with its first facts; all text from it is code, so that none is markup."""
    facts = len(corpus.train) + len(corpus.dev)
    lines = [
        f"{facts:,} names, {len(corpus.documents):,} sentences. {len(corpus.train):,} answers are learned, "
        f"{len(corpus.dev):,} are held out. The first three:",
        *(
            f"- `{quote(document)}`: `{quote(question.question)}` `{quote(question.place)}`"
            for document, question in zip(corpus.documents[:3], corpus.train[:3], strict=False)
            if document.startswith(question.name)
        ),
    ]
    return "\n".join(lines)


def quote(text: str) -> str:
    """A text for a code span of Markdown."""
    return text.replace("`", "'")[:200]


def zip_model(checkpoints: CheckpointStore, page: str) -> str:
    """The path of a zip with the checkpoint that a page has trained. Raises ValueError if it has trained none."""
    own = checkpoints.live_of(page)
    if not own:
        raise ValueError("this page has trained no model yet: press Start on these facts")
    name, corpus = list(own.items())[-1]
    stem = Path(CorpusSpec.parse(corpus).source).stem
    folder = Path(tempfile.mkdtemp(prefix="a3-model-"))
    checkpoints.export_live(name, folder / stem)
    return shutil.make_archive(str(folder / stem), "zip", folder, stem)
