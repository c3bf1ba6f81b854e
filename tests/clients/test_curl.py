"""curl, as llama.vim calls it and as people try Ollama's routes."""

import json
import shutil
import subprocess
import time
from typing import Any

import pytest

from backend import wire
from backend.checkpoints import switch
from refact_tui.connect import settings
from tests.serve.serving_box import Box

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
PROMPT, SUFFIX = "def area(width, height):\n    return ", "\n\n\nprint(area(2, 3))\n"


def command(box: Box, path: str, body: Any) -> list[str]:
    url = f"http://127.0.0.1:{box.port}{path}"
    head = ["-H", "Content-Type: application/json", "-H", "Authorization: Bearer k"]
    return [
        "curl",
        "--silent",
        "--no-buffer",
        "--noproxy",
        "*",
        "--request",
        "POST",
        "--url",
        url,
        *head,
        "-d",
        json.dumps(body),
    ]


def curl(box: Box, path: str, body: Any) -> str:
    done = subprocess.run(command(box, path, body), capture_output=True, text=True, check=True, timeout=90)
    return done.stdout


def test_infill_and_ollama_follow_a_switch(box: Box) -> None:
    before, _, line = PROMPT.rpartition("\n")
    for name in ("sign:1", "sign:2"):
        box.call(switch.use(box.ctx, wire.Use(mode="specific", checkpoint=name)))
        wanted = box.complete(prompt=PROMPT, suffix=SUFFIX, max_tokens=12, model=f"starter:{name}")["choices"][0][
            "text"
        ]
        asked = {"input_prefix": f"{before}\n", "prompt": line, "input_suffix": SUFFIX, "n_predict": 12}
        assert json.loads(curl(box, "/infill", {**asked, "temperature": 0}))["content"] == wanted
        options = {"temperature": 0, "num_predict": 12}
        body = {"model": "starter", "prompt": PROMPT, "suffix": SUFFIX, "options": options}
        assert "".join(json.loads(row)["response"] for row in curl(box, "/api/generate", body).splitlines()) == wanted


def test_the_line_that_serve_shows(box: Box) -> None:
    shown = {one.name: one.text for one in settings(f"http://127.0.0.1:{box.port}", "starter:base", "box")}
    line = shown["curl"].replace("curl -s", "curl -s --noproxy '*'", 1)
    done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=True, timeout=90)
    assert json.loads(done.stdout)["choices"][0]["text"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/infill", {"input_prefix": PROMPT, "n_predict": 1900}),
        ("/infill", {"input_prefix": PROMPT, "n_predict": 1900, "stream": True}),
        ("/api/generate", {"model": "starter", "prompt": PROMPT, "options": {"num_predict": 1900}}),
        ("/v1/fim/completions", {"prompt": PROMPT, "suffix": SUFFIX, "max_tokens": 1900}),
        ("/v1/completions", {"segments": {"prefix": PROMPT}}),
    ],
)
def test_a_curl_that_is_ended_frees_its_place(box: Box, path: str, body: dict[str, Any]) -> None:
    box.complete(prompt="x", max_tokens=1)
    with subprocess.Popen(command(box, path, body), stdout=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 60
        while not box.host.waiting and process.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.001)
        process.kill()
    while box.host.waiting:
        assert time.monotonic() < deadline
        time.sleep(0.01)
