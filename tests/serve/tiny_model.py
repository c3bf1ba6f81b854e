"""A random Llama with three layers, grouped-query attention and tied embeddings; it decodes in microseconds."""

import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

SPECIALS = ["<|endoftext|>", "<fim_prefix>", "<fim_suffix>", "<fim_middle>"]
HIDDEN, INNER, LAYERS, HEADS, KEYS, HEAD = 32, 48, 3, 4, 2, 8


def write_tokenizer(path: Path) -> int:
    """A byte-level BPE over a few lines of Python; its vocabulary's size."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=SPECIALS,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(Path(__file__).read_text().splitlines(), trainer)
    tokenizer.save(str(path))
    return int(tokenizer.get_vocab_size())


def write_weights(folder: Path, vocabulary: int) -> None:
    """Random weights large enough that answers differ."""
    torch.manual_seed(7)
    tensors = {"model.embed_tokens.weight": torch.randn(vocabulary, HIDDEN), "model.norm.weight": torch.ones(HIDDEN)}
    for number in range(LAYERS):
        block = f"model.layers.{number}."
        tensors[block + "input_layernorm.weight"] = torch.rand(HIDDEN) + 0.5
        tensors[block + "post_attention_layernorm.weight"] = torch.rand(HIDDEN) + 0.5
        tensors[block + "self_attn.q_proj.weight"] = torch.randn(HEADS * HEAD, HIDDEN) * 0.4
        tensors[block + "self_attn.k_proj.weight"] = torch.randn(KEYS * HEAD, HIDDEN) * 0.4
        tensors[block + "self_attn.v_proj.weight"] = torch.randn(KEYS * HEAD, HIDDEN) * 0.4
        tensors[block + "self_attn.o_proj.weight"] = torch.randn(HIDDEN, HEADS * HEAD) * 0.4
        tensors[block + "mlp.gate_proj.weight"] = torch.randn(INNER, HIDDEN) * 0.4
        tensors[block + "mlp.up_proj.weight"] = torch.randn(INNER, HIDDEN) * 0.4
        tensors[block + "mlp.down_proj.weight"] = torch.randn(HIDDEN, INNER) * 0.4
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


def write_model(folder: Path) -> None:
    """The whole folder: tokenizer, weights, config.json and starter.json."""
    vocabulary = write_tokenizer(folder / "tokenizer.json")
    write_weights(folder, vocabulary)
    config = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_size": HIDDEN,
        "intermediate_size": INNER,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "num_key_value_heads": KEYS,
        "head_dim": HEAD,
        "rms_norm_eps": 1e-6,
        "rope_theta": 10000.0,
        "max_position_embeddings": 512,
        "vocab_size": vocabulary,
        "tie_word_embeddings": True,
        "bos_token_id": None,
        "eos_token_id": 0,
        "pad_token_id": 0,
        "dtype": "float32",
    }
    facts = {"fim_layout": "spm_contiguous", "context": 512, "languages": ["Python"], "loss_threshold": 5.0}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "starter.json").write_text(json.dumps(facts))
