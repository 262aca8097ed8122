"""Columns become fields of a response: by name, confirmed by a person, all rows or none."""

from __future__ import annotations

import json
import re
from datetime import date
from decimal import Decimal

import pytest

from a3core.common.tabular import Table, read_table
from a3core.grader.importing.drafts import Draft, plan_import
from a3core.grader.importing.items import build_items
from a3core.grader.importing.mapping import Mapping, propose_mapping
from a3core.grader.runs.responses import STANDARD, Response


def build_table(*rows: dict, name: str = "a.jsonl") -> Table:
    columns = tuple(dict.fromkeys(column for row in rows for column in row))
    return Table(name, columns, rows, tuple(range(1, len(rows) + 1)))


def import_run(name: str, table: Table, mapping: Mapping):
    return plan_import(Draft(table, None, mapping, build_items(table, mapping), []), name).run


def preview(table: Table, mapping: Mapping) -> list[Response]:
    return [item.response for item in build_items(table, mapping)]


ROW = {"question": "How many legs have 2 flies?", "explanation": "Six each. The answer is 12.", "gold": "12"}


# What is proposed


@pytest.mark.parametrize(
    ("columns", "proposed"),
    [
        ("question answer explanation gold_answer", Mapping("question", "answer", "explanation", "gold_answer")),
        ("Input.question Input.gold_label cot", Mapping("Input.question", None, "cot", "Input.gold_label")),
        ("Problem,ModelAnswer,Ground Truth,reasoning", Mapping("Problem", "ModelAnswer", "reasoning", "Ground Truth")),
        ("prompt prediction target", Mapping("prompt", "prediction", None, "target")),
        ("prompt input generation", Mapping("input", None, "generation")),
        ("n question pred gold", Mapping("question", "pred", gold_answer="gold", id="n")),
        (
            "id question steps label model sample prompt-type",
            Mapping(
                "question",
                gold_answer="label",
                id="id",
                steps="steps",
                model="model",
                sample="sample",
                prompt_kind="prompt-type",
            ),
        ),
        ("a b", Mapping()),
    ],
)
def test_a_mapping_is_proposed_by_name(columns, proposed):
    names = columns.split("," if "," in columns else None)
    assert propose_mapping(build_table(dict.fromkeys(names, "x"))) == proposed


def test_an_id_that_comes_twice_is_not_proposed():
    assert propose_mapping(build_table({"id": 1, "question": "a"}, {"id": 1, "question": "b"})).id is None


# What is imported


def test_every_field(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(
        "key,q,a,e,g,kind,m,s,st\n"
        'k1,Who?,Ann,Because.,Bo,variant,gpt,2,"[""one"", ""two""]"\n'
        'k2,Who?,,,,,gpt,,"one\n two\n"\n',
        encoding="utf-8",
    )
    mapping = Mapping("q", "a", "e", "g", "kind", "m", "s", "key", "st")
    run = import_run("mine", read_table(path), mapping)
    assert run.responses == (
        Response("k1", "Who?", "Ann", "Because.", "Bo", "variant", "gpt", 2, ("one", "two")),
        Response("k2", "Who?", "", "", None, STANDARD, "gpt", 0, ("one", "two")),
    )
    assert run.name == "mine" and run.labels == () and run.notes == ("Imported from a.csv.",)
    assert preview(read_table(path), mapping) == list(run.responses)


def test_missing_answers_are_read_out_of_the_explanations():
    table = build_table(ROW, ROW | {"explanation": "Nobody knows."}, ROW | {"gold": "2 * 6 = 12\n#### 12"})
    run = import_run("x", table, Mapping("question", None, "explanation", "gold"))
    assert [response.answer for response in run.responses] == ["12", "", "12"]
    assert "The file has no answers: 2 of 3 were read out of the explanations." in run.notes


def test_without_ids_and_samples_they_are_counted():
    rows = [{"question": question, "answer": "x", "model": model} for model in "ab" for question in ("Q?", "q? ", "R?")]
    run = import_run("x", build_table(*rows), Mapping("question", "answer", model="model"))
    assert [(r.id, r.sample) for r in run.responses] == [("1", 0), ("2", 1), ("3", 0), ("4", 0), ("5", 1), ("6", 0)]
    assert "The file has no gold answers." in run.notes


def test_without_explanations_the_steps_are_one():
    run = import_run("x", build_table({"q": "Q?", "s": ["one", 2]}), Mapping("q", steps="s"))
    assert run.responses[0].explanation == "one\n2" and run.responses[0].steps == ("one", "2")


def test_other_types_are_text():
    row = {"id": 7, "q": date(2021, 5, 1), "a": True, "g": Decimal("1.50"), "s": 2.0, "m": 1.5}
    response = preview(build_table(row), Mapping("q", "a", None, "g", model="m", sample="s", id="id"))[0]
    assert response == Response("7", "2021-05-01", "true", "", "1.50", model="1.5", sample=2)


HOSTILE = "<script>alert(1)</script> ${1+1} {{value}} \0 \u202etxet \ud83d"


def test_hostile_text_and_a_megabyte_are_text():
    row = {"question": HOSTILE, "answer": HOSTILE, "explanation": "x" * 1_000_000}
    response = import_run("x", build_table(row), Mapping("question", "answer", "explanation")).responses[0]
    assert response.question == response.answer == HOSTILE and len(response.explanation) == 1_000_000


# What is refused

FULL = Mapping("question", "answer", "explanation", "gold", "kind", "model", "sample", "id", "steps")
GOOD = {"id": "1", "question": "Q?", "answer": "a", "explanation": "e", "gold": "g", "kind": "k"}
GOOD |= {"model": "m", "sample": 0, "steps": []}
BAD = [
    ({"question": " "}, "line 2: the question is empty"),
    ({"question": None}, "line 2: the question is empty"),
    ({"question": float("nan")}, "line 2: the question is nan, expected text"),
    ({"question": ["Q?"]}, "line 2: the question is a list, expected text"),
    ({"question": True}, "line 2: the question is true or false, expected text"),
    ({"answer": float("nan")}, "line 2: the answer is nan, expected text, or an empty cell"),
    ({"gold": float("inf")}, "line 2: the gold answer is inf"),
    ({"gold": b"g"}, "line 2: the gold answer is bytes"),
    ({"explanation": {"a": 1}}, "line 2: the explanation is an object"),
    ({"explanation": "x" * 10_000_001}, "line 2: the explanation has 10,000,001 characters"),
    ({"id": ""}, "line 2: the id is empty"),
    ({"id": "1"}, "line 2: the id '1' is also that of line 1"),
    ({"sample": "two"}, "line 2: the sample is 'two', expected a number from 0 on"),
    ({"sample": -1}, "line 2: the sample is '-1'"),
    ({"sample": 1.5}, "line 2: the sample is '1.5'"),
    ({"sample": "inf"}, "line 2: the sample is 'inf'"),
    ({"steps": 3}, "line 2: the steps are a int, expected a list of texts"),
    ({"steps": [["a"]]}, "line 2: the step is a list"),
]


@pytest.mark.parametrize(("cells", "message"), BAD)
def test_a_bad_row_is_named_and_nothing_is_imported(cells, message):
    table = build_table(GOOD, GOOD | {"id": "2"} | cells)
    with pytest.raises(ValueError, match=f"^{re.escape(f'a.jsonl: nothing was read. {message}')}"):
        import_run("x", table, FULL)
    with pytest.raises(ValueError, match=re.escape(message)):
        preview(table, FULL)


def test_the_first_five_bad_rows_are_named_in_one_error(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps({"question": "" if n % 2 else "Q?", "answer": "a"}) + "\n" for n in range(20)))
    with pytest.raises(ValueError, match="more") as caught:
        import_run("x", read_table(path), Mapping("question", "answer"))
    assert re.findall(r"line (\d+)", str(caught.value)) == ["2", "4", "6", "8", "10"]


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        (Mapping(None, "explanation"), "choose the column of the question"),
        (Mapping("question"), "choose the column of the answer or of the explanation"),
        (Mapping("question", "reply"), "has no column 'reply' for the answer; it has question, explanation, gold"),
    ],
)
def test_a_mapping_that_cannot_be(mapping, message):
    with pytest.raises(ValueError, match=rf"^a\.jsonl.*{re.escape(message)}"):
        import_run("x", build_table(ROW), mapping)


@pytest.mark.slow
def test_ten_thousand_rows_are_quick():
    import time

    table = build_table(
        *({"question": f"Q {n}?", "explanation": f"It is {n}. The answer is {n}."} for n in range(10_000))
    )
    started = time.process_time()
    run = import_run("x", table, Mapping("question", explanation="explanation"))
    assert run.responses[9_999].answer == "9999" and time.process_time() - started < 3
