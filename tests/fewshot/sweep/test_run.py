"""The grid with a made-up model: every prompt once, what an interruption leaves, and tables against hand counts."""

from __future__ import annotations

import json
import threading

import pandas as pd
import pytest

from a3core.common.answer_log import AnswerLog, prompt_key
from a3core.fewshot.encoder import embed_texts
from a3core.fewshot.pools import Pool
from a3core.fewshot.retrieval import Retriever
from a3core.fewshot.sweep import run as grid_module
from a3core.fewshot.sweep.report import LOG_PROBABILITY, compare_cells, summarise
from a3core.fewshot.sweep.run import Cell, Grid, GridArgs, load_results
from a3core.llm.local import Cancelled

ARGS = GridArgs(k=(0, 2), decoding=("greedy", "sampling"), n=10, n_log_probability=12)


class Parrot:
    """Repeats the last demonstration's answer; greedy says it twice. Keeps what it was asked."""

    name, window = "parrot", 400

    def __init__(self, fails_after: float = float("inf")):
        self.asked: list[tuple[str, str]] = []
        self.fails_after = fails_after

    def count_tokens(self, text: str) -> int:
        return len(text.split())

    def generate(self, prompts, decoding, cancel=None):
        self._ask(decoding.method, prompts, cancel)
        return [[self._answer(prompt, decoding)] for prompt in prompts]

    def _answer(self, prompt: str, decoding) -> str:
        answers = [line.removeprefix("Answer: ") for line in prompt.splitlines() if line.startswith("Answer: ")]
        return " ".join(answers[-1:] * (2 if decoding.method == "greedy" else 1))

    def log_probability(self, prompts, continuations, cancel=None):
        self._ask(LOG_PROBABILITY, prompts, cancel)
        assert all(continuation.startswith(" ") for continuation in continuations)
        return [-1000.0 / len(prompt) for prompt in prompts]

    def _ask(self, how, prompts, cancel):
        if len(self.asked) >= self.fails_after:
            raise ValueError("out of order")
        if cancel is not None and cancel.is_set():
            raise Cancelled
        self.asked += [(how, prompt) for prompt in prompts]


@pytest.fixture
def build(pool, encoder, tmp_path, monkeypatch):
    monkeypatch.setattr(grid_module, "CHUNK", 4)
    shown = Pool("shown", tuple(row for i, row in enumerate(pool.rows) if i % 4))
    asked = Pool("asked", tuple(row for i, row in enumerate(pool.rows) if not i % 4))
    retriever = Retriever(shown, encoder, embed_texts(encoder, shown.questions))
    return lambda model, args=ARGS: Grid(retriever, asked, model, args, tmp_path)


def test_every_prompt_once(build):
    model = Parrot()
    grid = build(model)
    reports = list(grid.run())
    assert len(model.asked) == len(set(model.asked)) == reports[-1].total == reports[-1].done
    # zero-shot once, k = 2 for two selections: by 12 log-probabilities and 10 answers in two decodings
    assert len(model.asked) == 3 * (12 + 2 * 10)
    assert [report.done for report in reports] == sorted(report.done for report in reports)
    assert reports[0].seconds_left is None and reports[-1].seconds_left == 0
    assert str(reports[0]).endswith(f" prompts: {reports[0].ahead}") and "left" not in reports[0].ahead
    assert str(reports[-1]).endswith(f" prompts, {reports[-1].ahead}") and reports[-1].ahead.startswith("about 0 min")
    assert next(grid.run()).done == len(model.asked) == 3 * 32  # nothing is asked again


def test_log_probabilities_come_first(build):
    model = Parrot()
    list(build(model).run())
    hows = [how for how, _ in model.asked]
    assert hows[:36] == [LOG_PROBABILITY] * 36 and LOG_PROBABILITY not in hows[36:]


def test_an_interrupted_run_goes_on_and_ends_the_same(build, tmp_path):
    broken, model = Parrot(fails_after=20), Parrot()
    with pytest.raises(ValueError, match="out of order"):
        list(build(broken).run())
    with (tmp_path / "answers.jsonl").open("ab") as file:
        file.write(b'{"key": "half a li')  # what a killed run leaves
    list(build(model).run())
    assert not set(model.asked) & set(broken.asked)
    assert len(model.asked) + len(broken.asked) == 3 * 32
    resumed = build(Parrot()).answers().drop(columns="seconds")
    (tmp_path / "answers.jsonl").unlink()
    list((whole := build(Parrot())).run())
    assert resumed.equals(whole.answers().drop(columns="seconds"))


def run_and_cancel(grid: Grid, after: int) -> None:
    cancel = threading.Event()
    for report in grid.run(cancel):
        if report.done >= after:
            cancel.set()


def test_cancel_keeps_what_was_run(build):
    model = Parrot()
    with pytest.raises(Cancelled):
        run_and_cancel(build(model), after=8)
    assert len(model.asked) == 8 and len(build(Parrot()).log.entries) == 8
    for report in build(model).run():  # leaving the loop is another way
        if report.done >= 16:
            break
    assert len(build(Parrot()).log.entries) == 16


def test_another_model_is_asked_anew(build):
    list(build(Parrot()).run())
    other = Parrot()
    other.name = "other"
    list(build(other).run())
    assert len(other.asked) == 3 * 32


def test_results_are_saved_and_opened(build, tmp_path):
    grid = build(Parrot())
    list(grid.run())
    grid.save()
    results = load_results(tmp_path)
    assert len(results.summary) == 2 * 2 * 3 and results.facts["args"]["n"] == 10
    answers = pd.read_csv(tmp_path / "answers.csv")
    sampled = answers[(answers["decoding"] == "sampling") & (answers["k"] == 2)]
    assert sampled["answer"].str.startswith("Answer").all() and not sampled["exact_match"].any()
    zero = results.summary[(results.summary["k"] == 0) & (results.summary["decoding"] == "greedy")]
    assert zero["exact_match"].tolist() == [0, 0] and zero["n"].tolist() == [10, 10]
    assert json.loads((tmp_path / "grid.json").read_text())["pool"]["rows"] == 45


def test_a_short_window_drops_demonstrations_and_counts_them(build):
    model = Parrot()
    model.window = 64 + 20
    grid = build(model, GridArgs(k=(8,), decoding=("greedy",), n=3, n_log_probability=0))
    list(grid.run())
    assert grid.answers()["dropped"].min() > 0


def test_no_results(tmp_path):
    with pytest.raises(ValueError, match="holds no results of a grid"):
        load_results(tmp_path)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"k": ()}, "at least one k"),
        ({"k": (40,)}, "0 to 32, not 40"),
        ({"selection": ("best",)}, "selection is of random"),
        ({"decoding": ("loud",)}, "decoding is of greedy"),
        ({"n": -1}, "no negative n"),
        ({"n": 0, "n_log_probability": 0}, "has no result"),
        ({"order": "up"}, "order is one of"),
    ],
)
def test_grids_that_cannot_be_run(wrong, message):
    with pytest.raises(ValueError, match=message):
        GridArgs(**wrong)


def table(*cells) -> pd.DataFrame:
    """Answers from (cell, [scores]): booleans are exact matches, numbers log-probabilities."""
    rows = []
    for cell, scores in cells:
        for i, score in enumerate(scores):
            row = cell._asdict() | {"id": i, "seconds": 0.5, "dropped": 0}
            score = (
                {"log_probability": score}
                if cell.decoding == LOG_PROBABILITY
                else {"exact_match": score, "f1": float(score)}
            )
            rows.append(row | score)
    return pd.DataFrame(rows)


def test_the_summary_against_hand_counts():
    summary = summarise(table((Cell(8, "nearest", "beam"), [True] * 7 + [False] * 3)))
    row = summary.iloc[0]
    assert (row["n"], row["exact_match"], row["seconds"]) == (10, 0.7, 5.0)
    assert (row["low"], row["high"]) == pytest.approx((0.397, 0.892), abs=0.0006)


def test_comparisons_are_paired():
    random_one, nearest = Cell(8, "random", "greedy"), Cell(8, "nearest", "greedy")
    score_random, score_nearest = (cell._replace(decoding=LOG_PROBABILITY) for cell in (random_one, nearest))
    rows = compare_cells(
        table(
            (score_random, [-3.0, -2.0, -4.0]),
            (score_nearest, [-2.0, -1.5, -2.0]),
            (random_one, [False] * 9 + [True]),
            (nearest, [True] * 10),
        )
    )
    scored, answered = rows.to_dict("records")
    assert (scored["selection"], scored["against"], scored["n"]) == ("nearest", "random", 3)
    assert scored["difference"] == pytest.approx(3.5 / 3) and scored["p"] == pytest.approx(0.25)
    assert (answered["only_this"], answered["only_that"]) == (9, 0) and answered["p"] == pytest.approx(2 / 2**9)
    assert answered["difference"] == pytest.approx(0.9) and 0.6 < answered["low"] < 0.9 < answered["high"]


def test_cells_without_a_common_question_are_not_compared():
    answers = table((Cell(8, "random", "greedy"), [True]), (Cell(8, "nearest", "greedy"), [True, False]))
    assert len(compare_cells(answers)) == 1
    assert compare_cells(answers.drop(index=1)).empty


def test_what_is_compared():
    cells = [Cell(k, s, d) for k in (0, 4) for s in ("random", "nearest") for d in ("greedy", "beam")]
    rows = compare_cells(table(*((cell, [True, False]) for cell in cells)))
    pairs = set(rows[["k", "selection", "decoding", "against"]].itertuples(index=False, name=None))
    assert (4, "nearest", "greedy", "random") in pairs and (4, "random", "beam", "greedy") in pairs
    assert (4, "nearest", "beam", "k = 0") in pairs and (0, "nearest", "greedy", "random") not in pairs
    assert summarise(pd.DataFrame()).empty and compare_cells(pd.DataFrame()).empty


def test_the_pictures(build):
    from a3core.fewshot.sweep.figures import plot_exact_match, plot_log_probability

    grid = build(Parrot())
    list(grid.run())
    summary = summarise(grid.answers())
    assert plot_exact_match(summary).data[0].name == "random, greedy"
    assert [line.name for line in plot_log_probability(summary).data] == ["random", "nearest"]
    assert list(plot_log_probability(summary).data[0].x) == ["0", "2"]


def test_a_foreign_log_is_refused(tmp_path):
    (tmp_path / "log.jsonl").write_text("[1]\n")
    with pytest.raises(ValueError, match="line 1: not an entry"):
        AnswerLog(tmp_path / "log.jsonl")
    with pytest.raises(ValueError, match="cannot be read and written"):
        AnswerLog(tmp_path)


def test_a_log_keeps_every_sign(tmp_path):
    log = AnswerLog(tmp_path / "log.jsonl")
    said = {"answer": 'quote " \u2028 newline \n half \ud83d emoji 🦉'}
    log.add({prompt_key("a"): said})
    again = AnswerLog(tmp_path / "log.jsonl")
    assert prompt_key("a") in again and again[prompt_key("a")]["answer"] == said["answer"]
