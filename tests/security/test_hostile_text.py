"""Text of strangers: what comes in is bounded, what goes out is no markup and no formula."""

from __future__ import annotations

import importlib
import time
from contextlib import suppress
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import pytest
from hostile import HOSTILE, call

SECONDS = 2  # that no megabyte of text may take; a quadratic pattern takes minutes


class Tags(HTMLParser):
    """Collects what a browser would make of a text."""

    def __init__(self, text: str):
        super().__init__()
        self.tags, self.attributes = set(), set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}


def assert_harmless(html: str) -> None:
    found = Tags(html)
    assert not found.tags & {"script", "img", "svg", "iframe", "a", "html", "object", "link", "style"}
    assert not [name for name in found.attributes if name.startswith("on") or name in ("src", "href")]


# Text that comes in


def test_every_box_says_how_much_it_takes(demo):
    boxes = [block for block in demo.blocks.values() if isinstance(block, gr.Textbox)]
    assert len(boxes) > 10
    assert [box.label for box in boxes if not box.max_length] == []


ENDPOINTS = {
    "predict_birthplace": [""],
    "attention_pattern": ["", "builtin-finetuned"],
    "attention_measures": ["", "builtin-finetuned", ""],
    "attention_lab": ["", None],
    "build_prompt": ["", 8, "nearest", "nearest last"],
    "answer_prompt": ["", "greedy"],
    "label_report": [""],
    "export_labels": ["", "csv"],
}


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize(
    "value", [7, 1.5, True, [], ["a"], {"a": 1}, "x" * 300_000, "\ud800"], ids=lambda v: str(v)[:9]
)
def test_an_endpoint_refuses_what_is_no_text_of_its_kind(demo, endpoint, value):
    with pytest.raises(gr.Error, match=r"must be text|too long|half a character"):
        call(demo, endpoint, value, *ENDPOINTS[endpoint][1:])


@pytest.mark.parametrize("k", ["8", True, 1.5, [8], -1, 10**9])
def test_a_count_is_a_count(demo, k):
    with pytest.raises(gr.Error, match=r"whole number|demonstrations|\bk\b"):
        call(demo, "build_prompt", "Which river flows through Vienna?", k, "nearest", "nearest last")


def test_every_public_endpoint_is_tried_here(demo):
    assert {e.api_name for e in demo.fns.values() if e.api_visibility == "public"} == set(ENDPOINTS)


READERS = [
    "birthplace.data.loading.fold_name",
    "ui.attention.panels.parse_heads",
    "ui.attention.lab.read_parameters",
    "attention.measures.answers.find_name",
    "llm.offered.split_part",
    "fewshot.sweep.run.parse_ks",
    "common.csv_safety.escape_formula",
    "grader.export.archive.name_file",
    "grader.answers.extraction.extract_answer",
    "fewshot.index.split_words",
    "fewshot.prompt.Template",
    "fewshot.scoring.normalize_answer",
    "grader.answers.values.guess_kind",
    "grader.answers.values.parse_number",
    "grader.answers.values.parse_date",
    "grader.answers.values.parse_choice",
    "grader.answers.values.fold_name",
    "common.nested.split_path",
    "common.nested.parse_cell",
    "grader.labels.schema.check_annotator",
    "llm.prompts.collapse_spaces",
    "birthplace.prediction.recall.spell",
    "birthplace.data.spans.list_spans",
    "ui.birthplace.live.cut_noise",
    "ui.grader.what_if.split_steps",
    "ui.fewshot.answers.read_prompt",
    "ui.shared.errors.check_text",
    "fewshot.leakage.list_names",
    "fewshot.answering.parse_gold",
    "fewshot.retrieval.check_question",
    "birthplace.data.corpora.parse_name",
    "birthplace.data.spans.find_place",
    "grader.answers.values.parse_yes_no",
    "grader.answers.extraction.list_marked_answers",
    "grader.answers.forms.find_end",
    "grader.labels.stored_runs.parse_schema",
    "grader.labels.schema.fold_annotator",
    "grader.importing.values.find_polarity",
    "grader.importing.items.read_value",
    "grader.importing.items.read_time",
    "grader.importing.items.read_steps",
    "grader.runs.generation.split_text",
    "grader.runs.responses.fold_text",
    "common.tabular.parse_json",
    "cli.progress.split_list",
]
MORE = {
    "attention.measures.answers.find_name": [["where was ", "x"]],
    "birthplace.data.spans.find_place": ["x"],
}  # what a reader takes beside the text
UNITS = {
    "born": "a born ",
    "spaces": " ",
    "apostrophes": "'",
    "tabs": "\t ",
    "digits": "1",
    "commas": "1,",
    "points": "1.1",
    "heads": "L1 H1 ",
    "combining": "\u0351",
    "ligatures": "\ufdfa",
    "brackets": "(",
    "lists": "[",
    "answers": "answer is ",
    "latex": "\\boxed{",
}
LONG_TEXTS = {name: "where was " + unit * (1_000_000 // len(unit.encode())) + "x" for name, unit in UNITS.items()}


@pytest.mark.slow
@pytest.mark.parametrize("text", LONG_TEXTS)
@pytest.mark.parametrize("reader", READERS)
def test_no_text_takes_long(reader, text):
    module, _, function = reader.rpartition(".")
    read, start = getattr(importlib.import_module(f"a3core.{module}"), function), time.process_time()
    with suppress(ValueError):
        read(LONG_TEXTS[text], *MORE.get(reader, ()))
    assert time.process_time() - start < SECONDS


# Text that goes out


@pytest.mark.parametrize("text", HOSTILE)
def test_an_error_is_no_markup(text):
    from a3core.ui.shared.errors import tells_errors

    def refuse(value: str):
        raise ValueError(f"no such thing: {value}")

    with pytest.raises(gr.Error) as caught:
        tells_errors(refuse)(text)
    assert_harmless(caught.value.message)


@pytest.mark.parametrize("text", HOSTILE)
def test_answers_of_a_checkpoint_are_no_markup(text):
    from a3core.birthplace.data.loading import HELD_OUT, KnownPerson
    from a3core.birthplace.prediction.predictor import Candidate, Prediction
    from a3core.birthplace.service import Reply
    from a3core.ui.birthplace.cards import render_reply

    answer = Prediction(text, 0.5, text, 0.5, top=(Candidate(text, 0.5),), checkpoint=text, seconds=0.1)
    assert_harmless(render_reply(Reply(text, KnownPerson(text, text, HELD_OUT), 0.2, (answer,))))


@pytest.mark.parametrize("text", HOSTILE)
def test_answers_of_a_language_model_are_no_markup(text):
    from a3core.fewshot.answering import score_text
    from a3core.ui.fewshot.cards import render_answers
    from a3core.ui.fewshot.sweep import format_source

    assert_harmless(render_answers([score_text(text, text, [text], seconds=1.0)], text))
    facts = {"model": text, "pool": {"name": text, "rows": text}, "validation": {"name": text}, "encoder": text}
    assert_harmless(format_source(facts))


@pytest.mark.parametrize("text", HOSTILE)
def test_what_a_head_does_is_no_markup(text):
    from a3core.ui.attention.panels import ERROR, parse_heads
    from a3core.ui.shared.html import render

    with pytest.raises(ValueError, match="is no head") as caught:
        parse_heads(text)
    assert_harmless(render(ERROR, sentence=caught.value))


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "'\"><svg onload=x>"])
def test_a_filled_sentence_is_no_markup(demo, text):
    assert_harmless(call(demo, "fill_sentence", f"a {text} ⁇.", "builtin:10"))


def test_sanitizing_of_markdown_is_not_switched_off(demo):
    texts = [block for block in demo.blocks.values() if isinstance(block, gr.Markdown)]
    assert texts
    assert all(block.sanitize_html for block in texts)


FORMULAS = ["=1+1", "+1+cmd", "-2+3", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1", "'=1"]


@pytest.mark.parametrize("formula", FORMULAS)
def test_a_file_for_a_spreadsheet_holds_no_formula(tmp_path, monkeypatch, formula):
    import pandas as pd

    from a3core.ui.birthplace import panels as birthplace_panels

    rows = pd.DataFrame({"question": [formula], "p": [-0.5]})
    path = Path(birthplace_panels.write_predictions(SimpleNamespace(prediction_table=lambda: rows)))
    written = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)
    assert written["question"][0].lstrip('"').startswith("'")
    assert written["p"][0] == "-0.5"


@pytest.mark.parametrize("name", HOSTILE)
def test_a_run_of_any_name_has_a_file_of_a_plain_name(name):
    from a3core.grader.export.archive import name_file

    found = name_file(name)
    assert found == Path(found).name
    assert not set(found) & set('/\\\r\n\t\0":;<>|')
    assert not found.startswith((".", "-"))
