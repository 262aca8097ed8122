"""The attention view outside the app: in a notebook, and as one HTML file that needs nothing else.

from a3core.attention import show_attention
show_attention(model, tokenizer, "The capital of France is")          # the last line of a cell in Jupyter or Colab
python -m a3core attention MODEL "text" --out page.html               # the same as a file
"""

import json
import zlib
from base64 import b64encode
from html import escape

import numpy as np
from jinja2 import Template

from a3core.attention import encoders, models, payload, template
from a3core.attention.capture import Capture
from a3core.attention.measures.answers import Question, answer_question
from a3core.common.paths import ASSETS

MAX_BYTES = 3_000_000  # of a page
MEASURES = ("lens", "scores")  # that a page of its own carries


class Page(str):
    """A page as text; a notebook shows it in a frame."""

    def _repr_html_(self) -> str:
        """The frame, for Jupyter and Colab."""
        style = "width: 100%; height: 820px; border: 0"
        return f'<iframe srcdoc="{escape(self)}" style="{style}" title="Attention pattern"></iframe>'


def build_page(model: models.AttentionModel | encoders.EncoderModel, text: str, generate: bool = False) -> Page:
    """One HTML file with every weight, the lens and the scores of heads. Raises ValueError as `show_attention`."""
    capture = encoders.capture_text(model, text, generate)
    answers = []
    for kind in MEASURES:
        try:
            answers.append({"kind": kind, **answer_question(model, Question(kind, text, generate, [capture.start]))})
        except ValueError as error:
            answers.append({"kind": kind, "error": str(error)})
    return render_page(capture, answers)


def render_page(capture: Capture, answers: list[dict] = ()) -> Page:
    """The page of a capture, with answers of `a3core.attention.measures.answers`. Raises ValueError over 3 MB."""
    value = {**payload.build_payload(capture, matrices=False), "answers": list(answers)}
    del value["thumbnails"]
    cells = capture.pattern[:, :, *payload.list_cells(*capture.pattern.shape[2:], capture.causal)]
    for half in (True, False):
        # what `list_cells` names, deflated: float16, or uint8 of 255 times the square root of each weight
        packed = cells.astype("<f2") if half else np.rint(255 * np.sqrt(cells.clip(0, 1))).astype(np.uint8)
        packed = b64encode(zlib.compress(packed.tobytes(), 9)).decode("ascii")
        if len(packed) < MAX_BYTES * 0.9:
            break
    # the page's colours and sizes, and its classes for markup of our own: parts 1 and 4 of the style sheet
    first, _, rest = (ASSETS / "style.css").read_text(encoding="utf-8").partition("/* 2. ")
    own = rest.partition("/* 4. ")[2].partition("/* 5. ")[0].partition("*/")[2]
    data = json.dumps({**value, "packed": packed, "half": half}, ensure_ascii=False).replace("</", "<\\/")
    names = ("page.html", "view.css", "view.html", *template.SCRIPTS)
    page, style, markup, *scripts = ((template.VIEW / name).read_text(encoding="utf-8") for name in names)
    texts = {"tokens": f"{first}{own}", "style": style, "markup": markup.replace("SLOT", "alone"), "data": data}
    title = f"Attention of {capture.model}"
    page = Template(page, autoescape=True).render(title=title, script="\n".join(scripts), **texts)
    if len(page.encode()) > MAX_BYTES:
        size = len(page.encode()) / 1e6
        raise ValueError(f"The page would have {size:.1f} MB, more than {MAX_BYTES / 1e6:.0f}: shorten the text.")
    return Page(page)
