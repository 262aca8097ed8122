"""What is written beside the weights of a checkpoint: how sure its answers are, and which names it has read."""

from collections.abc import Sequence
from pathlib import Path

from a3core.birthplace.checkpoints import load_places
from a3core.birthplace.data.builtin import load_people
from a3core.birthplace.data.corpora import Corpus, Question
from a3core.birthplace.evaluation import judge_places
from a3core.birthplace.model.gpt import GPT
from a3core.birthplace.prediction import familiarity
from a3core.birthplace.prediction.confidence import fit_confidence
from a3core.birthplace.prediction.predictor import Prediction
from a3core.birthplace.prediction.recall import RecallPredictor


def calibrate_names(model: GPT, corpus: Corpus, folder: Path) -> None:
    """Writes familiarity.json of a pretrained model, unless there are too few names."""
    read, unseen = list_readable(corpus.names, model), list_unseen(corpus, model)
    if calibration := familiarity.calibrate(model, read, unseen):
        calibration.save(folder)


def calibrate_recall(model: GPT, corpus: Corpus, held_out: Sequence[Question], folder: Path) -> list[Prediction]:
    """Writes familiarity.json and confidence.json, fitted on the people whose answers were held out, never on dev ones.

    Neither is written where the questions are too few. Returns the answers to the questions.
    """
    calibrate_recalled_names(model, corpus, [question.name for question in held_out], folder)
    predictor = RecallPredictor(model, calibration=familiarity.load_calibration(folder), places=load_places(folder))
    answers = predictor.predict([question.question for question in held_out])
    if confidence := fit_confidence(answers, judge_places([answer.place for answer in answers], held_out)):
        confidence.save(folder)
    return answers


def calibrate_recalled_names(model: GPT, corpus: Corpus, names: Sequence[str], folder: Path) -> None:
    """Writes familiarity.json, fitted on these names of the corpus; no answer is looked up. Not for too few names."""
    predictor = RecallPredictor(model)

    def score(asked: Sequence[str]) -> list[tuple[float, float]]:
        return [familiarity.score_recall(answer) for answer in predictor.predict(asked)]

    unseen = list_unseen(corpus, model)[: len(names)]
    fresh = familiarity.recombine_names(corpus.names, len(names))
    if calibration := familiarity.fit_calibration(score, names, fresh, unseen):
        calibration.save(folder)


def list_unseen(corpus: Corpus, model: GPT) -> list[str]:
    """Real people in no document: those the corpus left out, or the built-in table's best-known."""
    text = "\n".join(corpus.documents)
    names = [question.name for question in corpus.unseen] or [person.name for person in load_people()[:1000]]
    return list_readable([name for name in names if name not in text], model)


def list_readable(names: Sequence[str], model: GPT) -> list[str]:
    """The names whose characters the model knows, and that fit into its block."""
    return [name for name in names if not model.vocabulary.unknown(name) and len(name) < model.block_size]
