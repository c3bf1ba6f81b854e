"""Downloading from a hub that is really there: whole, resumed to the byte, checked, and refused in words."""

import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from backend.errors import BadRequest, NotFound, RefactError, TooLarge
from backend.models import fetch as fetching
from backend.models import hub as hubs
from backend.models.describe import Wanted
from backend.models.fetch import Download, fetch
from tests.models.local_hub import COMMIT, LocalHub, local_hub

NAME = "acme/starcoder2-tiny"


@pytest.fixture
def hub(folders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalHub]:
    """One repository: a model, and beside it what must not be fetched."""
    repository = tmp_path / "repository"
    shutil.copytree(folders["starcoder2"], repository)
    (repository / "pytorch_model.bin").write_bytes(b"pickled" * 500)
    (repository / "evil.py").write_text("raise SystemExit\n")
    (repository / "README.md").write_text("---\nlicense: openrail\n---\n# tiny\n")
    monkeypatch.setattr("backend.models.hub.time.sleep", lambda _: None)
    with local_hub() as found:
        found.repositories[NAME] = repository
        monkeypatch.setenv("HF_ENDPOINT", found.url + "/")
        yield found


def bring(folder: Path, wanted: dict[str, Any] | None = None, **download: Any) -> list[dict[str, Any]]:
    """The records of one download."""
    records: list[dict[str, Any]] = []
    asked = Wanted(name="tiny", path=str(folder), origin=NAME, **(wanted or {}))
    fetch(Download(**{"hub": NAME, **download}), asked, folder.parent / "models.toml", records.append)
    return records


def test_a_model_comes_whole_and_nothing_else(hub: LocalHub, tmp_path: Path) -> None:
    records = bring(tmp_path / "model")
    source = hub.repositories[NAME]
    names = {path.name for path in (tmp_path / "model").iterdir()} - {fetching.RECORD}
    assert names == {path.name for path in source.iterdir()} - {"pytorch_model.bin", "evil.py"}
    assert all((tmp_path / "model" / name).read_bytes() == (source / name).read_bytes() for name in names)
    assert records[0] == {"kind": "commit", "commit": COMMIT}
    last = [one for one in records if one["kind"] == "progress"][-1]
    total = sum((source / name).stat().st_size for name in names)
    assert last["total"] == total and last["done"] <= total
    sent = hub.sent
    bring(tmp_path / "model")
    assert hub.sent == sent


def test_what_breaks_off_goes_on_where_it_was(hub: LocalHub, tmp_path: Path) -> None:
    hub.break_after = 40_000
    bring(tmp_path / "model")
    weights = hub.repositories[NAME] / "model.safetensors"
    first, second = hub.of("model.safetensors")
    assert first.range == "" and int(second.range.removeprefix("bytes=").removesuffix("-")) >= 30_000
    assert (tmp_path / "model" / "model.safetensors").read_bytes() == weights.read_bytes()
    assert hub.sent <= weights.stat().st_size + 16_384


def test_a_server_without_ranges_begins_anew(hub: LocalHub, tmp_path: Path) -> None:
    hub.break_after, hub.ranges = 40_000, False
    records = bring(tmp_path / "model")
    weights = hub.repositories[NAME] / "model.safetensors"
    assert (tmp_path / "model" / "model.safetensors").read_bytes() == weights.read_bytes()
    assert all(one["done"] <= one["total"] for one in records if one["kind"] == "progress")


def test_a_hub_that_breaks_off_again_and_again_is_given_up(hub: LocalHub, tmp_path: Path) -> None:
    part = tmp_path / "model" / f".model.safetensors.{COMMIT[:12]}.part"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hubs.Hub, "_read_on", lambda *_: (_ for _ in ()).throw(hubs._Broken(("It broke off.", "Again."))))
        with pytest.raises(RefactError, match="broke off"):
            bring(tmp_path / "model")
    assert not part.exists()
    bring(tmp_path / "model")


def test_what_came_wrong_is_not_kept(hub: LocalHub, tmp_path: Path) -> None:
    hub.spoil = True
    with pytest.raises(RefactError, match="did not come as the hub says"):
        bring(tmp_path / "model")
    assert not list((tmp_path / "model").glob("*.safetensors")) and not list((tmp_path / "model").glob(".*.part"))
    hub.spoil = False
    bring(tmp_path / "model")


def test_the_token_goes_to_the_hub_only(hub: LocalHub, tmp_path: Path) -> None:
    hub.token, hub.gated = "hf_secret", {NAME}
    (tmp_path / "token").write_text("hf_secret\n")
    bring(tmp_path / "model", token=str(tmp_path / "token"), credential="hub")
    assert {one.token for one in hub.asked if not one.path.startswith("/cdn/")} == {"hf_secret"}
    assert {one.token for one in hub.of("model.safetensors")} == {""}


@pytest.mark.parametrize(
    ("change", "download", "kind", "said", "hint"),
    [
        ({}, {"hub": "acme/nothing"}, NotFound, "knows no model acme/nothing", "--credential"),
        ({}, {"revision": "v9"}, NotFound, "no revision 'v9'", "branches"),
        ({"token": "right"}, {}, NotFound, "or it is private", "credentials set"),
        ({"token": "right"}, {"token": "wrong"}, BadRequest, "does not accept the token 'hub'", "new one"),
        ({"gated": {NAME}}, {}, BadRequest, "licence to be accepted", f"/{NAME}"),
        ({"status": 503}, {}, RefactError, "status 503", "later"),
        ({"status": 200}, {}, RefactError, "not as a hub does", "HF_ENDPOINT"),
        ({}, {"hub": "../etc"}, BadRequest, "no model's name", "bigcode"),
        ({}, {"revision": "a/../b"}, BadRequest, "no model's name", ""),
    ],
)
def test_refusals_say_what_to_do(
    hub: LocalHub, tmp_path: Path, change: dict[str, Any], download: dict[str, Any], kind: Any, said: str, hint: str
) -> None:
    for name, value in change.items():
        setattr(hub, name, value)
    if token := download.get("token"):
        (tmp_path / "token").write_text(token)
        download = {**download, "token": str(tmp_path / "token"), "credential": "hub"}
    with pytest.raises(kind) as caught:
        bring(tmp_path / "model", **download)
    assert said in caught.value.message and hint in caught.value.hint


def test_no_network_is_told(hub: LocalHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{port}")
    with pytest.raises(RefactError) as caught:
        bring(tmp_path / "model")
    assert f"127.0.0.1:{port} cannot be reached" in caught.value.message and "add its path" in caught.value.hint
    monkeypatch.setenv("HF_ENDPOINT", "hub.example")
    with pytest.raises(BadRequest, match="no address"):
        bring(tmp_path / "model")


@pytest.mark.parametrize(
    ("gone", "said"),
    [
        ({"model.safetensors", "pytorch_model.bin"}, "no weights"),
        ({"model.safetensors"}, "pickled weights only"),
        ({"config.json"}, "no config.json"),
        ({"tokenizer.json"}, "no tokenizer.json"),
    ],
)
def test_what_cannot_be_used_is_refused_before_its_weights_come(
    hub: LocalHub, tmp_path: Path, gone: set[str], said: str
) -> None:
    for name in gone:
        (hub.repositories[NAME] / name).unlink()
    with pytest.raises(BadRequest, match=said):
        bring(tmp_path / "model")
    assert hub.sent == 0


@pytest.mark.filterwarnings("ignore")
def test_what_transformers_does_not_know_is_refused_before_too(
    hub: LocalHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "WORTH_A_LOOK", 1000)
    path = hub.repositories[NAME] / "config.json"
    path.write_text(path.read_text().replace('"starcoder2"', '"marsian"'))
    with pytest.raises(BadRequest, match="knows no causal language model of the type 'marsian'"):
        bring(tmp_path / "model")
    assert hub.sent == 0


def test_pickled_weights_come_where_they_are_allowed(hub: LocalHub, tmp_path: Path) -> None:
    (hub.repositories[NAME] / "model.safetensors").unlink()
    bring(tmp_path / "model", {"allow_pickle": True})
    assert (tmp_path / "model" / "pytorch_model.bin").is_file()


def test_a_full_disk_is_told_beforehand(hub: LocalHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "SPARE", 1 << 62)
    with pytest.raises(TooLarge, match="free on the disk"):
        bring(tmp_path / "model")
    assert hub.sent == 0


@pytest.mark.filterwarnings("ignore")
def test_this_hub_is_one_to_the_hubs_own_library_too(hub: LocalHub, tmp_path: Path) -> None:
    from huggingface_hub import HfApi, hf_hub_download

    told = HfApi(endpoint=hub.url).model_info(NAME, files_metadata=True)
    assert told.sha == COMMIT and told.siblings is not None
    sizes = {one.rfilename: one.size for one in told.siblings}
    assert sizes["model.safetensors"] == (hub.repositories[NAME] / "model.safetensors").stat().st_size
    for name in ("config.json", "model.safetensors"):
        path = hf_hub_download(NAME, name, endpoint=hub.url, cache_dir=tmp_path / "cache", revision=COMMIT)
        assert Path(path).read_bytes() == (hub.repositories[NAME] / name).read_bytes()
