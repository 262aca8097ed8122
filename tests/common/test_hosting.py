"""What strangers may do on a Space: each rule, and that the page and the rooms keep it."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import pytest

from a3core.common import hosting as space
from a3core.llm import offered
from a3core.llm.gemma import MODEL_NAME

ROOT = Path(__file__).resolve().parents[2]
ELSEWHERE = (
    "meta-llama/Llama-3.1-8B",
    "/etc",
    "../secret",
    "http://169.254.169.254/latest",
    "HTTP://LOCALHOST:8000/v1",
)


def set_space(patch: pytest.MonkeyPatch, folder: Path) -> None:
    """A Space without any setting of its owner's."""
    for name in ("A3_LANGUAGE_MODEL", "DATABASE_URL", "A3_LABELS_REPO", "HF_TOKEN", "OAUTH_CLIENT_ID"):
        patch.delenv(name, raising=False)
    patch.setenv("A3_DATA", str(folder / "data"))
    patch.setenv("SPACE_ID", "ann/demo")


@pytest.fixture
def on_space(monkeypatch, tmp_path):
    set_space(monkeypatch, tmp_path)


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> gr.Blocks:
    from a3core.ui.demo import build_demo
    from a3core.ui.grader.service import GraderService

    folder = tmp_path_factory.mktemp("space")
    with pytest.MonkeyPatch.context() as patch:
        set_space(patch, folder)
        return build_demo(ROOT / "checkpoints", grading=GraderService(f"sqlite:///{folder / 'labels.sqlite'}"))


@pytest.fixture
def page(built, on_space) -> gr.Blocks:
    """The whole page as strangers see it."""
    return built


def find(page: gr.Blocks, name: str):
    """The handler called `name`."""
    (fn, *_) = [event.fn for event in page.fns.values() if getattr(event.fn, "__name__", "") == name]
    return fn


@pytest.mark.parametrize("name", ELSEWHERE)
def test_models_come_from_a_short_list(on_space, name, monkeypatch):
    with pytest.raises(ValueError, match=f"offers only {MODEL_NAME}"):
        offered.check_model(name)
    monkeypatch.delenv("SPACE_ID")
    assert offered.check_model(name) == name


def test_the_default_model_is_the_owners(on_space, monkeypatch):
    assert offered.check_model(None) == offered.check_model(" ") == MODEL_NAME
    assert offered.check_model("openai-community/gpt2") == "openai-community/gpt2"
    monkeypatch.setenv("A3_LANGUAGE_MODEL", "http://vllm:8000/v1#llama")
    assert offered.list_models() == ["http://vllm:8000/v1#llama", *offered.ALLOWED_MODELS]
    assert offered.check_model("") == offered.check_model("http://vllm:8000/v1#llama") == "http://vllm:8000/v1#llama"
    with pytest.raises(ValueError, match="offers only"):
        offered.check_model("http://vllm:8000/v1#other")


@pytest.mark.parametrize("name", ELSEWHERE)
def test_no_room_loads_another_model(on_space, name):
    from a3core.birthplace.checkpoints import CheckpointStore
    from a3core.fewshot.service import FewShot
    from a3core.llm.local import load_language_model
    from a3core.ui.attention.models import AttentionModels

    attention = AttentionModels(CheckpointStore(ROOT / "checkpoints"))
    for load in (load_language_model, FewShot().model, attention.load):
        with pytest.raises(ValueError, match="offers only"):
            load(name)


def test_a_model_is_kept_once_whether_it_is_named_or_not(on_space):
    from a3core.fewshot.service import FewShot

    made = []
    fewshot = FewShot(load_model=lambda name, progress: made.append(name) or SimpleNamespace(name=name))
    assert fewshot.model() is fewshot.model(MODEL_NAME) is fewshot.model(" ")
    assert made == [MODEL_NAME]


def test_jobs_have_a_size(on_space, monkeypatch):
    from a3core.birthplace.data.corpora import Question
    from a3core.birthplace.file_evaluation import FileEvaluation
    from a3core.fewshot.pools import Demonstration, Pool
    from a3core.fewshot.service import FewShot

    rows = [Demonstration(str(i), f"Question {i}?", ("yes",)) for i in range(space.MOST_POOL_QUESTIONS + 1)]
    monkeypatch.setattr("a3core.fewshot.service.load_pool", lambda spec: Pool(spec, tuple(rows)))
    with pytest.raises(ValueError, match="5,001 questions of a pool are too many for this public page"):
        FewShot(load_encoder=pytest.fail).pool("large")
    questions = [Question(f"Where was {i} born?", None) for i in range(space.MOST_ASKED + 1)]
    with pytest.raises(ValueError, match="2,001 questions are too many"):
        FileEvaluation(questions, None, "builtin:10")
    assert space.largest_upload() == space.LARGEST_UPLOAD
    monkeypatch.delenv("SPACE_ID")
    assert FileEvaluation(questions, None, "builtin:10").questions == questions
    assert space.largest_upload() is None


@pytest.mark.slow
def test_the_page_offers_what_is_allowed_and_takes_no_folder(page):
    menus = [b for b in page.blocks.values() if isinstance(b, gr.Dropdown) and b.label in ("Model", "Language model")]
    assert len(menus) >= 3
    shipped = {path.parent.name for path in (ROOT / "checkpoints").glob("*/config.json")}
    for menu in menus:
        assert not menu.allow_custom_value
        assert {value for _, value in menu.choices} <= shipped | set(offered.ALLOWED_MODELS)
        with pytest.raises(gr.Error, match="not in the list of choices"):
            menu.preprocess("http://169.254.169.254/latest")
    with pytest.raises(gr.Error, match="Opening a folder is not offered on a public page"):
        find(page, "show_folder")("/etc")
    with pytest.raises(gr.Error, match="Pushing a run is not offered"):
        find(page, "push_run")(1, "somebody/else", "jsonl")
    with pytest.raises(gr.Error, match="Choose a pool first"):
        find(page, "use_pool")(None, None, "/etc/passwd", "/etc/passwd")


@pytest.mark.slow
def test_without_sign_in_labels_are_read_only(page):
    from a3core.ui.grader.service import find_annotator

    with pytest.raises(ValueError, match="read-only"):
        find_annotator("ann", SimpleNamespace(username=None))
    assert not [block for block in page.blocks.values() if isinstance(block, gr.LoginButton)]


def test_the_tab_says_that_labels_are_lost(on_space, tmp_path, monkeypatch):
    from a3core.ui.grader.service import GraderService

    told = GraderService().describe_location()
    assert str(tmp_path / "data") in told and "They are lost when this Space restarts" in told
    monkeypatch.delenv("SPACE_ID")
    assert "lost" not in GraderService().describe_location()


def test_the_grader_opens_while_the_hub_is_away(on_space, monkeypatch):
    """One sentence in the tab, the shipped runs, and another attempt after a while."""
    from a3core.grader.export import hub
    from a3core.ui.grader import service

    calls = []

    def refuse(*_):
        calls.append(1)
        if len(calls) < 3:
            raise ValueError("The labels in ann/labels cannot be read from the hub: no network")
        return SimpleNamespace(saved_at="2026-01-02T03:04:05.000000+00:00", problem="")

    monkeypatch.setattr(hub, "restore_backup", lambda *_: refuse())
    monkeypatch.setattr(hub, "LabelBackup", refuse)
    monkeypatch.setattr(service, "RETRY_AFTER", 0.5)
    monkeypatch.setenv("A3_LABELS_REPO", "ann/labels")
    monkeypatch.setenv("HF_TOKEN", "hf_mine")
    grading = service.GraderService()
    assert "no network** It is tried again." in grading.describe_location() and grading.list_runs()
    for _ in range(100):
        if grading.backup:
            break
        time.sleep(0.1)
    described = grading.describe_location()
    assert "The last labels reached it at 2026-01-02 03:04 UTC." in described and "no network" not in described


def test_the_tab_says_where_labels_survive(on_space, monkeypatch):
    from sqlalchemy import make_url

    from a3core.grader.export import hub
    from a3core.ui.grader.service import GraderService

    began = []
    monkeypatch.setattr(hub, "restore_backup", lambda store, repo: began.append(("restored", repo)))
    monkeypatch.setattr(hub, "LabelBackup", lambda store, repo, folder: began.append(("saving", repo)))
    monkeypatch.setenv("A3_LABELS_REPO", "ann/labels")
    assert "are lost" in GraderService().describe_location()  # without a token nothing can be saved
    monkeypatch.setenv("HF_TOKEN", "hf_mine")
    told = GraderService().describe_location()
    assert "saved to the dataset ann/labels" in told and "lost" not in told and "hf_mine" not in told
    assert began == [("restored", "ann/labels"), ("saving", "ann/labels")]
    elsewhere = GraderService("postgresql://ann:secret@db.example.org/labels")
    elsewhere._opened = SimpleNamespace(engine=SimpleNamespace(url=make_url(elsewhere.url)))
    told = elsewhere.describe_location()
    assert "PostgreSQL" in told and "lost" not in told and "secret" not in told
