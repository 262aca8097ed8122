"""What a browser loads for the page, beside what it loads for a one-button Gradio app."""

from __future__ import annotations

import gradio as gr
import pytest
from serving import serve

pytestmark = pytest.mark.slow

MEGABYTES = 1.5


def weigh(browser, address: str) -> int:
    """Bytes of all answers, as they are sent, until the page has opened on its example."""
    context = browser.new_context()
    page, answers = context.new_page(), []
    page.on("requestfinished", lambda request: answers.append(request))
    page.goto(address)
    page.get_by_role("button").first.wait_for()
    page.wait_for_timeout(5000)
    sizes = {request.url: request.sizes()["responseBodySize"] for request in answers}
    context.close()
    return sum(sizes.values())


def test_a_page_load_is_light(browser, address):
    with gr.Blocks(analytics_enabled=False) as one_button:
        gr.Button("one")
    with serve(one_button) as other:
        own, gradio = weigh(browser, address), weigh(browser, other)
    assert 100_000 < own - gradio < MEGABYTES * 1e6, (own, gradio)
