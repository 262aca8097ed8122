"""A shipped recall checkpoint on its dev questions: other words, knowing when it does not know, misses, and time.

    python -m benchmarks.recall_dev checkpoints/recall course --direct checkpoints/pretrained-finetuned
    python -m benchmarks.recall_dev runs/recall-held held-out --direct checkpoints/pretrained-finetuned

The second asks the train questions that a run was not shown, to try this script without the dev questions. What was
answered is kept below runs/recall-dev, by a digest of the checkpoint and of the code that answers: both answer each
wording once.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import statistics
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from a3core.birthplace.checkpoints import WEIGHTS_FILE, load_predictor, load_training
from a3core.birthplace.data import corpora
from a3core.birthplace.data import spans as tagging
from a3core.birthplace.data.corpora import Corpus, Question, build_question, fingerprint, group_documents
from a3core.birthplace.data.spans import find_place
from a3core.birthplace.evaluation import Accuracy, count_recall, describe_share, judge_exact, judge_places
from a3core.birthplace.prediction import recall as recall_prediction
from a3core.birthplace.prediction import recall_decoding as recitation
from a3core.birthplace.prediction.confidence import FILE as CONFIDENCE_FILE
from a3core.birthplace.prediction.confidence import (
    TARGET_ACCURACY,
    CoveragePoint,
    find_coverage,
    measure_coverage,
    tabulate_coverage,
)
from a3core.birthplace.prediction.predictor import Predictor
from a3core.cli.birthplace import load_measured
from a3core.common.atomic_io import atomic_write
from a3core.common.stats import compare_paired
from benchmarks.recall_runs import load_held_out, load_read_corpus
from benchmarks.report import table, write_section
from benchmarks.svg_figure import Axis, Series, draw_lines, save_figure

# the question in other words: how people type it
PHRASINGS: dict[str, Callable[[str], str]] = {
    "lower case": lambda name: build_question(name).lower(),
    "upper case": lambda name: build_question(name).upper(),
    "extra spaces": lambda name: f"  {build_question(name).replace(' ', '   ')} ",
    "no question mark": lambda name: build_question(name).rstrip("?"),
    "where from": lambda name: f"Where is {name} from?",
    "where from, lower case": lambda name: f"where is {name} from".lower(),
    "only the name": lambda name: name,
    "only the name, lower case": lambda name: name.lower(),
}
ANSWERING = (corpora, recall_prediction, recitation, tagging)  # modules that decide what is answered
PLAIN, TIMED = "as the file asks", 100
MOST_LOST, COVERED, LONGEST = 2.0, 0.85, 150  # aims: points lost, share answered at 97 %, milliseconds
UNSTATED, GARBLED, BESIDE, ELSEWHERE = (
    "no text about the person states the place",
    "the sentence was recited wrongly",
    "recited word for word; another part of the same place was chosen, as in Leeds for Leeds, England",
    "recited word for word; another span was chosen",
)


class Said(NamedTuple):
    """What is kept of a `Prediction`."""

    place: str
    sentence: str
    span: tuple[int, int] | None
    confidence: float | None


def ask_once(checkpoint: Path, wordings: Mapping[str, Sequence[str]], kept: Path) -> dict[str, list[Said]]:
    """The answers to each wording of the questions; those that this checkpoint gave before are read from `kept`."""
    read = [checkpoint / name for name in (WEIGHTS_FILE, CONFIDENCE_FILE) if (checkpoint / name).exists()]
    read += [Path(module.__file__) for module in ANSWERING]
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in read))
    digest.update(json.dumps(list(wordings.values())).encode())
    path = kept / f"{checkpoint.name}-{digest.hexdigest()[:12]}.json"
    rows = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    predictor = load_predictor(checkpoint)
    for wording, questions in wordings.items():
        if wording not in rows:
            answers = predictor.predict(questions)
            rows[wording] = [(a.place, a.sentence, a.span, a.confidence) for a in answers]
            with atomic_write(path) as partial:
                partial.write_text(json.dumps(rows), encoding="utf-8")
    return {wording: [_read(*row) for row in rows[wording]] for wording in wordings}


def _read(place: str, sentence: str, span: Sequence[int] | None, confidence: float | None) -> Said:
    """A row of the file, where a pair is a list."""
    return Said(place, sentence, span and (span[0], span[1]), confidence)


def list_wordings(questions: Sequence[Question]) -> dict[str, list[str]]:
    """The questions as they are, and in every other wording."""
    plain = {PLAIN: [question.question for question in questions]}
    return plain | {label: [word(question.name) for question in questions] for label, word in PHRASINGS.items()}


def describe_wordings(marks: Mapping[str, list[bool]]) -> str:
    """What each wording costs."""
    plain, n = marks[PLAIN], len(marks[PLAIN])
    lost = {label: 100 * (sum(plain) - sum(right)) / n for label, right in marks.items()}
    rows = [
        (label, describe_share(Accuracy(sum(right), n)), f"{lost[label]:+.1f}".replace("+0.0", "0.0"),
         "" if label == PLAIN else "{} : {}, p = {:.2g}".format(*compare_paired(plain, right)))
        for label, right in marks.items()
    ]  # fmt: skip
    worst = max(PHRASINGS.keys() & marks, key=lambda label: (lost[label], label))
    return "\n\n".join([
        table(["wording", "right", "points lost", "only as the file asks : only so, p (exact, paired)"], rows),
        f"Most is lost by *{worst}*: {lost[worst]:.1f} points. "
        f"{aim(f'at most {MOST_LOST:g} points', lost[worst] <= MOST_LOST)}",
    ])  # fmt: skip


def aim(what: str, met: bool) -> str:
    return f"**The aim of {what} is {'met' if met else 'not met'}.**"


def describe_coverage(said: Sequence[Said], right: Sequence[bool], name: str) -> str:
    """What can be answered at which accuracy, as a table and a figure."""
    if any(answer.confidence is None for answer in said):
        return "The checkpoint carries no confidence."
    points = measure_coverage([answer.confidence for answer in said], right)
    rows = tabulate_coverage(points)
    covered = find_coverage(points)
    alt = "Accuracy of the surest answers against the share of questions that they are"
    return "\n\n".join([
        save_figure(f"{name}_coverage", plot_points(points), alt),
        table(list(rows.columns), rows.to_numpy().tolist()),
        f"At 97 % accuracy it answers {covered:.1%} of the questions. "
        f"{aim(f'{COVERED:.0%}', covered >= COVERED)}",
    ])  # fmt: skip


def plot_points(points: Sequence[CoveragePoint]) -> str:
    """Accuracy against coverage, with the band of its intervals."""
    floor = min(0.8, int(10 * min(point.accuracy for point in points)) / 10)
    up = Axis("accuracy of these", [floor + i * (1 - floor) / 4 for i in range(5)], "{:.0%}")
    across = Axis("questions answered, the surest first", (0, 0.25, 0.5, 0.75, 1), "{:.0%}")
    line = [(point.coverage, point.accuracy) for point in points]
    series = [
        Series("accuracy, with its 95 % interval", line, [point.interval for point in points], dots=False),
        Series("97 %", [(0.0, TARGET_ACCURACY), (1.0, TARGET_ACCURACY)], dots=False),
    ]
    return draw_lines("How right it is where it is surest", series, across, up)


def sort_misses(said: Sequence[Said], questions: Sequence[Question], exact: Sequence[bool], corpus: Corpus) -> Counter:
    """Why each wrong answer is wrong: the first of the reasons that holds."""
    names = [question.name for question in (*corpus.train, *corpus.dev, *questions)]
    documents = group_documents(corpus.documents, names)
    reasons: Counter[str] = Counter()
    for answer, question, is_exact in zip(said, questions, exact, strict=True):
        if answer.place == question.place:
            continue
        if not any(find_place(text, question.place) for text in documents.get(question.name, ())):
            reasons[UNSTATED] += 1
        elif not is_exact:
            reasons[GARBLED] += 1
        else:
            reasons[BESIDE if is_beside(answer, question.place) else ELSEWHERE] += 1
    return reasons


def is_beside(answer: Said, place: str) -> bool:
    """Whether the chosen span and a mention of the place overlap, or nothing but a comma or a third part is between."""
    if answer.span is None:
        return False
    for mention in re.finditer(rf"(?<!\w){re.escape(place)}(?!\w)", answer.sentence):
        (_, end), (start, _) = sorted([answer.span, mention.span()])
        if end > start or re.fullmatch(r"\s*,\s*([A-Z][^.;(),]*,\s*)?", answer.sentence[end:start]):
            return True
    return False


def describe_misses(reasons: Counter, total: int) -> str:
    missed = sum(reasons.values())
    rows = [(reason, reasons[reason]) for reason in (UNSTATED, GARBLED, BESIDE, ELSEWHERE)]
    return f"Of {total}, {missed} were missed:\n\n" + table(["why", "questions"], rows)


def time_answers(predictors: Mapping[str, Predictor], questions: Sequence[str]) -> dict[str, list[float]]:
    """Seconds of each prediction by each predictor, one question at a time, in turn."""
    for predictor in predictors.values():
        predictor.predict(questions[:1])
    return dict(zip(predictors, _take_turns(list(predictors.values()), questions), strict=True))


def _take_turns(predictors: list[Predictor], questions: Sequence[str]) -> list[list[float]]:
    rounds = [[measure(lambda p=p, q=question: p.predict([q])) for p in predictors] for question in questions]
    return [list(column) for column in zip(*rounds, strict=True)]


def measure(work: Callable) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def describe_times(seconds: Mapping[str, list[float]], recalling: str) -> str:
    rows = [(name, *(f"{1000 * np.percentile(times, p):.0f} ms" for p in (50, 95))) for name, times in seconds.items()]
    said = table(["one prediction", "p50", "p95"], rows)
    median = 1000 * statistics.median(seconds[recalling])
    others = [name for name in seconds if name != recalling]
    ratios = "".join(f" {describe_ratio(seconds[recalling], seconds[name])} as long as {name}." for name in others)
    return f"{said}\n\n{len(seconds[recalling])} questions, in turn.{ratios} {aim(f'{LONGEST} ms', median <= LONGEST)}"


def describe_ratio(one: Sequence[float], other: Sequence[float]) -> str:
    """Median of the ratios question by question, with their quartiles."""
    low, middle, high = np.percentile([a / b for a, b in zip(one, other, strict=True)], (25, 50, 75))
    return f"{middle:.1f}x ({low:.1f} to {high:.1f})"


def load_asked(checkpoint: Path, questions: str) -> tuple[Corpus, list[Question]]:
    """The corpus that the checkpoint has read, and what to ask it."""
    if questions == "held-out":
        return load_held_out(checkpoint)
    return load_read_corpus(load_training(checkpoint)), load_measured(questions)[0]


def describe(checkpoint: Path, corpus: Corpus, asked: list[Question], direct: Path | None, kept: Path) -> str:
    """The whole section."""
    said = ask_once(checkpoint, list_wordings(asked), kept)
    marks = {wording: judge_places([answer.place for answer in answers], asked) for wording, answers in said.items()}
    plain, right = said[PLAIN], marks[PLAIN]
    exact = judge_exact(plain, asked, corpus)
    predictors = {folder.name: load_predictor(folder) for folder in (checkpoint, direct) if folder}
    seconds = time_answers(predictors, [question.question for question in asked[:TIMED]])
    measures = str(count_recall(right, exact)).splitlines()
    return "\n\n".join([
        f"- Right: {describe_share(Accuracy(sum(right), len(right)))}\n" + "\n".join(f"- {line}" for line in measures),
        f"### In other words\n\n{describe_wordings(marks)}",
        f"### Knowing when it does not know\n\n{describe_coverage(plain, right, checkpoint.name)}",
        f"### Where it misses\n\n{describe_misses(sort_misses(plain, asked, exact, corpus), len(asked))}",
        f"### How long it takes\n\n{describe_times(seconds, checkpoint.name)}",
    ])  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("questions", help="a corpus, for its dev questions; a file; or held-out")
    parser.add_argument("--direct", type=Path, help="checkpoint that answers at once, to compare the time with")
    parser.add_argument("--kept", type=Path, default=Path("runs/recall-dev"), help="folder of the answers")
    flags = parser.parse_args()
    corpus, asked = load_asked(flags.checkpoint, flags.questions)
    body = describe(flags.checkpoint, corpus, asked, flags.direct, flags.kept)
    named = flags.questions if "/" not in flags.questions else Path(flags.questions).name
    told = f"{len(asked)} questions of {named}, sha256 `{fingerprint((), asked)[:12]}`."
    direct = f" --direct checkpoints/{flags.direct.name}" if flags.direct else ""
    command = f"python -m benchmarks.recall_dev {flags.checkpoint.parent.name}/{flags.checkpoint.name} {named}{direct}"
    title = f"Recall-then-answer: `{flags.checkpoint.name}`"
    write_section(f"recall-dev-{flags.checkpoint.name}", title, command, f"{told}\n\n{body}")


if __name__ == "__main__":
    main()
