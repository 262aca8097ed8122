"""The sweep with a made-up model: every prompt once, and tables against hand counts."""

from __future__ import annotations

import json
import threading

import pandas as pd
import pytest

from a3core.common.resumable import Unfinished
from a3core.fewshot.encoder import embed_texts
from a3core.fewshot.pools import Pool
from a3core.fewshot.retrieval import Retriever
from a3core.fewshot.sweep import run as sweep_module
from a3core.fewshot.sweep.reading import load_answers
from a3core.fewshot.sweep.report import (
    LOG_PROBABILITY,
    Condition,
    adjust_by_holm,
    compare_conditions,
    compute_tests,
    count_in_sight,
    load_results,
    summarise,
)
from a3core.fewshot.sweep.run import Sweep, SweepArgs, fit_args
from a3core.llm.decoding import Cancelled

ARGS = SweepArgs(k=(0, 2), decoding=("greedy", "sampling"), n=10, n_log_probability=12)


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
    monkeypatch.setattr(sweep_module, "CHUNK", 4)
    shown = Pool("shown", tuple(row for i, row in enumerate(pool.rows) if i % 4))
    asked = Pool("asked", tuple(row for i, row in enumerate(pool.rows) if not i % 4))
    retriever = Retriever(shown, encoder, embed_texts(encoder, shown.questions))
    return lambda model, args=ARGS: Sweep(retriever, asked, model, args, tmp_path)


def test_zero_shot_prompts_are_run_once(build):
    model = Parrot()
    sweep = build(model)
    reports = list(sweep.run())
    assert len(model.asked) == len(set(model.asked)) == reports[-1].total == reports[-1].done
    # zero-shot once, k = 2 for two selections: by 12 log-probabilities and 10 answers in two decodings
    assert len(model.asked) == 3 * (12 + 2 * 10)
    assert reports[0].label == "random, k = 0, log-probability" and reports[-1].label == "nearest, k = 2, sampling"
    assert next(sweep.run()).done == len(model.asked) == 3 * 32  # nothing is asked again


def test_a_batch_has_prompts_of_similar_length(build):
    model = Parrot()
    list(build(model).run())
    lengths = [len(prompt) for _, prompt in model.asked[:12]]  # of one condition
    assert lengths == sorted(lengths)


def test_the_decodings_of_the_same_prompts_follow_each_other(build):
    model = Parrot()
    list(build(model).run())
    answered = model.asked[3 * 12 :]
    for first in range(0, 8, 4):  # chunks of four
        greedy, sampled = answered[2 * first : 2 * first + 4], answered[2 * first + 4 : 2 * first + 8]
        assert [prompt for _, prompt in greedy] == [prompt for _, prompt in sampled]
        assert {how for how, _ in greedy} == {"greedy"} and {how for how, _ in sampled} == {"sampling"}


def test_cancel_reaches_the_model(build):
    cancel = threading.Event()
    steps = build(model := Parrot()).run(cancel)
    next(steps), next(steps)
    cancel.set()
    with pytest.raises(Cancelled):
        list(steps)
    assert len(model.asked) == len(build(Parrot()).log) == 4


def test_log_probabilities_come_first(build):
    model = Parrot()
    list(build(model).run())
    hows = [how for how, _ in model.asked]
    assert hows[:36] == [LOG_PROBABILITY] * 36 and LOG_PROBABILITY not in hows[36:]


def test_another_model_is_asked_anew(build):
    list(build(Parrot()).run())
    other = Parrot()
    other.name = "other"
    list(build(other).run())
    assert len(other.asked) == 3 * 32


@pytest.mark.slow
def test_results_are_saved_and_opened(build, tmp_path):
    sweep = build(Parrot())
    list(sweep.run())
    sweep.save()
    results = load_results(tmp_path)
    assert len(results.summary) == 2 * 2 * 3 and results.metadata["args"]["n"] == 10
    answers = pd.read_csv(tmp_path / "answers.csv")
    sampled = answers[(answers["decoding"] == "sampling") & (answers["k"] == 2)]
    assert sampled["answer"].str.startswith("Answer").all() and not sampled["exact_match"].any()
    zero = results.summary[(results.summary["k"] == 0) & (results.summary["decoding"] == "greedy")]
    assert zero["exact_match"].tolist() == [0, 0] and zero["n"].tolist() == [10, 10]
    assert json.loads((tmp_path / "grid.json").read_text())["pool"]["rows"] == 45


def test_a_short_window_drops_demonstrations_and_counts_them(build):
    model = Parrot()
    model.window = 64 + 20
    sweep = build(model, SweepArgs(k=(8,), decoding=("greedy",), n=3, n_log_probability=0))
    list(sweep.run())
    assert sweep.answers()["dropped"].min() > 0


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
def test_sweeps_that_cannot_be_run(wrong, message):
    with pytest.raises(ValueError, match=message):
        SweepArgs(**wrong)


def table(*conditions) -> pd.DataFrame:
    """Answers from (condition, [scores]): booleans are exact matches, numbers log-probabilities."""
    rows = []
    for condition, scores in conditions:
        for i, score in enumerate(scores):
            row = condition._asdict() | {"id": i, "seconds": 0.5, "dropped": 0}
            score = (
                {"log_probability": score}
                if condition.decoding == LOG_PROBABILITY
                else {"exact_match": score, "f1": float(score)}
            )
            rows.append(row | score)
    return pd.DataFrame(rows)


def test_the_summary_against_hand_counts():
    summary = summarise(table((Condition(8, "nearest", "beam"), [True] * 7 + [False] * 3)))
    row = summary.iloc[0]
    assert (row["n"], row["exact_match"], row["seconds"]) == (10, 0.7, 5.0)
    assert (row["low"], row["high"]) == pytest.approx((0.397, 0.892), abs=0.0006)


def test_comparisons_are_paired():
    random_one, nearest = Condition(8, "random", "greedy"), Condition(8, "nearest", "greedy")
    score_random, score_nearest = (condition._replace(decoding=LOG_PROBABILITY) for condition in (random_one, nearest))
    rows = compare_conditions(
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


def test_conditions_without_a_common_question_are_not_compared():
    answers = table((Condition(8, "random", "greedy"), [True]), (Condition(8, "nearest", "greedy"), [True, False]))
    assert len(compare_conditions(answers)) == 1
    assert compare_conditions(answers.drop(index=1)).empty


def test_what_is_compared():
    conditions = [Condition(k, s, d) for k in (0, 4) for s in ("random", "nearest") for d in ("greedy", "beam")]
    rows = compare_conditions(table(*((condition, [True, False]) for condition in conditions)))
    pairs = set(rows[["k", "selection", "decoding", "against"]].itertuples(index=False, name=None))
    assert (4, "nearest", "greedy", "random") in pairs and (4, "random", "beam", "greedy") in pairs
    assert (4, "nearest", "beam", "k = 0") in pairs and (0, "nearest", "greedy", "random") not in pairs
    assert summarise(pd.DataFrame()).empty and compare_conditions(pd.DataFrame()).empty


def test_the_pictures(build):
    from a3core.fewshot.sweep.report import plot_results

    sweep = build(Parrot())
    list(sweep.run())
    summary = summarise(sweep.answers())
    figures = plot_results(summary)
    assert figures["exact_match"].data[0].name == "random, greedy"
    assert [line.name for line in figures["log_probability"].data] == ["random", "nearest"]
    assert list(figures["log_probability"].data[0].x) == ["0", "2"]


def build_scored(k: int, scores: dict[str, float], in_sight=()) -> pd.DataFrame:
    rows = [
        {"k": k, "selection": "nearest", "decoding": LOG_PROBABILITY, "id": i, "log_probability": score, "seconds": 1.0}
        for i, score in scores.items()
    ]
    return pd.DataFrame(rows).assign(in_sight=[int(i in in_sight) for i in scores], dropped=0)


def test_figures_are_given_with_and_without_the_answer_in_sight():
    zero = build_scored(0, {"a": -5.0, "b": -5.0, "c": -5.0})
    eight = build_scored(8, {"a": -1.0, "b": -4.5, "c": -4.0}, in_sight="a")
    answers = pd.concat([zero, eight], ignore_index=True)
    sight = count_in_sight(answers).set_index("k")
    assert sight["in_sight"].tolist() == [0, 1] and sight["n_without"].tolist() == [2, 2]  # the same two in both
    assert sight.loc[8, "log_probability"] == pytest.approx(-4.25)
    (row,) = compute_tests(answers).to_dict("records")
    assert (row["n"], row["n_without"]) == (3, 2)
    assert row["difference_without"] == pytest.approx(0.75) and row["difference"] > 0.75
    assert row["low"] <= row["difference"] <= row["high"] and row["p_holm"] == row["p"]


def test_the_interval_is_that_of_the_test():
    """McNemar's exact test and its binomial interval agree on whether there is a difference."""
    for right in range(13):
        pairs = pd.DataFrame(
            {"id": range(40), "k": 2, "selection": "nearest", "seconds": 0.0, "in_sight": 0, "dropped": 0}
        )
        this = pairs.assign(decoding="beam", exact_match=[i < right for i in range(40)], f1=0.0)
        that = pairs.assign(decoding="greedy", exact_match=[30 <= i < 33 for i in range(40)], f1=0.0)
        (row,) = compute_tests(pd.concat([that, this], ignore_index=True)).to_dict("records")
        assert row["difference"] == pytest.approx((right - 3) / 40)
        assert (row["p"] < 0.05) == (not row["low"] <= 0 <= row["high"]), right


def test_p_is_adjusted_over_the_table_by_holm():
    assert adjust_by_holm(pd.DataFrame({"p": [0.01, 0.04, None, 0.03]}))["p_holm"].tolist()[:2] == pytest.approx(
        [0.03, 0.06]
    )


@pytest.mark.slow
def test_the_answers_of_a_run_hold_prompts_and_demonstrations_and_can_be_read_again(build):
    sweep = build(Parrot())
    list(sweep.run())
    sweep.save()
    results, answers = load_results(sweep.folder), load_answers(sweep.folder)
    assert {"prompt", "demonstrations", "in_sight", "dropped"} <= set(answers.columns)
    eight = answers[answers["k"] == 2].iloc[0]
    assert eight["prompt"].count("Question: ") == 3 and len(eight["demonstrations"].split()) == 2
    assert {"p_holm", "p_without"} <= set(results.tests.columns) and len(results.sight) == len(results.summary)


def test_a_server_s_sweep_leaves_out_what_it_cannot_give_with_a_sentence():
    server = type("Server", (), {"tells_log_probability": False, "methods": ("greedy", "sampling")})()
    args, notes = fit_args(SweepArgs(), server)
    assert args.n_log_probability == 0 and args.decoding == ("greedy", "sampling") and len(notes) == 2
    assert fit_args(SweepArgs(), Parrot()) == (SweepArgs(), [])
    server.tells_log_probability = True
    args, notes = fit_args(SweepArgs(), server)
    assert args.n_log_probability == 1000 and notes == ["Beam search is left out: a server has none."]


@pytest.mark.parametrize("method", ["generate", "log_probability"])
def test_answers_that_came_before_an_error_are_not_asked_for_again(build, monkeypatch, method):
    model, answer = Parrot(), getattr(Parrot, method)

    def answer_in_part(self, prompts, *values, cancel=None):
        results = answer(self, prompts, *values, cancel=cancel)
        raise Unfinished("out of order", [results[0], None, *results[2:]])

    with monkeypatch.context() as broken:
        broken.setattr(Parrot, method, answer_in_part)
        with pytest.raises(Unfinished, match="out of order"):
            list(build(model).run())
    logged = len(build(model).log)
    assert logged == (12 * 3 if method == "generate" else 0) + 3  # of the batch of four
    list(build(model).run())
    assert len(model.asked) == 3 * 32 + 1 and len(build(model).log) == 3 * 32
