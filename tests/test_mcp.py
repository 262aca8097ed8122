"""The public endpoints as MCP tools: a real client over streamable HTTP, and what is said where MCP is missing."""

from __future__ import annotations

import ast
import asyncio
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).resolve().parents[1]
TOOLS = {
    "predict_birthplace": {"name"},
    "attention_pattern": {"text", "model"},
    "attention_measures": {"text", "model", "answer"},
    "attention_lab": {"claim", "parameters"},
    "build_prompt": {"question", "k", "selection", "order"},
    "answer_prompt": {"prompt", "decoding"},
    "label_report": {"run"},
    "export_labels": {"run", "format"},
}
WITHOUT_MCP = "import sys; sys.modules['mcp'] = None; sys.argv = ['app.py', '--mcp']; import app; app.main()"


def test_without_the_package_it_is_said_at_once():
    done = subprocess.run([sys.executable, "-c", WITHOUT_MCP], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == 'Error: --mcp needs the package mcp: pip install "gradio[mcp]" -c constraints.txt\n'


@pytest.fixture(scope="module")
def tools(start_app):
    """The address at which a running app serves MCP."""
    pytest.importorskip("mcp", reason="the package mcp is not installed: pip install 'gradio[mcp]' -c constraints.txt")
    with start_app("--mcp") as address:
        yield f"{address}gradio_api/mcp/"


@pytest.fixture(scope="module")
def session(tools):
    """Runs a coroutine function with a client's session."""
    from mcp import ClientSession
    from mcp.client.streamable_http import streamable_http_client

    async def talk(do):
        connection = streamable_http_client(tools)
        async with connection as (incoming, outgoing, _), ClientSession(incoming, outgoing) as session:
            await session.initialize()
            return await do(session)

    with ThreadPoolExecutor() as pool:  # the browser tests leave a loop running in the main thread
        yield lambda do: pool.submit(asyncio.run, talk(do)).result()


def read(result) -> object:
    """What a tool answered: Gradio writes it as Python does."""
    assert not result.isError, result.content
    (part,) = result.content
    return ast.literal_eval(part.text)


@pytest.mark.slow
def test_every_public_endpoint_is_a_tool_that_explains_itself(session):
    tools = {tool.name: tool for tool in session(lambda client: client.list_tools()).tools}
    assert {name: set(tool.inputSchema["properties"]) for name, tool in tools.items()} == TOOLS
    for tool in tools.values():
        assert "Returns: " in tool.description and len(tool.description) > 100
        assert all(len(facts["description"]) > 15 for facts in tool.inputSchema["properties"].values())
    assert "18 subjects" in tools["build_prompt"].description
    assert tools["build_prompt"].inputSchema["properties"]["k"]["type"] in ("integer", "number")


@pytest.mark.slow
def test_a_client_asks_where_somebody_was_born(session):
    rows = read(session(lambda client: client.call_tool("predict_birthplace", {"name": "Babe Ruth"})))
    places = {row["checkpoint"]: row["place"] for row in rows}
    assert places["builtin-pretrained-finetuned"] == "Baltimore" and places["London baseline"] == "London"


@pytest.mark.slow
def test_a_client_builds_a_prompt(session):
    asked = {"question": "What is the capital of Peru?", "k": 2, "selection": "nearest"}
    built = read(session(lambda client: client.call_tool("build_prompt", asked)))
    assert len(built["demonstrations"]) == 2 and "What is the capital of Peru?" in built["prompt"]


@pytest.mark.slow
def test_a_wrong_call_is_one_sentence(session):
    result = session(lambda client: client.call_tool("predict_birthplace", {"name": ""}))
    assert result.isError and "type a name" in result.content[0].text


@pytest.mark.slow
@pytest.mark.parametrize(
    ("headers", "status"),
    [({"host": "evil.com:7860"}, 400), ({"origin": "http://evil.com"}, 403), ({"origin": "null"}, 403), ({}, 200)],
)
def test_a_page_of_another_address_uses_no_tool(tools, headers, status):
    hello = {"protocolVersion": "2025-03-26", "capabilities": {}, "clientInfo": {"name": "a", "version": "1"}}
    message = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello}
    accepts = {"accept": "application/json, text/event-stream"}
    assert httpx.post(tools, json=message, headers=accepts | headers).status_code == status
