"""Real clients that chat: refact-lsp with its toolbox, OpenAI's for node, Continue's adapters, `llm`, Ollama's."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.install import python_package
from tests.clients.node import script
from tests.clients.refact_lsp import Refact
from tests.clients.test_python_clients import run
from tests.serve.chat_model import NAME, host_chat_model
from tests.serve.serving_box import Box

pytestmark = [pytest.mark.soak, pytest.mark.timeout(900)]
SAID = "def add(a, b):"
MODELS = """
- model_id: ours
  model_name: {name}
  api_base: http://127.0.0.1:{port}/v1
"""
OLLAMA = """
import json, sys, ollama
client = ollama.Client(host=sys.argv[1])
ask = {"model": sys.argv[2], "messages": [{"role": "user", "content": sys.argv[3]}]}
options = {"temperature": 0, "num_predict": 12}
plain = client.chat(**ask, options=options).message.content
stream = "".join(piece.message.content for piece in client.chat(**ask, options=options, stream=True))
print(json.dumps([plain, stream]))
"""


@pytest.fixture(scope="module")
def talking(box: Box, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    host_chat_model(box, tmp_path_factory.mktemp("chat") / NAME)
    yield box
    box.call(box.ctx.hosts.give_up(NAME))


@pytest.fixture(scope="module")
def expected(talking: Box) -> str:
    body = {"model": NAME, "messages": [{"role": "user", "content": SAID}], "temperature": 0, "max_tokens": 12}
    status, text = talking.ask("POST", "/v1/chat/completions", body)
    assert status == 200, text
    return str(json.loads(text)["choices"][0]["message"]["content"])


def test_node_clients(talking: Box, expected: str, tmp_path: Path) -> None:
    where = f"http://127.0.0.1:{talking.port}"
    told = script("openai_chat.mjs", "openai", tmp_path, where, NAME, SAID)
    assert told["plain"] == told["stream"] == expected
    assert told["error"][0] == 400 and "does not chat" in told["error"][1]
    told = script("continue_chat.mjs", "@continuedev/openai-adapters", tmp_path, where, NAME, SAID)
    assert set(told.values()) == {expected}


def test_python_clients(talking: Box, expected: str, tmp_path: Path) -> None:
    (tmp_path / "extra-openai-models.yaml").write_text(MODELS.format(port=talking.port, name=NAME))
    options = ["-o", "temperature", "0", "-o", "max_tokens", "12"]
    for stream in ([], ["--no-stream"]):
        said = run(python_package("llm"), tmp_path, "-m", "llm", "-m", "ours", *options, *stream, SAID)
        assert said.rstrip("\n") == expected.rstrip("\n")
    where = f"http://127.0.0.1:{talking.port}"
    assert json.loads(run(python_package("ollama"), tmp_path, "-c", OLLAMA, where, NAME, SAID)) == [expected] * 2


def test_refact_lsp_chats_and_offers_the_toolbox(talking: Box, tmp_path: Path) -> None:
    refact = Refact(talking, tmp_path)
    try:
        refact.until_it_answers()
        told = json.loads(refact.ask("GET", "/v1/customization")[1])
        assert told["toolbox_commands"]["naming"]["description"] == "Find better names"
        assert "%CODE_SELECTION%" in told["toolbox_commands"]["explain"]["messages"][0]["content"]
        caps = json.loads(refact.ask("GET", "/v1/caps")[1])
        assert caps["code_chat_default_model"] == NAME
        for stream in (True, False):
            body = {
                "messages": [{"role": "user", "content": SAID}],
                "model": NAME,
                "parameters": {"temperature": 0.0, "max_new_tokens": 12},
                "max_tokens": 12,
                "stream": stream,
                "chat_id": "a",
            }
            status, text = refact.ask("POST", "/v1/chat", body)
            assert status == 200, text
            assert '"content"' in text and "assistant" in text, text
            assert ("[DONE]" in text) == stream
    finally:
        refact.editor.close()
