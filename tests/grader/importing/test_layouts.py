"""Files of other tools by their layout: made-up samples, each with what it must become."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest
from samples import FOLDER, SAMPLES

from a3core.grader.importing.drafts import plan_import, read_draft


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_becomes_what_it_must(name):
    sample, draft = SAMPLES[name], read_draft(FOLDER / name)
    plan = plan_import(draft, "x")
    assert draft.layout == sample.layout and not plan.unknown and not plan.conflicts and not plan.skipped
    assert (len(plan.run.responses), len(plan.run.labels)) == (sample.responses, sample.labels)
    assert tuple(sorted({label.annotator for label in plan.run.labels})) == sample.annotators
    first = plan.run.responses[0].id
    found = sorted(f"{x.annotator} {x.field} {x.value}" for x in plan.run.labels if x.response_id == first)
    assert tuple(found) == sample.first and draft.extra == sample.extra and not draft.dropped


def read_responses(name: str) -> list[dict]:
    return [asdict(item.response) for item in read_draft(FOLDER / name).items]


TOM, PEN = "Tom has 3 bags of 4 apples and eats 2. How many are left?", "A pen costs 2 and a book 5."


def test_samples_of_a_harness_are_one_response_for_all_filters():
    first, *_ = read_responses("lm_eval_samples_layout.jsonl")
    assert (first["id"], first["question"], first["answer"], first["gold_answer"]) == ("1", TOM, "10", "10")
    assert first["explanation"] == "3 bags of 4 are 12. 12 minus 2 is 10. The answer is 10."


def test_choices_and_repeats_of_a_harness(tmp_path):
    pairs = [["-2.5", "False"], ["-1.5", "False"]]
    choice = {"doc_id": 1, "doc": {"query": "Sky?", "choices": ["red", "blue"]}, "target": "1", "acc": 1.0}
    choice |= {"resps": [[pair] for pair in pairs], "filtered_resps": pairs, "filter": "none"}
    repeats = {"doc_id": 2, "doc": {"question": "2 + 3?"}, "target": "5", "filter": "none", "exact_match": 1.0}
    repeats |= {"resps": [["The answer is 5.", "The answer is 6."]], "filtered_resps": ["5"]}
    plan = plan_import(read_draft(write(tmp_path / "samples.jsonl", choice, repeats)), "x")
    found = [(x.id, x.question, x.answer, x.gold_answer, x.explanation) for x in plan.run.responses]
    assert found == [
        ("1", "Sky?", "blue", "blue", ""),
        ("2-1", "2 + 3?", "5", "5", "The answer is 5."),
        ("2-2", "2 + 3?", "6", "5", "The answer is 6."),
    ]
    assert [(label.response_id, label.value) for label in plan.run.labels] == [("1", "correct")]


def test_a_chain_has_its_question_and_its_own_id():
    first, *_ = read_responses("chains_nested_layout.json")
    assert (first["id"], first["question"], first["answer"], first["model"]) == ("c1", TOM, "10", "m1")


def test_explanations_of_two_questions_are_a_response_each():
    first, second, *_ = read_responses("two_questions_many_explanations.csv")
    assert first["question"] == "A man plays a drum.\nA man makes music." == second["question"]
    assert [first["explanation"], second["explanation"]] == ["Playing a drum makes music.", "Drums are loud."]
    assert first["answer"] == first["gold_answer"] == "entailment" and (first["sample"], second["sample"]) == (0, 1)


def test_the_question_of_a_conversation_is_what_was_before_the_last_answer():
    (response,) = read_responses("chat_conversations_layout.jsonl")
    assert (
        response["question"].startswith("human: Hello\n\ngpt: Hello.\n\nhuman: Tom has") and response["answer"] == "10"
    )
    first, *_ = read_responses("chat_messages_layout.jsonl")
    assert (first["question"], first["gold_answer"], first["model"]) == (TOM, "10", "m1")


def test_steps_are_those_that_the_labeler_went_on_with():
    first, *_ = read_responses("step_ratings_layout.jsonl")
    assert first["steps"] == ("3 bags of 4 are 12.", "12 minus 2 is 10.") and first["gold_answer"] == "10"
    (wrong,) = read_responses("step_ratings_wrong_layout.jsonl")
    assert wrong["steps"] == ("3 bags of 4 are 7.",)


def test_a_guess_goes_into_nested_columns():
    first, *_ = read_responses("nested_guessed_layout.jsonl")
    assert (first["question"], first["gold_answer"], first["model"], first["answer"]) == (TOM, "10", "m1", "10")


def write(path, *rows: dict):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


BAD = [
    ("step_ratings_layout.jsonl", {"label": {"steps": [{}]}}, "it has no 'completions'"),
    ("step_ratings_layout.jsonl", {"question": None}, "line 1"),
    ("first_error_layout.jsonl", {"label": 7}, "label is 7, expected one of the 3 steps"),
    ("chat_messages_layout.jsonl", {"messages": [{"role": "user", "content": "Hm?"}]}, "not the assistant's answer"),
    ("lm_eval_samples_layout.jsonl", {"doc": None}, "not as the others of its layout"),
    ("argilla_flat_layout.jsonl", {"verdict.responses": ["good"]}, "line 1"),
]


@pytest.mark.parametrize(("name", "cells", "message"), BAD)
def test_a_bad_row_of_a_layout_is_named(tmp_path, name, cells, message):
    good, *_ = (FOLDER / name).read_text(encoding="utf-8").splitlines()
    path = write(tmp_path / name, json.loads(good) | cells, json.loads(good) | {"id": "another", "doc_id": "another"})
    draft = read_draft(path)
    assert (
        len(draft.items) == 1
        and len(draft.skipped) == 1
        and "line 1: " in draft.skipped[0]
        and message in draft.skipped[0]
    )
    with pytest.raises(ValueError, match="line 1"):
        plan_import(draft, "x").ask(type("Nothing", (), {"conflicts": None, "skip_bad": False}))
