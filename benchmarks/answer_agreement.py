"""Does the Grader's rule say what public files say of their own answers?

    python -m benchmarks.answer_agreement example_model_solutions.jsonl multiarith_zero_shot_cot.jsonl

Each file comes in as by `grader import`. A response counts where the file has a verdict; the rule disagrees where it
suggests "correct" of what the file calls wrong, or anything but "correct" of what the file calls right. What the rule
leaves to a person is given apart. The files are of other people: they are no part of the project.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

from a3core.common.stats import wilson_interval
from a3core.grader.answers.extraction import UNCLEAR, suggest_label
from a3core.grader.importing.drafts import read_draft
from a3core.grader.labels.schema import ANSWER, CORRECT
from a3core.grader.runs.responses import is_source
from benchmarks.report import table, write_section

MOST_LISTED = 20


def compare(path: Path) -> tuple[str, Counter, list[str]]:
    """(layout, how many "same", "different" and "left to a person", a line for each that is different)."""
    draft = read_draft(path)
    counts: Counter[str] = Counter()
    different = []
    for item in draft.items:
        verdict = next((one.value for one in item.labels if one.field == ANSWER and is_source(one.annotator)), None)
        suggestion = suggest_label(item.response)
        if verdict and (suggestion is None or suggestion.value == UNCLEAR):
            counts["left to a person"] += 1
        elif verdict:
            same = (verdict == CORRECT) == (suggestion.value == CORRECT)
            counts["same" if same else "different"] += 1
            different += [] if same else [f"{item.response.id}: the file says {verdict}; {suggestion.reason}"]
    return draft.layout or "mapped", counts, different


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", type=Path, nargs="+")
    flags = parser.parse_args()
    rows = []
    for path in flags.files:
        layout, counts, different = compare(path)
        n = counts["same"] + counts["different"]
        low, high = (f"{100 * end:.2f}" for end in wilson_interval(counts["different"], n))
        share = f"{counts['different']}: {counts['different'] / n:.2%} [{low}, {high}]".replace("%", " %")
        rows.append((layout, f"`{path.name}`", n, share, counts["left to a person"]))
        print(*different[:MOST_LISTED], sep="\n")
    head = ("layout", "file", "verdicts", "the rule disagrees", "left to a person")
    command = f"python -m benchmarks.answer_agreement {' '.join(path.name for path in flags.files)}"
    write_section(
        "grading-answers", "The rule of the Grader beside public files' own verdicts", command, table(head, rows)
    )


if __name__ == "__main__":
    main()
