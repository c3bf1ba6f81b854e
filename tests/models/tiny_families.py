"""A tiny random model of each family: its real architecture class, a small tokenizer of its real layout, as a plain
Hugging Face folder."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer

from tests.models.tiny_tokenizers import deepseek, gemma, llama3, pieces, qwen, starcoder_like

COMMON = {"num_hidden_layers": 2, "hidden_size": 32, "num_attention_heads": 4, "initializer_range": 0.2}
LLAMA = {**COMMON, "intermediate_size": 48, "num_key_value_heads": 2, "max_position_embeddings": 512}


@dataclass(frozen=True)
class Tiny:
    """How one family's tiny model is made, and what must be found in it."""

    name: str
    config: str
    """Class of the configuration; its model class follows from it."""
    sizes: dict[str, Any]
    tokenizer: Callable[[], Tokenizer]
    said: dict[str, Any]
    """tokenizer_config.json."""
    layout: str
    marks: tuple[str, ...]
    eot: str
    linear: frozenset[str]
    bos: str = ""
    eos: str = ""
    family: str = ""
    extra: dict[str, Any] = field(default_factory=dict)
    """Written into config.json afterwards."""
    files: dict[str, str] = field(default_factory=dict)

    def write(self, folder: Path) -> Path:
        """The whole folder."""
        import transformers

        folder.mkdir(parents=True, exist_ok=True)
        tokenizer = self.tokenizer()
        (folder / "tokenizer.json").write_text(tokenizer.to_str(pretty=True), encoding="utf-8")
        (folder / "tokenizer_config.json").write_text(json.dumps(self.said, ensure_ascii=False), encoding="utf-8")
        special = {"bos_token_id": self.said.get("bos_token"), "eos_token_id": self.said["eos_token"]}
        ids = {name: tokenizer.token_to_id(token) if token else None for name, token in special.items()}
        torch.manual_seed(11)
        config = getattr(transformers, self.config)(
            vocab_size=tokenizer.get_vocab_size() + 4, pad_token_id=None, **ids, **self.sizes
        )
        transformers.AutoModelForCausalLM.from_config(config).save_pretrained(folder)
        if self.extra:
            path = folder / "config.json"
            path.write_text(json.dumps({**json.loads(path.read_text()), **self.extra}))
        for name, text in self.files.items():
            (folder / name).write_text(text)
        return folder


def said(kind: str, eos: str, bos: str | None = None, **more: Any) -> dict[str, Any]:
    return {"tokenizer_class": kind, "eos_token": eos, "bos_token": bos, "model_max_length": 512, **more}


OF_LLAMA = frozenset({"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"})
OF_BIGCODE = frozenset({"c_attn", "c_proj", "c_fc"})
EOT = "<|endoftext|>"
BIGCODE = ("<fim_prefix>", "<fim_suffix>", "<fim_middle>")
OWN_CODE = """
from transformers import GPTBigCodeConfig, GPTBigCodeForCausalLM


class GPTRefactConfig(GPTBigCodeConfig):
    model_type = "gpt_refact"


class GPTRefactForCausalLM(GPTBigCodeForCausalLM):
    config_class = GPTRefactConfig
"""
CHAT = "{% for one in messages %}<|start_header_id|>{{ one.role }}<|end_header_id|>{{ one.content }}{% endfor %}"

FAMILIES = (
    Tiny(
        name="Refact-1_6B-fim",
        family="refact",
        config="GPTBigCodeConfig",
        sizes={"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 512, "n_inner": 48, "initializer_range": 0.2},
        tokenizer=starcoder_like(),
        said=said("GPT2Tokenizer", EOT, EOT),
        layout="spm",
        marks=BIGCODE,
        eot=EOT,
        linear=OF_BIGCODE,
        extra={
            "model_type": "gpt_refact",
            "architectures": ["GPTRefactForCausalLM"],
            "auto_map": {
                "AutoConfig": "modeling_gpt_refact.GPTRefactConfig",
                "AutoModelForCausalLM": "modeling_gpt_refact.GPTRefactForCausalLM",
            },
        },
        files={"modeling_gpt_refact.py": OWN_CODE},
    ),
    Tiny(
        name="starcoderbase-1b",
        family="starcoder",
        config="GPTBigCodeConfig",
        sizes={"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 512, "n_inner": 48, "initializer_range": 0.2},
        tokenizer=starcoder_like("<filename>", "<reponame>"),
        said=said("GPT2Tokenizer", EOT, EOT),
        layout="psm",
        marks=BIGCODE,
        eot=EOT,
        linear=OF_BIGCODE,
    ),
    Tiny(
        name="starcoder2-3b",
        family="starcoder2",
        config="Starcoder2Config",
        sizes={**LLAMA, "sliding_window": 384},
        tokenizer=starcoder_like("<repo_name>", "<file_sep>"),
        said=said("GPT2Tokenizer", EOT, EOT),
        layout="psm",
        marks=BIGCODE,
        eot=EOT,
        linear=frozenset({"q_proj", "k_proj", "v_proj", "o_proj", "c_fc", "c_proj"}),
    ),
    Tiny(
        name="CodeLlama-7b-hf",
        family="codellama",
        config="LlamaConfig",
        sizes={**LLAMA, "rope_parameters": {"rope_type": "default", "rope_theta": 1e6}},
        tokenizer=lambda: pieces(("▁<PRE>", "▁<MID>", "▁<SUF>", "▁<EOT>"), "prepend", "<s>"),
        said=said("CodeLlamaTokenizer", "</s>", "<s>", unk_token="<unk>"),
        layout="psm",
        marks=("▁<PRE>", "▁<SUF>", "▁<MID>"),
        eot="▁<EOT>",
        eos="</s>",
        bos="<s>",
        linear=OF_LLAMA,
    ),
    Tiny(
        name="deepseek-coder-1.3b-base",
        family="deepseek-coder",
        config="LlamaConfig",
        sizes={**LLAMA, "rope_parameters": {"rope_type": "linear", "factor": 4.0, "rope_theta": 100_000}},
        tokenizer=deepseek,
        said=said("LlamaTokenizerFast", "<｜end▁of▁sentence｜>", "<｜begin▁of▁sentence｜>", add_bos_token=True),
        layout="psm",
        marks=("<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>"),
        eot="<｜end▁of▁sentence｜>",
        bos="<｜begin▁of▁sentence｜>",
        linear=OF_LLAMA,
    ),
    Tiny(
        name="Qwen2.5-Coder-1.5B",
        family="qwen2.5-coder",
        config="Qwen2Config",
        sizes={**LLAMA, "tie_word_embeddings": True},
        tokenizer=qwen,
        said=said("Qwen2Tokenizer", EOT, add_bos_token=False),
        layout="psm",
        marks=("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"),
        eot=EOT,
        linear=OF_LLAMA,
    ),
    Tiny(
        name="codegemma-2b",
        family="codegemma",
        config="GemmaConfig",
        sizes={**LLAMA, "head_dim": 8},
        tokenizer=gemma,
        said=said("GemmaTokenizer", "<eos>", "<bos>", unk_token="<unk>", add_bos_token=True),
        layout="psm",
        marks=("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"),
        eot="<|file_separator|>",
        eos="<eos>",
        bos="<bos>",
        linear=OF_LLAMA,
    ),
    Tiny(
        name="granite-3b-code-base",
        family="granite-code",
        config="LlamaConfig",
        sizes={**LLAMA, "attention_bias": True, "mlp_bias": True, "tie_word_embeddings": True},
        tokenizer=starcoder_like("<filename>", "<reponame>"),
        said=said("GPT2Tokenizer", EOT, EOT),
        layout="psm",
        marks=BIGCODE,
        eot=EOT,
        linear=OF_LLAMA,
    ),
    Tiny(
        name="stable-code-3b",
        family="stable-code",
        config="StableLmConfig",
        sizes={**LLAMA, "partial_rotary_factor": 0.25},
        tokenizer=starcoder_like("<repo_name>", "<file_sep>"),
        said=said("GPTNeoXTokenizerFast", EOT, EOT),
        layout="psm",
        marks=BIGCODE,
        eot=EOT,
        linear=OF_LLAMA,
    ),
    Tiny(
        name="Codestral-22B-v0.1",
        family="codestral",
        config="MistralConfig",
        sizes={**LLAMA, "sliding_window": None},
        tokenizer=lambda: pieces(("[INST]", "[/INST]", "[PREFIX]", "[MIDDLE]", "[SUFFIX]"), "first", "<s>"),
        said=said("LlamaTokenizer", "</s>", "<s>", unk_token="<unk>", add_bos_token=True, legacy=False),
        layout="spm_unmarked",
        marks=("[PREFIX]", "[SUFFIX]"),
        eot="</s>",
        bos="<s>",
        linear=OF_LLAMA,
    ),
    Tiny(
        name="Llama-3.2-1B-Instruct",
        family="llama3",
        config="LlamaConfig",
        sizes={
            **LLAMA,
            "tie_word_embeddings": True,
            "rope_parameters": {
                "rope_type": "llama3",
                "rope_theta": 500_000.0,
                "factor": 32.0,
                "high_freq_factor": 4.0,
                "low_freq_factor": 1.0,
                "original_max_position_embeddings": 128,
            },
        },
        tokenizer=llama3,
        said=said("PreTrainedTokenizerFast", "<|eot_id|>", "<|begin_of_text|>", chat_template=CHAT),
        layout="none",
        marks=(),
        eot="<|end_of_text|>",
        bos="<|begin_of_text|>",
        linear=OF_LLAMA,
    ),
)
BY_FAMILY = {one.family: one for one in FAMILIES}
