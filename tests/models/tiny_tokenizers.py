"""Small tokenizers of the real layout of each family, trained on a few modules of the standard library."""

import json
import sysconfig
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

VOCABULARY = 420
MODULES = ("bisect", "copy", "fnmatch", "heapq", "keyword", "linecache", "queue", "sched", "shlex", "this")
WORDS = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}{digits}"
    r"| ?[^\s\p{{L}}\p{{N}}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
BIGCODE_MARKS = ("<fim_prefix>", "<fim_middle>", "<fim_suffix>", "<fim_pad>")


def corpus() -> list[str]:
    """Texts that the tokenizers are trained on."""
    library = Path(sysconfig.get_paths()["stdlib"])
    return [(library / f"{name}.py").read_text() for name in MODULES]


def byte_level(
    specials: Sequence[str],
    splits: Sequence[Any] = (),
    unmarked: Sequence[str] = (),
    composed: bool = False,
    words: bool = False,
) -> Tokenizer:
    """Byte-level BPE; `unmarked` tokens are added, but not as special ones; `words` are split as GPT-2 does."""
    tokenizer = Tokenizer(models.BPE())
    if composed:
        tokenizer.normalizer = normalizers.NFC()
    level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=words)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([*splits, level])
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY - len(specials) - len(unmarked),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(corpus(), trainer)
    tokenizer.add_special_tokens([AddedToken(one, normalized=False) for one in specials])
    tokenizer.add_tokens([AddedToken(one, normalized=False) for one in unmarked])
    return tokenizer


def pieces(specials: Sequence[str], lead: str, bos: str, unmarked: Sequence[str] = ()) -> Tokenizer:
    """SentencePiece's BPE with bytes to fall back on, as converted: `lead` is "prepend", "first" or "" (no space
    before the first word)."""
    spelt = [f"<0x{byte:02X}>" for byte in range(256)]
    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="never", split=True)
    trainer = trainers.BpeTrainer(vocab_size=VOCABULARY - len(spelt), show_progress=False)
    trained.train_from_iterator((line for text in corpus() for line in text.splitlines()), trainer)
    model = json.loads(trained.to_str())["model"]
    order = ["<unk>", "<s>", "</s>", *spelt, *(one for one in model["vocab"]), *specials, *unmarked]
    vocabulary = {piece: number for number, piece in enumerate(dict.fromkeys(order))}
    tokenizer = Tokenizer(
        models.BPE(
            vocab=vocabulary,
            merges=[tuple(merge) for merge in model["merges"]],
            byte_fallback=True,
            fuse_unk=True,
            unk_token="<unk>",
        )
    )
    turned = normalizers.Replace(" ", "▁")
    back = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    if lead == "prepend":
        tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), turned])
        tokenizer.decoder = decoders.Sequence([*back, decoders.Strip(" ", 1, 0)])
    elif lead == "first":
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
        tokenizer.decoder = decoders.Sequence([*back, decoders.Strip(" ", 1, 0)])
    else:
        tokenizer.normalizer = turned
        tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
        tokenizer.decoder = decoders.Sequence(back)
    tokenizer.add_special_tokens([AddedToken(one, normalized=False) for one in ("<unk>", "<s>", "</s>", *specials)])
    tokenizer.add_tokens([AddedToken(one, normalized=False) for one in unmarked])
    tokenizer.post_processor = opened(tokenizer, bos)
    return tokenizer


def opened(tokenizer: Tokenizer, bos: str) -> Any:
    """A template that puts a token before every text."""
    return processors.TemplateProcessing(
        single=f"{bos} $A", pair=f"{bos} $A {bos}:1 $B:1", special_tokens=[(bos, tokenizer.token_to_id(bos))]
    )


def starcoder_like(*more: str) -> Callable[[], Tokenizer]:
    digits = [pre_tokenizers.Digits(individual_digits=True)]
    return lambda: byte_level(("<|endoftext|>", *BIGCODE_MARKS, *more), digits, words=True)


def deepseek() -> Tokenizer:
    splits = [
        pre_tokenizers.Split(Regex("[\r\n]"), "isolated"),
        pre_tokenizers.Split(Regex(r"\s?\p{L}+"), "isolated"),
        pre_tokenizers.Split(Regex(r"\s?\p{P}+"), "isolated"),
        pre_tokenizers.Digits(individual_digits=True),
    ]
    ends = ("<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>")
    return byte_level(ends, splits, ("<｜fim▁hole｜>", "<｜fim▁begin｜>", "<｜fim▁end｜>", "<|EOT|>"))


def qwen() -> Tokenizer:
    split = pre_tokenizers.Split(Regex(WORDS.format(digits="")), "isolated")
    marks = ("<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>", "<|fim_pad|>", "<|repo_name|>", "<|file_sep|>")
    return byte_level(("<|endoftext|>", "<|im_start|>", "<|im_end|>"), [split], marks, composed=True)


def gemma() -> Tokenizer:
    marks = ("<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>", "<|file_separator|>")
    return pieces(("<pad>", "<eos>", "<bos>", *marks), "", "<bos>", ("▁▁▁▁", "\n\n", "<table>"))


def llama3() -> Tokenizer:
    names = ("<|begin_of_text|>", "<|end_of_text|>", "<|eot_id|>", "<|start_header_id|>", "<|end_header_id|>")
    tokenizer = byte_level(names, [pre_tokenizers.Split(Regex(WORDS.format(digits="{1,3}")), "isolated")])
    level, opening = processors.ByteLevel(trim_offsets=True), opened(tokenizer, "<|begin_of_text|>")
    tokenizer.post_processor = processors.Sequence([level, opening])
    return tokenizer
