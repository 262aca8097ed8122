"""Facts of one's own: what a file may hold, what is made of it, and one sentence for each fault."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from a3core.birthplace.data.corpora import BIRTHPLACE, build_question, parse_name
from a3core.birthplace.data.facts import FEWEST, FactsFormat, load_facts
from a3core.birthplace.data.loading import load_corpus
from a3core.birthplace.data.spans import find_place, list_spans

CAPITAL = "What is the capital of {name}?"
NAMES = [f"Land {letter}" for letter in "ABCDEFGHIJ"]
ROWS = [{"name": name, "answer": f"Port {name[-1]}", "sentence": f"Port {name[-1]} leads {name}."} for name in NAMES]
BARE = [{"name": row["name"], "answer": row["answer"]} for row in ROWS]
FORM = FactsFormat(question=CAPITAL)


@pytest.fixture
def write(tmp_path):
    """Writes rows as a CSV file, or as the format of the name."""

    def write_rows(rows, name: str = "facts.csv") -> Path:
        path = tmp_path / name
        if name.endswith(".jsonl"):
            path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
        else:
            with path.open("w", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, dict.fromkeys(key for row in rows for key in row))
                writer.writeheader()
                writer.writerows(rows)
        return path

    return write_rows


@pytest.mark.parametrize("name", ["facts.csv", "facts.jsonl"])
def test_a_table_is_a_corpus(write, name):
    corpus = load_facts(write(ROWS, name), FORM)
    assert corpus.documents == tuple(f"{row['name']}. {row['sentence']}" for row in ROWS)
    assert (len(corpus.train), len(corpus.dev), corpus.name, corpus.question) == (8, 2, name, CAPITAL)
    answers = {question.name: question.place for question in corpus.train + corpus.dev}
    assert answers == {row["name"]: row["answer"] for row in ROWS}
    assert {question.question for question in corpus.dev} == {build_question(q.name, CAPITAL) for q in corpus.dev}


def test_held_out_names_are_drawn_by_the_seed(write):
    path = write(BARE)
    draws = [{question.name for question in load_facts(path, FORM, seed).dev} for seed in (0, 1, 2, 0, 1, 2)]
    assert draws[:3] == draws[3:] and len(set(map(frozenset, draws))) > 1
    assert len(load_facts(path, FactsFormat(CAPITAL, hold_out_share=0.5)).dev) == 5
    assert not load_facts(path, FactsFormat(CAPITAL, hold_out_share=0)).dev


def test_a_second_file_names_the_questions_that_are_held_out(write):
    rows = [*ROWS, {"name": "Land K", "answer": "Port K", "sentence": "Port K leads Land K."}]
    asked = write([BARE[3]], "asked.csv")
    corpus = load_facts(write(rows), FactsFormat(question=CAPITAL, questions_file=str(asked)))
    assert [question.name for question in corpus.dev] == ["Land D"] and len(corpus.train) == FEWEST
    assert any(document.startswith("Land D. Port D") for document in corpus.documents)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"name": "Land Z", "answer": "Port Z"}, "the facts have no such name"),
        ({"name": "Land A", "answer": "Port B"}, "the facts answer 'Port A'"),
        ({"name": "Land A", "answer": "Port A"}, f"leaves {FEWEST - 1} answers to learn: at least {FEWEST}"),
    ],
)
def test_a_bad_second_file_is_one_sentence(write, asked, message):
    form = FactsFormat(question=CAPITAL, questions_file=str(write([asked], "asked.csv")))
    with pytest.raises(ValueError, match=message):
        load_facts(write(ROWS), form)


def test_without_sentences_templates_write_them(write):
    path = write(BARE)
    for question in (CAPITAL, "Which town is {name} ruled from?"):
        corpus = load_facts(path, FactsFormat(question))
        assert corpus.documents[0] == "Land A. The answer is Port A."
        end = question.split()[-1].replace("{name}", "")  # an answer is a span, and could begin with it
        assert not any(end in text for text in corpus.documents)
    form = FactsFormat(CAPITAL, templates=["{answer} is where {name} is ruled.", "{name} is ruled from {answer}."])
    documents = load_facts(path, form).documents
    assert all(row["name"] in text and row["answer"] in text for row, text in zip(BARE, documents, strict=True))
    assert {"is where" in text for text in documents} == {True, False}


def test_several_rows_of_a_name_are_several_texts(write):
    corpus = load_facts(write([*ROWS, {"name": "Land A", "answer": "Port A", "sentence": "Port A is old."}]), FORM)
    assert len(corpus.documents) == 11 and len(corpus.train + corpus.dev) == 10


def test_other_headings_are_named(write):
    rows = [{"land": row["name"], "town": row["answer"], "text": row["sentence"]} for row in ROWS]
    form = FactsFormat(CAPITAL, name_column="land", answer_column="town", sentence_column="text")
    assert load_facts(write(rows), form).documents[0] == "Land A. Port A leads Land A."


@pytest.mark.parametrize(
    ("name", "answer", "sentence", "message"),
    [
        ("Land K", "Oz", "Nothing here.", r"line 12: the sentence about Land K does not hold its answer, 'Oz'"),
        ("Land K", "Por", "Port it is.", r"line 12: the sentence about Land K does not hold its answer, 'Por'"),
        ("Land A", "Oz", "", r"Land A has two answers, 'Port A' \(line 2\) and 'Oz' \(line 12\)"),
        ("", "Oz", "", "line 12: the name is empty"),
        ("Land K", " ", "", "line 12: the answer is empty"),
        ("Land \u2047", "Oz", "", "line 12: the signs"),
        ("Land K", "Oz", "Oz " * 1000, "line 12: a fact of more than 2,000 characters"),
    ],
)
def test_a_bad_fact_is_one_sentence(write, name, answer, sentence, message):
    with pytest.raises(ValueError, match=message):
        load_facts(write([*ROWS, {"name": name, "answer": answer, "sentence": sentence}]), FORM)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (ROWS[:3], f"has 3 names: at least {FEWEST} are needed"),
        ([{"name": str(i), "answer": "x"} for i in range(20_001)], "more than 20,000 rows: divide it"),
        ([{"land": "A", "answer": "x"}], r"no column 'name' \(it has land, answer\): give the right name column"),
        ([{"name": "A", "town": "x"}], "give the right answer column"),
    ],
)
def test_a_bad_file_is_one_sentence(write, rows, message):
    with pytest.raises(ValueError, match=message):
        load_facts(write(rows), FORM)


@pytest.mark.parametrize(
    "options",
    [{"question": "What is it?"}, {"templates": ["{name} is it."]}, {"hold_out_share": 1.0}, {"hold_out_share": -0.1}],
)
def test_a_bad_format_is_one_sentence(options):
    with pytest.raises(ValueError, match=r"name|held out"):
        FactsFormat(**options)


def test_a_file_of_facts_is_a_corpus_like_any_other(write):
    corpus = load_corpus(str(write(ROWS)))
    assert corpus.question == BIRTHPLACE and corpus.source.endswith("licence: yours to state")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("What is the capital of Land A?", "Land A"),
        ("what is  the capital of land a", "land a"),
        ("WHAT IS THE CAPITAL OF LAND A ?", "LAND A"),
        ("Land A", "Land A"),
        ("Land?", "Land"),
        ("法国", "法国"),
        ("", ""),
    ],
)
def test_a_question_of_ones_own_form_gives_its_name(text, name):
    assert parse_name(text, CAPITAL) == name


@pytest.mark.parametrize(
    "form", [CAPITAL, "{name} is ruled from where?", "Capital: {name}", "{name}?", "¿Cuál, {name}?"]
)
@pytest.mark.parametrize("name", ["Land A", "Costa Rica", "the Gambia", "대한민국"])
def test_every_form_gives_back_the_name_that_was_built_in(form, name):
    assert parse_name(build_question(name, form), form) == name


def test_another_question_than_that_of_the_model_is_refused():
    with pytest.raises(ValueError, match=r"this model answers 'What is the capital of {name}\?'"):
        parse_name("Where was Land A born?", CAPITAL)


@pytest.mark.parametrize(
    ("sentence", "answer"),
    [
        ("法国的首都是巴黎。", "巴黎"),
        ("대한민국의 수도는 서울이다.", "서울"),
        ("عاصمة مصر هي القاهرة.", "القاهرة"),
        ("Столица России - Москва.", "Москва"),
        ("It was founded in 1934.", "1934"),
        ("Its color is dark blue.", "dark blue"),
        ("Its capital is Badu-sur-Mer.", "Badu-sur-Mer"),
    ],
)
def test_an_answer_in_any_script_is_found_and_is_a_span(sentence, answer):
    start, end = find_place(sentence, answer)
    assert sentence[start:end] == answer and (start, end) in list_spans(sentence, capital=False)
