"""What a recall checkpoint knows about itself, cross-fitted: people are asked of models that never saw their answers.

    python -m benchmarks.recall_folds course checkpoints/recall
    python -m benchmarks.recall_folds builtin:1000 checkpoints/builtin-recall --judge checkpoints/builtin-pretrained

Five models are trained by the checkpoint's own recipe, each with a fifth of the train questions held out, below
runs/recall-folds; a run that was stopped goes on. On all their held-out people, and on names that none has read, the
familiarity and the confidence are fitted, measured on other people than they were fitted on, and written into the
checkpoint's folder. No dev question is asked.
"""

from __future__ import annotations

import argparse
import json
import random
import re
from collections.abc import Sequence
from dataclasses import asdict, fields, replace
from pathlib import Path

import numpy as np
from sklearn.metrics import roc_auc_score

from a3core.birthplace.checkpoints import PLACES_FILE, Training, load_checkpoint, load_training, write_training
from a3core.birthplace.data.corpora import Corpus, Question
from a3core.birthplace.data.loading import load_corpus
from a3core.birthplace.evaluation import judge_places
from a3core.birthplace.json_files import save_json
from a3core.birthplace.model.gpt import GPT
from a3core.birthplace.prediction.confidence import (
    TARGET_ACCURACY,
    describe_confidence,
    find_point,
    fit_confidence,
    measure_coverage,
)
from a3core.birthplace.prediction.familiarity import (
    Calibration,
    fit_calibration,
    load_calibration,
    recombine_names,
    score_names,
    score_recall,
)
from a3core.birthplace.prediction.predictor import Prediction
from a3core.birthplace.prediction.recall import RecallPredictor
from a3core.birthplace.training.args import RecallArgs, TrainingArgs
from a3core.birthplace.training.recipes import RecallTraining, list_unseen, run_recipe
from a3core.birthplace.training.trainer import STATE_FILE
from a3core.common.atomic_io import atomic_write
from benchmarks.report import format_share, table, write_section

FOLDS, SEEDS, BINS = 5, (0, 1, 2), 10
WORDS = ("sure", "fairly sure", "unsure", "guessing")


def split_folds(questions: Sequence[Question]) -> list[list[Question]]:
    """The train questions in FOLDS parts of one size, drawn by a fixed seed; a rest is left out."""
    order, size = random.Random(2024).sample(range(len(questions)), len(questions)), len(questions) // FOLDS
    return [[questions[i] for i in order[fold * size : (fold + 1) * size]] for fold in range(FOLDS)]


def hold_out(corpus: Corpus, held: Sequence[Question]) -> Corpus:
    """The corpus with these questions where `corpora.split_held_out` draws, so that they are held out."""
    drawn = random.Random(0).sample(range(len(corpus.train)), len(held))
    placed = dict(zip(drawn, held, strict=True))
    others = iter([question for question in corpus.train if question not in set(held)])
    return replace(corpus, train=tuple(placed[i] if i in placed else next(others) for i in range(len(corpus.train))))


def train_fold(corpus: Corpus, held: Sequence[Question], training: Training, folder: Path, shape=None) -> None:
    """Trains by the recipe of a checkpoint, unless it is there; shape: as of `Recipe`."""
    if (folder / "model.safetensors").exists() and not (folder / STATE_FILE).exists():
        return
    given = training.args
    args, recall = (kind(**{f.name: given[f.name] for f in fields(kind)}) for kind in (TrainingArgs, RecallArgs))
    recipe = RecallTraining(recall, hold_out=len(held), shape=shape)
    run_recipe(recipe, hold_out(corpus, held), args, folder, lambda epoch: print(folder.name, epoch, flush=True))


def list_names(corpus: Corpus, held: Sequence[Question], model: GPT) -> dict[str, list[str]]:
    """The held-out people, recombined names by each seed, and real unread people."""
    names = {f"recombined {seed}": recombine_names(corpus.names, len(held), seed) for seed in SEEDS}
    names["read"] = [question.name for question in held]
    return names | {"unread": list_unseen(corpus, model)[: len(held)]}


def ask_fold(corpus: Corpus, held: Sequence[Question], folder: Path, judge: Path | None) -> dict[str, list[Prediction]]:
    """The answers about the names of `list_names`, kept beside the model.

    judge: a pretrained checkpoint that says how familiar each name is; None: that is to be fitted.
    """
    path, model = folder / "evidence.json", load_checkpoint(folder)
    names = list_names(corpus, held, model)
    if not path.exists():
        places = sorted({question.place for question in corpus.train if question not in set(held)})
        predictor = RecallPredictor(model, places=places)
        rows = {kind: [asdict(answer) for answer in predictor.predict(asked)] for kind, asked in names.items()}
        with atomic_write(path) as partial:
            partial.write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")
    rows = json.loads(path.read_text(encoding="utf-8"))
    answers = {kind: [Prediction(**row | {"top": ()}) for row in own] for kind, own in rows.items()}
    if judge is None:
        return answers
    calibration, reader = load_calibration(judge), load_checkpoint(judge)
    familiar = {kind: map(calibration.probability, score_names(reader, asked)) for kind, asked in names.items()}
    return {
        kind: [replace(answer, familiarity=share) for answer, share in zip(own, familiar[kind], strict=True)]
        for kind, own in answers.items()
    }


def is_stated(answer: Prediction, question: Question) -> bool:
    """Whether the recalled sentence holds the true place, as whole words."""
    return re.search(rf"(?<!\w){re.escape(question.place)}(?!\w)", answer.sentence) is not None


def find_calibration_error(confidences: np.ndarray, right: np.ndarray) -> tuple[float, float, float]:
    """Expected calibration error in BINS of equal mass, and the 95 % interval of 1,000 resamples."""

    def measure(rows: np.ndarray) -> float:
        order = rows[np.argsort(confidences[rows], kind="stable")]
        gaps = [abs(confidences[part].mean() - right[part].mean()) * len(part) for part in np.array_split(order, BINS)]
        return sum(gaps) / len(rows)

    rng, rows = np.random.default_rng(0), np.arange(len(right))
    draws = [measure(rng.choice(rows, len(rows))) for _ in range(1000)]
    return measure(rows), *np.quantile(draws, (0.025, 0.975)).tolist()


def fit_names(folds: Sequence[dict[str, list[Prediction]]]) -> Calibration:
    """The familiarity by the read and the first recombined names of these folds."""
    kinds = ("read", "recombined 0", "unread")
    read, fresh, unread = ([answer for fold in folds for answer in fold[kind]] for kind in kinds)
    return fit_calibration(lambda answers: [score_recall(answer) for answer in answers], read, fresh, unread)


class CrossFit:
    """All folds' answers, and what is fitted on them: `calibration` and `confidence` on all, the others across."""

    def __init__(self, folds: Sequence[Sequence[Question]], answers: Sequence[dict[str, list[Prediction]]]):
        self.questions = [question for fold in folds for question in fold]
        self.calibration = fit_names(answers)
        fitted = [fit_names([*answers[:i], *answers[i + 1 :]]) for i in range(len(answers))]

        def judge(answer: Prediction, calibration: Calibration) -> Prediction:
            if answer.familiarity is not None:
                return answer
            return replace(answer, familiarity=calibration.probability(*score_recall(answer)))

        pairs = list(zip(fitted, answers, strict=True))
        self.judged = {
            kind: [judge(answer, calibration) for calibration, fold in pairs for answer in fold[kind]]
            for kind in answers[0]
        }
        self.answers = self.judged["read"]
        self.right = np.array(judge_places([answer.place for answer in self.answers], self.questions))
        self.confidence = fit_confidence(self.answers, self.right.tolist())
        self.shares = np.array([share for share, _ in self.confidence.held_out])

    def describe_words(self) -> str:
        """How often each word of the confidence is right."""
        words = np.array([describe_confidence(share) for share in self.shares])
        groups = {word: self.right[words == word] for word in WORDS}
        rows = [(word, format_share(int(right.sum()), len(right))) for word, right in groups.items()]
        return table(["the page says", "right"], rows)

    def describe_flags(self) -> str:
        """Whom it flags as "the sentence does not state it", and what its guesses are worth."""
        stated = np.array([is_stated(*pair) for pair in zip(self.answers, self.questions, strict=True)])
        flagged = np.array([not answer.is_stated for answer in self.answers])
        flags = [
            ("people whose sentence does not state the answer, flagged", flagged[~stated]),
            ("the others, flagged", flagged[stated]),
            ("guesses that are right", self.right[flagged]),
            ("answers of the others that are right", self.right[~flagged]),
        ]
        rows = [(name, format_share(int(part.sum()), len(part))) for name, part in flags]
        return table(["", f"of {len(stated):,} people, each asked of a model that was not shown the answer"], rows)

    def describe_names(self) -> str:
        """How many read and unread names are warned about."""
        warned = {kind: sum(answer.familiarity < 0.5 for answer in answers) for kind, answers in self.judged.items()}
        rows = [(kind, format_share(count, len(self.judged[kind]))) for kind, count in warned.items()]
        shares = {kind: [answer.familiarity for answer in answers] for kind, answers in self.judged.items()}
        read, fresh = shares["read"], shares["recombined 0"]
        auroc = roc_auc_score([True] * len(read) + [False] * len(fresh), [*read, *fresh])
        return table(["names", "warned as unread"], rows) + f"\n\nAUROC of read against recombined names: {auroc:.4f}."

    def describe_coverage(self) -> str:
        """What can be answered at an accuracy, and the calibration error."""
        points = measure_coverage(self.shares.tolist(), self.right.tolist())
        rows = []
        for wished in (0.99, TARGET_ACCURACY, 0.95, 0.9, 0.0):
            point = find_point(points, wished)
            rows.append((f"{wished:.0%}", format_share(point.answered, point.total) if point else "none"))
        error = "{:.3f} [{:.3f}, {:.3f}]".format(*find_calibration_error(self.shares, self.right))
        note = f"Expected calibration error, {BINS} bins of equal mass: {error}. Resampling adds to a small one."
        return table(["right at least", "answered"], rows) + f"\n\n{note}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", help="builtin:N, or course ($BIRTHPLACE_DATA)")
    parser.add_argument("checkpoint", type=Path, help="recall checkpoint: its recipe is taken, and it is written to")
    parser.add_argument("--runs", type=Path, default=Path("runs/recall-folds"), help="where the five models are kept")
    parser.add_argument("--judge", type=Path, help="pretrained checkpoint whose judgement of names is the better one")
    flags = parser.parse_args()
    corpus, training = load_corpus(flags.corpus), load_training(flags.checkpoint)
    folds = split_folds(corpus.train)
    folders = [flags.runs / f"{flags.checkpoint.name}-{i}" for i in range(FOLDS)]
    for held, folder in zip(folds, folders, strict=True):
        train_fold(corpus, held, training, folder)
    fitted = CrossFit(folds, [ask_fold(corpus, *pair, flags.judge) for pair in zip(folds, folders, strict=True)])
    fitted.calibration.save(flags.checkpoint)
    held_out = tuple((round(share, 6), is_right) for share, is_right in fitted.confidence.held_out)
    replace(fitted.confidence, held_out=held_out, source="five folds of the same recipe").save(flags.checkpoint)
    places = sorted({question.place for question in corpus.train})
    save_json(places, flags.checkpoint / PLACES_FILE, ensure_ascii=False, indent=0)
    section = f"recall-folds-{corpus.name.partition(':')[0]}"
    told = (
        f"Its confidence, and its familiarity with names, were fitted on five folds (BENCHMARKS.md, section {section})."
    )
    notes = [note for note in training.notes if "-held was trained" not in note and note != told]
    write_training(flags.checkpoint, replace(training, notes=(*notes, told)))  # the card tells the new fit
    parts = (fitted.describe_flags(), fitted.describe_coverage(), fitted.describe_words(), fitted.describe_names())
    title = f"What {flags.checkpoint.name} knows about itself, cross-fitted"
    command = f"python -m benchmarks.recall_folds {flags.corpus} {flags.checkpoint}"
    command += f" --judge {flags.judge}" if flags.judge else ""
    write_section(section, title, command, "\n\n".join(parts))


if __name__ == "__main__":
    main()
