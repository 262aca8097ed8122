"""Every event of the Few-shot tab, with a made-up encoder and a tiny random language model over the real bank."""

from __future__ import annotations

import gradio as gr
import pandas as pd
import pytest

from a3core.fewshot.pools import load_pool

QUESTION = "Which river flows through Vienna?"


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
    return in_order(event, event.fn(values_of(demo, name, **changes), no_progress))


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


def rows_of(table) -> list[list]:
    return table["data"]


def test_a_question_gets_its_demonstrations_and_its_prompt(demo):
    prompt, notes, table, picture = call(demo, "show_prompt", Question=QUESTION, k=4)
    assert prompt.endswith(f"Question: {QUESTION}\nAnswer:") and prompt.count("Question: ") == 5
    rows = rows_of(table)
    assert [row[0] for row in rows] == [1, 2, 3, 4] and rows[0][1] >= rows[3][1]
    assert prompt.index(rows[3][2]) < prompt.index(rows[0][2])  # nearest last
    assert "4 demonstrations" in notes and "of the model's 512" in notes
    assert [trace.name for trace in picture.data] == ["pool", None, "demonstrations", "query"]
    assert len(picture.data[2].x) == 4 and len(picture.data[0].x) == len(load_pool())


def test_zero_shot_is_the_question_alone(demo):
    prompt, notes, _, _ = call(demo, "show_prompt", Question=QUESTION, k=0)
    assert prompt == f"Question: {QUESTION}\nAnswer:" and "0 demonstrations" in notes


def test_the_page_opens_without_asking_anything(demo):
    _, notes, _, _ = call(demo, "show_prompt", Question="  ")
    assert "Ask, or take a question" in notes


def test_what_does_not_fit_is_dropped_and_said(demo):
    prompt, notes, table, _ = call(demo, "show_prompt", Question=QUESTION, k=32)
    dropped = [row for row in rows_of(table) if row[6] == "dropped"]
    assert dropped and f"The {len(dropped)} farthest of 32" in notes
    assert all(row[2] not in prompt for row in dropped)
    smaller, notes, _, _ = call(demo, "show_prompt", Question=QUESTION, k=8, Budget_in_tokens=120)
    assert len(smaller) < 120 < len(prompt) and "the budget is 120 tokens" in notes


def test_the_question_itself_is_left_out_and_said(demo):
    row = load_pool()[100]
    prompt, notes, _, _ = call(demo, "show_prompt", Question=row.question, k=2)
    assert prompt.count(row.question) == 1 and "left out as nearly the question itself" in notes
    prompt, notes, _, _ = call(demo, "show_prompt", Question=row.question, k=2, Leakage_guard=False)
    assert prompt.count(row.question) == 2 and "with the leakage guard off" in notes


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
        call(demo, "show_prompt", **changes)


def test_a_template_of_ones_own(demo):
    prompt, *_ = call(demo, "show_prompt", Question=QUESTION, k=1, Template="Q {question} A {answer}")
    assert prompt.startswith("Q ") and prompt.endswith(f"\n\nQ {QUESTION} A")


def test_a_question_is_taken_with_its_answers(demo):
    row = load_pool("builtin:validation")[3]
    take = demo.fns[find_event(demo, "take")].fn
    assert take(3, "builtin:validation") == (row.question, " | ".join(row.gold))
    with pytest.raises(gr.Error, match="choose a question"):
        take(None, "builtin:validation")


def test_only_questions_of_the_list_are_drawn(fewshot, tmp_path):
    from a3core.ui.fewshot.pool import list_questions
    from a3core.ui.fewshot.tab import draw_question

    path = tmp_path / "many.jsonl"
    path.write_text("".join(f'{{"question": "Number {i}?", "answers": ["{i}"]}}\n' for i in range(5000)))
    listed, draw = {position for _, position in list_questions(fewshot, str(path))}, draw_question(fewshot)
    assert len(listed) == 2000
    assert {draw(str(path)) for _ in range(200)} <= listed


def test_what_cannot_be_drawn_is_one_sentence(fewshot, tmp_path):
    from a3core.ui.fewshot.tab import draw_question

    with pytest.raises(gr.Error, match=r"cannot read .*No such file"):
        draw_question(fewshot)(str(tmp_path / "removed.jsonl"))


def test_an_answer_that_was_changed_stands_in_the_prompt(demo):
    _, _, table, _ = call(demo, "show_prompt", Question=QUESTION, k=2)
    rows = pd.DataFrame(rows_of(table))
    rows.iloc[0, 3] = " Mol  dau "
    from a3core.ui.fewshot.tab import change_answers

    changed = change_answers(rows, {})
    event = demo.fns[find_event(demo, "show_prompt")]
    values = values_of(demo, "show_prompt", Question=QUESTION, k=2)
    (state,) = [component for component in event.inputs if isinstance(component, gr.State) and component.value == {}]
    updates = event.fn(values | {state: changed}, no_progress)
    assert "Answer: Mol dau" in next(value for value in updates.values() if isinstance(value, str))


def test_an_answer_is_streamed_and_scored(demo, fewshot):
    shown = run(demo, "write_answer", **{"The prompt, exactly as the model reads it": "Question: who\nAnswer:"})
    answer = fewshot.model("gemma-3-270m").generate(["Question: who\nAnswer:"])[0][0].strip()
    assert len(shown) >= 2 and "exact match" not in shown[-1]
    gold = {"Right answers, if you know them": answer}
    shown = run(demo, "write_answer", **{"The prompt, exactly as the model reads it": "Question: who\nAnswer:"}, **gold)
    assert "✓ exact match" in shown[-1]


def test_ways_of_asking_side_by_side(demo):
    gold = {"Right answers, if you know them": "Danube|Donau"}
    (shown,) = call(demo, "compare_selections", Question=QUESTION, k=3, **gold)
    assert all(name in shown for name in ("zero-shot", "random, k = 3", "nearest, k = 3"))
    assert shown.count("log-probability of the gold answer") == 3
    text = {"The prompt, exactly as the model reads it": "Question: who\nAnswer:"}
    last = run(demo, "compare_decodings", **text)[-1]
    assert all(f"<h4>{name}</h4>" in last for name in ("greedy", "beam", "sampling"))


def test_stop_ends_whatever_asks_the_model_and_what_leads_to_it(demo):
    asking = find_events(demo, "write_answer", "compare_selections", "compare_decodings")
    chains = set(asking)
    for i in asking:
        while (i := demo.fns[i].trigger_after) is not None:
            chains.add(i)
    assert len(asking) == 9  # three buttons, Ask, four presets, the guided path
    (clicks,) = [clicks for clicks in list_clicks(demo, "Stop") if any(event.cancels for event in clicks)]
    assert {i for event in clicks for i in event.cancels} == chains
    says = [event.outputs != [] for event in clicks].index(True)
    assert any(event.cancels for event in clicks[:says])  # else a late word would stand over "Stopped."


def test_answering_needs_a_prompt(demo):
    with pytest.raises(gr.Error, match="There is no prompt yet"):
        run(demo, "write_answer")


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
    spec, asked, _, changed, status = call_plainly(demo, "use_pool", None, None, str(path), "", no_progress)
    assert spec == asked == str(path) and changed == {} and "2 demonstrations; 2 questions" in status
    assert call_plainly(demo, "use_bank", no_progress)[:2] == ["builtin", "builtin:validation"]
    with pytest.raises(gr.Error, match="Choose a pool first"):
        call_plainly(demo, "use_pool", None, None, " ", "", no_progress)


@pytest.mark.parametrize("name", ["x" * 300 + ".jsonl", "x" * 300 + "/pool.csv", "x" * 5000 + ".parquet"])
def test_a_path_that_no_file_can_have_is_one_sentence(demo, name):
    with pytest.raises(gr.Error, match="File name too long"):
        call_plainly(demo, "use_pool", None, None, name, "", no_progress)


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
        call_plainly(demo, "use_pool", None, None, str(path), "", no_progress)


def test_a_small_grid_is_run_and_shown(demo, tmp_path, monkeypatch):
    monkeypatch.setenv("A3_CACHE", str(tmp_path))
    event, values = demo.fns[find_event(demo, "run_grid")], values_of(demo, "run_grid", Questions=5)
    ks = next(component for component in event.inputs if getattr(component, "info", "") == "with commas")
    steps = list(event.fn(values | {ks: "0,1"}, no_progress))
    assert "prompts" in next(iter(steps[0].values())) and len(steps) > 2
    table = next(v for v in steps[-1].values() if isinstance(v, pd.DataFrame) and "exact match" in v)
    assert set(table["k"]) == {0, 1} and set(table["selection"]) == {"random", "nearest"}
    with pytest.raises(gr.Error, match="k takes numbers with commas"):
        list(event.fn(values | {ks: "1,two"}, no_progress))


def test_the_shipped_grid_is_shown_at_once(demo):
    facts, exact, likely, summary, comparisons = call_plainly(demo, "show_shipped", "builtin")
    assert "builtin" in facts and exact is not None and likely is not None
    assert len(summary) > 10 and len(comparisons) > 10
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
        question, gold, *others = in_order(click, click.fn())
        assert question == text and gold
        assert click.outputs[2:] == use_bank.outputs
        assert others == bank and bank[:2] == ["builtin", "builtin:validation"]


def test_a_preset_does_not_wait_for_the_encoder():
    from a3core.fewshot.service import FewShot
    from a3core.ui.fewshot.tab import PRESETS, find_preset

    fewshot = FewShot(load_encoder=lambda: pytest.fail("the encoder was loaded"))
    assert find_preset(fewshot, next(iter(PRESETS.values())))
