"""`llm` and Ollama's client for Python, each in an environment of its own."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from backend import wire
from backend.checkpoints import switch
from tests.clients.install import python_package
from tests.serve.serving_box import Box

pytestmark = [pytest.mark.soak, pytest.mark.timeout(900)]
PROMPT, SUFFIX = "def area(width, height):\n    return ", "\n\n\nprint(area(2, 3))\n"
MODELS = """
- model_id: ours
  model_name: starter
  api_base: http://127.0.0.1:{port}/v1
  completion: true
"""
OLLAMA = """
import json, sys, ollama
client = ollama.Client(host=sys.argv[1])
ask = {"model": "starter", "prompt": sys.argv[2], "suffix": sys.argv[3]}
options = {"temperature": 0, "num_predict": 12}
told = {"models": [one.model for one in client.list().models]}
told["plain"] = client.generate(**ask, options=options).response
told["stream"] = "".join(piece.response for piece in client.generate(**ask, options=options, stream=True))
try:
    client.generate(model="none", prompt="x")
except ollama.ResponseError as error:
    told["error"] = [error.status_code, error.error]
print(json.dumps(told))
"""


def run(python: Path, home: Path, *arguments: str) -> str:
    """What a program of the environment prints."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "NO_PROXY": "*", "LLM_USER_PATH": str(home)}
    environment["OPENAI_API_KEY"] = "none"
    done = subprocess.run(
        [str(python), *arguments], env=environment, cwd=home, capture_output=True, text=True, check=False, timeout=240
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def expected(box: Box, **ask: Any) -> str:
    return str(box.complete(max_tokens=12, **ask)["choices"][0]["text"])


@pytest.mark.parametrize("stream", [True, False])
def test_llm(box: Box, tmp_path: Path, stream: bool) -> None:
    python = python_package("llm")
    (tmp_path / "extra-openai-models.yaml").write_text(MODELS.format(port=box.port))
    for name in ("sign:1", "sign:2"):
        box.call(switch.use(box.ctx, wire.Use(mode="specific", checkpoint=name)))
        options = ["-o", "temperature", "0", "-o", "max_tokens", "12", *([] if stream else ["--no-stream"])]
        said = run(python, tmp_path, "-m", "llm", "-m", "ours", *options, "import os")
        assert said.rstrip("\n") == expected(box, prompt="import os", model=f"starter:{name}").rstrip("\n")


def test_ollamas_client(box: Box, tmp_path: Path) -> None:
    python = python_package("ollama")
    for name in ("sign:1", "sign:2"):
        box.call(switch.use(box.ctx, wire.Use(mode="specific", checkpoint=name)))
        told = json.loads(run(python, tmp_path, "-c", OLLAMA, f"http://127.0.0.1:{box.port}", PROMPT, SUFFIX))
        assert told["plain"] == told["stream"] == expected(box, prompt=PROMPT, suffix=SUFFIX, model=f"starter:{name}")
        assert "starter:latest" in told["models"]
        assert told["error"][0] == 404 and "not hosted" in told["error"][1]
