"""The attention view: markup, style and script from the files in `view/`, for the page and for a notebook alike.

The script runs with `element`, `props.value` (of `a3core.attention.payload.build_payload`), `watch`, `trigger` and
`server`. Markup holds no text of anybody: the script writes it, as text.
"""

from pathlib import Path

SCRIPTS = ("numbers.js", "heads.js", "matrix.js", "picture.js", "answers.js", "events.js")  # in this order, as one


def read_file(name: str) -> str:
    """A file of the view: view.css, or page.html for a page of its own."""
    return (Path(__file__).with_name("view") / name).read_text(encoding="utf-8")


def read_markup(slot: str) -> str:
    """view.html for a slot: "first" writes the page's address, "second" is beside it, "alone" is a page of its own."""
    return read_file("view.html").replace("SLOT", slot)


def read_script() -> str:
    """All scripts as one."""
    return "\n".join(map(read_file, SCRIPTS))
