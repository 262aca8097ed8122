"""Endpoints against a real server on this machine: one that answers, and those that refuse, babble, trickle or hang."""

import json
import logging
import socket
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from plain_server import MODEL, score, serve_plainly, split_tokens

from a3core.common.resumable import Unfinished
from a3core.llm import endpoint as endpoint_model
from a3core.llm import server as server_module
from a3core.llm.decoding import Cancelled, Decoding
from a3core.llm.endpoint import EndpointModel
from a3core.llm.local import load_language_model

KEY = "sk-very-secret"


COMPLETING = ("base", "noecho", "broken", "picky")


class Handler(BaseHTTPRequestHandler):
    """The first part of the path says how to behave: /ok/v1/..., /401/v1/..., /garbage/v1/..."""

    def log_message(self, *args):
        pass

    def do_GET(self):
        self.server.seen.append((self.path, dict(self.headers), None))
        behaviour = self.behaviour()
        if behaviour.isdigit():
            self.reply(int(behaviour), b'{"error": "no"}')
        elif behaviour == "nolist":
            self.reply(404, b"")
        elif behaviour == "empty":
            self.reply(200, b'{"data": []}')
        elif behaviour == "redirect":
            self.send_away()
        elif behaviour == "endless":
            self.flood(b" " * 10_000)
        elif behaviour == "huge":
            self.reply(200, b'{"data": [{"id": "' + b"m" * 100_000_000 + b'"}]}')
        else:
            self.reply(200, b"<html>" if behaviour == "html" else b'{"data": [{"id": "first"}, {"id": "second"}]}')

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        behaviour = self.behaviour()
        if self.path.endswith("/v1/completions") and behaviour not in COMPLETING:
            return self.reply(404, b"")  # most have a chat alone
        self.server.seen.append((self.path, dict(self.headers), body))
        if behaviour.startswith("later"):
            return self.reply(int(behaviour[5:]), b'{"error": "no"}')
        getattr(self, behaviour if hasattr(self, behaviour) else "ok")(body)

    def behaviour(self) -> str:
        return self.path.split("/")[1]

    def reply(self, status: int, body: bytes):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def ok(self, body):
        """The prompt's last word, a letter at a time, a newline and more."""
        self.send_response(200)
        self.end_headers()
        for letter in [" ", *body["messages"][0]["content"].split()[-1], "\n", "m", "o", "r", "e"]:
            self.chunk({"choices": [{"index": 0, "delta": {"role": "assistant", "content": letter}}]})
        self.end("stop")

    def end(self, reason: str):
        self.chunk({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
        self.chunk({"choices": []})
        self.wfile.write(b"data: [DONE]\n\n")

    def busy(self, body):
        """Refuses each prompt once, the first time."""
        prompt = body["messages"][0]["content"]
        if sum(seen[2]["messages"][0]["content"] == prompt for seen in self.server.seen if seen[2]) > 1:
            return self.ok(body)
        self.send_response(429)
        self.send_header("Retry-After", "0")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def base(self, body):
        """A base model: it has no chat, and completes a prompt."""
        if "messages" in body:
            return self.reply(400, b'{"error": {"message": "As of v4.44 the default chat template is not allowed."}}')
        if "stream" not in body:  # it ignores echo and logprobs
            text = {"choices": [{"index": 0, "text": " yes", "logprobs": None, "finish_reason": "length"}]}
            return self.reply(200, json.dumps(text).encode())
        self.send_response(200)
        self.end_headers()
        for letter in [" ", *body["prompt"].split()[-1]]:
            self.chunk({"choices": [{"index": 0, "text": letter, "finish_reason": None}]})
        self.chunk({"choices": [{"index": 0, "text": "", "finish_reason": "stop"}]})

    def noecho(self, body):
        """Refuses options that it does not have, and has a chat, too."""
        if "echo" in body or "logprobs" in body:
            return self.reply(422, b'{"detail": "Unexpected keys in the request: echo, logprobs"}')
        (self.ok if "messages" in body else self.base)(body)

    def broken(self, body):
        """An error within the stream."""
        if "stream" not in body:
            return self.base(body)
        self.send_response(200)
        self.end_headers()
        self.chunk({"choices": [{"index": 0, "text": " Dan", "finish_reason": None}]})
        self.chunk({"error": {"message": f"out of memory, {self.headers['Authorization']}"}})

    def picky(self, body):
        """Refuses one prompt of many, after the others."""
        if "stream" in body and "bad" in body["prompt"]:
            time.sleep(0.3)
            return self.reply(400, b'{"message": "no such word"}')
        self.base(body)

    def dated(self, body):
        """Wants to be asked again at a time of the day that is past, the first time."""
        if sum("messages" in (seen[2] or {}) for seen in self.server.seen) > 1:
            return self.ok(body)
        self.send_response(503)
        self.send_header("Retry-After", "Wed, 21 Oct 2015 07:28:00 GMT")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def crowded(self, body):
        """Counts how many it answers at a time."""
        with self.server.lock:
            self.server.answering += 1
            self.server.most = max(self.server.most, self.server.answering)
        time.sleep(0.05)
        with self.server.lock:
            self.server.answering -= 1
        self.ok(body)

    def modern(self, body):
        if "max_completion_tokens" in body:
            return self.ok(body)
        self.reply(400, b'{"error": {"message": "Use max_completion_tokens instead."}}')

    def sentence(self, body):
        key = self.headers["Authorization"]
        self.reply(400, json.dumps({"error": {"message": f"The context is 512 tokens. Key {key}"}}).encode())

    def thinking(self, body):
        self.send_response(200)
        self.end_headers()
        self.chunk({"choices": [{"index": 0, "delta": {"reasoning_content": "Hm", "content": ""}}]})
        self.end("length")

    def cut(self, body):
        self.send_response(200)
        self.end_headers()
        self.chunk({"choices": [{"index": 0, "delta": {"content": "Dan"}}]})

    def chunk(self, value):
        self.wfile.write(b"data: " + json.dumps({"id": "1", "created": 1, "model": "m", **value}).encode() + b"\n\n")
        self.wfile.flush()

    def garbage(self, body):
        self.reply(200, b"data: {not json\n\n")

    def strange(self, body):
        self.reply(200, b'data: {"choices": [{"delta": 3}]}\n\n')

    def page(self, body):
        self.reply(200, b"<html>Welcome</html>")

    def hang(self, body):
        self.server.released.wait(20)

    def redirect(self, body):
        self.send_away()

    def send_away(self):
        """To another origin, that of the same server by its other name."""
        self.send_response(307)
        self.send_header("Location", f"http://localhost:{self.server.server_port}/ok/v1/models")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def flood(self, content: bytes):
        """The same content, until nobody reads any more."""
        self.send_response(200)
        self.end_headers()
        while not self.server.released.is_set():
            self.wfile.write(content)

    def pieces(self, body):
        self.send_response(200)
        self.end_headers()
        for _ in range(200_000):  # 100 MB, of an answer that never ends
            self.chunk({"choices": [{"index": 0, "delta": {"role": "assistant", "content": "a" * 400}}]})

    def line(self, body):
        content = json.dumps({"choices": [{"index": 0, "delta": {"content": "a" * 100_000_000}}]})
        self.reply(200, b"data: " + content.encode() + b"\n\n")

    def trickle(self, body):
        self.send_response(200)
        self.end_headers()
        while not self.server.released.wait(0.05):
            self.wfile.write(b"d")
            self.wfile.flush()


@pytest.fixture(autouse=True)
def online(monkeypatch):
    """The other tests run with HF_HUB_OFFLINE, which closes huggingface_hub's client for endpoints too."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)


@pytest.fixture
def server():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads, server.seen, server.released = True, [], threading.Event()
    server.handle_error = lambda *args: None  # a client that leaves is no error here
    server.lock, server.answering, server.most = threading.Lock(), 0, 0
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server
    server.released.set()
    server.shutdown()
    server.server_close()


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


@pytest.mark.parametrize("code", [400, 401, 404, 422, 429, 500, 503])
def test_refusing_later(server, code):
    model = load(server, f"later{code}")
    with pytest.raises(ValueError, match=rf"\({code}\)"):
        model.generate(["a", "b"])
    with pytest.raises(ValueError, match=rf"\({code}\)"):
        list(model.stream("a"))


@pytest.mark.parametrize("behaviour", ["garbage", "strange", "page"])
def test_babbling(server, behaviour):
    with pytest.raises(ValueError, match="does not answer as an OpenAI-compatible server"):
        load(server, behaviour).generate(["a"])
    with pytest.raises(ValueError, match="does not answer as an OpenAI-compatible server"):
        load(server, "html", "")


@pytest.mark.parametrize("behaviour", ["hang", "trickle"])
def test_waiting_ends(server, behaviour, monkeypatch):
    monkeypatch.setattr(server_module, "READ_SECONDS", 0.3)
    monkeypatch.setattr(endpoint_model, "ANSWER_SECONDS", 0.6)
    start = time.monotonic()
    with pytest.raises(ValueError, match="does not answer in time"):
        load(server, behaviour).generate(["a"])
    assert time.monotonic() - start < 3


@pytest.mark.parametrize("behaviour", ["pieces", "line"])
def test_an_answer_of_100_megabytes_is_left(server, behaviour):
    start = time.process_time()
    with pytest.raises(ValueError, match="answers more than it was asked for"):
        load(server, behaviour).generate(["a"])
    assert time.process_time() - start < 5


@pytest.mark.parametrize("behaviour", ["endless", "huge"])
def test_a_list_of_models_without_an_end_is_left(server, behaviour):
    start = time.process_time()
    with pytest.raises(ValueError, match="lists more models than can be read"):
        load(server, behaviour, "")
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
    with pytest.raises(ValueError, match="cannot be reached"):
        load_language_model(address)
    with pytest.raises(ValueError, match="cannot be reached"):
        load_language_model(address + "#m").generate(["a"])


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


def test_a_request_that_is_refused_for_a_while_is_tried_again(server):
    assert load(server, "busy").generate(["say one", "say two"]) == [[" one"], [" two"]]
    assert len(server.seen) == 4


@pytest.mark.parametrize(("code", "tries"), [(400, 1), (401, 1), (429, 4), (503, 4)])
def test_only_what_may_pass_is_tried_again(server, code, tries):
    with pytest.raises(ValueError, match=rf"\({code}\)"):
        load(server, f"later{code}").generate(["a"])
    assert len(server.seen) == tries


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


def test_the_server_s_own_sentence_is_in_the_error_and_the_key_is_not(server, monkeypatch):
    monkeypatch.setenv("A3_API_KEY", KEY)
    with pytest.raises(ValueError, match="The context is 512 tokens") as caught:
        load(server, "sentence").generate(["a"])
    assert KEY not in str(caught.value)


def test_an_answer_that_is_no_answer_is_an_error(server):
    with pytest.raises(ValueError, match="wrote no answer within 24 tokens"):
        load(server, "thinking").generate(["a"])
    with pytest.raises(ValueError, match="stopped in the middle of an answer"):
        load(server, "cut").generate(["a"])


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


def test_an_error_within_the_stream_is_the_server_s_own_sentence(server, monkeypatch):
    monkeypatch.setenv("A3_API_KEY", KEY)
    with pytest.raises(ValueError, match="breaks off: out of memory") as caught:
        load(server, "broken").generate(["a"])
    assert KEY not in str(caught.value)


def test_answers_that_came_before_an_error_are_in_it(server):
    with pytest.raises(Unfinished, match="no such word") as caught:
        load(server, "picky").generate(["say one", "bad", "say two"], Decoding("sampling", n=2))
    assert caught.value.results == [[" one", " one"], None, [" two", " two"]]


def test_a_server_that_names_a_date_is_asked_again_then(server):
    assert load(server, "dated").generate(["say one"]) == [[" one"]] and len(server.seen) == 2


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
