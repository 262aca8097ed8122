"""What the laboratory hands out: measured quantities beside the predicted ones, and the verdict on a claim."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from a3core.attention.lab.text import STATEMENTS

SAMPLING_ERRORS = 4.5  # a true prediction strays further once in 150,000 looks
ROUNDING = 1e-6  # relative: values are drawn in float32
FLOOR = 1e-8  # absolute: scores near 10^6 are known to about 10^-9


@dataclass(frozen=True)
class Quantity:
    """One number that theory predicts and the draws measure."""

    name: str
    predicted: float | None  # None: outside the assumptions no formula holds
    measured: float
    spread: float = 0.0  # standard deviation over the draws, where each draw has its own value
    standard_error: float = 0.0  # of the measured number, if the prediction is right
    is_share: bool = False  # a share of the draws, told in per cent

    @property
    def tolerance(self) -> float:
        """How far measured may lie from predicted: 4.5 standard errors, and rounding; infinitely far from none."""
        if self.predicted is None:
            return math.inf
        return SAMPLING_ERRORS * self.standard_error + ROUNDING * abs(self.predicted) + FLOOR

    @property
    def agrees(self) -> bool:
        """Whether the measured number lies within the tolerance of the predicted one, if there is one."""
        return self.predicted is None or abs(self.measured - self.predicted) <= self.tolerance

    def describe(self) -> str:
        """Predicted beside measured, in words; or measured alone."""
        if self.predicted is None:
            measured = f"counted {self.measured:.1%}" if self.is_share else f"measured {self.measured:.4g}"
            return f"{self.name}: {measured}"
        if self.is_share:
            error = f"sampling error {100 * self.standard_error:.2g} points"
            return f"{self.name}: predicted {self.predicted:.1%}, counted {self.measured:.1%} ({error})"
        error = f" (sampling error {self.standard_error:.2g})" if self.standard_error else ""
        spread = f" ± {self.spread:.2g} over the draws" if self.spread > ROUNDING * abs(self.measured) else error
        return f"{self.name}: predicted {self.predicted:.4g}, measured {self.measured:.4g}{spread}"

    def to_row(self) -> dict[str, Any]:
        """The quantity as one row of a table."""
        return {
            "quantity": self.name,
            "predicted": self.predicted,
            "measured": self.measured,
            "spread": self.spread,
            "standard_error": self.standard_error,
            "tolerance": self.tolerance,
            "agrees": self.agrees,
        }


def exact(name: str, predicted: float, measured: float) -> Quantity:
    """A number that is the same in every draw."""
    return Quantity(name, float(predicted), float(measured))


def measured_only(name: str, sample: np.ndarray, is_share: bool = False) -> Quantity:
    """A mean over the draws (draws,) that no formula predicts."""
    return Quantity(name, None, float(sample.mean()), float(sample.std()), 0.0, is_share)


def mean_of(name: str, predicted: float, sample: np.ndarray, sd: float) -> Quantity:
    """A mean over the draws (draws,); sd is the predicted deviation of one draw."""
    return Quantity(name, float(predicted), float(sample.mean()), float(sample.std()), sd / math.sqrt(sample.size))


def root_mean_square(name: str, mean_square: float, sample: np.ndarray, sd_of_square: float) -> Quantity:
    """The root mean square over the draws (draws,), from the predicted mean and deviation of one draw's square."""
    root = math.sqrt(mean_square)
    measured = float(np.sqrt((sample**2).mean()))
    error = sd_of_square / math.sqrt(sample.size) / (root + measured) if root + measured > 0 else 0.0
    return Quantity(name, root, measured, float(sample.std()), error)


def deviation_of(name: str, sd: float, sample: np.ndarray) -> Quantity:
    """The standard deviation of a centred normal sample (draws,)."""
    return Quantity(name, sd, float(np.sqrt((sample**2).mean())), 0.0, sd / math.sqrt(2 * sample.size))


def variance_of(name: str, predicted: float, squares: np.ndarray, sd_of_square: float) -> Quantity:
    """A variance over the draws, from the squared deviations (draws,) of each draw from their own mean."""
    error = sd_of_square / math.sqrt(squares.size)
    if predicted > 0:  # a rare draw, or the mean being estimated too, weighs in with one square in all the draws
        error = math.hypot(error, SAMPLING_ERRORS * (sd_of_square**2 / predicted + predicted) / squares.size)
    return Quantity(name, float(predicted), float(squares.mean()), 0.0, error)


def share_of(name: str, predicted: float, hits: np.ndarray) -> Quantity:
    """A share of the draws: the mean of (draws,) booleans."""
    variance = predicted * (1 - predicted) / hits.size + 1 / hits.size**2  # the last term: counts are whole numbers
    share = float(hits.mean())
    return Quantity(name, float(predicted), share, math.sqrt(share * (1 - share)), math.sqrt(variance), True)


@dataclass(frozen=True)
class LabResult:
    """One run of one claim: what it says, what theory predicts, what the draws show."""

    claim: str  # "1.3b"
    quantities: tuple[Quantity, ...]  # the first is the headline
    remark: str  # what this run teaches, with its numbers
    within_assumptions: bool  # whether the formula is meant for these parameters
    table: list[dict[str, Any]] = field(repr=False)  # the numbers in the picture, row by row
    picture: Mapping[str, Any] = field(repr=False, compare=False)  # arrays for the claim's plot function
    caveat: str = ""  # which assumption the parameters strain
    parameters: Mapping[str, float] = field(default_factory=dict)  # as run_claim checked them

    @property
    def title(self) -> str:
        """The claim in one line."""
        return STATEMENTS[self.claim].title

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What the claim takes for granted, one sentence each."""
        return STATEMENTS[self.claim].assumptions

    @property
    def formula(self) -> str:
        """Markdown with LaTeX between $$."""
        return STATEMENTS[self.claim].formula

    @property
    def predicted(self) -> float:
        """The headline's closed form."""
        return self.quantities[0].predicted

    @property
    def measured(self) -> float:
        """The headline as the draws show it."""
        return self.quantities[0].measured

    @property
    def spread(self) -> float:
        """The headline's standard deviation over the draws."""
        return self.quantities[0].spread

    @property
    def holds(self) -> bool:
        """Whether every measured quantity lies within its sampling error of the predicted one."""
        return all(quantity.agrees for quantity in self.quantities)

    @property
    def verdict(self) -> str:
        """Predicted beside measured, in sentences for a person."""
        return " ".join(filter(None, (self._opening(), self.remark, self.caveat)))

    def _opening(self) -> str:
        strays = [quantity.describe() for quantity in self.quantities if not quantity.agrees]
        if not strays:
            agree = "Theory and sample agree. " if all(q.predicted is not None for q in self.quantities) else ""
            return f"{agree}{sentence(self.quantities[0].describe())}"
        where = "" if self.within_assumptions else ", outside the assumptions"
        return f"Theory and sample differ{where}. {sentence('; '.join(strays))}"

    def to_json(self) -> dict[str, Any]:
        """Plain strings, numbers, lists and dicts, without the picture's arrays; what is not finite becomes None."""
        names = ("claim", "title", "assumptions", "formula", "verdict", "holds", "within_assumptions", "table")
        rows = [quantity.to_row() for quantity in self.quantities]
        plain = {name: getattr(self, name) for name in names}
        return to_plain({**plain, "parameters": dict(self.parameters), "quantities": rows})


def sentence(text: str) -> str:
    """The text with a capital at its start and a full stop at its end."""
    return f"{text[0].upper()}{text[1:]}."


def to_plain(value: Any) -> Any:
    """Numpy scalars, arrays and tuples as what JSON knows."""
    if isinstance(value, Mapping):
        return {str(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [to_plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
