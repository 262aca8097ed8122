"""What a public page may do: the rules of a Hugging Face Space, which is known by the variable SPACE_ID.

    SPACE_ID=ann/demo python app.py       the page as a Space shows it

On a machine of one's own everything is allowed. On a Space, models come from a short list and endpoints from its owner
(A3_LANGUAGE_MODEL, with its key in A3_API_KEY), files from a visitor's upload alone, and no job is large.
"""

import os

LARGEST_UPLOAD = 20_000_000  # bytes
MOST_POOL_QUESTIONS = 5_000  # that a visitor may have embedded: some minutes of two cores
MOST_ASKED = 2_000  # questions of one file that every checkpoint answers


def is_space() -> bool:
    """Whether this machine is a Space, which anybody may use."""
    return bool(os.environ.get("SPACE_ID"))


def require_local(what: str) -> None:
    """Raises ValueError on a Space, for what no visitor may do: `what` begins a sentence."""
    if is_space():
        raise ValueError(f"{what} is not offered on a public page: run the app on a machine of your own.")


def check_size(count: int, most: int, what: str) -> None:
    """Raises ValueError on a Space for a job of more than `most`; `what` is counted, in the plural."""
    if is_space() and count > most:
        advice = "divide the file, or run the app on a machine of your own."
        raise ValueError(f"{count:,} {what} are too many for this public page, which takes {most:,}: {advice}")


def largest_upload() -> int | None:
    """Bytes of one upload; None: any."""
    return LARGEST_UPLOAD if is_space() else None
