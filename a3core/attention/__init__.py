"""Where a transformer looks, and what a head does: patterns of any model, heads switched off.

Begin with `capture`, then `ablation` and `measures/`; `lab/` holds the claims of the assignment's first section.
In a notebook: `from a3core.attention import show_attention`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from a3core.attention.page import Page


def show_attention(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, text: str, generate: bool = False, layers: str = "all"
) -> Page:
    """The view of a transformers model over a text, for a notebook to display or to write to a file.

    generate: look at what the model writes after the text as well. layers: those that are read, such as "4-7".
    Raises ValueError that says what is wrong with the text or the model, or that the page would be over 3 MB.
    """
    from a3core.attention import models, page  # PyTorch takes a second to import
    from a3core.llm.local import LanguageModel

    name = getattr(model.config, "_name_or_path", "") or type(model).__name__
    name = Path(name).name if Path(name).is_dir() else name  # a page is for others, who have other folders
    loaded = models.HuggingFaceModel(LanguageModel(name, model.eval(), tokenizer))
    return page.build_page(models.choose_layers(loaded, layers), text, generate)
