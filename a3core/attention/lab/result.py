"""What the laboratory hands out: the statements of claims.toml, and measured quantities beside the predicted ones."""

import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Real
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from pydantic_core import to_jsonable_python

SAMPLING_ERRORS = 4.5  # a true prediction strays further once in 150,000 looks
ROUNDING = 1e-6  # relative: values are drawn in float32
FLOOR = 1e-8  # absolute: scores near 10^6 are known to about 10^-9

Expected = tuple[float, float] | None  # mean and standard deviation in one draw; None where no formula holds


class Slider(NamedTuple):
    """One parameter of a claim: its preset, its range, and how a panel should offer it."""

    name: str  # the keyword of run_claim
    label: str
    preset: float
    minimum: float
    maximum: float
    step: float = 1  # of log10 of the value where `log`
    log: bool = False  # the slider moves over the exponent of ten
    is_integer: bool = False  # only whole numbers

    def check(self, value: object) -> float:
        """The value as the claim wants it.

        Raises:
            ValueError: no number, not whole where it has to be, or out of range.
        """
        must = ""
        if isinstance(value, bool) or not isinstance(value, Real):
            must = "be a number"
        elif not self.minimum <= value <= self.maximum:  # refuses nan as well
            must = f"lie between {self.minimum:,.12g} and {self.maximum:,.12g}"
        elif self.is_integer and value != int(value):
            must = "be a whole number"
        if must:
            given = "empty" if value is None else repr(str(value)[:40])
            raise ValueError(f"{self.name} ({self.label}) must {must}, not {given}.")
        return int(value) if self.is_integer else float(value)


class Statement(NamedTuple):
    """A claim as the panel prints it; all but the titles is Markdown with LaTeX between $ or $$."""

    title: str
    short: str  # of a list
    claim: str
    assumptions: tuple[str, ...]  # one sentence each
    formula: str
    remark: str  # what a run teaches: a format of its quantities `q` and other numbers
    sliders: tuple[Slider, ...]
    panels: tuple[dict[str, Any], ...]  # of the picture, for `draw_panels`
    caveat: str = ""  # a format, too

    @property
    def preset(self) -> dict[str, float]:
        """The parameters the claim starts with."""
        return {slider.name: slider.preset for slider in self.sliders}


def load_statements() -> dict[str, Statement]:
    """All claims by number; assumptions and sliders that several share are resolved."""
    texts = tomllib.loads(Path(__file__).with_name("claims.toml").read_text(encoding="utf-8"))
    sliders = {key: Slider(**{"name": key, **fields}) for key, fields in texts["sliders"].items()}
    for fields in texts["claims"].values():
        fields["assumptions"] = tuple(texts["assumptions"].get(each, each) for each in fields["assumptions"])
        fields["sliders"] = tuple(sliders[key] for key in fields["sliders"])
    return {number: Statement(**fields) for number, fields in texts["claims"].items()}


STATEMENTS = load_statements()


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
        verb, digits = ("counted", ".1%") if self.is_share else ("measured", ".4g")
        text = f"{verb} {self.measured:{digits}}"
        if self.predicted is None:
            return f"{self.name}: {text}"
        text = f"{self.name}: predicted {self.predicted:{digits}}, {text}"
        if self.is_share:
            return f"{text} (sampling error {100 * self.standard_error:.2g} points)"
        if self.spread > ROUNDING * abs(self.measured):
            return f"{text} ± {self.spread:.2g} over the draws"
        return f"{text} (sampling error {self.standard_error:.2g})" if self.standard_error else text


def exact(name: str, predicted: float, measured: float) -> Quantity:
    """A number that is the same in every draw."""
    return Quantity(name, float(predicted), float(measured))


def mean_of(name: str, sample: np.ndarray, expected: Expected = None) -> Quantity:
    """A mean over the draws (draws,)."""
    mean, sd = expected or (None, 0.0)
    return Quantity(name, mean, float(sample.mean()), float(sample.std()), float(sd) / math.sqrt(sample.size))


def root_mean_square(name: str, sample: np.ndarray, expected: tuple[float, float]) -> Quantity:
    """The root mean square over the draws (draws,), from the expected mean and deviation of one draw's square."""
    root = math.sqrt(expected[0])
    measured = float(np.sqrt((sample**2).mean()))
    error = expected[1] / math.sqrt(sample.size) / (root + measured) if root + measured > 0 else 0.0
    return Quantity(name, root, measured, float(sample.std()), error)


def variance_of(name: str, squares: np.ndarray, expected: Expected = None) -> Quantity:
    """A variance over the draws, from the squared deviations (draws,) of each draw from their own mean."""
    if expected is None:
        return mean_of(name, squares)
    predicted, sd_of_square = expected
    error = sd_of_square / math.sqrt(squares.size)
    if predicted > 0:  # a rare draw, or the mean being estimated too, weighs in with one square in all the draws
        error = math.hypot(error, SAMPLING_ERRORS * (sd_of_square**2 / predicted + predicted) / squares.size)
    return Quantity(name, float(predicted), float(squares.mean()), 0.0, error)


def share_of(name: str, hits: np.ndarray, predicted: float | None = None) -> Quantity:
    """A share of the draws: the mean of (draws,) booleans."""
    share, error = float(hits.mean()), 0.0
    if predicted is not None:
        predicted = float(predicted)
        error = math.sqrt(predicted * (1 - predicted) / hits.size + 1 / hits.size**2)  # counts are whole numbers
    return Quantity(name, predicted, share, math.sqrt(share * (1 - share)), error, True)


@dataclass(frozen=True)
class LabResult:
    """One run of one claim: what it says, what theory predicts, what the draws show."""

    claim: str  # "1.3b"
    quantities: tuple[Quantity, ...]  # the first is the headline
    remark: str  # what this run teaches, with its numbers
    within_assumptions: bool  # whether the formula is meant for these parameters
    table: list[dict[str, Any]] = field(repr=False)  # the numbers in the picture, row by row
    picture: Mapping[str, Any] = field(repr=False, compare=False)  # what its panels name beside the table's columns
    caveat: str = ""  # which assumption the parameters strain
    parameters: Mapping[str, float] = field(default_factory=dict)  # as run_claim checked them

    @property
    def statement(self) -> Statement:
        """Title, claim in words, assumptions and formula."""
        return STATEMENTS[self.claim]

    @property
    def holds(self) -> bool:
        """Whether every measured quantity lies within its sampling error of the predicted one."""
        return all(quantity.agrees for quantity in self.quantities)

    @property
    def verdict(self) -> str:
        """Predicted beside measured, in sentences for a person."""
        if not self.holds:
            opening = f"Theory and sample differ{'' if self.within_assumptions else ', outside the assumptions'}."
        else:
            opening = "Theory and sample agree." if all(q.predicted is not None for q in self.quantities) else ""
        return " ".join(filter(None, (opening, self.describe(), self.remark, self.caveat)))

    def describe(self) -> str:
        """Predicted beside measured: of all quantities that differ, or else of the first."""
        strays = [quantity for quantity in self.quantities if not quantity.agrees]
        return sentence("; ".join(quantity.describe() for quantity in strays or self.quantities[:1]))

    def to_json(self) -> dict[str, Any]:
        """Plain strings, numbers, lists and dicts, without the picture's arrays; what is not finite becomes None."""
        columns = ("predicted", "measured", "spread", "standard_error", "tolerance", "agrees")
        plain = {
            "claim": self.claim,
            **{name: getattr(self.statement, name) for name in ("title", "assumptions", "formula")},
            **{name: getattr(self, name) for name in ("verdict", "holds", "within_assumptions", "table", "parameters")},
            "quantities": [
                {"quantity": q.name} | {name: getattr(q, name) for name in columns} for q in self.quantities
            ],
        }
        return to_jsonable_python(plain, inf_nan_mode="null", fallback=lambda number: number.tolist())


def conclude(
    claim: str,
    quantities: Sequence[Quantity],
    table: Mapping[str, Any],
    picture: Mapping[str, Any],
    caveat: str | bool = "",
    headline: int = 0,
    **numbers: Any,
) -> LabResult:
    """The result of a run: its remark gets the quantities, one of them as a sentence, and numbers by name.

    table: a column by its name, all of equal length. picture: what else its panels name. caveat: True for the claim's.
    """
    columns = [column.tolist() if isinstance(column, np.ndarray) else column for column in table.values()]
    rows = [dict(zip(table, row, strict=True)) for row in zip(*columns, strict=True)]
    first = sentence(quantities[headline].describe())
    if not isinstance(caveat, str):
        caveat = STATEMENTS[claim].caveat.format(**numbers) if caveat else ""
    remark = STATEMENTS[claim].remark.format(q=quantities, sentence=first, **numbers)
    return LabResult(claim, tuple(quantities), remark, not caveat, rows, picture, caveat)


def sentence(text: str) -> str:
    """The text with a capital at its start and a full stop at its end."""
    return f"{text[0].upper()}{text[1:]}."
