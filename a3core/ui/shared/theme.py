"""The widgets' variables point at the tokens on top of assets/style.css, so that a widget and our own markup agree."""

import tomllib
from inspect import signature

import gradio as gr

from a3core.common.paths import ASSETS
from a3core.ui.shared.html import read_template

STYLE = ASSETS / "style.css"


def build_theme() -> gr.themes.Base:
    """The theme of the page: fonts of the system alone, so that nothing is asked of another host."""
    theme = gr.themes.Base(
        text_size=gr.themes.Size("10px", "11.5px", "12.5px", "14px", "16px", "20px", "28px", name="a3"),
        spacing_size=gr.themes.sizes.spacing_sm,
        radius_size=gr.themes.sizes.radius_md,
        font=["var(--a3-sans)"],
        font_mono=["var(--a3-mono)"],
    )
    chosen = tomllib.loads(read_template(__file__, "theme.toml"))
    pointed = {name: f"var(--a3-{token})" for token, names in chosen["tokens"].items() for name in names.split()}
    values = pointed | chosen["values"]
    known = signature(gr.themes.Base.set).parameters
    dark = {f"{name}_dark": value for name, value in values.items() if f"{name}_dark" in known}
    return theme.set(**values, **dark)
