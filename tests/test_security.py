"""What a stranger may try: each is refused with one clear sentence, and the app stays up.

Gradio calls an event "private" when it is left out of the documentation; anybody who knows its number can still call
it. So what must be refused is refused by the handlers themselves, and here they are called by their numbers.
"""

from __future__ import annotations

import importlib
import json
import pickle
import struct
import time
import zipfile
from contextlib import suppress
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import httpx
import pytest
from serving import ask, find_events, join, serve

ROOT = Path(__file__).resolve().parents[1]
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
SECONDS = 10  # that no text of any length may take; a quadratic pattern takes minutes
NOBODY = SimpleNamespace(username=None)


class Tags(HTMLParser):
    """Collects what a browser would make of a text."""

    def __init__(self, text: str):
        super().__init__()
        self.tags, self.attributes = set(), set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}


def assert_harmless(html: str) -> None:
    found = Tags(html)
    assert not found.tags & {"script", "img", "svg", "iframe", "a", "html", "object", "link", "style"}
    assert not [name for name in found.attributes if name.startswith("on") or name in ("src", "href")]


def call(page: gr.Blocks, name: str, *values):
    """The handler itself, as any program can reach it by its event's number."""
    return page.fns[find_events(page, name)[0]].fn(*values)


# Text that comes in


def test_every_box_says_how_much_it_takes(demo):
    boxes = [block for block in demo.blocks.values() if isinstance(block, gr.Textbox)]
    assert len(boxes) > 10
    assert [box.label for box in boxes if not box.max_length] == []


ENDPOINTS = {
    "predict_birthplace": [""],
    "attention_pattern": ["", "builtin-finetuned"],
    "attention_lab": ["", None],
    "build_prompt": ["", 8, "nearest", "nearest last"],
    "answer_prompt": ["", "greedy"],
    "label_report": [""],
    "export_labels": ["", "csv"],
}


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize(
    "value", [7, 1.5, True, [], ["a"], {"a": 1}, "x" * 300_000, "\ud800"], ids=lambda v: str(v)[:9]
)
def test_an_endpoint_refuses_what_is_no_text_of_its_kind(demo, endpoint, value):
    with pytest.raises(gr.Error, match=r"must be text|too long|half a character"):
        call(demo, endpoint, value, *ENDPOINTS[endpoint][1:])


@pytest.mark.parametrize("k", ["8", True, 1.5, [8], -1, 10**9])
def test_a_count_is_a_count(demo, k):
    with pytest.raises(gr.Error, match=r"whole number|demonstrations|\bk\b"):
        call(demo, "build_prompt", "Which river flows through Vienna?", k, "nearest", "nearest last")


def test_every_public_endpoint_is_tried_here(demo):
    assert {e.api_name for e in demo.fns.values() if e.api_visibility == "public"} == set(ENDPOINTS)


READERS = [
    "birthplace.people.fold_name",
    "ui.attention_panels.parse_heads",
    "fewshot.grid.parse_ks",
    "safe_text.disarm",
    "cot.exporting.name_file",
    "cot.extraction.extract_answer",
    "fewshot.index.split_words",
    "fewshot.prompt.Template",
]
LONG_TEXTS = {
    "born": "where was " + "a born " * 15_000,
    "spaces": "where was" + " " * 100_000 + "x",
    "apostrophes": "'" * 100_000 + "x",
    "tabs": "'" + "\t " * 50_000,
    "digits": "1" * 100_000 + "x",
    "commas": "1," * 50_000 + "x",
    "points": "1.1" * 33_000,
    "heads": "L1 H1 " * 16_000,
    "combining": "Z" + "\u0351" * 100_000,
    "ligatures": "\ufdfa" * 100_000,
    "brackets": "(" * 50_000 + "answer is " * 5_000,
    "latex": "\\boxed{" * 14_000,
}


@pytest.mark.slow
@pytest.mark.parametrize("text", LONG_TEXTS)
@pytest.mark.parametrize("reader", READERS)
def test_no_text_takes_long(reader, text):
    module, _, function = reader.rpartition(".")
    read, start = getattr(importlib.import_module(f"a3core.{module}"), function), time.process_time()
    with suppress(ValueError):
        read(LONG_TEXTS[text])
    assert time.process_time() - start < SECONDS


# Text that goes out


@pytest.mark.parametrize("text", HOSTILE)
def test_an_error_is_no_markup(text):
    from a3core.ui.errors import tells_errors

    def refuse(value: str):
        raise ValueError(f"no such thing: {value}")

    with pytest.raises(gr.Error) as caught:
        tells_errors(refuse)(text)
    assert_harmless(caught.value.message)


@pytest.mark.parametrize("text", HOSTILE)
def test_answers_of_a_checkpoint_are_no_markup(text):
    from a3core.birthplace.asking import Answer, Reply
    from a3core.birthplace.people import HELD_OUT, KnownPerson
    from a3core.birthplace.prediction import Candidate
    from a3core.ui.birthplace_cards import render_reply

    answer = Answer(text, text, 0.5, (Candidate(text, 0.5),), 0.1, recalled_sentence=text, recalled_probability=0.5)
    assert_harmless(render_reply(Reply(text, KnownPerson(text, text, HELD_OUT), 0.2, (answer,))))


@pytest.mark.parametrize("text", HOSTILE)
def test_answers_of_a_language_model_are_no_markup(text):
    from a3core.fewshot.answering import score_text
    from a3core.ui.fewshot_cards import render_answers
    from a3core.ui.fewshot_grid import describe_run

    assert_harmless(render_answers([score_text(text, text, [text], seconds=1.0)], text))
    facts = {"model": text, "pool": {"name": text, "rows": text}, "validation": {"name": text}, "encoder": text}
    assert_harmless(describe_run(facts))


@pytest.mark.parametrize("text", HOSTILE)
def test_what_a_head_does_is_no_markup(text):
    from a3core.ui.attention_panels import render_effect

    on, off = SimpleNamespace(probability=0.5), SimpleNamespace(probability=0.1)
    assert_harmless(render_effect(SimpleNamespace(answer=text, before=on, after=off)))


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "'\"><svg onload=x>"])
def test_a_filled_sentence_is_no_markup(demo, text):
    assert_harmless(call(demo, "fill_sentence", f"a {text} ⁇.", "builtin:10"))


def test_sanitizing_of_markdown_is_not_switched_off(demo):
    texts = [block for block in demo.blocks.values() if isinstance(block, gr.Markdown)]
    assert texts
    assert all(block.sanitize_html for block in texts)


FORMULAS = ["=1+1", "+1+cmd", "-2+3", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1", "'=1"]


@pytest.mark.parametrize("formula", FORMULAS)
def test_a_file_for_a_spreadsheet_holds_no_formula(tmp_path, monkeypatch, formula):
    import pandas as pd

    from a3core.ui import birthplace_panels

    rows = pd.DataFrame({"question": [formula], "p": [-0.5]})
    path = Path(birthplace_panels.write_predictions(SimpleNamespace(prediction_table=lambda: rows)))
    written = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)
    assert written["question"][0].lstrip('"').startswith("'")
    assert written["p"][0] == "-0.5"


@pytest.mark.parametrize("name", HOSTILE)
def test_a_run_of_any_name_has_a_file_of_a_plain_name(name):
    from a3core.cot.exporting import name_file

    found = name_file(name)
    assert found == Path(found).name
    assert not set(found) & set('/\\\r\n\t\0":;<>|')
    assert not found.startswith((".", "-"))


# The label database


@pytest.fixture
def grading(tmp_path, monkeypatch):
    from a3core.ui.cot_parts import Grading

    monkeypatch.delenv("SPACE_ID", raising=False)
    return Grading(f"sqlite:///{tmp_path / 'labels.sqlite'}")


@pytest.mark.parametrize("text", [text for text in HOSTILE if len(text) < 90])
def test_a_name_is_never_sql(grading, text):
    from a3core.cot.responses import Response, Run

    store = grading.store
    before = len(store.runs())
    id_ = store.add_run(Run(text, (Response(text, text, text, text, text, text),)))
    view = grading.grader.show(id_, text, _args())
    label = {"place": view["place"], "field": "explanation", "value": "correct"}
    assert "error" not in grading.grader.act(id_, text.strip(), "label", label, _args())
    assert len(store.runs()) == before + 1
    assert store.find_run(text) == id_
    assert [one.annotator for one in store.labels(id_)] == [text.strip()]


def _args():
    from a3core.ui.cot_label import read_args

    return read_args("unlabelled first", "all", True, False)


def test_on_a_public_page_nobody_labels_in_anothers_name(grading, monkeypatch):
    from a3core.ui.cot_parts import find_annotator

    monkeypatch.setenv("SPACE_ID", "ann/demo")
    signed_in = SimpleNamespace(username="mallory", request=SimpleNamespace(session={}))
    assert find_annotator("ann", signed_in) == "mallory"
    for request in (NOBODY, None, SimpleNamespace(username="", request=SimpleNamespace(session={}))):
        with pytest.raises(ValueError, match=r"read-only on this public page"):
            find_annotator("ann", request)


# Files that come in


def test_a_pickle_is_never_loaded(tmp_path):
    """Neither as a checkpoint's weights nor as a language model's."""
    from a3core.birthplace.checkpoints import load_checkpoint
    from a3core.language_model import load_language_model

    done = tmp_path / "done"

    class Payload:
        def __reduce__(self):
            return Path.touch, (done,)

    for name in ("model.safetensors", "pytorch_model.bin", "model.pt", "model.pkl"):
        (tmp_path / name).write_bytes(pickle.dumps(Payload()))
    (tmp_path / "config.json").write_text('{"model_type": "llama", "vocabulary": "□⁇ab"}', encoding="utf-8")
    with pytest.raises(ValueError, match="cannot be loaded"):
        load_checkpoint(tmp_path)
    with pytest.raises(ValueError, match="no causal language model that can be loaded here"):
        load_language_model(str(tmp_path))
    (tmp_path / "model.safetensors").unlink()
    with pytest.raises(ValueError, match=r"has no model.safetensors"):
        load_checkpoint(tmp_path)
    with pytest.raises(ValueError, match="no causal language model that can be loaded here"):
        load_language_model(str(tmp_path))
    assert not done.exists()


def build_safetensors(header: bytes, length: int | None = None) -> bytes:
    return struct.pack("<Q", len(header) if length is None else length) + header


HUGE = json.dumps({"embed.weight": {"dtype": "F32", "shape": [2**40, 2**20], "data_offsets": [0, 2**62]}}).encode()
SAFETENSORS_BOMBS = {
    "a header of 9 exabytes": build_safetensors(b"{}", 2**63),
    "a header of 90 MB that is not there": build_safetensors(b"{}", 90_000_000),
    "a shape of exabytes": build_safetensors(HUGE),
    "brackets": build_safetensors(b"[" * 1_000_000),
    "nothing": b"",
    "overlapping": build_safetensors(
        json.dumps({n: {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]} for n in "ab"}).encode()
    )
    + bytes(4),
}


@pytest.mark.parametrize("bomb", SAFETENSORS_BOMBS)
def test_weights_that_lie_about_their_size_are_refused(tmp_path, build_gpt, training, bomb):
    from a3core.birthplace.checkpoints import load_checkpoint, save_checkpoint

    save_checkpoint(build_gpt(), tmp_path / "checkpoint", training)
    (tmp_path / "checkpoint" / "model.safetensors").write_bytes(SAFETENSORS_BOMBS[bomb])
    with pytest.raises(ValueError, match=r"cannot be loaded, its weights do not fit its config\.json"):
        load_checkpoint(tmp_path / "checkpoint")


def pack_zip(members: dict[str, bytes], path: Path) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, content in members.items():
            bundle.writestr(name, content)
    return path


@pytest.mark.parametrize("name", ["../evil.json", "/tmp/evil.json", "a/../../run.json", "C:\\run.json", "run.json\n"])
def test_an_export_unpacks_nothing_but_its_own_members(grading, tmp_path, name):
    from a3core.cot.exporting import restore_export

    with pytest.raises(ValueError, match="is no export of a run"):
        restore_export(grading.store, pack_zip({"run.json": b"{}", name: b"{}"}, tmp_path / "a.zip"))
    assert not (tmp_path.parent / "evil.json").exists()


def test_a_link_in_an_export_is_unpacked_as_a_plain_file(tmp_path):
    from a3core.cot.exporting import unpack

    link = zipfile.ZipInfo("run.json")
    link.create_system, link.external_attr = 3, 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as bundle:
        bundle.writestr(link, "/etc/passwd")
    (tmp_path / "out").mkdir()
    unpacked = unpack(tmp_path / "a.zip", tmp_path / "out") / "run.json"
    assert not unpacked.is_symlink() and unpacked.read_text(encoding="utf-8") == "/etc/passwd"


def test_an_export_that_is_a_bomb_is_not_unpacked(grading, tmp_path, monkeypatch):
    from a3core.cot import exporting

    monkeypatch.setattr(exporting, "LARGEST", 1_000_000)
    bomb = pack_zip({"run.json": b"{}", "responses.jsonl": b" " * 2_000_000}, tmp_path / "a.zip")
    assert bomb.stat().st_size < 10_000
    with pytest.raises(ValueError, match="unpacks to over"):
        exporting.restore_export(grading.store, bomb)


def write_parquet_bomb(path: Path) -> Path:
    import pyarrow
    import pyarrow.parquet

    text = pyarrow.DictionaryArray.from_arrays(pyarrow.array([0] * 3000, pyarrow.int32()), ["x" * 10_000])
    table = pyarrow.table({"question": text, "answer": text})
    pyarrow.parquet.write_table(table, path, compression="zstd")
    return path


def test_a_pool_that_is_a_bomb_is_not_unpacked(tmp_path, monkeypatch):
    from a3core import parquet_files
    from a3core.fewshot.pools import load_pool

    monkeypatch.setattr(parquet_files, "LARGEST_TEXT", 10_000_000)
    bomb = write_parquet_bomb(tmp_path / "pool.parquet")
    assert bomb.stat().st_size < 500_000
    with pytest.raises(ValueError, match=r"pool\.parquet unpacks to more than 10 MB: divide it"):
        load_pool(bomb)


WRONG = {
    "a picture": b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 10,
    "a pickle": pickle.dumps({"question": "a", "answer": "b"}),
    "an archive": b"PK\x03\x04" + bytes(100),
    "gzip": b"\x1f\x8b\x08" + bytes(100),
    "nothing": b"",
    "zeros": bytes(10_000),
    "brackets": b"[" * 200_000,
    "a number of a million digits": b"[" + b"9" * 1_000_000 + b"]",
    "UTF-16": "question,answer\na,b\n".encode("utf-16"),
}


@pytest.mark.parametrize("suffix", [".jsonl", ".json", ".csv", ".tsv", ".parquet"])
@pytest.mark.parametrize("content", WRONG)
def test_a_file_of_another_kind_is_one_clear_sentence(tmp_path, content, suffix):
    from a3core.cot.table_files import read_table
    from a3core.fewshot.pools import load_pool

    path = tmp_path / f"file{suffix}"
    path.write_bytes(WRONG[content])
    for read in (read_table, load_pool):
        with pytest.raises(ValueError, match=r"file\.") as caught:
            read(path)
        assert len(str(caught.value)) < 500
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", WRONG)
def test_a_file_of_questions_of_another_kind_is_one_clear_sentence(tmp_path, content):
    from a3core.birthplace.corpora import load_questions

    path = tmp_path / "questions.tsv"
    path.write_bytes(WRONG[content])
    if content in ("brackets", "a number of a million digits"):
        return  # a line of text is a question
    with pytest.raises(ValueError, match=r"^questions\.tsv") as caught:
        load_questions(path)
    assert len(str(caught.value)) < 500


# A public page


@pytest.fixture(scope="module")
def space():
    """SPACE_ID, for as long as this module's public pages live."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPACE_ID", "ann/demo")
        patch.delenv("A3_LANGUAGE_MODEL", raising=False)
        yield patch


@pytest.fixture(scope="module")
def label_file(tmp_path_factory):
    return tmp_path_factory.mktemp("labels") / "labels.sqlite"


@pytest.fixture(scope="module")
def public_page(space, checkpoint_root, label_file):
    """The page as a Space shows it, over the real loaders of models."""
    from a3core.ui.cot_parts import Grading
    from a3core.ui.demo import build_demo

    return build_demo(checkpoint_root, grading=Grading(f"sqlite:///{label_file}"))


SERVERS = [
    "http://169.254.169.254/latest/meta-data",
    "https://evil.example/v1",
    "HTTP://127.0.0.1:22/",
    " http://[::1]/v1#m ",
    "http://localhost@evil.example/",
    "//evil.example/v1",
    "file:///etc/passwd",
    "/etc",
    "../../etc",
    "hub/any-model",
]


@pytest.mark.parametrize("name", SERVERS)
def test_on_a_public_page_no_address_and_no_folder_is_a_model(space, public_page, name):
    from a3core.space import check_model

    with pytest.raises(ValueError, match="This public page offers only"):
        check_model(name)
    with pytest.raises(gr.Error, match=r"offers only|A server does not tell"):
        call(public_page, "attention_pattern", "Babe Ruth", name)
    asked = {"model": name, "text": "Babe Ruth", "generate": False, "heads": [[0, 0]]}
    (view, *_) = [block for block in public_page.blocks.values() if getattr(block, "elem_id", "") == "pattern-first"]
    refused = view.fetch_pattern(asked)
    assert "error" in refused and "matrix" not in refused


@pytest.mark.parametrize("path", ["/etc", "../", "~", str(ROOT / "assets" / "fewshot_grid")])
def test_on_a_public_page_no_folder_is_opened(space, public_page, path):
    with pytest.raises(gr.Error, match=r"not offered on a public page"):
        call(public_page, "show_folder", path)


@pytest.mark.parametrize("path", ["/etc/passwd", "hub:triviaqa", str(ROOT / "assets" / "questions.jsonl")])
def test_on_a_public_page_a_pool_is_uploaded_and_not_named(space, public_page, path):
    with pytest.raises(gr.Error, match="Choose a pool first"):
        call(public_page, "use_pool", None, None, path, path)


def test_on_a_public_page_nobody_writes_without_signing_in(space, public_page):
    refusals = {
        "import_file": ("/tmp/a.csv", "a", NOBODY, *["(none)"] * 9),
        "store": (1, "{}", 0.0, NOBODY),
        "restore": ("/tmp/a.zip", "", NOBODY),
    }
    for name, values in refusals.items():
        events = find_events(public_page, name)
        with pytest.raises(gr.Error, match=r"read-only on this public page"):
            public_page.fns[events[-1]].fn(*values)
    with pytest.raises(gr.Error, match=r"not offered on a public page|Name the dataset first"):
        call(public_page, "push_run", 1, "mallory/labels", "csv")


# The running app


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
    values = [{**name_file(sent), "orig_name": "pool.jsonl"}, None, "", ""]
    ask(address, event(public_page, "use_pool"), values, session="mallory")
    holder = public_page.app.state_holder
    assert all("pool.jsonl" not in str(holder["ann"][i]) for i in states)
