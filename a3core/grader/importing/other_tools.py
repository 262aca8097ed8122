"""Files of other tools, of model outputs, and of ratings of steps or explanations, as flat rows with their labels.

lm-evaluation-harness samples    doc, resps, filtered_resps, one line for each filter
step ratings                     question.problem, label.steps[*].completions with -1, 0, 1 (PRM800K)
first-error-step labels          problem, steps, label: the first wrong one from 0 on, -1 for none (ProcessBench)
sets of chains                   generated_cot with answers and annotations, in sets and splits (ThoughtSource)
rated explanations               explanation_1, rating_1_a, rating_1_b, explanation_2 ...
chat messages                    messages of role and content; conversations of from and value
Label Studio                     JSON (data, annotations)
Argilla                          fields and responses; or columns "verdict.responses", "verdict.responses.users"
labels of this page              labels.csv
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from a3core.common.nested import parse_cell
from a3core.common.tabular import Table
from a3core.grader.answers.extraction import extract_answer, guess_gold_kind, read_gold
from a3core.grader.importing.items import Row, build_label, build_verdict, find_first
from a3core.grader.importing.values import WORDS
from a3core.grader.labels.schema import FIRST_WRONG_STEP, NO_WRONG_STEP
from a3core.grader.runs.responses import DATASET

TOOLS = WORDS["tools"]


# lm-evaluation-harness


def read_document(*rows: Row) -> Iterator[dict[str, Any]]:
    """One row with a verdict of each filter, or one for each repeat; the harness's verdict is of a single text."""
    row, labels = rows[0], []
    doc, target = parse_cell(row["doc"]), str(row.get("target", ""))
    for one in rows:
        metric = next((name for name in TOOLS["metrics"] if name in one), None)
        name = f"{DATASET} ({one['filter']})" if len(rows) > 1 else DATASET
        labels += build_verdict(None if metric is None else float(one[metric]) >= 0.5, name)
    texts = _join_requests(row["resps"])
    answers = next((x["filtered_resps"] for x in rows if "invalid" not in str(x["filtered_resps"])), [])
    answers, choices = _join_requests(answers), doc.get("choices")
    if isinstance(texts[0], list):  # the log-probability of each choice: there is no text
        choices = choices.get("text") if isinstance(choices, dict) else choices
        best = max(range(len(texts)), key=lambda n: float(texts[n][0]))
        texts, answers = [""], [choices[best] if choices else best]
        target = str(choices[int(target)]) if choices and target.isdecimal() and int(target) < len(choices) else target
    gold = read_gold(target)
    for number, text in enumerate(texts, 1):
        same = len(answers) == len(texts)
        yield {
            "id": str(row["doc_id"]) + (f"-{number}" if len(texts) > 1 else ""),
            "question": _find_question(doc, row),
            "explanation": text,
            "answer": str(answers[number - 1]) if same else extract_answer(text, guess_gold_kind(gold)).value,
            "gold_answer": gold,
            "labels": labels if len(texts) == 1 else [],
            **{f"doc.{key}": cell for key, cell in doc.items() if key not in ("question", "query")},
            **{key: row[key] for key in ("task_name", "doc_hash") if key in row},
        }


def _join_requests(cell: Any) -> list[Any]:
    """The responses of all requests: one list for each request holds its repeats; a pair is of one choice."""
    requests = parse_cell(cell)
    is_pairs = all(isinstance(one, list) and len(one) == 2 and str(one[1]) in ("True", "False") for one in requests)
    return requests if is_pairs else [x for one in requests for x in (one if isinstance(one, list) else [one])]


def _find_question(doc: dict[str, Any], row: Row) -> str:
    """Of the document, else the prompt."""
    found = next((doc[key] for key in TOOLS["questions"] if doc.get(key)), None)
    arguments = parse_cell(row.get("arguments"))
    while found is None and isinstance(arguments, list | dict) and arguments:
        arguments = next(iter(arguments.values())) if isinstance(arguments, dict) else arguments[0]
    return str(found or arguments or "")


# Steps


def fits_step_ratings(table: Table) -> bool:
    label = find_first(table, "label")
    return {"labeler", "question"} <= {*table.columns} and isinstance(label, dict) and "steps" in label


def read_step_ratings(row: Row) -> Iterator[dict[str, Any]]:
    """The first step that a labeler rated -1; 0 is neutral, which is not wrong."""
    question, label, labels = row["question"], row["label"], []
    chosen = []
    for step in label["steps"]:  # what the labeler went on with: an own text, a completion, else the first
        own, n = step.get("human_completion"), step.get("chosen_completion") or 0
        chosen.append({"text": own["text"], "rating": 1} if own else step["completions"][n])
    ratings = [one.get("rating") for one in chosen]
    wrong = next((str(n) for n, rating in enumerate(ratings, 1) if rating == -1), None)
    if wrong or (all(rating is not None for rating in ratings) and label.get("finish_reason") == "solution"):
        labels.append(build_label(row["labeler"], FIRST_WRONG_STEP, wrong or NO_WRONG_STEP, row.get("timestamp")))
    yield {
        "question": question["problem"],
        "gold_answer": question.get("ground_truth_answer"),
        "steps": [one["text"] for one in chosen],
        "labels": labels,
        **{key: cell for key, cell in row.items() if key not in ("question", "label", "labeler", "timestamp")},
    }


def read_first_error(row: Row) -> Iterator[dict[str, Any]]:
    steps, index = parse_cell(row["steps"]), int(row["label"])
    if not -1 <= index < len(steps):
        raise ValueError(f"label is {index}, expected one of the {len(steps)} steps from 0 on, or -1")
    labels = [build_label(DATASET, FIRST_WRONG_STEP, str(index + 1) if index >= 0 else NO_WRONG_STEP)]
    labels += build_verdict(row.get("final_answer_correct"))
    rest = {key: cell for key, cell in row.items() if key not in ("label", "final_answer_correct")}
    yield {**rest, "labels": labels}


# Sets of chains


def read_chains(row: Row) -> Iterator[dict[str, Any]]:
    choices = f"\nChoices: {', '.join(map(str, row['choices']))}" if row.get("choices") else ""
    for number, chain in enumerate(parse_cell(row["generated_cot"]), 1):
        answers = chain.get("answers") or [{}]
        labels = build_verdict(answers[0].get("correct_answer"))
        labels += [build_label(one["author"], one["key"], one["value"]) for one in chain.get("annotations") or []]
        model = parse_cell(str(chain.get("model") or "").replace("'", '"'))
        yield {
            "id": chain.get("id") or f"{row['id']}-{number}",
            "question": row["question"] + choices,
            "explanation": chain["cot"],
            "answer": answers[0].get("answer"),
            "gold_answer": "; ".join(map(str, row.get("answer") or [])),
            "model": model.get("name", "") if isinstance(model, dict) else model,
            "prompt_kind": chain.get("instruction") or chain.get("cot_trigger") or "chain of thought",
            "labels": labels,
            **{key: row[key] for key in ("section", "type", "context") if row.get(key)},
        }


# Several explanations a row


def _find_numbered(columns: Iterable[str]) -> dict[str, str]:
    """By number the column of an explanation, where there are two or more of one name."""
    matches = (re.fullmatch(TOOLS["explanation"], column, re.IGNORECASE) for column in columns)
    found = [match for match in matches if match]
    return {match[2]: match[0] for match in found} if len({match[1] for match in found}) == 1 else {}


def _find_ratings(columns: Iterable[str], number: str) -> dict[str, str]:
    """By rater the column of labels of one explanation: rating_2_a is that of "a"."""
    pattern = re.compile(TOOLS["rating"].format(number=number), re.IGNORECASE)
    return {found[2]: column for column in columns if (found := pattern.fullmatch(column))}


def fits_rated(table: Table) -> bool:
    numbers = _find_numbered(table.columns)
    return len(numbers) > 1 and all(_find_ratings(table.columns, number) for number in numbers)


def read_rated(row: Row) -> Iterator[dict[str, Any]]:
    numbers = _find_numbered(row.table.columns)
    ratings = {number: _find_ratings(row.table.columns, number) for number in numbers}
    own = {*numbers.values(), *(column for columns in ratings.values() for column in columns.values())}
    rest = {column: cell for column, cell in row.items() if column not in own}
    for number, column in numbers.items():
        if row[column]:
            given = {f"rater {rater}": row.get(name) for rater, name in ratings[number].items() if row.get(name) != ""}
            labels = [build_label(rater, "rating of the explanation", cell) for rater, cell in given.items()]
            yield {**rest, "explanation": row[column], "number": number, "labels": labels}


# Chat


def fits_chat(table: Table) -> bool:
    turns = find_first(table, next((c for c in TOOLS["chats"] if c in table.columns), ""))
    return isinstance(turns, list) and isinstance(turns[0], dict) and bool({"role", "from"} & turns[0].keys())


def read_chat(row: Row) -> Iterator[dict[str, Any]]:
    """The last turn is the explanation, what the user wrote before the question; or all turns, where they are more."""
    column = next(c for c in TOOLS["chats"] if c in row.table.columns)
    turns = []
    for turn in parse_cell(row[column]):
        role, content = turn.get("role", turn.get("from")), turn.get("content", turn.get("value"))
        if isinstance(content, list):
            content = "\n".join(part["text"] for part in content if part.get("type") == "text")
        turns.append((str(role), str(content or "")))
    *before, (last, text) = turns
    if last not in TOOLS["assistants"] or not before:
        raise ValueError("the last of the messages is not the assistant's answer to another")
    asked = [(role, content) for role, content in before if role != "system"]
    question = asked[-1][1] if len(asked) == 1 else "\n\n".join(f"{role}: {content}" for role, content in asked)
    yield {
        **{c: cell for c, cell in row.items() if c != column},
        **({"system": before[0][1]} if before[0][0] == "system" else {}),
        "question": question,
        "explanation": text,
    }


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
    questions = [name.removesuffix(".responses") for name in row.table.columns if name.endswith(".responses")]
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
