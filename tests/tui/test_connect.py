"""What an IDE is told: the real address and port, a key where one is needed, in the plug-in's own language."""

import ast
import json
import shlex
import tomllib
from urllib.parse import urlsplit

import pytest
import yaml

from refact_tui import connect

OPEN, LOCAL = "https://10.0.0.7:8443", "http://127.0.0.1:8008"


def told(url: str, model: str = "starter") -> dict[str, str]:
    return {one.name.strip(): one.text for one in connect.settings(url, model, "gpu-box")}


def test_settings_name_the_real_address() -> None:
    found = told("http://127.0.0.1:9123/")
    assert found["Refact · VS Code"] == '"refactai.addressURL": "http://127.0.0.1:9123"'
    assert found["Refact · JetBrains"] == "http://127.0.0.1:9123"
    assert found["OpenAI-compatible"] == "http://127.0.0.1:9123/v1"
    assert "http://127.0.0.1:9123/v1/completions" in found["curl"]
    assert found["From your laptop"] == "ssh -N -L 9123:127.0.0.1:9123 gpu-box"


@pytest.mark.parametrize(("url", "key"), [(OPEN, connect.KEY), (LOCAL, connect.ANY)])
def test_a_key_is_named_where_one_is_needed(url: str, key: str) -> None:
    found, asked = told(url), key == connect.KEY
    tabby = tomllib.loads(found["Tabby"])["server"]
    assert tabby == {"endpoint": url, "token": key}
    (model,) = yaml.safe_load(found["Continue"])
    assert (model["apiBase"], model["apiKey"], model["roles"]) == (f"{url}/v1", key, ["autocomplete"])
    assert f"'endpoint_fim': '{url}/infill'" in found["llama.vim"]
    for name in ("Refact · VS Code", "llama.vscode", "llama.vim", "Twinny", "Zed", "Ollama's clients", "curl"):
        assert (key in found[name]) is asked, name
    for name in ("minuet · Neovim", "minuet · Emacs"):
        assert ("REFACT_TUI_KEY" in found[name]) is asked and connect.KEY not in found[name]
    assert ("its API key" in found) is asked


@pytest.mark.parametrize("url", [OPEN, LOCAL])
def test_each_is_written_in_the_language_of_its_place(url: str) -> None:
    found = told(url, "qwen2.5-coder-1.5b")
    for name, setting in (("Refact · VS Code", "refactai.addressURL"), ("llama.vscode", "llama-vscode.endpoint")):
        assert json.loads(f"{{{found[name]}}}")[setting] == url
    zed = json.loads(f"{{{found['Zed'].partition(chr(10) + '// ')[0]}}}")
    api = zed["edit_predictions"]["open_ai_compatible_api"]
    assert (api["api_url"], api["model"]) == (f"{url}/v1/completions", "qwen2.5-coder-1.5b")
    at = urlsplit(url)
    for part in (at.scheme, at.hostname, str(at.port)):
        assert part is not None and part in found["Twinny"]
    ast.parse(found["openai · Python"])
    command = shlex.split(found["curl"])
    assert json.loads(command[command.index("-d") + 1])["model"] == "qwen2.5-coder-1.5b"
    for name in ("minuet · Neovim", "cmp-ai · Neovim", "minuet · Emacs"):
        assert f"{url}/v1/completions" in found[name]
        assert found[name].count("(") == found[name].count(")") and found[name].count("{") == found[name].count("}")


def test_an_open_address_needs_no_tunnel() -> None:
    assert all("ssh" not in text for text in told("http://10.0.0.7:8008").values())
