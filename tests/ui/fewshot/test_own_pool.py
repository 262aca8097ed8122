"""The Few-shot tab over a pool of one's own: how it is chosen, what is wrong with it, that no other answers for it."""

from __future__ import annotations

from collections.abc import Iterator

import gradio as gr
import pytest
from fewshot_tab import QUESTION, call_plainly, find_event, in_order, list_clicks, no_progress, values_of

GONE = r"Your pool own\.jsonl is gone"


def test_another_pool_by_path(demo, tmp_path):
    path = tmp_path / "own.jsonl"
    path.write_text(
        '{"question": "Who is first?", "answers": ["Ann"]}\n{"question": "Who is last?", "answers": ["Bob"]}\n'
    )
    spec, asked, _, changed, name, status = call_plainly(
        demo, "use_pool", None, None, str(path), "", False, "", no_progress
    )
    assert spec == asked == str(path) and changed == {} and "2 demonstrations; 2 questions" in status
    assert name == "own.jsonl"
    assert call_plainly(demo, "use_bank", no_progress)[:2] == ["builtin", "builtin:validation"]
    with pytest.raises(gr.Error, match="Choose a pool first"):
        call_plainly(demo, "use_pool", None, None, " ", "", False, "", no_progress)


def test_bad_rows_are_skipped_on_request_and_listed(demo, tmp_path):
    path = tmp_path / "own.jsonl"
    path.write_text(
        '{"question": "Who?", "answers": ["Ann"]}\n{"question": "<b>"}\n{"question": "Who then?", "answer": 7}\n'
    )
    with pytest.raises(gr.Error, match="line 2: it has no answers"):
        call_plainly(demo, "use_pool", None, None, str(path), "", False, "", no_progress)
    spec, *_, name, status = call_plainly(demo, "use_pool", None, None, str(path), "", True, "", no_progress)
    assert "2 demonstrations; 2 questions" in status and "Rows of own.jsonl that cannot be read: 1. line 2:" in status
    assert spec == f"skip:{path}"
    demo.fns[find_event(demo, "check_pool")].fn(spec, name)


def test_other_columns_are_named_for_both_files(demo, tmp_path):
    path = tmp_path / "own.jsonl"
    path.write_text('{"title": "Who?", "gold": [{"text": "Ann"}, {"text": "A"}]}\n')
    columns = "question=title&answers=gold[*].text"
    with pytest.raises(gr.Error, match="it has no question; it has title, gold"):
        call_plainly(demo, "use_pool", None, None, str(path), "", False, " ", no_progress)
    spec, asked, _, _, name, status = call_plainly(
        demo, "use_pool", None, None, str(path), "", False, columns, no_progress
    )
    assert spec == asked == f"{path}#{columns}" and name == "own.jsonl" and "1 demonstrations; 1 questions" in status
    take = demo.fns[find_event(demo, "take")].fn
    question, gold, _ = take(0, asked, spec, name)
    assert question == "Who?" and set(gold.split(" | ")) == {"Ann", "A"}
    with pytest.raises(gr.Error, match=r"own\.jsonl has no column 'titel' for the question; it has title, gold"):
        call_plainly(demo, "use_pool", None, None, str(path), "", False, "question=titel", no_progress)


GRID = {"Questions": 5, "Selection": ["nearest"]}


@pytest.mark.slow
@pytest.mark.parametrize(("event", "changes"), [("answer_question", {}), ("draw_map", {}), ("run_grid", GRID)])
def test_a_pool_that_is_gone_is_named_and_no_other_answers(demo, fewshot, tmp_path, monkeypatch, event, changes):
    monkeypatch.setenv("A3_CACHE", str(tmp_path / "cache"))
    path, values = tmp_path / "own.jsonl", values_of(demo, event, Question=QUESTION, **changes)
    rows = '{"question": "Who is first?", "answers": ["Ann"]}\n{"question": "And last?", "answers": ["Bob"]}\n'
    path.write_text(rows)
    name = next(each for each in values if isinstance(each, gr.Textbox) and not each.visible)
    pool = next(each for each in values if isinstance(each, gr.State) and each.value == "builtin")

    def answer(spec: str):
        result = demo.fns[find_event(demo, event)].fn(values | {pool: spec, name: "own.jsonl"}, no_progress)
        return list(result) if isinstance(result, Iterator) else result

    with monkeypatch.context() as nothing:
        nothing.setattr(fewshot, "model", lambda *options: pytest.fail("a model is loaded for nothing"))
        with pytest.raises(gr.Error, match=GONE):  # the app was restarted: the session is new
            answer("builtin")
    assert answer(str(path))
    path.unlink()  # by the cap on uploads
    with pytest.raises(gr.Error, match=GONE):
        answer(str(path))


@pytest.mark.parametrize("event", ["take", "draw"])
def test_no_question_comes_from_another_list_once_the_pool_is_gone(demo, event):
    inputs = [0, "builtin:validation", "builtin", "own.jsonl"][event == "draw" :]
    with pytest.raises(gr.Error, match=GONE):
        call_plainly(demo, event, *inputs)
    with pytest.raises(gr.Error, match=GONE):  # beside the field of the pool, too
        call_plainly(demo, "check_pool", "builtin", "own.jsonl")


@pytest.mark.parametrize("name", ["x" * 300 + ".jsonl", "x" * 300 + "/pool.csv", "x" * 5000 + ".parquet"])
def test_a_path_that_no_file_can_have_is_one_sentence(demo, name):
    with pytest.raises(gr.Error, match="File name too long"):
        call_plainly(demo, "use_pool", None, None, name, "", False, "", no_progress)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b'{"answers": ["x"]}\n', "line 1"),
        (b'{"question": "a?", "answers": [null]}\n', "line 1"),
        (b"\xff\x00q", "encod|UTF-8|utf-8"),
        (b'{"id": "1", "question": "a?", "answers": ["x"]}\n' * 2, "the id '1'"),
    ],
)
def test_a_bad_pool_names_its_fault_and_changes_nothing(demo, tmp_path, content, says):
    path = tmp_path / "bad.jsonl"
    path.write_bytes(content)
    with pytest.raises(gr.Error, match=says):
        call_plainly(demo, "use_pool", None, None, str(path), "", False, "", no_progress)


def test_every_preset_is_a_question_of_the_bank_and_brings_all_of_the_bank_back(demo):
    from a3core.ui.fewshot.tab import PRESETS

    use_bank = demo.fns[find_event(demo, "use_bank")]
    bank = in_order(use_bank, use_bank.fn(no_progress))
    for label, text in PRESETS.items():
        ((click,),) = list_clicks(demo, label)
        question, gold, _, *others = in_order(click, click.fn())
        assert question == text and gold
        assert click.outputs[3:] == use_bank.outputs
        assert others == bank and bank[:2] == ["builtin", "builtin:validation"]


def test_a_pool_that_is_read_keeps_no_prompt_waiting(demo):
    slots = {name: demo.fns[find_event(demo, name)].concurrency_id for name in ("use_pool", "use_bank", "build_prompt")}
    assert slots["use_pool"] == slots["use_bank"] != slots["build_prompt"]
