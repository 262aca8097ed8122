"""Whose turn it is, by the order of a queue; and the limits, on a running page that several visitors use at once."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import gradio as gr
import httpx
import pytest
from serving import ANSWER_SECONDS, ask, find_events, join, serve

from a3core.ui.shared import turns
from a3core.ui.shared.limits import LANGUAGE_MODEL, LONG_JOB, PREDICTION, QUEUE
from a3core.ui.shared.turns import MOST_OF_ADDRESS, MOST_OF_PAGE, share_fairly, take_turns


def event(name: str):
    """ "a1.x": a question of the address a1 from its page x."""
    address, page = name.split(".")
    return SimpleNamespace(
        _id=object(), session_hash=name, request=SimpleNamespace(client=SimpleNamespace(host=address)), page=page
    )


def order(waiting: str, running: str = "") -> str:
    waited = take_turns([event(name) for name in waiting.split()], [event(name) for name in running.split()])
    return " ".join(one.session_hash for one in waited)


@pytest.mark.parametrize(
    ("waiting", "running", "expected"),
    [
        ("a.x b.x c.x", "", "a.x b.x c.x"),
        ("a.x a.x a.x b.y", "", "a.x b.y a.x a.x"),
        ("a.x b.y", "a.x", "b.y a.x"),  # what runs was the first turn of its address
        ("a.x a.x a.y", "", "a.x a.y a.x"),  # pages of one address
        ("a.1 a.2 a.3 b.1 b.1", "", "a.1 b.1 a.2 b.1 a.3"),  # many pages of one address are one address
    ],
)
def test_addresses_take_turns_and_so_do_their_pages(waiting, running, expected):
    assert order(waiting, running) == expected


@pytest.fixture
def hold():
    """What every slow question of the page waits for."""
    held = threading.Event()
    yield held
    held.set()


@pytest.fixture
def page(hold):
    """A page with a question in each slot, and one of its small steps."""

    def slow(text: str) -> str:
        hold.wait(ANSWER_SECONDS)
        return text

    def predict(text: str) -> str:
        return text

    def step(text: str) -> str:
        return text

    with gr.Blocks() as page:
        text = gr.Textbox()
        gr.Button().click(slow, text, text, **LANGUAGE_MODEL)
        gr.Button().click(predict, text, text, **PREDICTION)
        gr.Button().click(step, text, text)
    return share_fairly(page.queue(**QUEUE))


@pytest.fixture
def address(page, hold):
    with serve(page) as address:
        yield address
        hold.set()


def post(address: str, event: int, session: str, **headers: str) -> httpx.Response:
    body = {"data": ["a"], "fn_index": event, "session_hash": session}
    return httpx.post(f"{address}/gradio_api/queue/join", json=body, headers=headers, timeout=ANSWER_SECONDS)


@pytest.mark.slow
def test_a_page_with_four_questions_waiting_is_refused_a_fifth_while_others_are_served(page, address, hold):
    slow, predict, step = (find_events(page, name)[0] for name in ("slow", "predict", "step"))
    joined = [join(address, slow, ["a"], "flood") for _ in range(MOST_OF_PAGE)]
    assert [one.status_code for one in joined] == [200] * MOST_OF_PAGE
    for event in (slow, predict):
        refused = join(address, event, ["a"], "flood")
        assert refused.status_code == 429
        assert refused.json()["detail"].startswith("You have 4 questions waiting")
    assert ask(address, step, ["its own steps go on"], "flood2").success
    assert join(address, slow, ["a"], "other").status_code == 200
    with ThreadPoolExecutor(8) as others:
        answered = list(others.map(lambda i: ask(address, predict, [f"visitor {i}"]), range(8)))
    assert [one.data for one in answered] == [[f"visitor {i}"] for i in range(8)]
    hold.set()
    end = time.monotonic() + 30
    while join(address, slow, ["a"], "flood").status_code != 200:
        assert time.monotonic() < end, "answered questions still count"
        time.sleep(0.1)


@pytest.mark.slow
def test_an_address_has_sixty_and_another_address_is_served(page, address):
    """Behind a proxy on this machine the forwarded address counts, the last one, which the proxy itself has seen."""
    slow, predict = find_events(page, "slow")[0], find_events(page, "predict")[0]
    flood = {"X-Forwarded-For": "203.0.113.9"}
    for i in range(MOST_OF_ADDRESS):
        assert post(address, slow, f"page {i // MOST_OF_PAGE}", **flood).status_code == 200
    forged = {"X-Forwarded-For": "198.51.100.1, 203.0.113.9"}
    for headers in (flood, forged):
        refused = post(address, predict, "page 99", **headers)
        assert refused.status_code == 429 and "60 questions of your network" in refused.json()["detail"]
    assert post(address, slow, "elsewhere", **{"X-Forwarded-For": "198.51.100.7"}).status_code == 200
    waiting = page._queue.event_queue_per_concurrency_id["language model"].queue
    assert waiting[0].session_hash == "elsewhere"
    assert ask(address, predict, ["here"]).data == ["here"]


@pytest.mark.slow
def test_jobs_of_the_language_model_from_many_addresses_fill_no_other_queue(page, address, monkeypatch):
    monkeypatch.setattr(turns, "MOST_OF_SLOT", 10)
    slow, predict = find_events(page, "slow")[0], find_events(page, "predict")[0]
    answers = [post(address, slow, f"page {i}", **{"X-Forwarded-For": f"203.0.113.{i}"}) for i in range(12)]
    assert [one.status_code for one in answers] == [200] * 11 + [429]  # one of them runs
    assert "10 others are waiting" in answers[-1].json()["detail"]
    assert ask(address, predict, ["short"]).data == ["short"]


@pytest.mark.slow
@pytest.mark.parametrize("number", [-1, 9999])
def test_an_event_that_is_none_is_not_found(address, number):
    refused = join(address, number, [])
    assert refused.status_code == 404 and refused.json()["detail"] == "This page has no such event."


def test_who_waits_for_a_long_job_sees_the_position(demo):
    jobs = [job for job in demo.fns.values() if job.concurrency_id == LONG_JOB["concurrency_id"]]
    assert len(jobs) > 5
    assert [job.fn.__name__ for job in jobs if job.show_progress == "hidden" or not job.fn] == []
