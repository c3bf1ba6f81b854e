"""schemathesis against the public OpenAPI document: nothing that it thinks of makes the server fail."""

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.clients.install import python_package
from tests.serve.serving_box import Box
from tests.serve.test_hosting import until, worker

pytestmark = [pytest.mark.soak, pytest.mark.timeout(1800)]
EXAMPLES = 4
"""Of each route and way to make them."""


def test_every_route_is_described(box: Box) -> None:
    told = json.loads(box.ask("GET", "/openapi.json")[1])
    assert told["openapi"].startswith("3.1")
    body = told["paths"]["/v1/completions"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert len(body["anyOf"]) == 2
    for reference in body["anyOf"]:
        assert reference["$ref"].rpartition("/")[2] in told["components"]["schemas"]
    assert set(told["paths"]["/v1/health"]) == {"get", "post"}
    assert told["paths"]["/tokenizer/{name}"]["get"]["parameters"][0]["name"] == "name"


def test_nothing_fails(box: Box, tmp_path: Path) -> None:
    python = python_package("schemathesis")
    # Whoever sets no limit is answered until the context ends: let that be soon.
    box.paths.models_toml.write_text("[models.starter]\ncontext = 256\n")
    os.kill(worker(box).pid, signal.SIGKILL)
    until(lambda: box.host.state == "ready" and box.host.context == 256)
    box.complete(prompt="x", max_tokens=1)
    options = ["--checks", "not_a_server_error", "--max-examples", str(EXAMPLES), "--workers", "1", "--no-color"]
    options += ["--request-timeout", "90", "--generation-database", "none"]
    where = f"http://127.0.0.1:{box.port}/openapi.json"
    command = [str(python), "-m", "schemathesis.cli", "run", where, *options]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=1700)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    assert box.complete(prompt="x", max_tokens=1)["choices"][0]["text"]
