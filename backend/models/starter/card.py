"""The model card: what the starter is made of, what it can do, measured, and how to make it again."""

from typing import Any

from backend.models.catalog import ModelInfo

CARD = """---
license: bsd-3-clause
language: [code]
tags: [code, fill-in-the-middle]
---
# refact-tui starter

A small code model that completes and fills in Python, offline, on a CPU. It exists so that everything in refact-tui
works from the first minute and every test is real; for daily work host a larger model.

| | |
|---|---|
| architecture | Llama, {layers} layers, hidden size {hidden}, {parameters:.1f} M parameters, embeddings untied |
| context | {context} tokens |
| tokenizer | byte-level BPE, {vocabulary} entries; newline and indentation are one piece |
| infilling | `<fim_prefix><fim_suffix>`suffix`<fim_middle>`prefix, then the middle and `<|endoftext|>` |
| trained on | {tokens:.1f} M tokens, half of the samples fill-in-the-middle, on two CPU cores |
| licence | BSD-3-Clause |

## Figures

On packages that are not in the corpus ({held_out}):

| | |
|---|---|
{bits}
| single-line infilling, {places} places, greedy: edit similarity | {edit_similarity:.3f} |
| the same: exact match | {exact_match:.1%} |
| default scan threshold (99 % of these files stay below it) | {threshold:.1f} nats a token |

## Data

Python of the standard library and of installed packages under permissive licences, as found on the machine that
trained it; tests, generated files, near-duplicates and the packages above left out. This project's own source is not
in it.

| package | licence | files | characters |
|---|---|---|---|
{corpus}

## Making it again

    python -m backend.models.starter pretrain --tokens {tokens_exact}
    python -m backend.models.starter export
    python -m backend.models.starter measure

`pretrain --shipped` goes on from these weights instead. Checkpoints and corpus lie in `~/.cache/refact-tui-starter`
(`--work` changes that); each part resumes where it was. The corpus depends on the installed packages, so the weights
will differ a little.
"""


def card(info: ModelInfo, facts: dict[str, Any]) -> str:
    """The card of a measured model as Markdown."""
    figures = facts["figures"]
    bits = [f"| bits per byte, {name} | {value:.3f} |" for name, value in figures["bits_per_byte"].items()]
    rows = [
        f"| {name} | {held['licence']} | {held['documents']} | {held['characters']:,} |"
        for name, held in sorted(facts["corpus"].items(), key=lambda item: -item[1]["characters"])
    ]
    return CARD.format(
        layers=info.layers,
        hidden=info.hidden_size,
        parameters=info.parameters / 1e6,
        context=info.context,
        vocabulary=info.vocab_size,
        tokens=facts["tokens"] / 1e6,
        tokens_exact=facts["tokens"],
        held_out=", ".join(name for name in figures["bits_per_byte"] if name != "all"),
        bits="\n".join(bits),
        places=figures["places"],
        edit_similarity=figures["edit_similarity"],
        exact_match=figures["exact_match"],
        threshold=facts["loss_threshold"],
        corpus="\n".join(rows),
    )
