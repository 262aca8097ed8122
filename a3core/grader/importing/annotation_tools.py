"""Files of tools that people label with, ours among them, as flat rows with their labels.

Label Studio        JSON (data, annotations); JSON_MIN and CSV (annotator, annotation_id, one row an annotation)
Argilla             fields and responses; or columns "verdict.responses", "verdict.responses.users"
labels of this page labels.csv
"""

from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any

from a3core.common.nested import parse_cell
from a3core.common.tabular import Table
from a3core.grader.importing.flat_rows import Row, build_label
from a3core.grader.importing.guesses import propose_mapping
from a3core.grader.importing.mapping import Mapping
from a3core.grader.runs.responses import Response

OWN_FIELDS = tuple(field.name for field in fields(Response))


# Label Studio


def read_task(row: Row) -> Iterator[dict[str, Any]]:
    labels = []
    for annotation in row.get("annotations") or row.get("completions") or []:
        who = annotation.get("completed_by", "")
        who = who.get("email") or who.get("id") if isinstance(who, dict) else who
        for result in annotation.get("result") or [] if not annotation.get("was_cancelled") else []:
            value = result.get("value") or {}
            values = value.get("choices") or value.get("text") or [value.get("rating", value.get("number"))]
            at = annotation.get("created_at")
            labels += [build_label(who, result["from_name"], one, at) for one in values if one is not None]
    yield {"id": row.get("id"), **row["data"], "labels": labels}


def map_flat_tasks(table: Table) -> Mapping:
    """JSON_MIN and CSV: one row for each annotation."""
    at = "updated_at" if "updated_at" in table.columns else None
    return replace(propose_mapping(table), annotator="annotator", at=at)


# Argilla


def read_record(row: Row) -> Iterator[dict[str, Any]]:
    answers = row.get("responses") or []
    labels = []
    if isinstance(answers, dict):  # by question
        pairs = ((question, one, one.get("value")) for question, own in answers.items() for one in own)
    else:  # by annotator
        pairs = ((q, one, v["value"]) for one in answers for q, v in (one.get("values") or {}).items())
    for question, one, value in pairs:
        if one.get("status", "submitted") == "submitted" and value is not None:
            labels.append(build_label(one.get("user_id"), question, value))
    metadata = {f"metadata.{key}": cell for key, cell in (row.get("metadata") or {}).items()}
    yield {"id": row.get("id"), **row["fields"], **metadata, "labels": labels}


def fits_flat_records(table: Table) -> bool:
    """Whether a question has the columns of its values and of who gave them."""
    return any(f"{column}.users" in table.columns for column in table.columns if column.endswith(".responses"))


def read_flat_record(row: Row) -> Iterator[dict[str, Any]]:
    columns = row.table.columns
    questions = [column.removesuffix(".responses") for column in columns if column.endswith(".responses")]
    labels = []
    for question in questions:
        parts = ("", ".users", ".status")
        values, users, states = (parse_cell(row.get(f"{question}.responses{part}")) or [] for part in parts)
        given = zip(values, users, states or ["submitted"] * len(values), strict=True)
        labels += [build_label(who, question, value) for value, who, status in given if status == "submitted"]
    own = tuple(f"{question}.{part}" for question in questions for part in ("responses", "suggestion"))
    yield {column: cell for column, cell in row.items() if not column.startswith(own)} | {"labels": labels}


# Our own


def read_own_label(row: Row) -> Iterator[dict[str, Any]]:
    """Labels of the first round; decisions and repeats come in with the export of the run."""
    if row.get("role") != "adjudicator" and str(row.get("round", 1)) == "1":
        yield row


def map_own_labels(table: Table) -> Mapping:
    """Columns are fields, but for the id."""
    named = {field: field for field in OWN_FIELDS if field in table.columns}
    return Mapping(**named, id="response_id", annotator="annotator", asked="field", at="at", labels=("value",))
