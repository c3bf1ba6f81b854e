"""curl, as llama.vim calls it, in the forms of plug-ins that cannot be run here, and as people try Ollama's routes."""

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


def said(text: str) -> str:
    """The whole answer, in one piece or as a stream."""
    if not text.startswith("data: "):
        answer = json.loads(text)
        return str(answer["content"] if "content" in answer else answer["choices"][0]["text"])
    packets = [line.removeprefix("data: ") for line in text.splitlines() if line.startswith("data: {")]
    return "".join(choice["text"] for packet in packets for choice in json.loads(packet)["choices"])


@pytest.mark.parametrize(
    ("path", "body"),
    [
        pytest.param(
            "/v1/completions", {"prompt": PROMPT, "suffix": SUFFIX, "top_p": 0.9, "stream": True}, id="minuet"
        ),
        pytest.param(
            "/v1/completions",
            {"prompt": f"<|fim_prefix|>{PROMPT}<|fim_suffix|>{SUFFIX}<|fim_middle|>", "stop": ["<|endoftext|>"]},
            id="Zed",
        ),
        pytest.param(
            "/v1/completions",
            {"prompt": f"<fim_prefix>{PROMPT}<fim_suffix>{SUFFIX}<fim_middle>", "stream": True},
            id="Twinny",
        ),
        pytest.param(
            "/infill",
            {"input_prefix": PROMPT, "prompt": "", "input_suffix": SUFFIX, "input_extra": [], "samplers": ["top_k"]},
            id="llama.vscode",
        ),
        pytest.param(
            "/v1/completions",
            {"language": "python", "segments": {"prefix": PROMPT, "suffix": SUFFIX}, "seed": 1},
            id="cmp-ai",
        ),
    ],
)
def test_a_request_of_a_plug_ins_form_is_answered_as_any_other(box: Box, path: str, body: dict[str, Any]) -> None:
    """By what their documentation says that they send; they are not run. Tabby's form ends at the block's end."""
    box.call(switch.use(box.ctx, wire.Use(mode="off")))
    length = {"n_predict": 12} if path == "/infill" else {"max_tokens": 12, "model": "starter"}
    wanted = box.complete(prompt=PROMPT, suffix=SUFFIX, max_tokens=12, model="starter:base")["choices"][0]["text"]
    answer = said(curl(box, path, {**length, **body, "temperature": 0}))
    assert answer and (wanted.startswith(answer) if "segments" in body else answer == wanted)


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
