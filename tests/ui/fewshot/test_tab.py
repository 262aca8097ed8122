"""Every event of the Few-shot tab, with a made-up encoder and a tiny random language model over the real bank."""

from __future__ import annotations

import re
from html import unescape
from types import SimpleNamespace

import gradio as gr
import pytest
from fakes import build_language_model
from fewshot_tab import QUESTION, call, find_event, find_events, in_order, list_clicks, no_progress, run, values_of

from a3core.fewshot.answering import score_text
from a3core.fewshot.pools import load_pool
from a3core.ui.fewshot.cards import render_answers
from a3core.ui.fewshot.tab import change_answer, restore_link

DANUBE = {"Right answers, if you know them": "Danube|Donau"}


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


@pytest.mark.slow
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


@pytest.mark.slow
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


def test_the_prompt_goes_along_to_the_attention_tab(demo):
    look = demo.fns[find_event(demo, "look_at_attention")].fn
    assert look("Question: who\nAnswer:")[:2] == ["gemma-3-270m", "Question: who\nAnswer:"]
    with pytest.raises(gr.Error, match="build a prompt first"):
        look("")


@pytest.mark.slow
def test_the_endpoints(demo):
    built = demo(QUESTION, 3, "bm25", "nearest first", fn_index=find_event(demo, "build_prompt"))
    assert set(built) == {"prompt", "demonstrations", "tokens", "window", "left_out", "notes"}
    assert len(built["demonstrations"]) == 3 and built["tokens"] > 10
    said = demo(built["prompt"], "beam", fn_index=find_event(demo, "answer_prompt"))
    assert set(said) == {"answer", "seconds"}
    with pytest.raises(gr.Error, match="selection is one of"):
        demo(QUESTION, 3, "farthest", "nearest first", fn_index=find_event(demo, "build_prompt"))


def test_a_preset_does_not_wait_for_the_encoder():
    from a3core.fewshot.service import FewShot
    from a3core.ui.fewshot.tab import PRESETS, find_preset

    fewshot = FewShot(load_encoder=lambda: pytest.fail("the encoder was loaded"))
    assert find_preset(fewshot, next(iter(PRESETS.values())))
