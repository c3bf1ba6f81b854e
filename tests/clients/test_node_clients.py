"""OpenAI's client for node and Continue's adapters, from npm."""

from pathlib import Path

import pytest

from backend import wire
from backend.checkpoints import switch
from tests.clients.node import script
from tests.serve.serving_box import Box
from tests.serve.test_hosting import until

pytestmark = [pytest.mark.soak, pytest.mark.timeout(900)]
PROMPT, SUFFIX = "def area(width, height):\n    return ", "\n\n\nprint(area(2, 3))\n"


def expected(box: Box, model: str) -> str:
    return str(box.complete(prompt=PROMPT, suffix=SUFFIX, model=model, max_tokens=12)["choices"][0]["text"])


def use(box: Box, name: str) -> None:
    box.call(switch.use(box.ctx, wire.Use(mode="specific", checkpoint=name)))


def test_openais_client(box: Box, tmp_path: Path) -> None:
    for name in ("sign:1", "sign:2"):
        use(box, name)
        told = script("openai_npm.mjs", "openai", tmp_path, f"http://127.0.0.1:{box.port}", "starter", PROMPT, SUFFIX)
        assert told["plain"] == told["stream"] == expected(box, f"starter:{name}")
        assert told["models"][:2] == ["starter", "starter:base"] and 1 <= told["usage"] <= 12
        status, message = told["error"]
        assert status == 400 and "not hosted here" in message
        assert told["left"]
        until(lambda: not box.host.waiting)


def test_continues_adapters(box: Box, tmp_path: Path) -> None:
    package = "@continuedev/openai-adapters"
    for name in ("sign:1", "sign:2"):
        use(box, name)
        told = script(
            "continue_adapters.mjs", package, tmp_path, f"http://127.0.0.1:{box.port}", "starter", PROMPT, SUFFIX
        )
        wanted = expected(box, f"starter:{name}")
        assert {told[one] for one in ("openai", "mistral", "deepseek")} == {wanted}
        assert {told[one] for one in ("vllm", "llama.cpp", "ollama")} == {wanted}
        assert told["left"] is not None
        until(lambda: not box.host.waiting)
