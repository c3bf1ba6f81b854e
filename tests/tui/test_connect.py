"""What an IDE is told: the real address and port, and a tunnel only where the address is this box's own."""

import tomllib

import yaml

from refact_tui import connect


def test_settings_name_the_real_address() -> None:
    found = {one.name.strip(): one.text for one in connect.settings("http://127.0.0.1:9123/", "starter", "gpu-box")}
    assert found["Refact · VS Code"] == '"refactai.addressURL": "http://127.0.0.1:9123"'
    assert found["Refact · JetBrains"] == "http://127.0.0.1:9123"
    assert found["OpenAI-compatible"] == "http://127.0.0.1:9123/v1"
    assert "http://127.0.0.1:9123/v1/completions" in found["curl"]
    assert found["From your laptop"] == "ssh -N -L 9123:127.0.0.1:9123 gpu-box"


def test_a_key_is_named_where_one_is_needed() -> None:
    for url, key in (("https://10.0.0.7:8443", connect.KEY), ("http://127.0.0.1:8008", connect.ANY)):
        found = {one.name.strip(): one.text for one in connect.settings(url, "starter", "gpu-box")}
        tabby = tomllib.loads(found["Tabby"])["server"]
        assert tabby == {"endpoint": url, "token": key}
        (model,) = yaml.safe_load(found["Continue"])
        assert (model["apiBase"], model["apiKey"], model["roles"]) == (f"{url}/v1", key, ["autocomplete"])
        asked = key == connect.KEY
        assert f"'endpoint_fim': '{url}/infill'" in found["llama.vim"]
        for name in ("Refact · VS Code", "llama.vim", "curl"):
            assert (key in found[name]) is asked
        assert ("its API key" in found) is asked


def test_an_open_address_needs_no_tunnel() -> None:
    assert all("ssh" not in one.text for one in connect.settings("http://10.0.0.7:8008", "starter", "gpu-box"))
