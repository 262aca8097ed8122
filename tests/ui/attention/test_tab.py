"""The Attention tab without a browser: its models by name, what the view fetches, its presets, files and endpoint."""

from __future__ import annotations

import base64
import json
import re
import shutil

import gradio as gr
import numpy as np
import pytest

from a3core.birthplace.checkpoints import CheckpointStore
from a3core.birthplace.model.vocabulary import build_subwords
from a3core.common.batching import LRUCache
from a3core.llm.local import MODEL_NAME
from a3core.ui.attention.models import AttentionModels, answer_view, describe_capture, fetch_matrix
from a3core.ui.attention.panels import parse_heads, save_pattern
from a3core.ui.attention.presets import list_presets, load_example
from a3core.ui.attention.tab import ask_in_birthplace, build_attention_tab, build_endpoints, read_state

QUESTION = "Where was Babe Ruth born?"
NAME = "builtin-pretrained-finetuned"
ASKED = {"model": NAME, "text": QUESTION, "generate": False}


@pytest.fixture
def checkpoints(checkpoint_root) -> CheckpointStore:
    return CheckpointStore(checkpoint_root)


@pytest.fixture
def models(checkpoints) -> AttentionModels:
    return AttentionModels(checkpoints)


def test_every_checkpoint_and_the_packaged_model_are_offered(models):
    assert models.names == ["builtin-finetuned", "builtin-pretrained", NAME, MODEL_NAME]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "Choose a model"),
        (None, "Choose a model"),
        ("no/such-model", "neither a folder here nor"),
        ("not a name!", "neither a folder"),
        ("http://localhost:8000/v1", "does not tell its attention"),
    ],
)
def test_an_unknown_model_is_one_clear_sentence(models, name, message):
    with pytest.raises(ValueError, match=message):
        models.load(name)


def test_a_folder_that_is_no_model(models, tmp_path):
    with pytest.raises(ValueError, match=r"no config\.json"):
        models.load(str(tmp_path))
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ValueError, match="no causal language model"):
        models.load(str(tmp_path))


def test_a_language_model_from_a_folder(models, tmp_path):
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace
    from transformers import AutoModelForCausalLM, LlamaConfig, PreTrainedTokenizerFast

    tokenizer = Tokenizer(WordLevel({"<unk>": 0, "the": 1, "cat": 2, "sat": 3}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = Whitespace()
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="<unk>").save_pretrained(tmp_path)
    sizes = {"vocab_size": 4, "hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2}
    AutoModelForCausalLM.from_config(LlamaConfig(**sizes, intermediate_size=8)).save_pretrained(tmp_path)
    capture = models.capture(str(tmp_path), "the cat sat", False)
    assert capture.tokens == ("the", "cat", "sat") and capture.pattern.shape == (2, 2, 3, 3)
    assert models.capture(str(tmp_path), "the cat sat", False) is capture


def test_strangers_load_only_what_is_allowed(models, monkeypatch, tmp_path):
    monkeypatch.setenv("SPACE_ID", "somebody/something")
    assert models.names[-3:] == [MODEL_NAME, "HuggingFaceTB/SmolLM2-135M", "openai-community/gpt2"]
    for name in (str(tmp_path), "meta-llama/Llama-3.1-8B"):
        with pytest.raises(ValueError, match="offers only"):
            models.load(name)
    assert models.load(NAME).n_layer == 2


def test_captures_are_kept_until_the_room_is_full():
    made = []
    kept = LRUCache(capacity=2, size_of=lambda item: 1)
    for key in "aabcabc":
        kept.get(key, lambda key=key: made.append(key) or key)
    assert made == ["a", "b", "c", "a", "b", "c"]
    with pytest.raises(ZeroDivisionError):
        kept.get("d", lambda: 1 / 0)
    assert kept.get("d", lambda: "built") == "built", "who comes after a failure builds it"


def test_the_view_fetches_the_number_itself(models):
    request = {"model": NAME, "text": QUESTION, "generate": False, "second": "", "heads": [[1, 0]], "rollout": False}
    assert "press Show" in fetch_matrix(models, request)["error"]  # nothing is computed outside the queue
    models.capture(NAME, QUESTION, False)
    sent = np.frombuffer(base64.b64decode(fetch_matrix(models, request)["matrix"]), "<f2")
    pattern = models.capture(NAME, QUESTION, False).pattern[1, 0]
    np.testing.assert_allclose(sent, pattern[np.tril_indices(len(pattern))], rtol=1e-3, atol=1e-7)
    assert fetch_matrix(models, {**request, "rollout": True}) != fetch_matrix(models, request)


def test_chosen_layers_are_read_fetched_and_measured(models):
    payload = describe_capture(models, {**ASKED, "layers": "1"})
    assert payload["layers"] == [1] and payload["n_layer"] == 1 and payload["request"]["layers"] == "1"
    sent = np.frombuffer(
        base64.b64decode(fetch_matrix(models, {**payload["request"], "heads": [[0, 1]]})["matrix"]), "<f2"
    )
    pattern = models.capture(NAME, QUESTION, False).pattern[1, 1]
    np.testing.assert_allclose(sent, pattern[np.tril_indices(len(pattern))], rtol=1e-3, atol=1e-6)
    asked = {"kind": "cell", "heads": [[0, 1]], "at": {"query": 6, "key": 2}}
    chosen = answer_view(models, {**asked, "request": payload["request"]})
    by_hand = answer_view(models, {**asked, "request": {**payload["request"], "layers": ""}, "heads": [[1, 1]]})
    assert chosen["products"] == by_hand["products"] and chosen["sentence"] == by_hand["sentence"]
    with pytest.raises(ValueError, match="has layers 0 to 1, not 7"):
        describe_capture(models, {**ASKED, "layers": "7"})


@pytest.mark.parametrize(
    "change",
    [
        {"heads": []},
        {"heads": [[9, 9]]},
        {"heads": 3},
        {"heads": [["x", 0]]},
        {"heads": [[float("inf"), 0]]},
        {"model": "?"},
        {"text": ""},
    ],
)
def test_a_bad_request_is_answered_with_a_sentence(models, change):
    request = {"model": NAME, "text": QUESTION, "generate": False, "heads": [[0, 0]]}
    models.capture(NAME, QUESTION, False)
    assert set(fetch_matrix(models, {**request, **change})) == {"error"}
    assert set(fetch_matrix(models, change)) == {"error"}


def test_presets_set_two_checkpoints_and_a_question(checkpoints):
    (preset,) = list_presets(checkpoints)
    assert (preset.model, preset.second) == ("builtin-finetuned", NAME)
    assert preset.text.startswith("Where was ") and preset.label.endswith(": never read, has read")


def test_presets_of_a_checkpoint_that_recites(checkpoint_root, build_gpt, tmp_path):
    from dataclasses import replace

    from a3core.birthplace.checkpoints import load_training, save_checkpoint

    shutil.copytree(checkpoint_root, root := tmp_path / "checkpoints")
    facts = load_training(root / NAME)
    gpt = build_gpt(build_subwords(["Where was Ada Smith born?"], 270).text, block_size=128, tagged=True)
    for corpus in ("builtin:10", "builtin:12"):  # the second has no other checkpoint to stand beside
        name = f"recall-{corpus[-2:]}"
        save_checkpoint(gpt, root / name, replace(facts, stage="recall", corpus=corpus))
    models = AttentionModels(CheckpointStore(root))
    _, beside, alone = list_presets(models.checkpoints)
    assert (beside.model, beside.second) == ("recall-10", NAME) and (alone.model, alone.second) == ("recall-12", "")
    assert beside.label.endswith(": at once, recites") and alone.label.endswith(": recall")
    capture = models.capture("recall-10", "where was ada smith born?", True)
    prompt = "".join(capture.tokens[: capture.n_prompt])
    assert prompt == "where was ada smith born?\N{DOUBLE QUESTION MARK}Ada Smith" and capture.n_recited > 0


def test_the_address_of_the_page():
    query = {"tab": "attention", "model": NAME, "text": QUESTION, "generate": "1", "second": "other", "layer": "1"}
    assert read_state(query) == {"model": NAME, "second": "other", "text": QUESTION, "generate": True}
    expected = {"model": NAME, "second": "", "text": "Ada", "generate": False}
    assert read_state({"tab": "attention", "model": NAME, "text": "Ada"}) == expected
    assert read_state({}) is None and read_state({**query, "tab": "birthplace"}) is None


def test_the_question_goes_along_to_birthplace():
    question, tabs = ask_in_birthplace(gr.EventData(None, {"text": QUESTION + "⁇Baltimore⁇"}))
    assert question == QUESTION and tabs.selected == "birthplace"
    with pytest.raises(gr.Error, match="type a name"):
        ask_in_birthplace(gr.EventData(None, {"text": "⁇"}))


@pytest.mark.parametrize(
    ("typed", "heads"),
    [
        ("L2 H5, l0h1; 3.4", [(2, 5), (0, 1), (3, 4)]),
        ("", []),
        ("L12", [(12, head) for head in range(8)]),
        ("L12.0", [(12, 0)]),
        ("12.0", [(12, 0)]),
        ("2.5 3.0", [(2, 5), (3, 0)]),
        ("2.5, 3.0, 2.5", [(2, 5), (3, 0)]),
        ("L2H5", [(2, 5)]),
        ("L2.H5", [(2, 5)]),
    ],
)
def test_heads_as_they_are_typed(typed, heads):
    assert parse_heads(typed, 16, 8) == heads


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("L1 H1, five", "'five' is no head"),
        ("12", "'12' is no head: write L2 H5 for head 5 of layer 2, or L2 for all"),
        ("-1.0", "'-1.0' is no head"),
        ("1e3.0", "'1e3.0' is no head"),
        ("2.99", "no layer 2 head 99: the model has 16 layers of 8 heads"),
        ("L16", "no layer 16 head 0"),
    ],
)
def test_what_is_no_head_is_refused(typed, message):
    with pytest.raises(ValueError, match=message):
        parse_heads(typed, 16, 8)


def test_the_pattern_as_files(models):
    capture = models.capture(NAME, "Ada Smith", False)
    with np.load(save_pattern(capture, "npz")) as saved:
        np.testing.assert_array_equal(saved["pattern"], capture.pattern)
        assert "".join(saved["tokens"]) == "Ada Smith"
    with open(save_pattern(capture, "json"), encoding="utf-8") as file:
        saved = json.load(file)
    assert saved["tokens"] == list("Ada Smith") and saved["shape"] == [2, 2, 9, 9] and saved["model"] == NAME


def test_the_endpoint(models):
    attention_pattern, _ = build_endpoints(models)
    answer = attention_pattern("Ada", NAME)
    assert set(answer) == {"tokens", "shape", "pattern"} and answer["shape"] == [2, 2, 3, 3]
    for text, name in (("", NAME), ("A", NAME), ("Ada", "no/such"), ("x" * 10_000, NAME), ("\0\0", NAME)):
        with pytest.raises(gr.Error):
            attention_pattern(text, name)


def test_the_endpoint_of_measures(models):
    _, attention_measures = build_endpoints(models)
    answer = attention_measures(QUESTION, NAME)
    for name in ("needed_to_read", "needed_to_answer", "writes_directly"):
        assert np.shape(answer[name]) == (2, 2)
    assert len(answer["lens"]) == 3 and set(answer["scores"]) >= {"previous token", "first token", "the name"}
    assert json.loads(json.dumps(answer, allow_nan=False)) == json.loads(json.dumps(answer))
    for text, name in (("", NAME), ("Ada", "no/such"), (7, NAME)):
        with pytest.raises(gr.Error):
            attention_measures(text, name)


def test_the_view_s_questions_are_answered_for_the_text_that_it_shows(models):
    from a3core.ui.attention.models import answer_view

    request = {"model": NAME, "text": QUESTION, "generate": True, "second": ""}
    asked = {"kind": "effect", "key": "k", "request": request, "heads": [[1, 0]], "at": None}
    found = answer_view(models, asked)
    assert found["key"] == "k" and found["request"] == request and 0 < found["everywhere"] <= 1
    assert {"before", "answer", "text"} <= found.keys()
    for change in (
        {"heads": 3},
        {"heads": []},
        {"kind": "all"},
        {"request": {}},
        {"request": None},
        {"heads": [[9, 9]]},
    ):
        assert "error" in answer_view(models, {**asked, **change})


def test_both_models_have_what_attention_needs(models):
    """As AttentionModel names it, in its docstring or by having it."""
    from tiny_models import build_config, build_language_model

    from a3core.attention.models import AttentionModel, HuggingFaceModel

    named = {"name", "network", "n_layer", "n_head", "limit", "encode", "continue_text", "logits", "trace"}
    assert all(re.search(rf"\b{name}\b", AttentionModel.__doc__) for name in named)
    names = named | {name for name in vars(AttentionModel) if not name.startswith("_")}
    assert {"split", "join", "unembedding", "layers", "part"} <= names
    for model in (models.load(NAME), HuggingFaceModel(build_language_model(build_config("llama")))):
        assert [name for name in names if not hasattr(model, name)] == []


@pytest.mark.slow
def test_the_example_is_what_the_code_answers_today():
    from a3core.common.paths import CHECKPOINTS
    from assets.make_attention_examples import build_example

    shipped, today = load_example(CheckpointStore(CHECKPOINTS)), build_example()
    assert {key for key in today if today[key] != shipped[key]} <= {"matrices", "norms", "answers"}
    weights = [np.frombuffer(base64.b64decode(each["matrices"]), "<f2").astype(float) for each in (shipped, today)]
    np.testing.assert_allclose(*weights, atol=2e-3)
    one, other = shipped["answers"][0], today["answers"][0]
    assert one["text"] == other["text"] and one["before"] == pytest.approx(other["before"], rel=1e-2)
    assert load_example(CheckpointStore(CHECKPOINTS / "nowhere")) is None


@pytest.mark.slow
def test_the_tab_builds_without_checkpoints_and_without_birthplace(tmp_path, checkpoints):
    for folder, question in ((CheckpointStore(tmp_path), False), (checkpoints, True)):
        with gr.Blocks() as demo, gr.Tabs() as tabs, gr.Tab("Attention", id="attention"):
            build_attention_tab(folder, gr.Textbox() if question else None, tabs if question else None)
        names = {fn.api_name for fn in demo.fns.values() if fn.api_visibility == "public"}
        assert "attention_pattern" in names


def test_a_checkpoint_that_vanished_is_told(checkpoint_root, tmp_path):
    root = tmp_path / "checkpoints"
    shutil.copytree(checkpoint_root, root)
    models = AttentionModels(CheckpointStore(root))
    assert NAME in models.names
    shutil.rmtree(root / NAME)
    with pytest.raises(ValueError, match="is not a checkpoint"):
        models.load(NAME)


@pytest.mark.slow
@pytest.mark.parametrize(("model", "loads"), [(NAME, True), ("some/hub-model", False)])
def test_a_link_loads_only_the_project_s_own_models_without_a_click(checkpoints, monkeypatch, model, loads):
    loaded = []
    monkeypatch.setattr(
        AttentionModels, "load", lambda models, name, progress=None, layers="": loaded.append(name) or 1 / 0
    )
    with gr.Blocks() as page:
        build_attention_tab(checkpoints, None, None)
    (restore,) = [event.fn for event in page.fns.values() if getattr(event.fn, "__name__", "") == "restore"]
    query = {"tab": "attention", "model": model, "text": QUESTION}
    request = gr.Request(query_params=query, headers={}, session_hash="a")
    if loads:
        with pytest.raises((ZeroDivisionError, gr.Error)):
            restore(request)
    else:
        assert "press Show" in " ".join(value for value in restore(request).values() if isinstance(value, str))
    assert loaded == ([model] if loads else [])


def test_no_rule_of_the_style_sheet_asks_every_change_of_a_page_for_its_rows():
    """Chromium laid the page out anew at each pointed cell, in 6 ms instead of 1, for the sake of one `tr:has()`."""
    from a3core.common.paths import ASSETS

    sheet = (ASSETS / "style.css").read_text(encoding="utf-8")
    assert ":has(" in sheet and re.findall(r"\b(?:tr|td|th|li|p|div|span):has\(", sheet) == []
