"""Writes a Llama-architecture model as GGUF, for llama.cpp: `python gguf_writer.py ARRAYS.npz FOLDER OUT F32|Q8_0`.

Run by an interpreter that has `gguf`; ARRAYS holds the weights by their Hugging Face names in float32."""

import json
import sys
from pathlib import Path
from typing import Any

import gguf  # type: ignore[import-not-found]
import numpy as np

NAMES = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
}
ENDS = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output"}


def named(name: str) -> str:
    """GGUF's name of a weight."""
    whole = name.removesuffix(".weight")
    if whole in ENDS:
        return f"{ENDS[whole]}.weight"
    _, _, number, rest = whole.split(".", 3)
    return f"blk.{number}.{NAMES[rest]}.weight"


def turned(weight: np.ndarray, heads: int) -> np.ndarray:
    """Rows of queries and keys in the order of llama.cpp's rotary positions: pairs side by side, not half by half."""
    rows, columns = weight.shape
    return weight.reshape(heads, 2, rows // heads // 2, columns).swapaxes(1, 2).reshape(rows, columns)


def main() -> None:
    arrays, folder, out, kind = sys.argv[1:]
    config = json.loads((Path(folder) / "config.json").read_text())
    tokenizer = json.loads((Path(folder) / "tokenizer.json").read_text())
    heads = config["num_attention_heads"]
    keys = config.get("num_key_value_heads") or heads
    writer = gguf.GGUFWriter(out, "llama")
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(heads)
    writer.add_head_count_kv(keys)
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    rope = config.get("rope_parameters") or {}
    writer.add_rope_freq_base(float(rope.get("rope_theta") or config.get("rope_theta") or 10000.0))
    writer.add_rope_dimension_count(config.get("head_dim") or config["hidden_size"] // heads)
    writer.add_vocab_size(config["vocab_size"])
    _write_tokenizer(writer, tokenizer, config["vocab_size"])
    for name, weight in np.load(arrays).items():
        if name.endswith(("q_proj.weight", "k_proj.weight")):
            weight = turned(weight, heads if "q_proj" in name else keys)
        if kind == "Q8_0" and weight.ndim == 2 and "embed" not in name:
            packed = gguf.quants.quantize(weight, gguf.GGMLQuantizationType.Q8_0)
            writer.add_tensor(named(name), packed, raw_dtype=gguf.GGMLQuantizationType.Q8_0)
        else:
            writer.add_tensor(named(name), weight)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _write_tokenizer(writer: gguf.GGUFWriter, tokenizer: dict[str, Any], size: int) -> None:
    vocabulary = {token: id_ for token, id_ in tokenizer["model"]["vocab"].items()}
    special = {one["content"]: one["id"] for one in tokenizer["added_tokens"]}
    by_id = {id_: token for token, id_ in {**vocabulary, **special}.items()}
    tokens = [by_id.get(id_, f"<unused {id_}>") for id_ in range(size)]
    control, normal = int(gguf.TokenType.CONTROL), int(gguf.TokenType.NORMAL)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types([control if token in special else normal for token in tokens])
    merges = tokenizer["model"]["merges"]
    writer.add_token_merges([one if isinstance(one, str) else " ".join(one) for one in merges])
    writer.add_eos_token_id(special["<|endoftext|>"])
    writer.add_add_bos_token(False)


if __name__ == "__main__":
    main()
