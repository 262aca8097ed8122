"""What a stranger may type, and how he calls an event."""

from __future__ import annotations

from types import SimpleNamespace

import gradio as gr
from serving import find_events

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "' onmouseover='alert(1)",
    "[a](javascript:alert(1)) ![b](http://evil.example/b.png)",
    "${alert(1)} {{constructor}} {alert(1)}",
    "Robert'); DROP TABLE runs;--",
    "../../etc/passwd",
    '=HYPERLINK("http://evil.example")',
    "a\r\nSet-Cookie: a=b\r\n\r\n<html>",
    "\u202eevil\u2066 Z\u0351\u036b\u0343\u036a",
]
NOBODY = SimpleNamespace(username=None)


def call(page: gr.Blocks, name: str, *values):
    """The handler itself, as any program can reach it by its event's number."""
    return page.fns[find_events(page, name)[0]].fn(*values)
