"""The view as a page of its own: self-contained, small enough, the model's numbers, and shown by a notebook."""

from __future__ import annotations

import base64
import json
import re
import zlib

import numpy as np
import pytest
from tiny_models import TEXT, build_config, build_language_model
from typer.testing import CliRunner

from a3core.attention import show_attention
from a3core.attention.capture import Capture, capture_pattern
from a3core.attention.models import HuggingFaceModel
from a3core.attention.page import MAX_BYTES, build_page, render_page


@pytest.fixture(scope="module")
def language_model():
    return build_language_model(build_config("llama"))


def read_data(page: str) -> dict:
    return json.loads(re.search(r'id="data">(.*?)</script>', page, re.S)[1])


def test_a_page_holds_the_models_numbers_and_asks_no_other_host(language_model):
    page = show_attention(language_model.network, language_model.tokenizer, TEXT)
    assert not re.findall(r"""(?:src|href)=["']?https?:""", page) and "@import" not in page
    data = read_data(page)
    weights = np.frombuffer(zlib.decompress(base64.b64decode(data["packed"])), "<f2")
    pattern = capture_pattern(HuggingFaceModel(language_model), TEXT).pattern
    np.testing.assert_allclose(
        weights, pattern[:, :, *np.tril_indices(pattern.shape[-1])].ravel(), rtol=2e-3, atol=1e-6
    )
    assert data["half"] and [answer["kind"] for answer in data["answers"]] == ["lens", "scores"]


@pytest.mark.slow
def test_a_notebook_shows_it_in_a_frame(language_model):
    page = show_attention(language_model.network, language_model.tokenizer, "the </script> cat", generate=True)
    frame = page._repr_html_()
    assert frame.startswith("<iframe srcdoc=") and "<script" not in frame
    assert page.count("</script>") == 2


def test_a_page_names_no_folder_of_this_machine(language_model, tmp_path, monkeypatch):
    monkeypatch.setattr(language_model.network.config, "_name_or_path", str(tmp_path))
    page = show_attention(language_model.network, language_model.tokenizer, TEXT)
    assert read_data(page)["model"] == tmp_path.name and str(tmp_path) not in page


@pytest.mark.slow
@pytest.mark.parametrize(("n_layer", "n_head", "T"), [(18, 4, 256), (4, 8, 128), (2, 2, 512)])
def test_a_page_is_small_enough(n_layer, n_head, T):
    logits = np.random.default_rng(0).normal(scale=2, size=(n_layer, n_head, T, T))
    weights = np.tril(np.exp(logits))
    pattern = (weights / weights.sum(-1, keepdims=True)).astype(np.float32)
    page = render_page(Capture("m", ("word",) * T, T, pattern))
    assert len(page.encode()) <= MAX_BYTES
    data = read_data(page)
    sent = np.frombuffer(zlib.decompress(base64.b64decode(data["packed"])), "<f2" if data["half"] else np.uint8)
    sent = sent.astype(float) if data["half"] else (sent / 255) ** 2
    np.testing.assert_allclose(sent, pattern[:, :, *np.tril_indices(T)].ravel(), atol=0.004)


@pytest.mark.slow
def test_a_page_that_would_be_too_large_is_refused():
    pattern = np.random.default_rng(0).random((16, 8, 192, 192)).astype(np.float32)
    with pytest.raises(ValueError, match=r"page would have \d+\.\d MB, more than 3: shorten"):
        render_page(Capture("m", ("word",) * 192, 192, pattern))


def test_the_command_writes_it(language_model, tmp_path):
    from a3core.__main__ import app

    language_model.network.save_pretrained(tmp_path / "model")
    language_model.tokenizer.save_pretrained(tmp_path / "model")
    out = tmp_path / "page.html"
    result = CliRunner().invoke(app, ["attention", str(tmp_path / "model"), TEXT, "--out", str(out), "--no-generate"])
    assert result.exit_code == 0, result.output
    assert "".join(read_data(out.read_text(encoding="utf-8"))["tokens"]) == f"<s>{TEXT}"


@pytest.mark.slow
@pytest.mark.parametrize("where", ["file", "notebook"])
def test_a_page_works_in_a_browser_without_a_server(browser, language_model, tmp_path, where):
    path = tmp_path / "page.html"
    made = build_page(HuggingFaceModel(language_model), TEXT)
    path.write_text(made if where == "file" else f"<h1>Notebook</h1>{made._repr_html_()}", encoding="utf-8")
    page, complaints = browser.new_page(), []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "request",
        lambda request: (
            None if request.url.startswith(("file:", "blob:", "about:")) else complaints.append(request.url)
        ),
    )
    page.goto(path.as_uri())
    view = page if where == "file" else page.frame_locator("iframe")
    view.locator(".status", has_text=" with ").wait_for()
    view.locator("button[data-head='2.1']").click()
    view.locator(".chosen", has_text="layer 2, head 1").wait_for()
    view.locator(".tokens .token").nth(6).hover()
    sentence = view.locator(".status").inner_text()
    query, key, weight = re.search(r"\((\d+)\) looks at .*\((\d+)\) with ([\d.e-]+)", sentence).groups()
    pattern = capture_pattern(HuggingFaceModel(language_model), TEXT).pattern
    assert float(weight) == pytest.approx(pattern[2, 1, int(query), int(key)], rel=1e-2)
    view.get_by_role("tab", name="If it stopped here").click()
    assert view.locator(".panel tbody tr").count() == 4
    assert view.get_by_role("tab", name="How one number").count() == 0 and complaints == []
    page.close()
