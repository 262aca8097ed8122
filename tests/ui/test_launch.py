"""How the page starts and ends: what is missing is one sentence, and a Space's log holds nothing that alarms."""

from __future__ import annotations

import importlib.util
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from a3core.ui import launch

ROOT = Path(__file__).resolve().parents[2]


def test_to_sign_in_without_its_packages_is_one_sentence(monkeypatch):
    monkeypatch.setattr(launch, "find_spec", lambda name: None)
    monkeypatch.setenv("OAUTH_CLIENT_ID", "an-id")
    monkeypatch.delenv("SPACE_ID", raising=False)
    monkeypatch.setattr(launch, "build_page", lambda folders: "a page")
    assert launch.build_from_flags(launch.parse_flags([])) == "a page", "off a Space nobody signs in"
    monkeypatch.setenv("SPACE_ID", "ann/demo")
    with pytest.raises(SystemExit, match=r"^Error: OAUTH_CLIENT_ID is set.*gradio\[oauth\]"):
        launch.build_from_flags(launch.parse_flags([]))
    monkeypatch.setattr(launch, "find_spec", lambda name: importlib.util.find_spec("gradio"))
    assert launch.build_from_flags(launch.parse_flags([])) == "a page"


def test_while_the_page_is_served_no_thread_holds_up_the_others():
    before, during = sys.getswitchinterval(), []
    page = SimpleNamespace(launch=lambda **_: during.append(sys.getswitchinterval()), block_thread=lambda: None)
    try:
        launch.launch(page, launch.parse_flags([]))
    finally:
        sys.setswitchinterval(before)
    assert during and during[0] <= 0.0001


@pytest.mark.slow
def test_a_space_s_log_holds_no_event_loop_that_was_left_open():
    """Gradio leaves a dozen unclosed; which of them ends as "Exception ignored" depends on the garbage collector."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        port = str(server.getsockname()[1])
    process = subprocess.Popen(
        [sys.executable, "-u", "-W", "always::ResourceWarning", "app.py", "--port", port],
        cwd=ROOT,
        env={**os.environ, "SPACE_ID": "ann/demo"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        log = ""
        while "Running on local URL" not in log and process.poll() is None:
            log += process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        log += process.communicate(timeout=60)[0]
    finally:
        process.kill()
    assert process.returncode == 0, log
    assert "unclosed event loop" not in log and "Exception ignored" not in log
