"""JSON that a stranger wrote: the value, or one sentence that says where it is none.

>>> parse_json('{"a": 1', lambda line: f"pool.json, line {line}")
Traceback (most recent call last):
ValueError: pool.json, line 1: not JSON (Expecting ',' delimiter at character 8)
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

SEVERAL = "Extra data"  # what json says of a second value behind the first


def parse_json(text: str, place: Callable[[int], str], hint: str = "") -> Any:
    """`place` names a line of the text; `hint` is said where several values follow each other.

    Raises ValueError for whatever is no JSON.
    """
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        told = f"{error.msg} at character {error.colno}{hint if error.msg == SEVERAL else ''}"
        raise ValueError(f"{place(error.lineno)}: not JSON ({told})") from error
    except RecursionError as error:
        raise ValueError(f"{place(1)}: not JSON that can be read (too many brackets)") from error
    except ValueError as error:  # a whole number of thousands of digits
        raise ValueError(f"{place(1)}: a number is too long to be read") from error
