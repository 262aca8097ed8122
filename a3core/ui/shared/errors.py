"""What a person did wrong reaches the page as one sentence."""

import functools
import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import gradio as gr

LONGEST = 200_000  # characters of any text that comes in; the boxes of the page hold less (`max_length`)
OPENS_TAG = re.compile(r"<(?=[^\s\d=])")
TYPES = {"str": (str, "text"), "int": (int, "a whole number"), "bool": (bool, "true or false")}


def tells_errors(handler: Callable) -> Callable:
    """Turns a ValueError of the core, whose message is written for a person, into a message on the page.

    Texts that are too long, and values of another type than the handler's annotations say, are refused here: an event
    can be called by any program, with anything. The page shows messages as markup, so that theirs is made harmless.
    """

    @contextmanager
    def checked(values: Sequence[Any]) -> Iterator[None]:
        try:
            check_values(handler, values)
            yield
        except ValueError as error:
            # a sign that could open a tag is written as text; any other "<" stays, for programs read the message, too
            raise gr.Error(OPENS_TAG.sub("&lt;", str(error)), print_exception=False) from error

    if inspect.isgeneratorfunction(handler):

        @functools.wraps(handler)
        def run(*values):
            with checked(values):
                yield from handler(*values)
    else:

        @functools.wraps(handler)
        def run(*values):
            with checked(values):
                return handler(*values)

    return run


def check_values(handler: Callable, values: Sequence[Any]) -> None:
    """Raises ValueError for a value that the handler must not get. None stands for an empty widget, and passes."""
    for parameter, value in zip(inspect.signature(handler).parameters.values(), values, strict=False):
        annotation = parameter.annotation  # a class, or its name where annotations are evaluated late
        kind, words = TYPES.get(getattr(annotation, "__name__", annotation), (object, ""))
        good = isinstance(value, kind) and not (kind is int and isinstance(value, bool))
        is_integer = kind is int and isinstance(value, float) and value.is_integer()  # JSON may write 8.0
        if value is not None and not good and not is_integer:
            raise ValueError(f"{parameter.name} must be {words}.")
    for value in values:
        for text in value.values() if isinstance(value, Mapping) else [value]:
            if isinstance(text, str):
                check_text(text)


def check_text(text: str) -> None:
    """Raises ValueError for a text that is too long, or that no file and no page can hold."""
    if len(text) > LONGEST:
        raise ValueError(f"A text of {len(text):,} characters is too long: at most {LONGEST:,} are read.")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("A text holds half a character (a lone surrogate), which no encoding can write.") from None
