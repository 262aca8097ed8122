"""The attention view: markup, style and script from the files in `view/`, for the page and for a notebook alike.

The script runs with `element`, `props.value` (of `a3core.attention.payload.build_payload`), `watch`, `trigger` and
`server`. Markup holds no text of anybody: the script writes it, as text. In view.html, SLOT is "first" where the view
writes the page's address, "second" beside it, "alone" on a page of its own.
"""

from pathlib import Path

VIEW = Path(__file__).with_name("view")
SCRIPTS = ("numbers.js", "heads.js", "matrix.js", "picture.js", "answers.js", "events.js")  # in this order, as one
