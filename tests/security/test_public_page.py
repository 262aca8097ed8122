"""What a public page refuses to strangers, and what the label database makes of their names."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import pytest
from hostile import HOSTILE, NOBODY, call
from serving import find_events

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
@pytest.mark.parametrize("text", [text for text in HOSTILE if len(text) < 90])
def test_a_name_is_never_sql(grading, text):
    from a3core.grader.runs.responses import Response, Run
    from a3core.grader.session.grading import GradingSession

    store = grading.store
    before = len(store.runs())
    id_ = store.add_run(Run(text, (Response(text, text, text, text, text, text),)))
    view = GradingSession(store, id_, text).show()
    label = {"place": view["place"], "field": "explanation", "value": "correct"}
    assert "error" not in GradingSession(store, id_, text.strip()).act("label", label)
    assert len(store.runs()) == before + 1
    assert store.find_run(text) == id_
    assert [one.annotator for one in store.labels(id_)] == [text.strip()]


def test_on_a_public_page_nobody_labels_in_anothers_name(grading, monkeypatch):
    from a3core.ui.grader.service import find_annotator

    monkeypatch.setenv("SPACE_ID", "ann/demo")
    signed_in = SimpleNamespace(username="mallory", request=SimpleNamespace(session={}))
    assert find_annotator("ann", signed_in) == "mallory"
    for request in (NOBODY, None, SimpleNamespace(username="", request=SimpleNamespace(session={}))):
        with pytest.raises(ValueError, match=r"read-only on this public page"):
            find_annotator("ann", request)


def sign_in(name):
    return SimpleNamespace(username=name, request=SimpleNamespace(session={}))


def test_on_a_public_page_only_the_owner_and_admins_change_what_others_label(grading, monkeypatch):
    from a3core.ui.grader.service import check_admin

    check_admin(NOBODY)  # on a machine of one's own
    monkeypatch.setenv("SPACE_ID", "ann/demo")
    monkeypatch.setenv("A3_ADMINS", "bob, cy")
    for name in ("ann", "bob", "cy"):
        check_admin(sign_in(name))
    with pytest.raises(ValueError, match="Only the owner of this public page"):
        check_admin(sign_in("mallory"))
    for request in (NOBODY, None, sign_in("")):
        with pytest.raises(ValueError, match="read-only on this public page"):
            check_admin(request)


def test_a_public_page_may_name_its_annotators(monkeypatch):
    from a3core.ui.grader.service import find_annotator

    monkeypatch.setenv("SPACE_ID", "ann/demo")
    monkeypatch.setenv("A3_ANNOTATORS", "dee, eve")
    monkeypatch.setenv("A3_ADMINS", "bob")
    assert [find_annotator("", sign_in(name)) for name in ("ann", "bob", "dee", "eve")] == ["ann", "bob", "dee", "eve"]
    with pytest.raises(ValueError, match="mallory is not on the list"):
        find_annotator("dee", sign_in("mallory"))


SERVERS = [
    "http://169.254.169.254/latest/meta-data",
    "https://evil.example/v1",
    "HTTP://127.0.0.1:22/",
    " http://[::1]/v1#m ",
    "http://localhost@evil.example/",
    "//evil.example/v1",
    "file:///etc/passwd",
    "/etc",
    "../../etc",
    "hub/any-model",
]


@pytest.mark.slow
@pytest.mark.parametrize("name", SERVERS)
def test_on_a_public_page_no_address_and_no_folder_is_a_model(space, public_page, name):
    from a3core.llm.offered import check_model

    with pytest.raises(ValueError, match="This public page offers only"):
        check_model(name)
    with pytest.raises(gr.Error, match=r"offers only|A server does not tell"):
        call(public_page, "attention_pattern", "Babe Ruth", name)
    asked = {"model": name, "text": "Babe Ruth", "generate": False, "heads": [[0, 0]]}
    (view, *_) = [block for block in public_page.blocks.values() if getattr(block, "elem_id", "") == "pattern-first"]
    refused = view.fetch_pattern(asked)
    assert "error" in refused and "matrix" not in refused


@pytest.mark.slow
@pytest.mark.parametrize("path", ["/etc", "../", "~", str(ROOT / "assets" / "fewshot_grid")])
def test_on_a_public_page_no_folder_is_opened(space, public_page, path):
    with pytest.raises(gr.Error, match=r"not offered on a public page"):
        call(public_page, "show_folder", path)


@pytest.mark.parametrize("path", ["/etc/passwd", "hub:triviaqa", str(ROOT / "assets" / "questions.jsonl")])
def test_on_a_public_page_a_pool_is_uploaded_and_not_named(space, public_page, path):
    with pytest.raises(gr.Error, match="Choose a pool first"):
        call(public_page, "use_pool", None, None, path, path)


def test_on_a_public_page_nobody_writes_without_signing_in(space, public_page):
    refusals = {
        "import_chosen": ({}, NOBODY),
        "store": (1, "{}", 0.0, NOBODY),
        "restore": ("/tmp/a.zip", "", NOBODY),
        **{f"{action}_thing": (1, "run", "1", "mine", NOBODY) for action in ("rename", "hide", "show", "delete")},
    }
    for name, values in refusals.items():
        events = find_events(public_page, name)
        with pytest.raises(gr.Error, match=r"read-only on this public page"):
            public_page.fns[events[-1]].fn(*values)
    with pytest.raises(gr.Error, match=r"not offered on a public page|Name the dataset first"):
        call(public_page, "push_run", 1, "mallory/labels", "csv")
