"""What each claim of section 1 says and takes, from `claims.toml`: texts, and the sliders of its parameters."""

import tomllib
from dataclasses import dataclass
from numbers import Real
from pathlib import Path


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
        must = ""
        if isinstance(value, bool) or not isinstance(value, Real):
            must = "be a number"
        elif not self.minimum <= value <= self.maximum:  # refuses nan as well
            must = f"lie between {self.minimum:,.12g} and {self.maximum:,.12g}"
        elif self.is_integer and value != int(value):
            must = "be a whole number"
        if must:
            raise ValueError(f"{self.name} ({self.label}) must {must}, not {str(value)[:40]!r}.")
        return int(value) if self.is_integer else float(value)


@dataclass(frozen=True)
class Statement:
    """A claim as the panel prints it; all but the titles is Markdown with LaTeX between $ or $$."""

    title: str
    short: str  # of a list
    claim: str
    assumptions: tuple[str, ...]  # one sentence each
    formula: str
    remark: str  # what a run teaches: a format of its quantities `q` and other numbers
    sliders: tuple[Slider, ...]
    caveat: str = ""  # a format, too

    @property
    def preset(self) -> dict[str, float]:
        """The parameters the claim starts with."""
        return {slider.name: slider.preset for slider in self.sliders}


def load_statements() -> dict[str, Statement]:
    """All claims by number; assumptions and sliders that several share are resolved."""
    texts = tomllib.loads(Path(__file__).with_name("claims.toml").read_text(encoding="utf-8"))
    sliders = {key: Slider(**{"name": key, **fields}) for key, fields in texts["sliders"].items()}
    statements = {}
    for number, fields in texts["claims"].items():
        fields["assumptions"] = tuple(texts["assumptions"].get(each, each) for each in fields["assumptions"])
        fields["sliders"] = tuple(sliders[key] for key in fields["sliders"])
        statements[number] = Statement(**fields)
    return statements


STATEMENTS = load_statements()
