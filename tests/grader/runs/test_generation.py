"""A generated run with a made-up model: every prompt once, what an interruption leaves, and counts by hand."""

from __future__ import annotations

import json
import threading

import pytest
import typer
from typer.testing import CliRunner

from a3core.cli.grader import cot_run
from a3core.common.stats import wilson_interval
from a3core.grader.runs import generation
from a3core.grader.runs.generation import ALL_TASKS, RESPONSES_FILE, RUN_FILE, CotArgs, CotRun, load_run, split_text
from a3core.grader.runs.prompts import TEMPLATES, PromptTemplate
from a3core.grader.runs.responses import CHAIN_OF_THOUGHT, STANDARD, VARIANT
from a3core.grader.runs.tasks import Demonstration, Question, TaskSet
from a3core.llm import local as language_model
from a3core.llm.decoding import Cancelled

ROWS = [("a1", "What is 2 + 2?", "4"), ("a2", "What is 3 + 3?", "6"), ("a3", "What is 4 + 4?", "8")]
SUMS = TaskSet(
    "sums",
    tuple(Question(*row) for row in ROWS),
    (Demonstration("What is 1 + 1?", "One and one more.\n1 + 1 = 2.", "2"),),
    "0" * 64,
)
TOWNS = TaskSet(
    "towns",
    (Question("t1", "Where is the tower of Arlen?", "Arlen"),),
    (Demonstration("Where is the tower of Brask?", "It stands there.", "Brask"),),
    "1" * 64,
)


class Counter:
    """Adds right with explanations, says 4 without, and runs on; names Arlen in a sentence. Keeps what it was asked."""

    name = "counter"

    def __init__(self, fails_after: float = float("inf")):
        self.asked: list[str] = []
        self.fails_after = fails_after

    def __repr__(self) -> str:
        return "Counter(tiny)"

    def generate(self, prompts, decoding, cancel=None):
        if cancel is not None and cancel.is_set():
            raise Cancelled
        if len(self.asked) >= self.fails_after:
            raise ValueError("out of order")
        self.asked += prompts
        return [[self._answer(prompt, i) for i in range(decoding.n)] for prompt in prompts]

    def _answer(self, prompt: str, sample: int) -> str:
        question = prompt.rpartition("Question: ")[2]
        if "tower" in question:
            return " The answer is old Arlen town.\n\n"
        a, b = (int(word.rstrip("?")) for word in question.split() if word.rstrip("?").isdecimal())
        if "1 + 1 = 2." in prompt:
            return f" {a} and {b} more.\n{a} + {b} = {a + b + sample}.\nThe answer is {a + b + sample}.\n"
        return " 4" if "Question: What is 1 + 1" in prompt else " I do not know."


@pytest.fixture
def build(tmp_path, monkeypatch):
    monkeypatch.setattr(generation, "BATCH", 2)
    return lambda model, tasks=(SUMS, TOWNS), args=None: CotRun(tasks, model, args or CotArgs(), tmp_path)


def test_every_prompt_once_in_batches_of_a_kind(build):
    model = Counter()
    reports = list(build(model).run())
    assert len(model.asked) == len(set(model.asked)) == reports[-1].total == reports[-1].done == 3 * 4
    assert reports[0].label == "sums, standard" and len(reports) == 3 * (2 + 1) + 1


def test_cancel_reaches_the_model(build):
    cancel = threading.Event()
    steps = build(model := Counter()).run(cancel)
    next(steps), next(steps)
    cancel.set()
    with pytest.raises(Cancelled):
        list(steps)
    assert len(model.asked) == len(build(Counter()).log) == 2


def test_the_responses(build):
    list((run := build(Counter())).run())
    made = {response.id: response for response in run.to_run().responses}
    assert len(made) == 12
    worked = made["a2/chain of thought/0"]
    assert (worked.answer, worked.gold_answer, worked.question) == ("6", "6", "What is 3 + 3?")
    assert worked.explanation == "3 and 3 more.\n3 + 3 = 6." and worked.lines == ("3 and 3 more.", "3 + 3 = 6.")
    assert (worked.model, worked.prompt_kind, worked.sample) == ("counter", CHAIN_OF_THOUGHT, 0)
    assert (made["a1/variant/0"].answer, made["a1/variant/0"].explanation) == ("4", "")
    assert (made["a1/standard/0"].answer, made["a1/standard/0"].explanation) == ("", "I do not know.")


def test_accuracy_against_hand_counts(build):
    list((run := build(Counter())).run())
    rows = {(row.task, row.prompt_kind): row[2:6] for row in run.accuracy()}
    assert rows == {  # correct, n, no consistent answer, undecided
        ("sums", STANDARD): (0, 3, 3, 0),
        ("sums", VARIANT): (1, 3, 0, 0),
        ("sums", CHAIN_OF_THOUGHT): (3, 3, 0, 0),
        **{("towns", kind): (0, 1, 0, 1) for kind in (STANDARD, VARIANT, CHAIN_OF_THOUGHT)},
        (ALL_TASKS, STANDARD): (0, 4, 3, 1),
        (ALL_TASKS, VARIANT): (1, 4, 0, 1),
        (ALL_TASKS, CHAIN_OF_THOUGHT): (3, 4, 0, 1),
    }
    assert run.accuracy()[-1][-2:] == wilson_interval(3, 4)
    assert [row.task for row in build(Counter(), [SUMS]).accuracy()] == ["sums"] * 3


def test_answers_that_contradict_each_other_are_not_right(build, monkeypatch):
    monkeypatch.setattr(Counter, "_answer", lambda *args: " The answer is 6.\nAnswer: 7\nAnswer: 6\n")
    list((run := build(Counter(), [SUMS], CotArgs((TEMPLATES["cot"],)))).run())
    assert run.to_run().responses[1].answer == "6" and run.accuracy()[0][2:6] == (0, 3, 3, 0)


def test_a_run_that_goes_on_is_the_same_as_another(build, tmp_path):
    broken = Counter(fails_after=5)
    with pytest.raises(ValueError, match="out of order"):
        list(build(broken).run())
    assert "Not finished: 5 of 12" in build(Counter()).to_run().notes[0]
    list((resumed := build(Counter())).run())
    resumed = resumed.to_run()
    (tmp_path / "answers.jsonl").unlink()
    list((complete := build(Counter())).run())
    assert resumed == complete.to_run() and "Not finished" not in resumed.notes[0]


def test_another_model_or_decoding_is_asked_anew(build):
    list(build(Counter()).run())
    other = Counter()
    other.name = "other"
    list(build(other).run())
    warm = Counter()
    list(build(warm, args=CotArgs(temperature=0.5)).run())
    assert len(other.asked) == len(warm.asked) == 12
    assert len(build(Counter()).to_run().responses) == 12  # the others' answers are not in it


def test_several_samples(build):
    run = build(Counter(), [SUMS], CotArgs(samples=3, temperature=0.7, seed=5, prompts=(TEMPLATES["cot"],)))
    assert (run.args.decoding.method, run.args.decoding.n, run.args.decoding.seed) == ("sampling", 3, 5)
    list(run.run())
    responses = run.to_run().responses
    assert [(r.sample, r.answer) for r in responses[:3]] == [(0, "4"), (1, "5"), (2, "6")]
    assert len({response.question_key for response in responses}) == 3 and len(responses) == 9
    assert run.accuracy()[0][2:4] == (3, 9) and "3 samples at temperature 0.7" in run.to_run().notes[0]


def test_what_is_saved_is_opened_again(build, tmp_path):
    list((run := build(Counter())).run())
    run.save()
    assert load_run(tmp_path) == run.to_run()
    rows = [json.loads(line) for line in (tmp_path / RESPONSES_FILE).read_text(encoding="utf-8").splitlines()]
    assert rows[-1]["task"] == "towns" and rows[-1]["text"] == " The answer is old Arlen town.\n\n"
    facts = json.loads((tmp_path / RUN_FILE).read_text(encoding="utf-8"))
    assert facts["model"] == "counter" and facts["decoding"]["max_new_tokens"] == 128
    assert [task["sha256"] for task in facts["tasks"]] == ["0" * 64, "1" * 64]
    assert facts["accuracy"][2]["correct"] == 3 and facts["args"]["prompts"][0]["kind"] == STANDARD
    assert {path.name for path in tmp_path.iterdir()} == {"answers.jsonl", RESPONSES_FILE, RUN_FILE}


def test_every_sign_is_kept(build, tmp_path, monkeypatch):
    said = ' <script>"\u2028\x00\u202e half \ud83d 🦉'
    monkeypatch.setattr(Counter, "_answer", lambda self, prompt, sample: said)
    list((run := build(Counter())).run())
    run.save()
    assert load_run(tmp_path).responses[0].explanation == said.strip()


def test_nothing_half_written(build, tmp_path, monkeypatch):
    list((run := build(Counter())).run())
    run.save()
    before = (tmp_path / RESPONSES_FILE).read_bytes()

    def fail(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(ValueError, match=r"cannot write .*: No space left"):
        run.save()
    assert (tmp_path / RESPONSES_FILE).read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} == {"answers.jsonl", RESPONSES_FILE, RUN_FILE}


def test_folders_that_hold_no_run(build, tmp_path):
    with pytest.raises(ValueError, match=r"holds no generated run \(responses\.jsonl: No such file"):
        load_run(tmp_path)
    with pytest.raises(ValueError, match="has no responses"):
        build(Counter()).save()
    (tmp_path / RUN_FILE).write_text("{}")
    (tmp_path / RESPONSES_FILE).write_text('\n{"id": "x"}\n')
    with pytest.raises(ValueError, match=r"responses\.jsonl, line 2: no response"):
        load_run(tmp_path)
    (tmp_path / RESPONSES_FILE).write_bytes(b"\xff")
    with pytest.raises(ValueError, match="not as it was written"):
        load_run(tmp_path)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"prompts": ()}, "at least one prompt"),
        ({"prompts": (TEMPLATES["cot"], PromptTemplate(CHAIN_OF_THOUGHT, "{question}"))}, "called 'chain of thought'"),
        ({"samples": 5}, "5 samples would all be the same"),
        ({"samples": 0}, "at least 1"),
        ({"temperature": -1.0}, "temperature is above 0"),
        ({"max_new_tokens": 0}, "at least 1"),
    ],
)
def test_args_that_cannot_be_run(wrong, message):
    with pytest.raises(ValueError, match=message):
        CotArgs(**wrong)


def test_task_sets_that_cannot_be_run(build):
    with pytest.raises(ValueError, match="at least one task set"):
        build(Counter(), [])
    with pytest.raises(ValueError, match="id 'a1': give every task set once"):
        build(Counter(), [SUMS, SUMS])


@pytest.mark.parametrize(
    ("text", "kind", "explanation", "answer"),
    [
        (" 2 + 2 = 4.\nThe answer is 4.\n", "number", "2 + 2 = 4.", "4"),
        (" 2 + 2 = 4, so the final answer is $4.00.", "number", "2 + 2 = 4", "$4.00"),
        ("It pours.\nTherefore, the answer is (b).", "choice", "It pours.", "(b)"),
        ("The answer is (b). It keeps dry.", "choice", "It keeps dry.", "(b)"),
        (
            "Fish swim.\nThe answer is yes.\n\nQuestion: Do cats?\nAnswer: The answer is no.",
            "yes/no",
            "Fish swim.",
            "yes",
        ),
        (" 4", "number", "", "4"),
        (" $4.", "number", "", "$4"),
        (" yes.\n", "yes/no", "", "yes"),
        ("6 July 2022\n", "date", "", "6 July 2022"),
        ("The answer is t and d.", "name", "", "t and d"),
        ("It is 2 + 2, which is 4 eggs.", "number", "It is 2 + 2, which is 4 eggs.", "4"),
        ("One step.\n#### 4", "number", "One step.", "4"),
        ("I do not know.", "number", "I do not know.", ""),
        ("", "number", "", ""),
    ],
)
def test_explanation_and_answer_are_told_apart(text, kind, explanation, answer):
    assert split_text(text, kind) == (explanation, answer)


# The command


@pytest.fixture
def call(monkeypatch, tmp_path):
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(cot_run)

    def run_command(model, *words):
        monkeypatch.setattr(
            language_model, "load_language_model", lambda name: run_command.loaded.append(name) or model
        )
        return CliRunner().invoke(app, [*words, "--out", str(tmp_path / "run")])

    run_command.loaded = []
    return run_command


@pytest.fixture
def own_tasks(tmp_path):
    rows = [{"part": "validation", "id": i, "question": q, "answer": a} for i, q, a in ROWS]
    shown = SUMS.demonstrations[0]._asdict() | {"part": "demonstration"}
    (tmp_path / "sums.jsonl").write_text("".join(json.dumps(row) + "\n" for row in [*rows, shown]))
    return str(tmp_path / "sums.jsonl")


def test_the_command_ends_with_the_table(call, own_tasks, tmp_path):
    done = call(Counter(), "--tasks", own_tasks, "--prompts", "standard, cot", "--model", "some/model")
    assert done.exit_code == 0 and call.loaded == ["some/model"], done.output
    *_, head, standard, worked, last = done.stdout.splitlines()
    assert head.split() == ["task", "prompt", "correct", "accuracy", "95%", "CI", "inconsistent", "undecided"]
    assert standard.split()[1:] == ["standard", "0", "of", "3", "0.0%", "[0.0,", "56.1]", "3", "0"]
    assert worked.split()[4:] == ["3", "of", "3", "100.0%", "[43.9,", "100.0]", "0", "0"]
    assert len(head) == len(standard) == len(worked) and last.endswith("responses.jsonl")
    assert len(load_run(tmp_path / "run").responses) == 6


def test_a_stopped_command_says_how_to_go_on_and_does(call, own_tasks, monkeypatch):
    words = ("--tasks", own_tasks, "--prompts", "cot")
    with monkeypatch.context() as patch:
        patch.setattr(Counter, "generate", lambda *args, **options: (_ for _ in ()).throw(KeyboardInterrupt))
        stopped = call(Counter(), *words)
    assert stopped.exit_code == 130 and "The same command goes on" in stopped.stderr
    assert call(model := Counter(), *words).exit_code == 0 and len(model.asked) == 3
    assert call(model, *words).exit_code == 0 and len(model.asked) == 3


def test_what_is_wrong_is_said_before_a_model_is_loaded(call):
    for words, message in (
        (("--tasks", "sums"), "no task set 'sums'"),
        (("--prompts", "loud"), "no prompt 'loud'"),
        (("--samples", "2"), "would all be the same"),
    ):
        done = call(Counter(), *words)
        assert isinstance(done.exception, ValueError) and message in str(done.exception)
    assert not call.loaded
