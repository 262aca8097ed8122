"""Every event of the Few-shot tab, with a made-up encoder and a tiny random language model over the real bank."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from html import unescape
from types import SimpleNamespace

import gradio as gr
import pytest
from fakes import build_language_model

from a3core.fewshot.answering import score_text
from a3core.fewshot.pools import load_pool
from a3core.ui.fewshot.cards import render_answers
from a3core.ui.fewshot.tab import change_answer, restore_link

GONE = r"Your pool own\.jsonl is gone"
QUESTION = "Which river flows through Vienna?"
DANUBE = {"Right answers, if you know them": "Danube|Donau"}


def find_events(demo, *names: str) -> list[int]:
    return [i for i, event in demo.fns.items() if getattr(event.fn, "__name__", "") in names]


def find_event(demo, name: str) -> int:
    return find_events(demo, name)[0]


def list_clicks(demo, label: str) -> list[list]:
    """For each button of this label, what its click starts, in that order."""
    buttons = [block for block in demo.blocks.values() if isinstance(block, gr.Button) and block.value == label]
    return [[event for event in demo.fns.values() if (button._id, "click") in event.targets] for button in buttons]


def values_of(demo, name: str, **changes) -> dict:
    """{component: value} for the inputs of an event: as the page opens, but for `changes` by label."""
    inputs = demo.fns[find_event(demo, name)].inputs
    values = {component: component.value for component in inputs}
    by_label = {component.label: component for component in inputs if getattr(component, "label", None)}
    return values | {by_label[label.replace("_", " ")]: value for label, value in changes.items()}


def call(demo, name: str, **changes) -> list:
    """The outputs in their order. The page's own call takes no event that reads a state, so the function is called."""
    event = demo.fns[find_event(demo, name)]
    result = event.fn(values_of(demo, name, **changes), no_progress)
    return in_order(event, list(result)[-1] if isinstance(result, Iterator) else result)


def run(demo, name: str, **changes) -> list:
    """What a generator yields."""
    return list(demo.fns[find_event(demo, name)].fn(values_of(demo, name, **changes), no_progress))


def in_order(event, result) -> list:
    if isinstance(result, dict):
        values = [result.get(output) for output in event.outputs]
    else:
        values = result if isinstance(result, tuple) else [result]
    return [getattr(value, "value", value) for value in values]


def no_progress(*args, **options) -> None:
    """Nothing is shown."""


def call_plainly(demo, name: str, *inputs) -> list:
    """For events whose inputs are a list."""
    event = demo.fns[find_event(demo, name)]
    return in_order(event, event.fn(*inputs))


def test_one_action_gives_the_prompt_and_its_answers(demo):
    shown, prompt, *_ = call(demo, "answer_question", Question=QUESTION, k=4, **DANUBE)
    assert prompt.endswith(f"Question: {QUESTION}\nAnswer:") and prompt.count("Question: ") == 5
    assert [name in shown for name in ("zero-shot", "random, k = 4", "nearest, k = 4")] == [True] * 3
    assert shown.count("right answer: ") == 3 and f"<h2>{QUESTION}</h2>" in shown
    assert "4 demonstrations" in shown and "of 512 tokens" in shown
    similarities = [float(each) for each in re.findall(r'sim num">([\d.]+)', shown)]
    assert len(similarities) == 4 and similarities == sorted(similarities)  # nearest last


def test_zero_shot_is_the_question_alone(demo):
    shown, prompt, *_ = call(demo, "answer_question", Question=QUESTION, k=0)
    assert prompt == f"Question: {QUESTION}\nAnswer:" and shown.count("<article") == 1


def test_random_demonstrations_are_compared_with_the_nearest(demo):
    shown, *_ = call(demo, "answer_question", Question=QUESTION, k=2, Demonstrations="random")
    assert shown.index("nearest, k = 2") < shown.index("random, k = 2")


def test_an_error_comes_before_anything_is_loaded(demo, monkeypatch, fewshot):
    monkeypatch.setattr(fewshot, "model", lambda *options: pytest.fail("a model is loaded"))
    with pytest.raises(gr.Error, match="The question is empty"):
        call(demo, "answer_question", Question="  ")


def test_what_does_not_fit_is_dropped_with_a_sentence(demo):
    shown, prompt, *_ = call(demo, "answer_question", Question=QUESTION, k=32)
    n = prompt.count("Question: ") - 1
    assert n < 32 and f"The {32 - n} farthest of 32" in shown and shown.count("<li") == n + 1
    shown, smaller, *_ = call(demo, "answer_question", Question=QUESTION, k=8, Budget_in_tokens=120)
    assert len(smaller) < 120 < len(prompt) and "the budget is 120 tokens" in shown


def test_the_question_itself_is_left_out_with_a_sentence(demo):
    row = load_pool()[100]
    shown, prompt, *_ = call(demo, "answer_question", Question=row.question, k=2)
    assert prompt.count(row.question) == 1 and "left out as nearly the question itself" in shown
    guard = {"Leakage guard: no near copies": False}
    shown, prompt, *_ = call(demo, "answer_question", Question=row.question, k=2, **guard)
    assert prompt.count(row.question) == 2 and "with the leakage guard off" in shown


def test_a_right_answer_in_sight_is_marked_counted_and_left_out_on_request(demo):
    row = load_pool()[100]
    changes = {"Question": f"Again: {row.question}", "k": 2, "Right answers, if you know them": row.answer}
    changes |= {"Leakage guard: no near copies": False}
    shown, prompt, *_ = call(demo, "answer_question", **changes)
    assert f"Answer: {row.answer}" in prompt
    assert 'class="sight"' in shown and "with a right answer" in shown and "in sight" in shown
    shown, prompt, *_ = call(demo, "answer_question", **changes, **{"Answer guard: none in sight": True})
    assert f"Answer: {row.answer}\n" not in prompt and 'class="sight"' not in shown
    assert "their answer is a right answer to the question" in shown


def test_without_each_one_and_the_bars_are_columns_of_the_prompt(demo, fewshot, monkeypatch):
    monkeypatch.setattr(fewshot, "_load_model", lambda name, progress=None, dtype=None: build_language_model(name=name))
    *_, asked = call(demo, "answer_question", Question=QUESTION, k=3, **DANUBE)
    for name in ("leave_out", "swap_answers"):
        left_out = demo.fns[find_event(demo, name)].fn(asked, "gemma-3-270m", no_progress)
        assert left_out.count('<span class="last">') == 4 and "All against none" in left_out
    measured = demo.fns[find_event(demo, "measure_effects")].fn(asked, "gemma-3-270m", no_progress)
    assert "What each one changes alone (they overlap)" in measured and measured.count("last eff") == 3
    assert "In float32" in measured and "Rounding moved" in measured


def test_the_map_is_drawn_for_the_question(demo):
    notes, picture = call(demo, "draw_map", Question=QUESTION, k=4)
    assert [trace.name for trace in picture.data] == ["pool", None, "demonstrations", "query"]
    assert len(picture.data[2].x) == 4 and len(picture.data[0].x) == len(load_pool())
    assert "4 demonstrations" in notes and "of the model&#39;s 512" in notes


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"Question": "x" * 100_000}, "100,000 characters; it may have 10,000"),
        ({"Question": QUESTION, "Template": "Q: {question}"}, "needs {answer} exactly once"),
        ({"Question": QUESTION, "Budget_in_tokens": 5}, "more than the budget of 5"),
        ({"Question": QUESTION, "Seed": None}, "The seed is empty"),
        ({"Question": "half \ud800"}, "lone surrogate"),
    ],
)
def test_what_is_wrong_is_one_clear_sentence(demo, changes, says):
    with pytest.raises(gr.Error, match=says):
        call(demo, "answer_question", **changes)


def test_a_template_of_ones_own(demo):
    shown, prompt, *_ = call(demo, "answer_question", Question=QUESTION, k=1, Template="Q {question} A {answer}")
    assert prompt.startswith("Q ") and prompt.endswith(f"\n\nQ {QUESTION} A")
    assert f"Q {QUESTION} A" in unescape(re.sub(r"<[^>]*>", "", shown))


def test_a_question_is_taken_with_its_answers_the_canonical_one_first(demo, tmp_path):
    row = load_pool("builtin:validation")[3]
    take = demo.fns[find_event(demo, "take")].fn
    gold = " | ".join(row.gold)
    assert take(3, "builtin:validation") == (row.question, gold, {"question": row.question, "gold": gold})
    path = tmp_path / "aliases.jsonl"
    path.write_text('{"question": "T?", "answers": ["Hegirl", "Transgender"], "value": "Transgender"}\n')
    assert take(0, str(path))[1] == "Transgender | Hegirl"


def test_an_empty_list_takes_nothing_and_is_no_error(demo):
    take = demo.fns[find_event(demo, "take")].fn
    assert take(None, "builtin:validation") == (gr.skip(),) * 3


def test_a_link_restores_question_k_selection_and_model(demo, fewshot):
    restore = restore_link(fewshot)
    row = load_pool("builtin:validation")[3]
    query = {"tab": "fewshot", "question": row.question, "k": "3", "selection": "bm25", "model": "gemma-3-270m"}
    tabs, question, gold, filled, k, selection, model, follow = restore(SimpleNamespace(query_params=query))
    assert (tabs.selected, question, k, selection, model) == ("fewshot", row.question, 3, "bm25", "gemma-3-270m")
    assert gold == " | ".join(row.gold) == filled["gold"] and follow == {"ask": True}
    other = restore(SimpleNamespace(query_params=query | {"model": "http://example.org/v1", "question": "Own?"}))
    assert other[1:3] == ["Own?", ""] and other[-1] == {"ask": False}  # it is filled in, and not loaded


@pytest.mark.parametrize("change", [{"tab": "x"}, {"question": ""}, {"k": "-1"}, {"k": "x"}, {"selection": "all"}])
def test_another_link_changes_nothing(fewshot, change):
    query = {"tab": "fewshot", "question": "Who?", "k": "3", "selection": "bm25"} | change
    *skipped, follow = restore_link(fewshot)(SimpleNamespace(query_params=query))
    assert skipped == [gr.skip()] * 7 and follow == {}


def test_only_questions_of_the_list_are_drawn(fewshot, tmp_path):
    from a3core.ui.fewshot.pool import list_questions
    from a3core.ui.fewshot.tab import draw_question

    path = tmp_path / "many.jsonl"
    path.write_text("".join(f'{{"question": "Number {i}?", "answers": ["{i}"]}}\n' for i in range(5000)))
    listed, draw = {position for _, position in list_questions(fewshot, str(path))}, draw_question(fewshot)
    assert len(listed) == 2000
    assert {int(draw(str(path))[1]) for _ in range(200)} <= listed


def test_what_cannot_be_drawn_is_one_sentence(fewshot, tmp_path):
    from a3core.ui.fewshot.tab import draw_question

    with pytest.raises(gr.Error, match=r"cannot read .*No such file"):
        draw_question(fewshot)(str(tmp_path / "removed.jsonl"))


def test_an_answer_that_was_changed_is_in_the_prompt(demo):
    shown, *_ = call(demo, "answer_question", Question=QUESTION, k=2)
    id_ = re.findall(r'data-id="([^"]+)"', shown)[0]
    changed = change_answer({"other": "x"}, SimpleNamespace(id=id_, answer=" Mol  dau "))
    assert changed == {"other": "x", id_: "Mol dau"}
    event = demo.fns[find_event(demo, "answer_question")]
    values = values_of(demo, "answer_question", Question=QUESTION, k=2)
    (state,) = [component for component in event.inputs if isinstance(component, gr.State) and component.value == {}]
    *_, asked = event.fn(values | {state: changed}, no_progress)
    _, prompt, *_ = in_order(event, asked)
    assert "Answer: Mol dau" in prompt


def test_an_answer_is_streamed_and_scored(demo, fewshot):
    shown = run(demo, "write_answer", **{"The prompt, exactly as the model reads it": "Question: who\nAnswer:"})
    answer = fewshot.model("gemma-3-270m").generate(["Question: who\nAnswer:"])[0][0].strip()
    assert len(shown) >= 2 and "✓" not in shown[-1]
    gold = {"Right answers, if you know them": answer}
    shown = run(demo, "write_answer", **{"The prompt, exactly as the model reads it": "Question: who\nAnswer:"}, **gold)
    assert "✓ right" in shown[-1]


def test_decodings_side_by_side(demo):
    text = {"The prompt, exactly as the model reads it": "Question: who\nAnswer:"}
    *_, last = run(demo, "compare_decodings", **text)
    assert all(f"<span>{name}</span>" in last for name in ("greedy", "beam", "sampling"))


def test_both_gold_answers_that_are_scored_have_a_name():
    answered = score_text("zero-shot", "x", ["Transgender", "T"], {"Transgender": -2.0, "T": -1.0})
    shown = render_answers([answered], "Answers")
    assert "canonical answer: -2.00 nats; of the best alias, T: -1.00 nats" in shown
    assert "right answer: 14 %, best alias 37 %" in shown


def test_stop_ends_whatever_asks_the_model_and_what_leads_to_it(demo):
    asking = find_events(demo, "answer_question")
    chains = set(asking)
    for i in asking:
        while (i := demo.fns[i].trigger_after) is not None:
            chains.add(i)
    assert len(asking) == 11  # Ask, Enter in three fields, four presets, the list, a surprise, the guided path
    first, second = (
        {i for event in clicks for i in event.cancels}
        for clicks in list_clicks(demo, "Stop")
        if any(event.cancels for event in clicks)
    )
    chains |= set(find_events(demo, "leave_out", "swap_answers", "measure_effects"))
    assert first == chains and second == set(find_events(demo, "write_answer", "compare_decodings"))


def test_answering_needs_a_prompt(demo):
    with pytest.raises(gr.Error, match="There is no prompt yet"):
        run(demo, "write_answer", **{"The prompt, exactly as the model reads it": " "})


def test_what_the_model_wrote_is_never_markup():
    from a3core.fewshot.answering import score_text
    from a3core.ui.fewshot.cards import render_answers

    shown = render_answers([score_text("<b>", "<script>alert(1)</script>", ["${1+1}"])], "Answers")
    assert "<script" not in shown and "<b>" not in shown


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


def test_a_small_grid_is_run_and_shown(demo, tmp_path, monkeypatch):
    monkeypatch.setenv("A3_CACHE", str(tmp_path))
    event, values = demo.fns[find_event(demo, "run_grid")], values_of(demo, "run_grid", Questions=5)
    ks = next(component for component in event.inputs if getattr(component, "info", "") == "with commas")
    steps = list(event.fn(values | {ks: "0,1"}, no_progress))
    assert "prompts" in next(iter(steps[0].values())) and len(steps) > 2
    tables = next(v for v in steps[-1].values() if isinstance(v, str) and "exact match" in v)
    assert tables.count("<td>zero-shot</td>") == 4  # once among the answers, the nats, and twice among the counts
    assert "The answer in sight" in tables and "Holm" in tables and "95 % interval" in tables
    with pytest.raises(gr.Error, match="k takes numbers with commas"):
        list(event.fn(values | {ks: "1,two"}, no_progress))


def test_the_answers_of_a_sweep_are_read_filtered_and_opened(demo, fewshot, tmp_path, monkeypatch):
    monkeypatch.setenv("A3_CACHE", str(tmp_path))
    event, values = demo.fns[find_event(demo, "run_grid")], values_of(demo, "run_grid", Questions=5)
    ks = next(component for component in event.inputs if getattr(component, "info", "") == "with commas")
    *_, last = event.fn(values | {ks: "0,2", **read_selection(values)}, no_progress)
    by_label = {getattr(component, "label", ""): value for component, value in last.items()}
    table = by_label["Answers, question by question"]
    assert table.count("<tr>") == 1 + 5 and "<th" in table and table.count("data-cell") == 5 * 2
    assert [name for name, _ in by_label["Right in"].choices] == ["any", "zero-shot, greedy", "nearest, k = 2, greedy"]
    folder = next(value for component, value in last.items() if isinstance(component, gr.State))
    asked = fewshot.questions("builtin:validation")
    id_, cell = re.search(r'data-id="([^"]+)" data-cell="(nearest[^"]+)"', table).groups()
    opened = demo.fns[find_event(demo, "open_in_builder")].fn
    prompt, question, gold, _, k, selection, sections = opened(folder, asked.name, SimpleNamespace(id=id_, cell=cell))
    row = next(row for row in asked.rows if row.id == id_)
    assert prompt.count("Question: ") == 3 and prompt.endswith(f"Question: {row.question}\nAnswer:")
    assert (question, gold, k, selection) == (row.question, " | ".join(row.gold), 2, "nearest")
    assert sections.selected == "prompt"
    (none,) = call_plainly(demo, "filter_answers", folder, cell, cell)
    assert "No question has such answers" in none and "<table" not in none
    shutil.rmtree(folder)  # as old results are
    with pytest.raises(gr.Error, match="These answers are gone"):
        opened(folder, asked.name, SimpleNamespace(id=id_, cell=cell))


def read_selection(values: dict) -> dict:
    """Nearest alone."""
    chosen = next(each for each in values if isinstance(each, gr.CheckboxGroup) and each.label == "Selection")
    return {chosen: ["nearest"]}


def test_the_shipped_grid_is_shown_at_once(demo):
    source, exact, likely, reading, *_, tables = call_plainly(demo, "show_shipped", "builtin")
    assert not reading.visible  # nothing is drawn for answers that are not shipped
    assert "builtin" in source and exact is not None and likely is not None
    assert tables.count("<tr>") > 60 and "Holm" in tables
    with pytest.raises(gr.Error, match="holds no results"):
        call_plainly(demo, "show_folder", "/there/is/nothing")


def test_the_prompt_goes_along_to_the_attention_tab(demo):
    look = demo.fns[find_event(demo, "look_at_attention")].fn
    assert look("Question: who\nAnswer:")[:2] == ["gemma-3-270m", "Question: who\nAnswer:"]
    with pytest.raises(gr.Error, match="build a prompt first"):
        look("")


def test_the_endpoints(demo):
    built = demo(QUESTION, 3, "bm25", "nearest first", fn_index=find_event(demo, "build_prompt"))
    assert set(built) == {"prompt", "demonstrations", "tokens", "window", "left_out", "notes"}
    assert len(built["demonstrations"]) == 3 and built["tokens"] > 10
    said = demo(built["prompt"], "beam", fn_index=find_event(demo, "answer_prompt"))
    assert set(said) == {"answer", "seconds"}
    with pytest.raises(gr.Error, match="selection is one of"):
        demo(QUESTION, 3, "farthest", "nearest first", fn_index=find_event(demo, "build_prompt"))


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


def test_a_preset_does_not_wait_for_the_encoder():
    from a3core.fewshot.service import FewShot
    from a3core.ui.fewshot.tab import PRESETS, find_preset

    fewshot = FewShot(load_encoder=lambda: pytest.fail("the encoder was loaded"))
    assert find_preset(fewshot, next(iter(PRESETS.values())))
