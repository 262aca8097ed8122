"""Made-up files in the layouts of other tools, and what each becomes; imported by the page and by command."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parents[1] / "grader" / "importing" / "samples"


class Sample(NamedTuple):
    """What a file becomes: how many responses and labels, whose, and some of the labels in short."""

    responses: int
    labels: int = 0
    annotators: tuple[str, ...] = ()
    layout: str | None = None
    first: tuple[str, ...] = ()  # the labels of the first response: "ann explanation correct"
    extra: tuple[str, ...] = ()  # further columns


SAMPLES = {
    "chains_nested_layout.json": Sample(
        4,
        8,
        ("ann", "dataset"),
        "sets of chains",
        ("ann convincing yes", "dataset answer correct"),
        ("section", "type"),
    ),
    "chat_messages_layout.jsonl": Sample(4, layout="chat messages"),
    "chat_conversations_layout.jsonl": Sample(1, layout="chat messages", extra=("system",)),
    "label_studio_layout.json": Sample(3, 6, ("1", "2"), "Label Studio", ("1 answer correct", "2 answer wrong")),
    "label_studio_min_layout.json": Sample(
        2,
        4,
        ("1", "2"),
        "Label Studio, one row an annotation",
        ("1 answer correct", "2 answer wrong"),
        ("id", "annotation_id", "created_at", "lead_time"),
    ),
    "label_studio_layout.csv": Sample(
        2,
        4,
        ("1", "2"),
        "Label Studio, one row an annotation",
        ("1 answer correct", "2 answer wrong"),
        ("id", "annotation_id", "created_at", "lead_time"),
    ),
    "argilla_records_layout.json": Sample(
        2, 4, ("u1", "u2"), "Argilla records", ("u1 explanation correct", "u2 explanation flawed"), ("metadata.topic",)
    ),
    "argilla_old_records_layout.jsonl": Sample(
        2, 4, ("u1", "u2"), "Argilla records", ("u1 answer correct", "u2 answer wrong")
    ),
    "argilla_flat_layout.jsonl": Sample(
        2, 4, ("u1", "u2"), "Argilla records, flat", ("u1 explanation correct", "u2 explanation flawed"), ("status",)
    ),
    "lm_eval_samples_layout.jsonl": Sample(
        4,
        8,
        ("dataset (flexible-extract)", "dataset (strict-match)"),
        "lm-evaluation-harness samples",
        ("dataset (flexible-extract) answer correct", "dataset (strict-match) answer correct"),
        ("doc.answer",),
    ),
    "step_ratings_layout.jsonl": Sample(4, 4, ("L1",), "step ratings", ("L1 first_wrong_step none",), ("generation",)),
    "step_ratings_wrong_layout.jsonl": Sample(1, 1, ("L2",), "step ratings", ("L2 first_wrong_step 1",)),
    "first_error_layout.jsonl": Sample(
        2, 4, ("dataset",), "first-error-step labels", ("dataset answer correct", "dataset first_wrong_step none")
    ),
    "two_questions_many_explanations.csv": Sample(
        6,
        12,
        ("rater a", "rater b"),
        "rated explanations",
        ("rater a explanation correct", "rater b explanation correct"),
        ("number",),
    ),
    "own_responses_layout.jsonl": Sample(2, layout="responses of this page", extra=("task",)),
    "own_labels_layout.csv": Sample(
        2,
        4,
        ("ann", "bob"),
        "labels of this page",
        ("ann explanation correct", "bob explanation flawed"),
        ("role", "round", "schema_version"),
    ),
    "raters_wide.csv": Sample(
        5,
        15,
        ("rater_1", "rater_2", "rater_3"),
        None,
        ("rater_1 explanation correct", "rater_2 explanation correct", "rater_3 explanation correct"),
    ),
    "nested_guessed_layout.jsonl": Sample(2, extra=("meta",)),
    "responses_for_labels_long.jsonl": Sample(5),
    "sheet_pipes.csv": Sample(1),
    "sheet_sep_line.csv": Sample(1),
    "sheet_trailing_empty_rows.csv": Sample(2),
    "sheet_utf16.csv": Sample(2),
}


def describe_run(store, run: int) -> tuple:
    """All that is compared of a run that came in: its responses, labels and further columns."""
    labels = sorted((x.response_id, x.annotator, x.field, x.value) for x in store.labels(run))
    return store.responses(run), labels, store.extra(run), store.run_info(run).notes
