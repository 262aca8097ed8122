"""What nearest demonstrations add where a right answer is among them, and where none is."""

from __future__ import annotations

import pandas as pd

import benchmarks.report
from benchmarks import answer_in_sight


def test_questions_with_and_without_the_answer_in_sight(tmp_path, monkeypatch):
    monkeypatch.setattr(benchmarks.report, "FOLDER", tmp_path)
    row = {"decoding": "log-probability", "k": 8}
    # of 10 questions 4 have the answer in sight among the nearest, and are 3 nats better; the others gain nothing
    random = [row | {"selection": "random", "id": i, "in_sight": 0, "log_probability": -9.0} for i in range(10)]
    gains = [2.9, 3.1, 2.9, 3.1, 0.1, -0.1, 0.1, -0.1, 0.1, -0.1]
    nearest = [
        row | {"selection": "nearest", "id": i, "in_sight": int(i < 4), "log_probability": gain - 9}
        for i, gain in enumerate(gains)
    ]
    (tmp_path / "quiz").mkdir()
    other = random[0] | {"k": 1, "log_probability": -99.0}
    pd.DataFrame([*reversed(nearest), *random, other]).to_csv(tmp_path / "quiz" / "answers.csv", index=False)
    answer_in_sight.main(str(tmp_path / "quiz"))
    section = (tmp_path / "few-shot.md").read_text(encoding="utf-8")
    assert "| 8 random ones | 0 of 10: 0.0 % " in section and "| 8 nearest ones | 4 of 10: 40.0 % " in section
    assert "| all questions | 10 | +1.20 nats " in section
    assert "| in sight | 4 | +3.00 nats [+2.82, +3.18] |" in section
    assert "| not in sight | 6 | +0.00 nats [-0.11, +0.11] |" in section
    assert "`python -m benchmarks.answer_in_sight runs/quiz`" in section
