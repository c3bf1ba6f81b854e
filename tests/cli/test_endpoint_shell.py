"""A wider endpoint and its keys from the shell: refused without one, reached over this box's real address with one."""

import contextlib
import http.client
import ipaddress
import json
import os
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from backend.serve.endpoint import _reached
from tests.e2e.engine_box import Box, free_port, fresh_box

OUTSIDE = _reached()
outside = pytest.mark.skipif(
    not OUTSIDE.replace(".", "").isdigit() or ipaddress.ip_address(OUTSIDE).is_loopback,
    reason="this box has no address but its own",
)
openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")


@pytest.fixture
def lone() -> Iterator[Box]:
    """A home of its own: these tests stop and start its engine."""
    with fresh_box() as one:
        yield one


def asked(url: str, key: str = "", path: str = "/v1/models", context: ssl.SSLContext | None = None) -> tuple[int, Any]:
    parts = urlsplit(url)
    connection: http.client.HTTPConnection
    if parts.scheme == "https":
        connection = http.client.HTTPSConnection(parts.hostname or "", parts.port, timeout=30, context=context)
    else:
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
    with contextlib.closing(connection):
        connection.request("GET", path, headers={"Authorization": f"Bearer {key}"} if key else {})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())


def refusal(box: Box, *arguments: str, code: int = 1) -> str:
    exit_code, answer, errors = box.run(*arguments)
    assert exit_code == code, (answer, errors)
    error = answer["error"]
    return f"{error['message']} {error['hint']}"


@outside
def test_a_wider_endpoint_wants_a_key_first(lone: Box) -> None:
    assert "API keys are needed" in refusal(lone, "engine", "start", "--host", "0.0.0.0", code=3)
    assert lone.ok("engine", "start")["public_url"] == f"http://127.0.0.1:{lone.port}"
    key = lone.ok("keys", "create", "ann", "--requests-per-minute", "600", "--concurrent", "4")["key"]
    assert "engine restart --host=0.0.0.0" in refusal(lone, "engine", "start", "--host", "0.0.0.0")
    url = lone.ok("engine", "restart", "--host", "0.0.0.0")["public_url"]
    assert url == f"http://{OUTSIDE}:{lone.port}"
    assert asked(url)[0] == 401
    assert asked(url, "rt-wrong")[0] == 401
    assert asked(url, key)[0] == 200
    assert asked(f"http://127.0.0.1:{lone.port}")[0] == 200
    (open_,) = [one for one in lone.ok("doctor") if one["check"] == "keys"]
    assert open_["ok"] is None and "one of 1 API keys" in open_["finding"] and "in the clear" in open_["remedy"]
    # What was told stays so, also for an engine that a verb starts by itself.
    lone.ok("engine", "stop")
    (shown,) = lone.ok("keys", "list")
    assert lone.ok("engine", "status")["public_url"] == url
    assert (shown["name"], shown["requests_per_minute"], shown["concurrent"]) == ("ann", 600, 4)
    assert shown["last_used"] and shown["hint"] == key[:8] and "key" not in shown
    assert "Agree with --yes" in refusal(lone, "keys", "revoke", "ann", code=4)
    lone.ok("keys", "revoke", "ann", "--yes")
    assert asked(url, key)[0] == 401
    assert "API keys are needed" in refusal(lone, "engine", "restart", code=3)
    assert lone.ok("engine", "start", "--host", "127.0.0.1")["public_url"] == f"http://127.0.0.1:{lone.port}"


@openssl
def test_tls(lone: Box, tmp_path: Path) -> None:
    certificate, private = tmp_path / "cert.pem", tmp_path / "key.pem"
    name = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-out", str(certificate)]
    subprocess.run([*made, "-keyout", str(private), *name], check=True, capture_output=True)
    assert "is no file" in refusal(lone, "settings", "set", "tls_cert", str(tmp_path / "none.pem"))
    assert lone.ok("settings", "set", "tls_cert", str(certificate))["at_once"] is False
    assert "tls_key is not set" in refusal(lone, "engine", "restart", code=3)
    lone.ok("engine", "start", "--no-tls")
    lone.ok("settings", "set", "tls_cert", str(certificate))
    lone.ok("settings", "set", "tls_key", str(private))
    url = lone.ok("engine", "restart")["public_url"]
    assert url == f"https://127.0.0.1:{lone.port}"
    trust = ssl.create_default_context(cafile=str(certificate))
    assert asked(url, context=trust)[0] == 200
    with pytest.raises(ssl.SSLCertVerificationError):
        asked(url, context=ssl.create_default_context())
    assert lone.ok("settings", "get", "tls_key")["value"] == str(private)
    private.write_text("not a key\n")
    assert "no PEM certificate and its private key" in refusal(lone, "engine", "restart", code=3)
    private.unlink()
    assert "cannot be read: No such file" in refusal(lone, "engine", "start", code=3)
    assert lone.ok("engine", "start", "--no-tls")["public_url"] == f"http://127.0.0.1:{lone.port}"
    assert [one["value"] for one in lone.ok("settings", "list") if one["name"].startswith("tls")] == ["", ""]


def test_settings_that_can_never_be(lone: Box) -> None:
    for name, value in (("port", "http"), ("port", "70000"), ("loopback_needs_key", "maybe"), ("colour", "blue")):
        refusal(lone, "settings", "set", name, value)
    assert lone.run("settings", "set", "port")[0] == 2
    other = str(free_port())
    lone.ok("settings", "set", "port", other)
    environment = {name: value for name, value in os.environ.items() if name != "REFACT_TUI_PORT"}
    lone.environment = {**environment, "REFACT_TUI_HOME": str(lone.home)}
    assert lone.ok("engine", "restart")["public_url"] == f"http://127.0.0.1:{other}"
    assert lone.ok("settings", "set", "loopback_needs_key", "yes")["at_once"]
    assert asked(f"http://127.0.0.1:{other}")[0] == 401
    assert lone.ok("settings", "set", "loopback_needs_key", "--default")["value"] == "no"
    assert asked(f"http://127.0.0.1:{other}")[0] == 200
