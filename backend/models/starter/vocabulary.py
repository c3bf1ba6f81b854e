"""The starter's tokenizer: byte-level BPE that keeps newline and indentation together and apart from code."""

from collections.abc import Iterable
from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

SIZE = 8192
EOT, PREFIX, SUFFIX, MIDDLE, PAD = "<|endoftext|>", "<fim_prefix>", "<fim_suffix>", "<fim_middle>", "<fim_pad>"
SPECIALS = (EOT, PREFIX, SUFFIX, MIDDLE, PAD)
PIECES = (
    r"(?:[ \t]*\r?\n)+[ \t]*"  # line ends with the indentation that follows: a cursor stands after it, not inside
    r"| ?[\p{L}_]+"
    r"|\d"
    r"| ?[^\s\p{L}\p{N}_]+"
    r"|[ \t]+(?=\S)|\s+|."
)


def train(texts: Iterable[str]) -> Tokenizer:
    """A tokenizer of SIZE entries; the marks have the ids 0 to 4."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PIECES), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=SIZE,
        special_tokens=list(SPECIALS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
        max_token_length=24,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def load(path: Path) -> Tokenizer:
    """The tokenizer of a file, with marks in texts taken as plain text."""
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.encode_special_tokens = True
    return tokenizer
