"""Changed explanations with a model that copies the last number it reads, and counts by hand."""

from __future__ import annotations

import json
import re
import time

import pytest
from typer.testing import CliRunner

from a3core.__main__ import app
from a3core.common.stats import wilson_interval
from a3core.grader import open_store
from a3core.grader.report.tables import build_all
from a3core.grader.runs.changed_explanations import (
    KEEPS,
    NONE,
    OTHER,
    TAKES,
    ChangedExplanations,
    Outcome,
    Prompts,
    change_value,
    count_outcomes,
    find_folder,
    load_outcomes,
    plan_changes,
)
from a3core.grader.runs.responses import CHAIN_OF_THOUGHT, Response, Run
from a3core.grader.runs.tasks import Demonstration, Question, TaskSet
from a3core.llm import local

SUMS = TaskSet(
    "sums",
    (Question("a1", "What is 2 + 2 + 3?", "7"), Question("a2", "What is 5 + 3?", "8")),
    (Demonstration("What is 1 + 1?", "1 + 1 = 2.", "2"),),
    "0" * 64,
)
RESPONSES = (
    Response("1", "What is 2 + 2 + 3?", "7", "2 + 2 = 4.\n4 + 3 = 7.", "7", CHAIN_OF_THOUGHT),
    Response("2", "What is 5 + 3?", "9", "5 + 3 = 9.", "8", CHAIN_OF_THOUGHT),
    Response("3", "What is 6?", "6", "", "6"),  # nothing to change
)


class Copier:
    """Answers with the last number of the steps that it is given, and with none where there are no steps."""

    name = "copier"

    def __init__(self):
        self.asked = 0

    def __repr__(self) -> str:
        return "Copier()"

    def generate(self, prompts, decoding, cancel=None):
        self.asked += len(prompts)
        return [[self._answer(prompt.rpartition("\nAnswer:")[2])] for prompt in prompts]

    def _answer(self, steps: str) -> str:
        numbers = re.findall(r"\d+", steps)
        if not steps.endswith("The answer is"):  # it goes on: what it has read, and one more
            return f"{numbers[-1]} + 1 = {int(numbers[-1]) + 1}.\nThe answer is {int(numbers[-1]) + 1}."
        return f" {numbers[-1]}." if numbers else " that."


@pytest.fixture
def changed(tmp_path) -> ChangedExplanations:
    changed = ChangedExplanations(RESPONSES, Copier(), [SUMS], tmp_path)
    list(changed.run())
    return changed


def test_a_copied_answer_follows_the_last_line_and_nothing_else(changed):
    found = {(one.id, one.kind, one.step): one for one in changed.outcomes()}
    assert {key[0] for key in found} == {"1", "2"}
    assert [found["1", "cut", step].verdict for step in range(3)] == [NONE, OTHER, KEEPS]
    assert found["1", "cut", 1].got == "4"
    assert found["1", "last value", 1].verdict == found["2", "last value", 0].verdict == TAKES
    assert found["1", "earlier value", 0].verdict == KEEPS  # the last line still says 7
    assert found["1", "goes on", 0].verdict in (OTHER, KEEPS) and found["1", "goes on", 0].got
    assert (found["1", "another's", 0].got, found["1", "another's", 0].verdict) == ("9", TAKES)
    assert found["2", "another's", 0].got == "7" and found["1", "plain", 0].verdict == NONE


def test_prompts_have_the_demonstrations_of_their_task_and_only_the_steps_that_are_left(changed):
    prompt = next(job.prompt for job in changed.jobs if job.source.kind == "cut" and job.source.step == 1)
    assert prompt.startswith("Question: What is 1 + 1?\nAnswer: 1 + 1 = 2.\nThe answer is 2.\n\nQuestion: What is")
    assert prompt.endswith("Answer: 2 + 2 = 4.\nThe answer is") or prompt.endswith("Answer: 5 + 3 = 9.\nThe answer is")
    stranger = Response("9", "Who?", "7", "It is 7.", prompt_kind=CHAIN_OF_THOUGHT)
    assert Prompts([SUMS]).build(stranger) == "Question: Who?\nAnswer:"


def test_counts_have_no_unread_answer_in_n(changed):
    rows = {(row["kind"], row["step"], row["steps"]): row for row in count_outcomes(changed.outcomes())}
    none = rows["cut", 0, 2]
    assert (none["n"], none[NONE], none["low"], none["high"]) == (0, 1, 0.0, 1.0)
    last = rows["last value", 0, 0]
    assert (last["n"], last[KEEPS], last[TAKES]) == (2, 0, 2)
    assert last["high"] == pytest.approx(0.6576, abs=1e-4)  # Wilson, 0 of 2
    assert [row["kind"] for row in count_outcomes(changed.outcomes())][:2] == ["cut", "cut"]


class Unsteady(Copier):
    """Answers 5 where it is asked the same once more in another batch."""

    def __init__(self):
        super().__init__()
        self.before: set[str] = set()

    def generate(self, prompts, decoding, cancel=None):
        repeated = self.before & {*prompts}
        self.before |= {*prompts}
        answers = zip(prompts, super().generate(prompts, decoding), strict=True)
        return [[" 5."] if prompt in repeated else texts for prompt, texts in answers]


def test_what_differs_between_two_batches_is_the_floor(changed, tmp_path):
    rows = {row["kind"]: row for row in count_outcomes(changed.outcomes())}
    assert (rows["again"]["n"], rows["again"][KEEPS]) == (2, 2)
    unsteady = ChangedExplanations(RESPONSES, Unsteady(), [SUMS], tmp_path / "other")
    list(unsteady.run())
    again = [one for one in unsteady.outcomes() if one.kind == "again"]
    assert [(one.answer, one.got, one.verdict) for one in again] == [("7", "5", OTHER), ("9", "5", OTHER)]


def test_intervals_draw_questions_where_one_has_several_explanations():
    rows = [
        Outcome(f"{question}-{i}", f"Question {question}?", "plain", 0, 1, "7", "7", KEEPS if question < 5 else OTHER)
        for question in range(10)
        for i in range(5)
    ]
    (row,) = count_outcomes(rows)
    low, high = wilson_interval(25, 50)
    assert row[KEEPS] == 25 and row["low"] < low - 0.1 and row["high"] > high + 0.1  # ten questions, not fifty
    (alone,) = count_outcomes(rows[::5])
    assert (alone["low"], alone["high"]) == wilson_interval(5, 10)


@pytest.mark.slow
def test_ten_times_as_many_responses_are_ten_times_the_work(own_garbage):
    def plan(n: int) -> float:
        own = [Response(str(i), "What is 5 + 3?", str(i), f"{i} + 3 = {i}.", "8", CHAIN_OF_THOUGHT) for i in range(n)]
        start = time.process_time()
        changes = [change for _, change in plan_changes(own, [SUMS])]
        assert sum(change.kind == "another's" for change in changes) == n
        return time.process_time() - start

    plan(10)
    assert plan(2_000) < 30 * plan(200)


def test_answers_that_are_all_alike_lend_no_explanation():
    own = [Response(str(i), f"{i} + 3?", "8", f"{i} + 3 = 8.", "8", CHAIN_OF_THOUGHT) for i in range(3)]
    assert not [change for _, change in plan_changes(own, [SUMS]) if change.kind == "another's"]


def test_it_goes_on_where_it_was(tmp_path):
    steps = ChangedExplanations(RESPONSES, Copier(), [SUMS], tmp_path).run()
    next(steps), next(steps)
    steps.close()
    again, model = ChangedExplanations(RESPONSES, Copier(), [SUMS], tmp_path), None
    model = again.model
    assert again.outcomes() and len(again.outcomes()) < len(again.jobs)
    before = len(again.outcomes())
    list(again.run())
    assert model.asked == len(again.jobs) - before


@pytest.mark.parametrize(
    ("step", "old"),
    [("2 + 2 = 4.", "4"), ("So the option is (b).", "b"), ("The word Ann ends with n.", "n"), ("It is warm.", None)],
)
def test_one_value_of_a_step_is_changed(step, old):
    changed = change_value(step, 3)
    if old is None:
        assert changed is None
    else:
        text, was, new = changed
        assert was == old and new != old and changed == change_value(step, 3)
        assert len(text) == len(step) + len(new) - len(old) and new in text


def test_without_explanations_it_is_one_sentence(tmp_path):
    with pytest.raises(ValueError, match="No response of this run has an explanation and an answer"):
        ChangedExplanations(RESPONSES[2:], Copier(), [SUMS], tmp_path)


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("A3_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(local, "load_language_model", lambda *_, **__: Copier())
    return open_store()


def test_the_command_saves_them_for_the_report_which_crosses_them_with_labels(store):
    run = store.add_run(Run("pilot", RESPONSES))
    done = CliRunner().invoke(app, ["grader", "what-if", "pilot", "--json"])
    assert done.exit_code == 0, done.output
    assert "To be asked: 15 prompts, about 14 core-seconds of the packaged model." in done.stderr  # before it starts
    written = json.loads(done.stdout)
    key = store.run_info(run).key
    assert written["path"] == str(find_folder(key) / "changed.json") and len(load_outcomes(key)) == 9 + 6
    for id_, value in (("1", "correct"), ("2", "flawed")):
        store.label(run, id_, "ann", "answer", "correct")
        store.label(run, id_, "ann", "explanation", value)
    tables = build_all(store, run).tables
    assert tables["what if"]["kind"].iloc[0] == "the first steps alone"
    rows = {(row.explanation, row.change): (row.n, row.keeps) for row in tables["what if, by label"].itertuples()}
    assert rows["correct", "without the explanation"] == (0, 0)  # no answer can be read
    assert rows["correct", "a value of the last step changed"] == (1, 0)
    assert rows["flawed", "another question's explanation"] == (1, 0)


def test_a_report_without_them_has_no_such_table(store):
    assert "what if" not in build_all(store, store.add_run(Run("other", RESPONSES))).tables
