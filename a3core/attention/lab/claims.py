"""The laboratory of section 1: every claim with its sliders, and the one way to run it.

    >>> result = run_claim("1.4b", n=20, H=10)
    >>> print(result.verdict)                          # predicted beside measured
    >>> draw_claim(result)                             # the picture, as SVG in a little markup
    >>> result.to_json()                               # the same as plain data

A panel is a loop over `STATEMENTS`: one slider per entry of `statement.sliders`, one call of `run_claim`.
"""

from dataclasses import replace

from a3core.attention.lab import fixed_keys, random_keys
from a3core.attention.lab.result import STATEMENTS, LabResult
from a3core.attention.lab.svg import draw_panels

FUNCTIONS = vars(fixed_keys) | vars(random_keys)
CLAIMS = {number: FUNCTIONS[f"claim_{number.replace('.', '_')}"] for number in STATEMENTS}


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
    return replace(CLAIMS[claim](**checked), parameters=checked)


def draw_claim(result: LabResult) -> str:
    """The picture of a result: markup with one or two SVGs and a legend."""
    columns = {name: [row[name] for row in result.table] for name in result.table[0]}
    return draw_panels(result.statement.panels, {**columns, **result.picture})
