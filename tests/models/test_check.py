"""What is checked when a model is added: by running it where that is possible, and every refusal in words."""

import json
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from backend import devices
from backend.errors import BadRequest, RefactError
from backend.models import families
from backend.models.catalog import ModelInfo
from backend.models.check import APART, check
from backend.models.describe import Wanted, describe
from tests.models.tiny_families import Tiny
from tests.models.tiny_tokenizers import byte_level, starcoder_like

KNOWN = families.Known(families.shipped())
AUTO = {"AutoModelForCausalLM": "modeling_mine.Mine", "AutoConfig": "modeling_mine.MineConfig"}
ELSEWHERE = {"AutoModelForCausalLM": "someone/else--modeling.Model"}
PT = {"format": "pt"}
pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning")


@pytest.fixture
def folder(folders: dict[str, Path], tmp_path: Path) -> Path:
    """A copy of a model, to be spoilt."""
    return Path(shutil.copytree(folders["starcoder2"], tmp_path / "some-model"))


def found(folder: Path, **wanted: Any) -> ModelInfo:
    return check(describe(Wanted(name=folder.name, path=str(folder), **wanted), KNOWN))


def change(folder: Path, name: str, **values: Any) -> None:
    path = folder / name
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def test_each_family_passes_and_can_be_tuned(tiny: Tiny, info: ModelInfo) -> None:
    checked = check(info)
    assert set(checked.linear) == tiny.linear
    assert checked.parameters == info.parameters
    assert "finetune" in checked.supports and checked.notes == ()
    assert checked.remote_code == bool(tiny.files)
    wanted = {"refact": "GPTRefactForCausalLM"}.get(tiny.family, tiny.config.replace("Config", "ForCausalLM"))
    assert checked.architecture == wanted


def spoil(path: Path, edit: Callable[[dict[str, torch.Tensor]], Any]) -> None:
    tensors = load_file(path)
    edit(tensors)
    save_file(tensors, path, {"format": "pt"})


def nan(tensors: dict[str, torch.Tensor]) -> None:
    tensors["model.norm.weight"][0] = torch.nan


def short(tensors: dict[str, torch.Tensor]) -> None:
    del tensors["model.layers.1.mlp.c_fc.weight"]


SPOILT: list[tuple[str, Callable[[Path], Any], str, str]] = [
    ("no config", lambda one: (one / "config.json").unlink(), "has no config.json", "config.json, tokenizer.json"),
    ("half a config", lambda one: (one / "config.json").write_text('{"a": '), "cannot be read", "half"),
    ("no tokenizer", lambda one: (one / "tokenizer.json").unlink(), "no tokenizer.json", "AutoTokenizer"),
    ("half a tokenizer", lambda one: change(one, "tokenizer.json", model={"type": "BPE"}), "tokenizer.json cannot", ""),
    ("no weights", lambda one: (one / "model.safetensors").unlink(), "has no weights", "half"),
    ("pickled", lambda one: (one / "model.safetensors").rename(one / "pytorch_model.bin"), "pickled", "--allow-pickle"),
    ("quantised", lambda one: change(one, "config.json", quantization_config={"bits": 4}), "quantised already", "made"),
    (
        "unknown",
        lambda one: change(one, "config.json", model_type="marsian"),
        "knows no causal language model",
        "newer",
    ),
    ("encoder", lambda one: change(one, "config.json", model_type="vit"), "no causal language model", "never"),
    (
        "own code",
        lambda one: change(one, "config.json", model_type="mine", auto_map=AUTO),
        "code of its own",
        "--trust",
    ),
    ("other's code", lambda one: change(one, "config.json", auto_map=ELSEWHERE), "another repository", "--trust"),
    ("short", lambda one: change(one, "config.json", max_position_embeddings=64), "64 tokens at most", "another"),
    ("no numbers", lambda one: spoil(one / "model.safetensors", nan), "no numbers", "again"),
    ("a layer gone", lambda one: spoil(one / "model.safetensors", short), "not whole", "again"),
    ("torn", lambda one: (one / "model.safetensors").write_bytes(b"\x08\x00\x00\x00\x00\x00\x00\x00{}"), "", ""),
    ("forged", lambda one: (one / "model.safetensors").write_bytes(struct.pack("<Q", 1 << 60)), "no whole", "again"),
    ("cut", lambda one: cut(one / "model.safetensors"), "no whole safetensors", "again"),
    ("other words", lambda one: change(one, "config.json", vocab_size=200), "knows only 200 tokens", "two models"),
]


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


@pytest.mark.parametrize(("what", "spoiling", "said", "hint"), SPOILT, ids=[one[0] for one in SPOILT])
def test_what_cannot_be_used_is_refused(
    folder: Path, what: str, spoiling: Callable[[Path], Any], said: str, hint: str
) -> None:
    spoiling(folder)
    with pytest.raises(RefactError) as caught:
        found(folder)
    assert said in caught.value.message and hint in caught.value.hint, (caught.value.message, caught.value.hint)
    assert caught.value.hint


def test_shards_are_read_and_a_missing_one_is_named(folder: Path) -> None:
    tensors = load_file(folder / "model.safetensors")
    names = sorted(tensors)
    for number, part in enumerate((names[::2], names[1::2]), 1):
        save_file({name: tensors[name] for name in part}, folder / f"model-0000{number}-of-00002.safetensors", PT)
    (folder / "model.safetensors").unlink()
    weight_map = {name: f"model-0000{1 + place % 2}-of-00002.safetensors" for place, name in enumerate(names)}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": weight_map}))
    whole = found(folder)
    assert whole.parameters == sum(tensor.numel() for tensor in tensors.values())
    (folder / "model-00002-of-00002.safetensors").unlink()
    with pytest.raises(BadRequest, match=r"lacks 1 of 2 .*model-00002"):
        found(folder)
    weight_map["x"] = "../../etc/passwd"
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weight_map}))
    with pytest.raises(BadRequest, match="no index of weights"):
        found(folder)


def test_pickled_weights_are_read_where_allowed(folder: Path) -> None:
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    checked = found(folder, allow_pickle=True)
    assert checked.pickle and checked.parameters > 20_000 and checked.size > 100_000
    assert set(checked.linear) == {"q_proj", "k_proj", "v_proj", "o_proj", "c_fc", "c_proj"}


def test_its_own_code_runs_only_where_it_is_trusted(folders: dict[str, Path], tmp_path: Path) -> None:
    folder = Path(shutil.copytree(folders["refact"], tmp_path / "Refact-1_6B-fim"))
    with pytest.raises(BadRequest, match="code of its own"):
        found(folder)
    assert found(folder, trust_remote_code=True).remote_code
    (folder / "modeling_gpt_refact.py").write_text("from transformers import NothingSuch\n")
    with pytest.raises(BadRequest, match="Its own code does not run with the installed transformers"):
        found(folder, trust_remote_code=True)


def test_code_that_transformers_has_itself_is_not_run(folder: Path) -> None:
    change(folder, "config.json", auto_map=AUTO)
    (folder / "modeling_mine.py").write_text("raise SystemExit(1)\n")
    assert not found(folder, trust_remote_code=True).remote_code


def test_a_model_that_packs_no_texts_completes_only(tmp_path: Path) -> None:
    from transformers import MambaConfig, MambaForCausalLM

    folder = tmp_path / "mamba"
    tokenizer = starcoder_like()()
    size = tokenizer.get_vocab_size()
    end = tokenizer.token_to_id("<|endoftext|>")
    config = MambaConfig(vocab_size=size, hidden_size=16, num_hidden_layers=1, state_size=4, eos_token_id=end)
    config.initializer_range = 0.5
    MambaForCausalLM(config).save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    checked = found(folder)
    assert "finetune" not in checked.supports and checked.family == "other"
    assert APART in checked.notes or "cannot be fine-tuned here" in " ".join(checked.notes)


def test_what_memory_does_not_allow_is_not_run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spoil(folder / "model.safetensors", nan)
    monkeypatch.setattr(devices, "memory_available", lambda: 1000)
    checked = found(folder)
    assert "was not run" in checked.notes[0] and "finetune" in checked.supports


def gpt2(folder: Path, *names: str) -> Path:
    """A model of no known family with a tokenizer of some marks."""
    from transformers import GPT2Config, GPT2LMHeadModel

    tokenizer = byte_level(["<end>", *names], words=True)
    size = tokenizer.get_vocab_size()
    end = tokenizer.token_to_id("<end>")
    sizes = {"n_embd": 16, "n_layer": 1, "n_head": 2, "n_positions": 300}
    GPT2LMHeadModel(GPT2Config(vocab_size=size, eos_token_id=end, bos_token_id=end, **sizes)).save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


def test_marks_of_an_unknown_family_are_found(tmp_path: Path) -> None:
    plain = found(gpt2(tmp_path / "a"))
    assert (plain.family, plain.fim_layout, plain.eot, plain.licence) == ("plain", "none", "<end>", "unknown")
    assert plain.context == 300 and set(plain.linear) == {"c_attn", "c_proj", "c_fc"}
    known = found(gpt2(tmp_path / "b", "<fim_prefix>", "<fim_suffix>", "<fim_middle>"))
    assert (known.family, known.fim_layout) == ("other", "psm") and known.fim_marks[0] == "<fim_prefix>"
    odd = found(gpt2(tmp_path / "c", "<fim-middle>", "<fim-prefix>", "<fim-suffix>"))
    assert (odd.family, odd.fim_marks) == ("other", ("<fim-prefix>", "<fim-suffix>", "<fim-middle>"))


def test_a_family_is_what_its_owner_says(folder: Path, tmp_path: Path) -> None:
    assert found(folder, family="starcoder").family == "starcoder"
    with pytest.raises(BadRequest, match=r"no single token for .*▁<PRE>"):
        found(folder, family="codellama")
    with pytest.raises(BadRequest, match="no family called 'nothing'"):
        found(folder, family="nothing")


def test_a_licence_is_the_cards_else_that_of_the_named_family(folder: Path) -> None:
    assert found(folder).licence == "unknown"  # "some-model" does not say that it is StarCoder2
    assert found(folder, origin="bigcode/starcoder2-3b").licence == "bigcode-openrail-m"
    (folder / "README.md").write_text("---\ntags: [code]\nlicense: other\nlicense_name: acme-1\n---\n# Acme\n")
    assert found(folder, origin="bigcode/starcoder2-3b").licence == "acme-1"
