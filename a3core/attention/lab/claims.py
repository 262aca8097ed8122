"""The laboratory of section 1: every claim with its sliders, and the one way to run it.

    >>> result = run_claim("1.4b", n=20, H=10)
    >>> print(result.verdict)                          # predicted beside measured
    >>> draw_claim(result)                             # the picture, as SVG in a little markup
    >>> result.to_json()                               # the same as plain data

A panel is a loop over `CLAIMS`: one slider per entry of `claim.statement.sliders`, one call of `run_claim`.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from a3core.attention.lab import figures, fixed_keys, random_keys, two_heads
from a3core.attention.lab.result import LabResult
from a3core.attention.lab.svg import Panel, draw_panels
from a3core.attention.lab.text import STATEMENTS, Statement


@dataclass(frozen=True)
class Claim:
    """One claim of the assignment: how to run it, how to draw it, and what it says."""

    run: Callable[..., LabResult]
    plot: Callable[[LabResult], list[Panel]]
    statement: Statement


CLAIMS: dict[str, Claim] = {
    number: Claim(run, plot, STATEMENTS[number])
    for number, run, plot in (
        ("1.1", fixed_keys.claim_1_1, figures.plot_dominance),
        ("1.2a", fixed_keys.claim_1_2a, figures.plot_projection),
        ("1.2b", fixed_keys.claim_1_2b, figures.plot_average),
        ("1.3a", random_keys.claim_1_3a, figures.plot_region),
        ("1.3b", random_keys.claim_1_3b, figures.plot_swing),
        ("1.4a", two_heads.claim_1_4a, figures.plot_heads),
        ("1.4b", two_heads.claim_1_4b, figures.plot_two_heads),
    )
}


def run_claim(claim: str, /, **parameters: float) -> LabResult:
    """Run one claim; parameters that are not given take the claim's preset.

    Raises:
        ValueError: an unknown claim or parameter, a value out of range, or more orthonormal keys than dimensions.
    """
    if not isinstance(claim, str) or claim not in CLAIMS:
        raise ValueError(f"There is no claim {str(claim)[:40]!r}; choose one of {', '.join(CLAIMS)}.")
    statement = STATEMENTS[claim]
    values = {**statement.preset, **parameters}
    if unknown := sorted(values.keys() - statement.preset):
        names = ", ".join(statement.preset)
        raise ValueError(f"Claim {claim} has no parameter {', '.join(unknown)[:80]!r}; it takes {names}.")
    checked = {slider.name: slider.check(values[slider.name]) for slider in statement.sliders}
    return replace(CLAIMS[claim].run(**checked), parameters=checked)


def draw_claim(result: LabResult) -> str:
    """The picture of a result: markup with one or two SVGs and a legend."""
    return draw_panels(CLAIMS[result.claim].plot(result))
