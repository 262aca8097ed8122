"""Where a transformer looks, and what a head does: patterns of any model, heads switched off.

Begin with `capture`, then `ablation` and `measures/`; `lab/` holds the claims of the assignment's first section.
In a notebook: `from a3core.attention import show_attention`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from a3core.attention.page import show_attention

__all__ = ["show_attention"]


def __getattr__(name: str):
    """`show_attention` is loaded when it is asked for: PyTorch takes a second to import."""
    if name == "show_attention":
        from a3core.attention.page import show_attention

        return show_attention
    raise AttributeError(name)
