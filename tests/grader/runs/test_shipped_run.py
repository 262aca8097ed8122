"""The run in assets/cot_run: of the present task sets and prompts, with right and wrong answers, as it says."""

from __future__ import annotations

import json
from pathlib import Path

from a3core.grader.answers.extraction import suggest_label
from a3core.grader.labels.schema import CORRECT
from a3core.grader.runs.changed_explanations import plan_changes
from a3core.grader.runs.generation import ALL_TASKS, RESPONSES_FILE, RUN_FILE, CotArgs, load_run, split_text
from a3core.grader.runs.responses import CHAIN_OF_THOUGHT, STANDARD, VARIANT
from a3core.grader.runs.tasks import TASKS, load_tasks

SHIPPED = Path(__file__).resolve().parents[3] / "assets" / "cot_run"


def test_the_shipped_run_asks_the_present_questions():
    facts = json.loads((SHIPPED / RUN_FILE).read_text(encoding="utf-8"))
    assert {task["name"]: task["sha256"] for task in facts["tasks"]} == {t.name: t.sha256 for t in load_tasks(TASKS)}
    assert [form["text"] for form in facts["args"]["prompts"]] == [form.text for form in CotArgs().prompts]
    run, gold = load_run(SHIPPED), {q.question: q.answer for task in load_tasks(TASKS) for q in task.questions}
    assert len(run.responses) == len(gold) * 3 == 150
    assert all(gold[response.question] == response.gold_answer for response in run.responses)


def test_the_shipped_run_is_as_accurate_as_it_says():
    facts = json.loads((SHIPPED / RUN_FILE).read_text(encoding="utf-8"))
    stated = {row["prompt_kind"]: row["correct"] for row in facts["accuracy"] if row["task"] == ALL_TASKS}
    responses = load_run(SHIPPED).responses
    right = [r.prompt_kind for r in responses if (told := suggest_label(r)) and told.value == CORRECT]
    assert stated == {kind: right.count(kind) for kind in stated}
    assert set(stated) == {STANDARD, VARIANT, CHAIN_OF_THOUGHT}
    assert 0 < stated[CHAIN_OF_THOUGHT] < 50  # both right and wrong answers to be labelled


def test_the_shipped_texts_come_apart_as_they_did():
    kinds = {q.id: q.kind for task in load_tasks(TASKS) for q in task.questions}
    for line in (SHIPPED / RESPONSES_FILE).read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        assert split_text(row["text"], kinds[row["id"].partition("/")[0]]) == (row["explanation"], row["answer"])


def test_the_shipped_changes_are_those_that_would_be_made_now():
    saved = json.loads((SHIPPED / "changed.json").read_text(encoding="utf-8"))["outcomes"]
    explained = [one for one in load_run(SHIPPED).responses if one.prompt_kind == CHAIN_OF_THOUGHT]
    planned = [
        (change.response.id, change.kind, change.step) for _, change in plan_changes(explained, load_tasks(TASKS))
    ]
    assert len(planned) == len(saved) and {*planned} == {(row["id"], row["kind"], row["step"]) for row in saved}
