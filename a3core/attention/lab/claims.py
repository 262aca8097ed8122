"""The laboratory of section 1: every claim with its sliders, and the one way to run it.

    >>> result = run_claim("1.4b", n=20, H=10)
    >>> print(result.verdict)                          # predicted beside measured
    >>> draw_claim(result)                             # the picture, as SVG in a little markup
    >>> result.to_json()                               # the same as plain data

A panel is a loop over `CLAIMS`: one slider per entry of `claim.sliders`, one call of `run_claim`, one of `claim.plot`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from numbers import Real

from a3core.attention.lab import figures as lab_figures
from a3core.attention.lab.fixed_keys import claim_1_1, claim_1_2a, claim_1_2b
from a3core.attention.lab.random_keys import claim_1_3a, claim_1_3b
from a3core.attention.lab.result import LabResult
from a3core.attention.lab.svg import Panel, draw_panels
from a3core.attention.lab.text import STATEMENTS, Statement
from a3core.attention.lab.two_heads import claim_1_4a, claim_1_4b


@dataclass(frozen=True)
class Slider:
    """One parameter of a claim: its preset, its range, and how a panel should offer it."""

    name: str  # the keyword of run_claim
    label: str
    preset: float
    minimum: float
    maximum: float
    step: float = 1  # of log10 of the value where `log`
    log: bool = False  # the slider moves over the exponent of ten
    is_integer: bool = False  # only whole numbers

    @property
    def caption(self) -> str:
        """The label with the letter of the formula."""
        return f"{self.label} {self.name}" if len(self.name) == 1 else self.label

    def check(self, value: object) -> float:
        """The value as the claim wants it.

        Raises:
            ValueError: no number, not whole where it has to be, or out of range.
        """
        if isinstance(value, bool) or not isinstance(value, Real):
            raise self._refusal("be a number", value)
        if not self.minimum <= value <= self.maximum:  # refuses nan as well
            raise self._refusal(f"lie between {self.minimum:,.12g} and {self.maximum:,.12g}", value)
        if self.is_integer and value != int(value):
            raise self._refusal("be a whole number", value)
        return int(value) if self.is_integer else float(value)

    def _refusal(self, must: str, value: object) -> ValueError:
        return ValueError(f"{self.name} ({self.label}) must {must}, not {str(value)[:40]!r}.")


@dataclass(frozen=True)
class Claim:
    """One claim of the assignment: what it says, how to run it, how to draw it, what can be moved."""

    id: str
    run: Callable[..., LabResult]
    plot: Callable[[LabResult], list[Panel]]
    sliders: tuple[Slider, ...]

    @property
    def statement(self) -> Statement:
        """Title, claim in words, assumptions and formula, known before any run."""
        return STATEMENTS[self.id]

    @property
    def preset(self) -> dict[str, float]:
        """The parameters the claim starts with."""
        return {slider.name: slider.preset for slider in self.sliders}


N = Slider("n", "number of keys", 20, 2, 64, is_integer=True)
D = Slider("d", "dimension", 64, 2, 256, is_integer=True)
H = Slider("H", "query scale", 10, 0.1, 1e6, 0.05, log=True)
ALPHA = Slider("alpha", "noise α on the keys", 1e-8, 1e-12, 1, 0.1, log=True)
EXTRA = Slider("extra_variance", "extra variance β along μₐ", 0.5, 0.05, 2, 0.05)
COSINE = Slider("cosine", "cosine of the other keys in case three", 0.5, -1, 0.95, 0.05)
M = Slider("m", "dimension of A and of B", 8, 1, 32, is_integer=True)
ANGLE = Slider("angle", "angle between A and B in degrees", 90, 0, 90, 1)
HEADS = Slider("heads", "number of heads", 2, 1, 2, is_integer=True)
DRAWS = Slider("draws", "number of draws", 1000, 2, 20_000, is_integer=True)
SEED = Slider("seed", "seed", 0, 0, 9999, is_integer=True)
NOISE = replace(ALPHA, preset=1e-6)

CLAIMS: dict[str, Claim] = {
    claim.id: claim
    for claim in (
        Claim("1.1", claim_1_1, lab_figures.plot_dominance, (N, D, H, COSINE, DRAWS, SEED)),
        Claim("1.2a", claim_1_2a, lab_figures.plot_projection, (M, D, ANGLE, DRAWS, SEED)),
        Claim("1.2b", claim_1_2b, lab_figures.plot_average, (N, D, H, DRAWS, SEED)),
        Claim("1.3a", claim_1_3a, lab_figures.plot_region, (N, D, H, NOISE, DRAWS, SEED)),
        Claim("1.3b", claim_1_3b, lab_figures.plot_swing, (N, D, H, ALPHA, EXTRA, DRAWS, SEED)),
        Claim("1.4a", claim_1_4a, lab_figures.plot_heads, (N, D, H, NOISE, HEADS, DRAWS, SEED)),
        Claim("1.4b", claim_1_4b, lab_figures.plot_two_heads, (N, D, H, ALPHA, EXTRA, HEADS, DRAWS, SEED)),
    )
}


def run_claim(claim: str, /, **parameters: float) -> LabResult:
    """Run one claim; parameters that are not given take the claim's preset.

    Raises:
        ValueError: an unknown claim or parameter, a value out of range, or more orthonormal keys than dimensions.
    """
    if not isinstance(claim, str) or claim not in CLAIMS:
        raise ValueError(f"There is no claim {str(claim)[:40]!r}; choose one of {', '.join(CLAIMS)}.")
    known = CLAIMS[claim].preset
    unknown = sorted(set(parameters) - set(known))
    if unknown:
        raise ValueError(f"Claim {claim} has no parameter {', '.join(unknown)[:80]!r}; it takes {', '.join(known)}.")
    values = {**known, **parameters}
    checked = {slider.name: slider.check(values[slider.name]) for slider in CLAIMS[claim].sliders}
    return replace(CLAIMS[claim].run(**checked), parameters=checked)


def draw_claim(result: LabResult) -> str:
    """The picture of a result: markup with one or two SVGs and a legend."""
    return draw_panels(CLAIMS[result.claim].plot(result))
