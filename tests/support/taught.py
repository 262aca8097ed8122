"""What the tiny recall model of tests/old_data/runs has by heart: five made-up people."""

from __future__ import annotations

from a3core.birthplace.data.corpora import Corpus, Question, build_question

PLACES = {"Ada Smith": "Leeds", "Zoe Ek": "Paris", "Bo Marsh": "Rome", "Cleo Ray": "York", "Dan Fox": "Oslo"}
DOCUMENTS = tuple(f"{name} was born in {place} in 19{i}1 ." for i, (name, place) in enumerate(PLACES.items()))
QUESTIONS = tuple(Question(build_question(name), place) for name, place in PLACES.items())
CORPUS = Corpus("builtin:10", DOCUMENTS, QUESTIONS, (), (), "a table", "0" * 64)
