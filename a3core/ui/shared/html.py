"""Markup of our own: a Jinja template in which every value is a text, unless it came from `render` itself.

render('<b class="{{ kind }}">{{ place }}</b>', kind="right", place=answer.place)
render(CARDS, answers=answers)     a module's constant, or read_template(__file__, "cards.html")
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup

ENVIRONMENT = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
ENVIRONMENT.filters["percent"] = lambda share, digits=0: f"{100 * share:.{digits}f} %"


@cache
def compile_template(source: str) -> Template:
    return ENVIRONMENT.from_string(source)


def render(source: str, **values) -> Markup:
    """The template with its values; a name without a value raises jinja2.UndefinedError."""
    return Markup(compile_template(source).render(**values))


def read_template(module: str, name: str) -> str:
    """The text of a template that lies beside a module: `read_template(__file__, "cards.html")`."""
    return Path(module).with_name(name).read_text(encoding="utf-8")
