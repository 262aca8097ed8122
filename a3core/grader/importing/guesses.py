"""What the columns of a file probably are, by their names and by what is in them; a person confirms it.

    propose_mapping(table)          Mapping(question="doc.question", gold_answer="target", explanation="resps[0][0]")

A guess by name is dropped where the cells cannot be it: a number is no explanation, an object no gold answer. Where no
name is known, the longest texts are the explanation, and texts that end with a question mark the question.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from typing import Any

from a3core.common.nested import EVERY, list_paths, parse_cell, put_index, read_path
from a3core.common.tabular import Table
from a3core.grader.importing.mapping import LABEL_FIELDS, RATER, Mapping
from a3core.grader.importing.values import WORDS, find_polarity

PAIRS = (("premise", "hypothesis"), ("context", "question"), ("passage", "question"))  # of which both are the question
JUDGEMENT = re.compile(r"(verdict|rating|judge?ment|quality|grade|assessment|value|label|vote|is_\w+)", re.IGNORECASE)
ROWS, SHORTEST_EXPLANATION, MOST_CHOICES = 50, 30, 12  # rows that are read; characters; different labels of a column


def propose_mapping(table: Table, with_labels: bool = True, ids_repeat: bool = False) -> Mapping:
    """A guess for a person to confirm; no column is used twice.

    `with_labels`: whether some are columns of labels. `ids_repeat`: whether several rows may have one id, as in a file
    of labels.
    """
    rows = list(islice(table.rows, ROWS))
    paths = [path for path in list_paths(rows) if EVERY not in path[:-3]]
    first = {path: put_index(path, 0) for path in paths}  # of a list, its first entry
    cells = {path: [cell for row in rows if (cell := read_path(row, first[path])) not in (None, "")] for path in paths}
    chosen: dict[str, str] = {}
    names = {path: _fold(path) for path in paths}
    last = {path: _fold(re.split(r"[./]", re.sub(r"\[[^]]*\]", "", path))[-1]) for path in paths}
    depth = {path: 0 if path in table.columns else len(re.findall(r"[.\[]", path)) for path in paths}
    for folded, level in ((names, 0), *((last, level) for level in range(6))):
        own = [path for path in paths if depth[path] == level]
        _choose_by_name(table, chosen, own, folded, cells, ids_repeat)
    named = {last[path]: path for path in reversed(paths)}
    for one, two in PAIRS:
        if one in named and two in named and chosen.get("question") in (None, named[two]):
            chosen["question"] = f"{named[one]} + {named[two]}"
    _choose_by_value(chosen, cells)
    labels = _find_labels(chosen, cells) if with_labels else ()
    if not labels:
        chosen = {field: path for field, path in chosen.items() if field not in ("annotator", "asked", "at")}
    return Mapping(**chosen, labels=labels)


# of rows with a list of labels
LABELS: dict[str, Any] = {name: f"labels[*].{name}" for name in LABEL_FIELDS} | {"labels": ("labels[*].value",)}


def guess_mapping(table: Table) -> Mapping:
    """The mapping of flat rows, whose labels are in the column "labels"."""
    columns = tuple(column for column in table.columns if column != "labels")
    rows = tuple({column: cell for column, cell in row.items() if column != "labels"} for row in table.rows)
    guess = propose_mapping(replace(table, columns=columns, rows=rows), with_labels=columns == table.columns)
    return replace(guess, **LABELS) if any(row.get("labels") for row in table.rows) else guess


def _choose_by_name(
    table: Table,
    chosen: dict[str, str],
    paths: list[str],
    names: dict[str, str],
    cells: dict[str, list[Any]],
    ids_repeat: bool,
) -> None:
    """A column that is called exactly like the field needs only be texts; others must fit the field."""
    for field, synonyms in WORDS["columns"].items():
        if field in chosen:
            continue
        free = [path for path in paths if not any(is_within(path, taken) for taken in chosen.values())]
        found = (path for synonym in synonyms for path in free if names[path] == synonym)
        fits = FITS.get(field, _is_short)
        own_name = [path for path in free if path == field and all(isinstance(cell, str) for cell in cells[path])]
        path = next((path for path in found if fits(cells[path]) or path in own_name), None)
        if field == "id" and path and not ids_repeat and "response" not in _fold(path):
            # the id of a question is no id of a response where there are several samples
            ids = [str(read_path(row, path)) for row in table.rows]
            path = path if len(set(ids)) == len(ids) else None
        if path:
            chosen[field] = path


def is_within(path: str, other: str) -> bool:
    """Whether two paths are one, or one leads into the other."""
    return path == other or path.startswith((f"{other}.", f"{other}[")) or other.startswith((f"{path}.", f"{path}["))


def _choose_by_value(chosen: dict[str, str], cells: dict[str, list[Any]]) -> None:
    """The longest texts are the explanation, where there is none; texts that end with "?" the question."""
    free = {p: c for p, c in cells.items() if c and _is_text(c) and not any(is_within(p, t) for t in chosen.values())}
    if "question" not in chosen:
        asking = [p for p, c in free.items() if sum(text.rstrip().endswith("?") for text in c) > len(c) / 2]
        if asking:
            chosen["question"] = asking[0]
            free.pop(asking[0])
    if not chosen.keys() & {"explanation", "steps", "answer"}:
        spaced = {path: texts for path, texts in free.items() if all(" " in text.strip() for text in texts)}
        lengths = {path: sum(map(len, texts)) / len(texts) for path, texts in spaced.items()}
        longest = max(lengths, key=lengths.__getitem__, default=None)
        if longest and lengths[longest] >= SHORTEST_EXPLANATION:
            chosen["explanation"] = longest


def _find_labels(chosen: dict[str, str], cells: dict[str, list[Any]]) -> tuple[str, ...]:
    """Columns of labels: one of each rater, or beside an annotator those whose few values are known as labels."""
    texts = {path: {str(cell).strip().casefold() for cell in own} for path, own in cells.items() if _is_short(own)}
    free = {p: own for p, own in texts.items() if own and len(own) <= MOST_CHOICES and p not in chosen.values()}
    raters = tuple(path for path in free if RATER.match(path) and path != chosen.get("annotator"))
    if len(raters) > 1 or (raters and all(map(find_polarity, free[raters[0]]))):
        return raters
    if "annotator" not in chosen:
        return ()
    known = tuple(path for path, own in free.items() if all(map(find_polarity, own)))
    named = tuple(path for path in free if JUDGEMENT.fullmatch(_fold(path)))
    if not known and not named and "gold_answer" in chosen and JUDGEMENT.fullmatch(_fold(chosen["gold_answer"])):
        return (chosen.pop("gold_answer"),)  # "label" beside an annotator
    return tuple(path for path in known if path in named) or known or named


# What cells can be


def _is_short(cells: list[Any]) -> bool:
    return all(isinstance(cell, str | int | float) for cell in cells)


def _is_text(cells: list[Any]) -> bool:
    """Whether they are texts with letters, or there are none."""
    return all(isinstance(cell, str) and cell[:1] not in "[{" and re.search(r"[^\W\d_]", cell) for cell in cells)


def _is_steps(cells: list[Any]) -> bool:
    lists = [parse_cell(cell) for cell in cells]
    return all(
        isinstance(cell, str) or (isinstance(cell, list) and all(isinstance(step, str | int | float) for step in cell))
        for cell in lists
    )


FITS: dict[str, Callable[[list[Any]], bool]] = {"question": _is_short, "explanation": _is_text, "steps": _is_steps}


def _fold(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).casefold()).strip("_")
