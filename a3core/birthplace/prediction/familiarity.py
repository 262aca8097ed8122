"""Has the pretrained model read this name? A score from its own probabilities, turned into a probability.

Names in the pretraining text are separated from other names by how surely the model writes the later words of the
name after the first: "Babe R" leads it to "uth" only if it has read that name. Calibrated on names in the corpus
against first and last names of the corpus recombined, so that the parts are equally familiar and only the pair is new.
A model that recites is judged by its recitation instead: `score_recall`.
"""

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import torch
from pydantic import TypeAdapter

from a3core.birthplace.json_files import load_json, save_json
from a3core.birthplace.model.gpt import GPT, pad_left
from a3core.birthplace.prediction.direct import BATCH, map_batches
from a3core.birthplace.prediction.predictor import Prediction

FILE = "familiarity.json"
CERTAIN, PREFIX_CERTAIN = 1e-9, 3e-4  # a recitation, or its beginning, is never surer, nor less sure, than this


@dataclass(frozen=True)
class Calibration:
    """P(read) = sigmoid(slope * score + prefix_slope * prefix + intercept), of a name by its scores.

    Fitted on one half of the names; AUROC on the other half.
    """

    slope: float
    intercept: float
    auroc: float
    names: int  # in the half that the AUROC is measured on, read and recombined together
    auroc_strangers: float | None = None  # against real people who stand in no document
    strangers: int = 0
    prefix_slope: float = 0.0  # of the second score of `score_recall`; 0 where the names have one score

    def probability(self, score: float, prefix: float = 0.0) -> float:
        odds = self.slope * score + self.prefix_slope * prefix + self.intercept
        return 0.5 + 0.5 * math.tanh(odds / 2)  # the sigmoid; never overflows

    def save(self, folder: Path) -> None:
        save_json(asdict(self), folder / FILE, indent=2)


READER = TypeAdapter(Calibration)


def load_calibration(folder: Path) -> Calibration | None:
    """How a checkpoint knows the names that it has read; None if it does not. Raises ValueError for a broken file."""
    return load_json(folder / FILE, READER)


def score_recall(answer: Prediction) -> tuple[float, float]:
    """How familiar a name is to a model that recites: log-odds of the sentence, and of it up to the place; bounded.

    Where a person has several texts, each is one of many that the model could recall: its own probability is low, but
    up to the place they are often alike.
    """
    return _bound(answer.sentence_probability, CERTAIN), _bound(answer.prefix_probability, PREFIX_CERTAIN)


def _bound(probability: float, least: float) -> float:
    """Log-odds of a probability that is never surer, nor less sure, than this."""
    bounded = min(max(probability, least), 1 - least)
    return math.log(bounded / (1 - bounded))


@torch.inference_mode()
def score_names(model: GPT, names: Sequence[str]) -> list[float]:
    """Mean log-probability, in nats a character, of each name's later words after its first, or of its only word.

    Raises ValueError if a name has a character that the model never read, or is longer than its block.
    """
    # a document opens with the name; the stop shows that the last word is complete
    documents = [model.vocabulary.encode(f"{name}.") for name in names]
    given = torch.tensor([max(0, name.find(" ")) for name in names])  # characters behind the first, not to be guessed

    def score(rows: list[int]) -> list[float]:
        idx, pad = pad_left(model, [documents[i] for i in rows])  # (B, T), (B,)
        log_probabilities = model(idx[:, :-1], pad=pad).log_softmax(-1)  # (B, T - 1, V)
        chosen = log_probabilities.gather(2, idx[:, 1:, None])[..., 0]  # (B, T - 1)
        return [row[start:].mean().item() for row, start in zip(chosen, (pad + given[rows]).tolist(), strict=True)]

    return map_batches(score, documents, BATCH)


def recombine_names(names: Sequence[str], count: int, seed: int = 0) -> list[str]:
    """First words of some names with the later words of others: new people of familiar parts.

    Fewer than `count` where the parts give no more.
    """
    rng, known, fresh = random.Random(seed), set(names), {}
    full_names = [name.split(" ", 1) for name in names if " " in name]
    for _ in range(50 * count if full_names else 0):
        name = f"{rng.choice(full_names)[0]} {rng.choice(full_names)[1]}"
        if name not in known and len(fresh) < count:
            fresh[name] = True
    return list(fresh)


def calibrate(model: GPT, names: Sequence[str], unseen: Sequence[str] = (), most: int = 1000) -> Calibration | None:
    """Fits P(read) on names of the corpus against recombined ones, by one half of both; measures it on the other.

    unseen: names of real people in no document, for an AUROC of their own.
    None where there are too few names to tell anything.
    """
    read = random.Random(0).sample(sorted(set(names)), min(most, len(set(names))))
    return fit_calibration(partial(score_names, model), read, recombine_names(names, len(read)), unseen[:most])


def fit_calibration(
    score: Callable[[Sequence[str]], Sequence[float | tuple[float, float]]],
    read: Sequence[str],
    fresh: Sequence[str],
    unseen: Sequence[str] = (),
) -> Calibration | None:
    """`calibrate` by any one or two scores of names, the higher the more familiar.

    None where there are fewer than 4 of a kind.
    """
    import numpy as np
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score

    if min(len(read), len(fresh)) < 4:
        return None
    scores = np.array(score([*read, *fresh]), float).reshape(len(read) + len(fresh), -1)
    is_read = np.array([True] * len(read) + [False] * len(fresh))
    # its penalty keeps the slopes finite where the two kinds do not overlap
    fit = LogisticRegression().fit(scores[::2], is_read[::2])
    tested = fit.decision_function(scores[1::2])
    slope, prefix_slope = [*fit.coef_[0].tolist(), 0.0][:2]
    auroc = float(roc_auc_score(is_read[1::2], tested))
    fitted = Calibration(slope, fit.intercept_[0].item(), auroc, len(tested), prefix_slope=prefix_slope)
    if not unseen:
        return fitted
    real = fit.decision_function(np.array(score(unseen), float).reshape(len(unseen), -1))
    known = tested[is_read[1::2]]
    against = roc_auc_score([True] * len(known) + [False] * len(real), [*known, *real])
    return replace(fitted, auroc_strangers=float(against), strangers=len(real))
