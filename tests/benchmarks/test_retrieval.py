"""The benchmarks of speed and retrieval: turns and ratios, brute force, printed prompts, with made-up models."""

from __future__ import annotations

import numpy as np
import pytest
from fakes import BagOfWords, build_language_model

from a3core.fewshot.encoder import embed_texts
from a3core.fewshot.index import DenseIndex
from a3core.fewshot.pools import Demonstration, Pool
from a3core.fewshot.retrieval import Retriever
from benchmarks import fewshot_speed, retrieval_speed

# Speed


def test_a_ratio_is_of_each_round():
    assert fewshot_speed.describe_ratio([10.0, 30.0, 90.0], [1.0, 2.0, 10.0]) == "10.0x (9.0 to 15.0)"


def test_works_take_turns():
    done = []
    seconds = fewshot_speed.take_turns({name: lambda name=name: done.append(name) for name in "ab"}, 3)
    assert done == list("ababab") and [len(times) for times in seconds.values()] == [3, 3]


def test_both_ways_of_answering_say_the_same(monkeypatch):
    monkeypatch.setattr(fewshot_speed, "CHUNK", 4)
    model = build_language_model("gemma")
    prompts = [f"Question: {'Who? ' * size}\nAnswer:" for size in (3, 1, 7, 2, 5, 4)]
    stops = fewshot_speed.find_stops(model)
    assert model.tokenizer.convert_tokens_to_ids("\n") in stops and 1 in stops
    said = fewshot_speed.answer_plainly(model, prompts, stops)
    assert said == fewshot_speed.answer_in_chunks(model, prompts) and len(set(said)) > 1


def test_a_new_process_is_measured(tmp_path, monkeypatch):
    lines = fewshot_speed.FRESH.splitlines(keepends=True)
    light = [line for line in lines if "torch" not in line and "transformers" not in line]
    monkeypatch.setattr(fewshot_speed, "FRESH", "".join(light))
    load = "import os; assert os.environ['A3_CACHE'] == sys.argv[1]; big = b'x' * 60_000_000"
    use = fewshot_speed.start_fresh(load, tmp_path, "time.sleep(len(json.loads(sys.stdin.read())) / 4)", ["a", "b"])
    assert use.answer >= 0.5 > use.load > 0
    assert 60e6 < use.peak < 200e6  # of the new process: this one, with torch, is larger
    with pytest.raises(RuntimeError, match="no such thing"):
        fewshot_speed.start_fresh("raise ValueError('no such thing')", tmp_path)


# Retrieval


def test_rows_are_the_questions_and_mixtures_of_them():
    rng = np.random.default_rng(0)
    embeddings = rng.standard_normal((30, 16)).astype(np.float32)
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    rows = retrieval_speed.multiply(embeddings, 100)
    assert rows.shape == (100, 16) and np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-6)
    assert np.allclose(rows[:30], embeddings, atol=1e-6)
    near = (rows[30:] * embeddings[np.arange(30, 100) % 30]).sum(axis=1)  # each with its own question
    assert 0.5 < np.median(near) < 0.95 and near.max() < 0.99  # never with itself
    assert retrieval_speed.multiply(embeddings, 12).shape == (12, 16)


def test_mixed_questions_have_halves_of_two_and_are_chosen_from():
    pool = Pool("made up", tuple(Demonstration(f"{i}", f"What is {i} or so?", (f"{i}",)) for i in range(30)))
    many = retrieval_speed.multiply_questions(pool, 100)
    assert many.rows[:30] == pool.rows and len({row.id for row in many.rows}) == 100
    begin, end = many[40].question.split()[:2], many[40].question.split()[2:]
    assert begin == ["What", "is"] and end[1:] == ["or", "so?"] and end[0] != "10"
    retriever = Retriever(many, BagOfWords(), embed_texts(BagOfWords(), many.questions))
    text = retrieval_speed.measure_choices(retriever, ["What is it?", "Who is 7 or so?"] * 3)
    assert "The aim of 50 ms" in text and text.count("ms |") == 2 * len(retrieval_speed.CHOICES)


def test_three_ways_find_the_same():
    rng = np.random.default_rng(1)
    rows, queries = rng.standard_normal((500, 16)), rng.standard_normal((7, 16))
    rows[300] = rows[20]  # a tie goes by id
    queries[0] = rows[20]
    rows, queries = ((x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32) for x in (rows, queries))
    exact = retrieval_speed.find_exactly(rows, queries)
    assert exact.shape == (7, 8) and exact[0, :2].tolist() == [20, 300]
    assert (retrieval_speed.find_by_index(DenseIndex(rows), queries) == exact).all()
    untied = np.delete(rows, 300, axis=0)
    exact = retrieval_speed.find_exactly(untied, queries)
    assert (retrieval_speed.find_by_numpy(untied, queries) == exact).all()


def test_recall_by_hand():
    exact = np.array([range(8), range(8, 16)])
    assert retrieval_speed.recall(exact[:, ::-1], exact) == 1.0
    assert retrieval_speed.recall(np.array([range(4, 12), range(8, 16)]), exact) == 0.75


def test_a_small_measurement_of_retrieval(tmp_path, monkeypatch):
    embeddings = embed_texts(BagOfWords(), [f"word{i} and word{i % 7}" for i in range(40)])
    said = retrieval_speed.measure_retrieval(embeddings, embeddings[:5], rows=120, rounds=2)
    assert "for 5 of 5 queries. **All are equal.**" in said and "recall@8 1.0000 over 5 queries" in said
    assert "a batch of 5" in said


# Printed prompts

TOWNS = ["Arlen", "Brask", "Corvo", "Dellin", "Estra", "Farn", "Gollo", "Hirst", "Ivola", "Jarne"]
