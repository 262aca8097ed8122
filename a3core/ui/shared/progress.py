"""From the core's progress to the page's."""

from __future__ import annotations

from collections.abc import Callable

import gradio as gr


def report_to(progress: gr.Progress) -> Callable[[float, str], None]:
    """Shows on the page what a loader of the core reports: the share that is done, and what is being done."""
    return lambda share, message: progress(share, desc=message)
