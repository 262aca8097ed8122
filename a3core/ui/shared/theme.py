"""The widgets' variables point at the tokens on top of assets/style.css, so that a widget and our own markup agree."""

from __future__ import annotations

from inspect import signature

import gradio as gr

from a3core.common.paths import ASSETS

STYLE = ASSETS / "style.css"
# Gradio's variables by the token that each gets, in the light and the dark mode.
POINTED = {
    "paper": "body_background_fill",
    "surface": "background_fill_primary input_background_fill input_background_fill_focus checkbox_background_color "
    "checkbox_label_background_fill checkbox_label_background_fill_hover button_secondary_background_fill "
    "table_even_background_fill table_odd_background_fill",
    "sunken": "background_fill_secondary",
    "ink": "body_text_color block_title_text_color button_secondary_text_color button_secondary_text_color_hover "
    "checkbox_label_text_color checkbox_label_text_color_selected table_text_color",
    "ink-2": "body_text_color_subdued block_label_text_color block_info_text_color input_placeholder_color",
    "line": "border_color_primary button_secondary_border_color checkbox_label_border_color table_border_color "
    "block_label_border_color",
    "line-2": "input_border_color checkbox_border_color",
    "accent": "border_color_accent link_text_color link_text_color_hover link_text_color_visited "
    "link_text_color_active input_border_color_focus button_primary_background_fill slider_color loader_color "
    "button_primary_background_fill_hover button_primary_border_color checkbox_background_color_selected "
    "checkbox_border_color_selected checkbox_label_border_color_selected color_accent",
    "accent-ink": "button_primary_text_color button_primary_text_color_hover",
    "accent-soft": "color_accent_soft button_secondary_background_fill_hover checkbox_label_background_fill_selected "
    "table_row_focus",
    "wrong": "error_text_color error_border_color error_icon_color button_cancel_background_fill "
    "button_cancel_background_fill_hover",
    "wrong-soft": "error_background_fill button_cancel_text_color button_cancel_text_color_hover",
}
SHAPES = {
    **dict.fromkeys(
        ["block_shadow", "input_shadow", "input_shadow_focus", "checkbox_label_shadow", "shadow_drop"], "none"
    ),
    **dict.fromkeys(["input_border_width", "button_border_width", "checkbox_label_border_width"], "1px"),
    "block_background_fill": "transparent",
    "block_border_width": "0px",
    "block_padding": "0px",
    "block_title_text_weight": "600",
    "block_info_text_size": "12px",
    "layout_gap": "12px",
    "form_gap_width": "0px",
    "input_padding": "8px 10px",
    "input_radius": "5px",
    "button_large_padding": "8px 14px",
    "button_large_text_size": "14px",
    "button_large_text_weight": "600",
    "button_large_radius": "6px",
    "button_small_radius": "6px",
    "checkbox_label_padding": "5px 9px",
    "checkbox_label_gap": "4px",
}


def build_theme() -> gr.themes.Base:
    """The theme of the page: fonts of the system alone, so that nothing is asked of another host."""
    theme = gr.themes.Base(
        text_size=gr.themes.Size("10px", "11.5px", "12.5px", "14px", "16px", "20px", "28px", name="a3"),
        spacing_size=gr.themes.sizes.spacing_sm,
        radius_size=gr.themes.sizes.radius_md,
        font=["var(--a3-sans)"],
        font_mono=["var(--a3-mono)"],
    )
    values = {name: f"var(--a3-{token})" for token, names in POINTED.items() for name in names.split()} | SHAPES
    known = signature(gr.themes.Base.set).parameters
    dark = {f"{name}_dark": value for name, value in values.items() if f"{name}_dark" in known}
    return theme.set(**values, **dark)
