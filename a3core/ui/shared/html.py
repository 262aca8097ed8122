"""Markup of our own: a Jinja template in which every value is a text, unless it came from `render` itself.

render('<b class="{{ kind }}">{{ place }}</b>', kind="right", place=answer.place)
render(CARDS, answers=answers)     a module's constant, or read_template(__file__, "cards.html")
CARDS = load_macros(__file__, "cards.html"); CARDS.answer(reply)      several parts in one file
render_table(frame, title="Right answers")      a data frame
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup

if TYPE_CHECKING:
    import pandas as pd
    from jinja2.environment import TemplateModule

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


def load_macros(module: str, name: str, **functions: Callable) -> TemplateModule:
    """The macros of a template that lies beside a module, each a function that gives Markup; they use `functions`."""
    return compile_template(read_template(module, name)).make_module(functions)


def render_table(frame: pd.DataFrame, title: str = "", note: str = "") -> Markup:
    """A data frame as a table in the page's own type, its first column at the left; every cell is text."""
    return render(read_template(__file__, "table.html"), frame=frame, title=title, note=note)
