"""What a stranger may try: each is refused with one clear sentence, and the app stays up.

Gradio calls an event "private" when it is left out of the documentation; anybody who knows its number can still call
it. So what must be refused is refused by the handlers themselves, and here they are called by their numbers.
"""

from __future__ import annotations

from pathlib import Path

import gradio as gr
import httpx
import pytest
from serving import ask, find_events, join, serve

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def address(space, public_page):
    with serve(public_page, max_file_size=1_000_000) as address:
        yield address


@pytest.fixture
def stays_up(address):
    """The app answers as before, whatever was tried."""
    yield
    assert httpx.get(f"{address}/config", timeout=60).status_code == 200


def event(page: gr.Blocks, name: str) -> int:
    return find_events(page, name)[0]


def upload(address: str, name: str, content: bytes) -> httpx.Response:
    files = {"files": (name, content, "application/octet-stream")}
    return httpx.post(f"{address}/gradio_api/upload", files=files, timeout=60)


def name_file(path: str) -> dict:
    return {"path": path, "orig_name": "questions.tsv", "meta": {"_type": "gradio.FileData"}}


LABELS, WEIGHTS = "the label database of this app", "the weights of this app"
PRIVATE_FILES = [
    "/etc/passwd",
    "../../../../../../etc/passwd",
    "..%2f..%2f..%2f..%2fetc%2fpasswd",
    "....//....//etc/passwd",
    "/proc/self/environ",
    "~/.bashrc",
    "file:///etc/passwd",
    "app.py",
    "./app.py",
    str(ROOT / "app.py"),
    str(ROOT / "checkpoints"),
    str(ROOT / "checkpoints" / "pretrained" / "model.safetensors"),
    "checkpoints/pretrained/training.json",
    "assets/questions.jsonl",
    str(ROOT / ".git" / "config"),
    LABELS,
    WEIGHTS,
    "C:\\Windows\\win.ini",
    "\0",
]


@pytest.mark.slow
@pytest.mark.parametrize("path", PRIVATE_FILES)
@pytest.mark.parametrize("route", ["/gradio_api/file=", "/gradio_api/file/", "/static/", "/assets/", "/svelte/"])
def test_no_file_of_the_machine_is_served(address, public_page, checkpoint_root, label_file, stays_up, route, path):
    if path == LABELS:
        ask(address, event(public_page, "label_report"), ["any"])  # opens the database
        assert label_file.stat().st_size > 1000
    own = {LABELS: label_file, WEIGHTS: checkpoint_root / "builtin-finetuned" / "model.safetensors"}
    path = str(own.get(path, path))
    answer = httpx.get(f"{address}{route}{path}".replace("\0", "%00"), timeout=60)
    assert answer.status_code in (400, 403, 404, 405), answer.text[:200]


@pytest.mark.slow
def test_who_does_not_know_an_upload_s_content_cannot_name_it(address, stays_up):
    sent = upload(address, "a.tsv", b"Where was Babe Ruth born?\tBaltimore\n").json()[0]
    served = httpx.get(f"{address}/gradio_api/file={sent}", timeout=60)
    assert served.status_code == 200 and served.headers["content-disposition"].startswith("attachment")
    folder = Path(sent).parent
    assert len(folder.name) == 64  # of its content
    for path in (folder, folder.parent, f"{sent}/../", f"{folder.parent}/{'0' * 64}/a.tsv", f"{folder.parent}/*/a.tsv"):
        assert httpx.get(f"{address}/gradio_api/file={path}", timeout=60).status_code == 403


@pytest.mark.slow
def test_a_link_among_the_uploads_leads_nowhere(address, stays_up):
    """No visitor can make one; this is what happens if somebody else did."""
    folder = Path(upload(address, "a.tsv", b"a").json()[0]).parent
    link = folder / "link.txt"
    link.symlink_to(ROOT / "app.py")
    try:
        assert httpx.get(f"{address}/gradio_api/file={link}", timeout=60).status_code == 403
    finally:
        link.unlink()


@pytest.mark.slow
def test_what_is_uploaded_is_never_run_by_a_browser(address, stays_up):
    for name in ("a.html", "a.svg", "a.xhtml", "a.js", "a.pdf"):
        sent = upload(address, name, b"<script>alert(1)</script>").json()[0]
        served = httpx.get(f"{address}/gradio_api/file={sent}", timeout=60)
        if name != "a.pdf":
            assert served.headers["content-disposition"].startswith("attachment"), name
            assert "html" not in served.headers["content-type"] and "svg" not in served.headers["content-type"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["../../evil.tsv", "/etc/evil.tsv", "a\r\nSet-Cookie: a=b.tsv", "a" * 300 + ".tsv", "."]
)
def test_the_name_of_an_upload_is_only_a_name(address, stays_up, name, tmp_path):
    answer = upload(address, name, b"Where was Babe Ruth born?\n")
    if answer.status_code == 200:
        path = Path(answer.json()[0])
        assert "gradio" in str(path.parent).lower() and ".." not in path.parts
        assert "\n" not in path.name and "\r" not in path.name and len(path.name) < 256
        served = httpx.get(f"{address}/gradio_api/file={path}", timeout=60)
        assert "set-cookie" not in served.headers
    else:
        assert answer.status_code in (400, 422, 500)
    assert not list(ROOT.parent.glob("evil.tsv")) and not Path("/etc/evil.tsv").exists()


@pytest.mark.slow
def test_an_upload_over_the_limit_is_refused(address, stays_up):
    answer = upload(address, "a.tsv", b"x" * 1_200_000)
    assert answer.status_code == 413
    assert "maximum allowed size" in answer.text


@pytest.mark.slow
@pytest.mark.parametrize("path", [*PRIVATE_FILES[:10], "http://127.0.0.1:1/a.tsv"])
def test_no_file_but_an_upload_is_read_by_an_event(address, public_page, stays_up, path):
    answered = ask(address, event(public_page, "evaluate_file"), [name_file(path), "builtin:10"])
    assert not answered.success
    assert "root:" not in answered.error + str(answered.data)


@pytest.mark.slow
@pytest.mark.parametrize("url", ["http://127.0.0.1:{port}/config", "http://169.254.169.254/", "http://0/"])
def test_the_app_fetches_nothing_from_inside_the_machine(address, stays_up, url):
    url = url.format(port=address.rpartition(":")[2])
    for route in ("file=", "proxy="):
        assert httpx.get(f"{address}/gradio_api/{route}{url}", timeout=60).status_code >= 400


@pytest.mark.slow
def test_a_private_event_can_be_called_by_anybody_so_its_handler_refuses(address, public_page, stays_up):
    """That is how Gradio is: `api_visibility` hides an event, and guards nothing."""
    answered = ask(address, event(public_page, "draw_name"), ["builtin:10"])
    assert answered.success
    for name, values in {"show_folder": ["/etc"], "push_run": [1, "a/b", "csv"]}.items():
        refused = ask(address, event(public_page, name), values)
        assert not refused.success and "public" in refused.error


@pytest.mark.slow
def test_nobody_gets_round_the_queue(address, public_page, stays_up):
    for name in ("predict_birthplace", "answer_prompt", "run_grid"):
        body = {"data": ["Babe Ruth"], "fn_index": event(public_page, name), "session_hash": "a"}
        for route in ("run", "api"):
            answer = httpx.post(f"{address}/gradio_api/{route}/{name}", json=body, timeout=60)
            assert answer.status_code == 404 and "join the queue" in answer.text


@pytest.mark.slow
@pytest.mark.parametrize("data", [[], [None], [{}], [[[[]]]], ["\x00"], ["x" * 900_000]])
def test_nonsense_is_an_error_and_nothing_more(address, public_page, stays_up, data):
    assert not ask(address, event(public_page, "predict_birthplace"), data).success


@pytest.mark.slow
def test_a_value_that_the_page_does_not_offer_is_refused(address, public_page, stays_up):
    refused = ask(address, event(public_page, "answer"), ["Babe Ruth", "/etc"])
    assert not refused.success and "not in the list of choices" in refused.error


@pytest.mark.slow
@pytest.mark.parametrize("number", [-1, 10**9, "zero", None, 1.5])
def test_an_event_that_is_none_is_refused(address, stays_up, number):
    assert join(address, number, []).status_code >= 400


@pytest.mark.slow
@pytest.mark.parametrize("fn_name", ["__init__", "postprocess", "unload", "_is_server_fn", "fetch_pattern"])
def test_only_the_view_s_own_function_can_be_called_from_outside(address, public_page, stays_up, fn_name):
    (view,) = [i for i, block in public_page.blocks.items() if getattr(block, "elem_id", "") == "pattern-first"]
    body = {"component_id": view, "session_hash": "a", "fn_name": fn_name, "data": {"model": "/etc", "text": "a"}}
    answer = httpx.post(f"{address}/gradio_api/component_server", json=body, timeout=60)
    assert answer.status_code == (200 if fn_name == "fetch_pattern" else 404)
    assert "matrix" not in answer.text


@pytest.mark.slow
def test_one_visitor_does_not_see_what_another_chose(address, public_page, stays_up):
    """The state of a page belongs to its session; another session has its own."""
    states = [i for i, block in public_page.blocks.items() if isinstance(block, gr.State)]
    assert states
    sent = upload(address, "pool.jsonl", b'{"question": "Whose?", "answer": "mine"}\n').json()[0]
    values = [{**name_file(sent), "orig_name": "pool.jsonl"}, None, "", "", False]
    ask(address, event(public_page, "use_pool"), values, session="mallory")
    holder = public_page.app.state_holder
    assert all("pool.jsonl" not in str(holder["ann"][i]) for i in states)
