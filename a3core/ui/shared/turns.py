"""Whose turn it is: a page and an address may have so many questions pending, and addresses take turns in each slot.

    share_fairly(page.queue(...))

Gradio's own queue holds what waits and what runs, each with the request that it came by: nothing is counted beside it.
A slot is what shares a `concurrency_id` (`shared.limits`); each of the page's own small steps is a slot by itself.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial

import gradio as gr
from fastapi import HTTPException, Request
from gradio.context import LocalContext
from gradio.queueing import Event, Queue

MOST_OF_PAGE = 4  # questions pending: waiting, or being answered
MOST_STEPS = 16  # of one kind, such as the choice of a head
MOST_OF_ADDRESS = 60  # a lecture hall is one address
MOST_OF_SLOT = 120  # so that what waits for a language model fills no other queue


def share_fairly(page: gr.Blocks) -> gr.Blocks:
    """The page, whose queue answers 429 with one sentence to who has too much pending."""
    queue, push = page._queue, page._queue.push

    async def push_in_turn(body, request, username):
        if body.fn_index not in page.fns:
            raise HTTPException(404, "This page has no such event.")
        slot = page.fns[body.fn_index].concurrency_id
        if refusal := find_refusal(queue, slot, body.session_hash, request):
            raise HTTPException(429, refusal)
        pushed = await push(body=body, request=request, username=username)
        waiting = queue.event_queue_per_concurrency_id[slot].queue
        waiting[:] = take_turns(waiting, list_running(queue))
        queue.broadcast_estimations(slot)
        return pushed

    async def announce(change: Callable, *event, **names) -> None:
        await change(*event, **names)
        for slot in list(queue.event_queue_per_concurrency_id):
            queue.broadcast_estimations(slot)

    queue.push = push_in_turn
    for name in ("remove_from_queue", "clean_events"):  # who cancels, who leaves: the others' positions change
        setattr(queue, name, partial(announce, getattr(queue, name)))
    return page


def find_refusal(queue: Queue, slot: str, session: str | None, request: Request) -> str | None:
    """The sentence for who has too much pending, or None. Questions are counted over all slots that have a name."""
    waiting = [event for one in queue.event_queue_per_concurrency_id.values() for event in one.queue]
    pending = (*waiting, *list_running(queue))
    is_step = slot.isdigit()  # as Gradio calls one without a name
    counts = (lambda other: other == slot) if is_step else (lambda other: not other.isdigit())
    pending = [event for event in pending if counts(event.concurrency_id)]
    of_page, most = sum(one.session_hash == session for one in pending), MOST_STEPS if is_step else MOST_OF_PAGE
    if of_page >= most and request.headers.get("x-gradio-user") != "mcp":  # all MCP clients are one session
        return f"You have {of_page} questions waiting: one of them has to be answered first."
    of_address = sum(find_address(event.request) == find_address(request) for event in pending)
    if of_address >= MOST_OF_ADDRESS:
        return f"{of_address} questions of your network are waiting: ask again in a minute."
    if sum(event.concurrency_id == slot for event in waiting) >= MOST_OF_SLOT:
        return f"{MOST_OF_SLOT} others are waiting for the same: ask again in a minute."
    return None


def is_pending(session: str, step: int) -> bool:
    """Whether a visitor's event of `page.fns` waits, runs, or was cancelled and has not come to its end."""
    known = LocalContext.blocks.get()._queue.event_ids_to_events.values()
    return any((one.session_hash, one.fn._id) == (session, step) for one in known)


def list_running(queue: Queue) -> list[Event]:
    """Events that are being answered."""
    return [event for job in queue.active_jobs if job for event in job]


def find_address(request: Request) -> str:
    """The address of who asked; behind a proxy that is trusted (FORWARDED_ALLOW_IPS) the forwarded one."""
    return request.client.host if request.client else ""


def take_turns(waiting: Iterable[Event], running: Iterable[Event]) -> list[Event]:
    """In the order of their turns: the first question of each address, then the second of each, and so on.

    Within an address, pages take turns in the same manner. What runs already was the first turn.
    """
    ordered, running = list(waiting), list(running)
    for key in (lambda event: event.session_hash, lambda event: find_address(event.request)):
        before, turn = Counter(map(key, running)), {}  # how many of the same key there are before each
        for event in ordered:
            turn[event._id] = before[key(event)]
            before[key(event)] += 1
        ordered.sort(key=lambda event, turn=turn: turn[event._id])
    return ordered
