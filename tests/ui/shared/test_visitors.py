"""Hosts and origins: as a browser on a page that was rebound to this machine would ask."""

from __future__ import annotations

import gradio as gr
import httpx
import pytest
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient

from a3core.ui import launch
from a3core.ui.shared.visitors import CONTENT_POLICY, OwnHosts

HOST = "127.0.0.1:7860"


def answer(method: str = "GET", allowed=(), share=False, **headers) -> int:
    """The status of one request; the page itself answers everything."""
    client = TestClient(OwnHosts(PlainTextResponse("page"), allowed, share), base_url=f"http://{HOST}")
    return client.request(method, "/", headers=headers).status_code


@pytest.mark.parametrize("host", ["localhost:7860", "127.0.0.1", "[::1]:7860", "LOCALHOST", "localhost."])
def test_names_of_this_machine_are_answered(host):
    assert answer(host=host) == 200


@pytest.mark.parametrize(
    "host", ["evil.com:7860", "localhost.evil.com", "localhost@evil.com", "[::1", "", "a.gradio.live"]
)
def test_another_host_is_refused(host):
    assert answer(host=host) == 400


def test_allowed_names_the_share_tunnel_and_a_space_are_answered(monkeypatch):
    assert answer(host="lab.example.org", allowed=["Lab.example.org"]) == 200
    assert answer(host="a.gradio.live", share=True) == 200
    monkeypatch.setenv("SPACE_HOST", "ann-demo.hf.space")
    assert answer(host="ann-demo.hf.space") == 200


@pytest.mark.parametrize("origin", ["http://evil.com", "http://localhost:1", "null", "http://[", "file://"])
def test_what_another_origin_sends_is_refused(origin):
    assert answer("POST", host=HOST, origin=origin) == 403
    assert answer("POST", host=HOST, origin=f"http://{HOST}") == answer("POST", host=HOST) == 200


def test_behind_a_proxy_the_allowed_name_may_send():
    assert answer("POST", allowed=["lab.example.org"], host=HOST, origin="https://lab.example.org") == 200


def test_the_launched_page_refuses_foreign_hosts_and_uploads(monkeypatch):
    with gr.Blocks() as page:
        gr.Markdown("hello")
    started = page.launch
    monkeypatch.setattr(page, "launch", lambda **options: started(**options, quiet=True))
    monkeypatch.setattr(page, "block_thread", lambda: None)
    launch.launch(page, launch.parse_flags(["--no-browser"]))
    try:
        url = page.local_url
        assert httpx.get(f"{url}config", headers={"host": "evil.com:7860"}).status_code == 400
        served = httpx.get(url)
        assert served.status_code == 200 and served.headers["content-security-policy"] == CONTENT_POLICY
        send = {"url": f"{url}gradio_api/upload", "files": {"files": ("a.tsv", b"a")}}
        assert httpx.post(**send, headers={"origin": "http://evil.com"}).status_code == 403
        assert httpx.post(**send, headers={"origin": url.rstrip("/")}).status_code == 200
    finally:
        page.close()
