"""The fourteen points that make the endpoint readable for every version of refact-lsp."""

import json
from typing import Any

import pytest
from tokenizers import Tokenizer

from backend import wire
from backend.checkpoints import switch
from tests.serve.serving_box import Box

NAMES = {"starter", "starter:base", "starter:sign:1", "starter:sign:2", "starter:sign:3"}
FLAT = {
    "cloud_name",
    "endpoint_style",
    "endpoint_template",
    "tokenizer_path_template",
    "tokenizer_rewrite_path",
    "telemetry_basic_dest",
    "code_completion_default_model",
    "code_chat_default_model",
    "running_models",
    "code_completion_n_ctx",
}
NESTED = {"completion", "chat", "embedding", "telemetry_endpoints", "tokenizer_endpoints"}
ALIASES = {"completion_model", "chat_model", "completion_n_ctx", "chat_endpoint", "chat_endpoint_style"}


@pytest.fixture
def caps(box: Box) -> dict[str, Any]:
    status, text = box.ask("GET", "/refact-caps")
    assert status == 200
    return json.loads(text)  # type: ignore[no-any-return]


def test_01_both_addresses_give_the_same_document(box: Box, caps: dict[str, Any]) -> None:
    status, text = box.ask("GET", "/coding_assistant_caps.json")
    assert (status, json.loads(text)) == (200, caps)


def test_02_every_mandatory_key_is_there(caps: dict[str, Any]) -> None:
    assert set(caps) >= FLAT | NESTED
    assert not ALIASES & set(caps)
    for part in ("completion", "chat", "embedding"):
        assert set(caps[part]) == {"endpoint", "models", "default_model"}
    assert set(caps["telemetry_endpoints"]) == {
        "telemetry_basic_endpoint",
        "telemetry_basic_retrieve_my_own_endpoint",
    }


def test_03_every_name_is_found_in_every_table(caps: dict[str, Any]) -> None:
    assert set(caps["running_models"]) == NAMES
    for table in ("code_completion_models", "models_dict_patch", "tokenizer_endpoints"):
        assert set(caps[table]) == NAMES
    assert set(caps["completion"]["models"]) == NAMES
    assert caps["completion"]["default_model"] in NAMES
    assert set(caps["tokenizer_rewrite_path"]) == {"starter"}


def test_04_05_one_scratchpad_and_enough_context(caps: dict[str, Any]) -> None:
    for record in caps["completion"]["models"].values():
        assert len(record["supports_scratchpads"]) == 1
        assert record["n_ctx"] >= 1024
    assert caps["code_completion_n_ctx"] == 2048


def test_06_tokenizers_are_public_and_marks_are_single_tokens(box: Box, caps: dict[str, Any]) -> None:
    for path in set(caps["tokenizer_endpoints"].values()):
        status, text = box.ask("GET", path)
        assert status == 200
        tokenizer = Tokenizer.from_str(text)
        (pad,) = caps["completion"]["models"]["starter"]["supports_scratchpads"].values()
        for mark in ("fim_prefix", "fim_suffix", "fim_middle", "eot"):
            assert len(tokenizer.encode(pad[mark], add_special_tokens=False).ids) == 1
    status, text = box.ask("GET", "/tokenizer/none--such")
    assert status == 404
    assert isinstance(json.loads(text)["detail"], str)


def test_07_13_plain_answer(box: Box) -> None:
    for model in sorted(NAMES):
        answer = box.complete(prompt="def add(a, b):\n    return", max_tokens=5, model=model)
        (choice,) = answer["choices"]
        assert choice["text"]
        assert choice["finish_reason"] in ("stop", "length")
        assert isinstance(answer["caps_version"], int)


def test_08_stream(box: Box) -> None:
    body = {
        "model": "starter",
        "prompt": "<fim_prefix>def f(x):\n    return <fim_suffix>\n\nprint(f(1))\n<fim_middle>",
        "stream": True,
        "stream_options": {"include_usage": True},
        "stop": ["<|endoftext|>", "\n\n"],
        "temperature": 0.2,
        "max_completion_tokens": 20,
    }
    status, text = box.ask("POST", "/v1/completions", body)
    assert status == 200
    events = [line.removeprefix("data: ") for line in text.split("\n\n") if line]
    assert events[-1] == "[DONE]"
    packets = [json.loads(event) for event in events[:-1]]
    assert packets[-1]["choices"] == []
    assert packets[-1]["usage"]["completion_tokens"] > 0
    for packet in packets[:-1]:
        (choice,) = packet["choices"]
        assert choice["text"] or choice["finish_reason"] in ("stop", "length")
        assert isinstance(packet["caps_version"], int)
    assert packets[-2]["choices"][0]["finish_reason"] in ("stop", "length")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"", 400),
        (b"[]", 400),
        ({"prompt": 3}, 400),
        ({"prompt": ["a", 3]}, 400),
        ({"prompt": "x", "max_tokens": "many"}, 400),
        ({"prompt": "x", "max_tokens": 0}, 400),
        ({"prompt": "x", "temperature": -1}, 400),
        ({"prompt": "x", "n": 0}, 400),
        ({"prompt": "x", "model": "gpt-4"}, 400),
        ({"prompt": "x", "model": "starter:no:1"}, 400),
        ({"prompt": "x" * 3_000_000}, 413),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_09_errors_are_sentences(box: Box, body: Any, status: int, stream: bool) -> None:
    if isinstance(body, dict):
        body = {**body, "stream": stream}
    got, text = box.ask("POST", "/v1/completions", body)
    answer = json.loads(text)
    assert got == status
    assert isinstance(answer["detail"], str)
    assert answer["error"]["message"] == answer["detail"]


def test_09_unknown_paths_too(box: Box) -> None:
    for method, path, expected in (("GET", "/nowhere", 404), ("GET", "/v1/completions", 405)):
        status, text = box.ask(method, path)
        assert status == expected
        assert isinstance(json.loads(text)["detail"], str)


def test_10_caps_version_grows_at_each_switch(box: Box, caps: dict[str, Any]) -> None:
    before = caps["caps_version"]
    for mode in ("off", "latest-best"):
        box.call(switch.use(box.ctx, wire.Use(mode=mode)))
        answer = box.complete(prompt="x", max_tokens=1)
        assert answer["caps_version"] > before
        before = answer["caps_version"]


def test_11_both_spellings_of_max_tokens_and_stops_inside_a_token(box: Box) -> None:
    whole = box.complete(prompt="class A:\n    def ", max_tokens=20, model="starter:base")["choices"][0]["text"]
    again = box.complete(prompt="class A:\n    def ", max_completion_tokens=20, model="starter:base", meta={}, top_n=3)
    assert again["choices"][0]["text"] == whole
    stop = whole[7:9]
    cut = box.complete(prompt="class A:\n    def ", max_tokens=20, model="starter:base", stop=stop)["choices"][0]
    assert (cut["text"], cut["finish_reason"]) == (whole.split(stop)[0], "stop")


def test_14_telemetry_is_accepted(box: Box) -> None:
    status, text = box.ask("POST", "/stats/telemetry-basic", {"records": [], "teletype": "network"})
    assert (status, json.loads(text)) == (200, {"retcode": "OK"})
    assert box.ask("GET", "/stats/rh-stats")[0] == 200


def test_curl_without_a_content_type(box: Box) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    status, text = box.ask("POST", "/v1/completions", b'{"prompt": "import ", "max_tokens": 2}', headers)
    assert (status, len(json.loads(text)["choices"])) == (200, 1)


def test_health(box: Box) -> None:
    status, text = box.ask("GET", "/health")
    assert (status, json.loads(text)["status"]) == (200, "ok")
