"""Endpoints against a real server on this machine: one that answers, and those that refuse, babble, trickle or hang."""

import logging
import socket
import threading
import time
from contextlib import suppress

import pytest
from plain_server import MODEL, score, serve_plainly, split_tokens
from stub_server import serve_stub

from a3core.common.resumable import Unfinished
from a3core.llm import endpoint as endpoint_model
from a3core.llm import server as server_module
from a3core.llm.decoding import Cancelled, Decoding
from a3core.llm.endpoint import EndpointModel
from a3core.llm.local import load_language_model

KEY = "sk-very-secret"


@pytest.fixture(autouse=True)
def online(monkeypatch):
    """The other tests run with HF_HUB_OFFLINE, which closes huggingface_hub's client for endpoints too."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)


@pytest.fixture
def server():
    with serve_stub() as server:
        yield server


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(server_module, "BACK_OFF_SECONDS", 0.01)


def load(server, behaviour: str, model: str = "#m") -> EndpointModel:
    return load_language_model(f"http://127.0.0.1:{server.server_port}/{behaviour}/v1{model}")


def test_answers(server):
    model = load(server, "ok")
    assert model.generate(["say one", "say two"]) == [[" one"], [" two"]]
    path, _, body = server.seen[-1]
    assert path == "/ok/v1/chat/completions"
    assert body["model"] == "m" and body["stop"] == ["\n"] and body["max_tokens"] == 24 and body["temperature"] == 0
    assert model.generate([]) == [] and model.window is None and model.count_tokens("x") is None


def test_samples_have_seeds_of_their_own(server):
    model = load(server, "ok")
    answers = model.generate(["say one"], Decoding("sampling", temperature=0.5, top_p=0.9, n=3, seed=7))
    assert answers == [[" one"] * 3]
    assert sorted(body["seed"] for _, _, body in server.seen) == [7, 8, 9]
    assert {(body["temperature"], body["top_p"]) for _, _, body in server.seen} == {(0.5, 0.9)}


def test_streams_and_stops(server):
    model = load(server, "ok")
    texts = list(model.stream("say word"))
    assert texts[0] == " " and texts[-1] == " word" and " wo" in texts
    assert list(model.stream("say word", Decoding(stop=None)))[-1] == " word\nmore"


def test_the_servers_first_model_is_the_default(server):
    assert load(server, "ok", "").model == "first"
    assert load(server, "nolist", "").model is None
    assert load(server, "nolist", "").generate(["say one"]) == [[" one"]]


@pytest.mark.parametrize("code", [401, 403, 429, 500])
def test_refusing_at_once(server, code):
    with pytest.raises(ValueError, match=rf"\({code}\)"):
        load(server, str(code), "")


@pytest.mark.parametrize(("code", "tries"), [(400, 1), (401, 1), (404, 1), (422, 1), (429, 4), (500, 4), (503, 4)])
def test_refusing_later(server, code, tries):
    """Only what may pass is tried again."""
    model = load(server, f"later{code}")
    with pytest.raises(ValueError, match=rf"\({code}\)"):
        model.generate(["a"])
    assert len(server.seen) == tries
    with pytest.raises(ValueError, match=rf"\({code}\)"):
        model.generate(["a", "b"])
    with pytest.raises(ValueError, match=rf"\({code}\)"):
        list(model.stream("a"))


@pytest.mark.parametrize(("behaviour", "model"), [("garbage", "#m"), ("strange", "#m"), ("page", "#m"), ("html", "")])
def test_babbling(server, behaviour, model):
    with pytest.raises(ValueError, match="does not answer as an OpenAI-compatible server"):
        load(server, behaviour, model).generate(["a"])


@pytest.mark.parametrize("behaviour", ["hang", "trickle"])
def test_waiting_ends(server, behaviour, monkeypatch):
    monkeypatch.setattr(server_module, "READ_SECONDS", 0.3)
    monkeypatch.setattr(endpoint_model, "ANSWER_SECONDS", 0.6)
    start = time.monotonic()
    with pytest.raises(ValueError, match="does not answer in time"):
        load(server, behaviour).generate(["a"])
    assert time.monotonic() - start < 3


@pytest.mark.slow
@pytest.mark.parametrize(
    ("behaviour", "model", "says"),
    [
        ("pieces", "#m", "answers more than it was asked for"),
        ("line", "#m", "answers more than it was asked for"),
        ("endless", "", "lists more models than can be read"),
        ("huge", "", "lists more models than can be read"),
    ],
)
def test_what_has_no_end_or_100_megabytes_is_left(server, behaviour, model, says):
    start = time.process_time()
    with pytest.raises(ValueError, match=says):
        load(server, behaviour, model).generate(["a"])
    assert time.process_time() - start < 5


def test_a_redirect_does_not_take_the_key_along(server, monkeypatch):
    monkeypatch.setenv("A3_API_KEY", KEY)
    for model in ("", "#m"):
        with suppress(ValueError):
            load(server, "redirect", model).generate(["a"])
    elsewhere = [str(headers) for path, headers, _ in server.seen if path.startswith("/ok/")]
    assert elsewhere and not any(KEY in headers for headers in elsewhere)


def test_cancelling_a_silent_server(server):
    cancel = threading.Event()
    threading.Timer(0.2, cancel.set).start()
    start = time.monotonic()
    with pytest.raises(Cancelled):
        load(server, "hang").generate(["a", "b"], cancel=cancel)
    assert time.monotonic() - start < 3


def test_unreachable():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    for model in ("", "#m"):
        with pytest.raises(ValueError, match="cannot be reached"):
            load_language_model(address + model).generate(["a"])


def test_offline_mode_is_said(server, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ValueError, match="while HF_HUB_OFFLINE is set"):
        load(server, "ok", "")


@pytest.mark.parametrize("address", ["http://", "http://host:port/v1", "http://host:99999/v1", "https:///v1"])
def test_addresses_that_are_none(address):
    with pytest.raises(ValueError, match="address looks like"):
        load_language_model(address)


@pytest.mark.parametrize("address", [f"http://me:{KEY}@127.0.0.1/v1", f"http://127.0.0.1/v1?key={KEY}"])
def test_a_key_does_not_belong_into_the_address(address):
    with pytest.raises(ValueError, match="A3_API_KEY") as caught:
        load_language_model(address)
    assert KEY not in str(caught.value)


def test_the_key_is_sent_and_never_shown(server, monkeypatch, caplog):
    monkeypatch.setenv("A3_API_KEY", KEY)
    caplog.set_level(logging.DEBUG)
    model = load(server, "ok", "")
    model.generate(["say one"])
    keys = [{k.lower(): v for k, v in headers.items()}["authorization"] for _, headers, _ in server.seen]
    assert keys == [f"Bearer {KEY}"] * 2
    with pytest.raises(ValueError, match="401") as caught:
        load(server, "later401").generate(["a"])
    shown = [repr(model), str(vars(model)), str(caught.value), caplog.text]
    assert not any(KEY in text for text in shown)
    assert caught.value.__cause__ is None and caught.value.__suppress_context__


def test_the_hub_token_is_not_sent_to_endpoints(server, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_mine")
    monkeypatch.delenv("A3_API_KEY", raising=False)
    load(server, "ok", "").generate(["say one"])
    assert len(server.seen) == 2
    assert not any("hf_mine" in str(headers) for _, headers, _ in server.seen)


def test_what_an_endpoint_cannot_do(server):
    model = load(server, "ok")
    with pytest.raises(ValueError, match="no beam search"):
        model.generate(["a"], Decoding("beam"))
    with pytest.raises(ValueError, match="log-probability"):
        model.log_probability(["a"], ["b"])


@pytest.mark.parametrize(
    ("behaviour", "words"), [("busy", ["one", "two"]), ("dated", ["one"])]
)  # dated: it names a time of the day that is past
def test_a_request_that_is_refused_for_a_while_is_tried_again(server, behaviour, words):
    answers = load(server, behaviour).generate([f"say {word}" for word in words])
    assert answers == [[f" {word}"] for word in words] and len(server.seen) == 2 * len(words)


def test_a_server_that_asks_for_max_completion_tokens_gets_it(server):
    model = load(server, "modern")
    assert model.generate(["say one"]) == [[" one"]] and "max_tokens" not in server.seen[-1][2]
    assert model.generate(["say two"]) == [[" two"]] and len(server.seen) == 3  # it is remembered


def test_a_server_without_chat_completes_the_prompt(server):
    model = load(server, "base")
    assert model.generate(["Question: who\nAnswer: Ann"]) == [[" Ann"]] and list(model.stream("say two"))[-1] == " two"
    paths = [path for path, *_ in server.seen]
    assert set(paths) == {"/base/v1/completions"} and len(paths) == 3  # it is asked once what it offers
    assert not model.tells_log_probability and len(server.seen) == 3
    assert server.seen[-1][2]["prompt"] == "say two" and server.seen[-1][2]["stop"] == ["\n"]


def test_a_server_gets_no_more_requests_at_a_time_than_allowed(server, monkeypatch):
    monkeypatch.setenv("A3_PARALLEL_REQUESTS", "2")
    model = load(server, "crowded")
    visitors = [threading.Thread(target=model.generate, args=(["say one"] * 4,)) for _ in range(3)]
    for visitor in visitors:
        visitor.start()
    for visitor in visitors:
        visitor.join()
    assert len(server.seen) == 12 and server.most == 2


@pytest.mark.parametrize(
    ("behaviour", "says"),
    [("sentence", "The context is 512 tokens"), ("broken", "breaks off: out of memory")],  # at once, within the stream
)
def test_the_server_s_own_sentence_is_in_the_error_and_the_key_is_not(server, monkeypatch, behaviour, says):
    monkeypatch.setenv("A3_API_KEY", KEY)
    with pytest.raises(ValueError, match=says) as caught:
        load(server, behaviour).generate(["a"])
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    ("behaviour", "says"),
    [("thinking", "wrote no answer within 24 tokens"), ("cut", "stopped in the middle of an answer")],
)
def test_an_answer_that_is_no_answer_is_an_error(server, behaviour, says):
    with pytest.raises(ValueError, match=says):
        load(server, behaviour).generate(["a"])


def test_a_server_that_refuses_to_repeat_a_text_completes_it(server):
    model = load(server, "noecho")
    assert model.generate(["say one"]) == [[" one"]] and not model.tells_log_probability
    assert {path for path, *_ in server.seen} == {"/noecho/v1/completions"}


@pytest.mark.parametrize(
    ("chosen", "path"), [("chat", "chat/completions"), ("completions", "completions"), ("", "completions")]
)
def test_the_path_can_be_chosen(server, monkeypatch, chosen, path):
    monkeypatch.setenv("A3_ENDPOINT_API", chosen)
    assert load(server, "noecho").generate(["say one"]) == [[" one"]]
    assert server.seen[-1][0] == f"/noecho/v1/{path}"


def test_a_path_that_was_chosen_and_is_not_there_is_an_error(server, monkeypatch):
    monkeypatch.setenv("A3_ENDPOINT_API", "completions")
    with pytest.raises(ValueError, match=r"no such address or model \(404\)"):
        load(server, "ok").generate(["say one"])


def test_answers_that_came_before_an_error_are_in_it(server):
    with pytest.raises(Unfinished, match="no such word") as caught:
        load(server, "picky").generate(["say one", "bad", "say two"], Decoding("sampling", n=2))
    assert caught.value.results == [[" one", " one"], None, [" two", " two"]]


def test_a_server_without_a_model_says_so(server):
    with pytest.raises(ValueError, match="lists no model: name one after #"):
        load(server, "empty", "")


# The second stub: another framework, another reading of the protocol


@pytest.fixture
def plain():
    with serve_plainly() as (address, asked):
        yield load_language_model(address), asked


def test_a_base_model_completes_the_prompt_although_its_server_has_a_chat(plain):
    model, asked = plain
    assert model.model == MODEL
    assert model.generate(["Question: who\nAnswer: Ann", "say two"]) == [[" Ann"], [" two"]]
    assert list(model.stream("say word", Decoding(stop=None)))[-1] == " word\nQuestion"
    assert {kind for kind, _ in asked.asked} == {"completions"}
    prompts = [body["prompt"] for _, body in asked.asked if body.get("stream")]
    assert prompts[-1] == "say word" and len(asked.asked) == 1 + 3  # it is asked once what it offers


def test_log_probabilities_are_those_of_the_tokens_behind_the_prompt(plain):
    model, asked = plain
    assert model.tells_log_probability
    prompts, texts = (
        ["Who wrote Hamlet?\nAnswer:", "Ans", "Where?\nAnswer: "],
        [" William Shakespeare", "wer it", "Ulm"],
    )
    scores = model.log_probability(prompts, texts)
    whole = sum(map(score, split_tokens(texts[0])))
    # a token over the border counts whole, as do the space and the word that are one token
    assert scores == pytest.approx([whole, score("Answer") + score(" it"), score(" Ulm")])
    assert asked.asked[-1][1]["echo"] and model.log_probability([], []) == []


def test_a_server_that_does_not_repeat_has_no_log_probabilities():
    with serve_plainly(echoes=False) as (address, asked):
        model = load_language_model(address)
        assert not model.tells_log_probability and model.generate(["say one"]) == [[" one"]]
        with pytest.raises(ValueError, match="does not tell the log-probability"):
            model.log_probability(["a"], ["b"])
        assert [kind for kind, _ in asked.asked] == ["completions"] * 3


def test_a_server_with_a_chat_alone_gets_a_message():
    with serve_plainly(completes=False) as (address, asked):
        model = load_language_model(address)
        assert model.generate(["say one"]) == [[" hello"]] and not model.tells_log_probability
        assert [kind for kind, _ in asked.asked] == ["chat"]


def test_a_busy_server_is_asked_again():
    with serve_plainly(busy=3) as (address, asked):
        assert load_language_model(address).generate(["say one"]) == [[" one"]]
        assert sum(bool(body.get("stream")) for _, body in asked.asked) == 4
