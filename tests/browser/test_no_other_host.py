"""The page as app.py serves it, local and as a Space: the browser gets an answer from no other host."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(params=["local", "space"])
def served(request, tmp_path):
    """Address of the running app."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        port = server.getsockname()[1]
    space = {"SPACE_ID": "ann/demo", "SYSTEM": "spaces", "SPACE_HOST": "ann-demo.hf.space"}
    variables = os.environ | {"A3_HOME": str(tmp_path)} | (space if request.param == "space" else {})
    command = [sys.executable, "app.py", "--no-browser", "--host", "127.0.0.1", "--port", str(port)]
    app = subprocess.Popen(command, cwd=ROOT, env=variables)
    address, end = f"http://127.0.0.1:{port}/", time.monotonic() + 120
    while time.monotonic() < end and app.poll() is None:
        try:
            httpx.get(address)
            break
        except httpx.TransportError:
            time.sleep(0.5)
    yield address
    app.terminate()
    app.wait(60)


def test_no_other_host_answers_and_every_tab_opens(browser, served):
    page = browser.new_page()
    errors, answered = [], []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("response", lambda r: answered.append(r.url))
    page.goto(served)
    for name in ("Birthplace", "Attention", "Few-shot", "Grader"):
        page.get_by_role("tab", name=name, exact=True).click()
    page.wait_for_timeout(1000)
    answer = page.evaluate("fetch('https://huggingface.co/').then(() => 'asked', () => 'refused')")
    blocked = page.evaluate(
        "new Promise(done => { document.addEventListener('securitypolicyviolation', e => done(e.blockedURI)); "
        "new Image().src = 'http://evil.example/px.png' })"
    )
    assert answer == "refused" and blocked.startswith("http://evil.example")
    assert [url for url in answered if not url.startswith((served, "data:", "blob:"))] == []
    assert errors == []
    page.close()
