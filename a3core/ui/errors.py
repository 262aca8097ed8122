"""What a person did wrong reaches the page as one sentence."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable

import gradio as gr


def tells_errors(handler: Callable) -> Callable:
    """Turns a ValueError of the core, whose message is written for a person, into a message on the page."""
    if inspect.isgeneratorfunction(handler):

        @functools.wraps(handler)
        def run(*values):
            try:
                yield from handler(*values)
            except ValueError as error:
                raise gr.Error(str(error), print_exception=False) from error
    else:

        @functools.wraps(handler)
        def run(*values):
            try:
                return handler(*values)
            except ValueError as error:
                raise gr.Error(str(error), print_exception=False) from error

    return run
