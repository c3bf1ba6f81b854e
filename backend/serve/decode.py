"""A Llama-architecture model in plain torch: one forward pass over any mix of prompts and single tokens.

Importing transformers' own costs six seconds and decodes slower; greedy output is the same token for token, which a
test holds. Mistral and Qwen2 are Llama but for a window and some biases; others are refused in words (`serve.llama`).
"""

from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from backend.serve.caches import Cache
from backend.serve.kind import PLAIN, Kind
from backend.serve.llama import Shape
from backend.serve.weights import Change, Layer, LayerChange, LowRank, Matrix, Weights


class Piece(NamedTuple):
    """The next part of one request: some of its prompt, its newest token, or that and a guess at the next ones."""

    cache: Cache
    ids: list[int]
    wanted: int = 1
    """Behind how many of its last tokens logits are asked for; none where more of the prompt follows."""
    change: LowRank | None = None
    """The adapter that this request runs with, beside weights that know nothing of it."""


class Llama:
    """The forward pass; which weights it runs is the caller's choice each time."""

    tries = 1
    """Steps of one size until they are as quick as they get."""

    def __init__(self, shape: Shape, kind: Kind = PLAIN, ends: bool = True) -> None:
        """`ends`: its last layer is the model's own last one."""
        self.shape, self.kind, self._ends = shape, kind, ends
        plain = 1.0 / shape.theta ** (torch.arange(0, shape.head, 2, dtype=torch.int64).float() / shape.head)
        frequencies = torch.tensor([shape.stretched(frequency) for frequency in plain.tolist()])
        angles = torch.outer(torch.arange(shape.context).float(), frequencies)
        self._cos = torch.cat((angles, angles), -1).cos().to(*kind)
        # The sign of "rotate half" is folded into the table: one multiplication less in every layer.
        self._sin = torch.cat((-angles.sin(), angles.sin()), -1).to(*kind)

    def cache(self, length: int) -> Cache:
        """An empty cache for so many tokens."""
        return Cache(self.shape, length, self.kind)

    def forward(self, weights: Weights, pieces: Sequence[Piece]) -> Tensor:
        """Logits behind the last tokens of each piece, as many as it wants; the pieces' tokens join their caches.

        They are float32, and lie where the model does. Pieces of different requests share every projection. Each
        attends for itself: one padded call for all is no faster where memory is what limits, and reads more
        (`bench_decode.py`). Of tokens behind which nothing is asked for, the last layer computes no more than keys and
        values."""
        ends = weights.ends
        assert ends
        x = ends.embedding[[id_ for piece in pieces for id_ in piece.ids]]
        x = self.rest(weights, pieces, self.blocks(weights.layers, pieces, x))
        for piece in pieces:
            piece.cache.used += len(piece.ids)
        return self.logits(weights, x).float()

    def close(self) -> None:
        """Let go what it holds beyond this process; here that is nothing."""

    def rest(self, weights: Weights, pieces: Sequence[Piece], x: Tensor) -> Tensor:
        """What the layers make of `x` that are held elsewhere; here are none."""
        return x

    def blocks(self, layers: Sequence[Layer], pieces: Sequence[Piece], x: Tensor) -> Tensor:
        """What `layers` make of `x`, a line a token of the pieces; behind the last one, a line a token that is wanted.

        The caches take keys and values, and are to be told afterwards that they hold more."""
        return self.through(layers, x, _Step(self, pieces))

    def turning(self, positions: Sequence[int] | Tensor) -> tuple[Tensor, Tensor]:
        """Cosines and sines of tokens at these positions."""
        return self._cos[positions].unsqueeze(1), self._sin[positions].unsqueeze(1)

    def through(self, layers: Sequence[Layer], x: Tensor, step: "Step") -> Tensor:
        """What `layers` make of `x`, a line a token; who attends to what, and what adapters add, `step` says."""
        shape = self.shape
        cos, sin = step.turning
        for number, layer in enumerate(layers):
            last = self._ends and number == len(layers) - 1
            changed = step.changes(number)
            seen = F.rms_norm(x, (shape.hidden,), layer.attention_norm, shape.epsilon)
            mixed = _linear(seen, layer.qkv, layer.qkv_bias, [(start, end, one.qkv) for start, end, one in changed])
            turned = mixed[:, : shape.queries + shape.keys].unflatten(-1, (-1, shape.head))
            turned = turned * cos + turned.roll(shape.head // 2, -1) * sin
            values = mixed[:, shape.queries + shape.keys :].unflatten(-1, (-1, shape.head))
            joined = step.attend(number, turned[:, : shape.heads], turned[:, shape.heads :], values, last)
            if last:
                x, changed = step.asked(x), step.changes(number, last)
            output = [(start, end, one.output) for start, end, one in changed]
            x = x + _linear(joined, layer.output, layer.output_bias, output)
            seen = F.rms_norm(x, (shape.hidden,), layer.mlp_norm, shape.epsilon)
            gate_up = [(start, end, one.gate_up) for start, end, one in changed]
            gate, up = _linear(seen, layer.gate_up, layer.gate_up_bias, gate_up).chunk(2, -1)
            down = [(start, end, one.down) for start, end, one in changed]
            x = x + _linear(F.silu(gate) * up, layer.down, layer.down_bias, down)
        return x

    def logits(self, weights: Weights, x: Tensor) -> Tensor:
        """What the model expects behind each line that the last layer made."""
        ends = weights.ends
        assert ends
        return F.linear(F.rms_norm(x, (self.shape.hidden,), ends.norm, self.shape.epsilon), ends.head)


class Step(Protocol):
    """What the layers ask of a step; in the last one, only what is wanted is computed behind the attention."""

    turning: tuple[Tensor, Tensor]

    def changes(self, number: int, last: bool = False) -> list[tuple[int, int, LayerChange]]:
        """From which line to which an adapter changes layer `number`, and how."""

    def attend(self, number: int, queries: Tensor, keys: Tensor, values: Tensor, last: bool) -> Tensor:
        """What each line's heads see, side by side; keys and values join what is known."""

    def asked(self, x: Tensor) -> Tensor:
        """The lines that something is wanted behind."""


class _Step:
    """Any mix of pieces, each of which attends for itself."""

    def __init__(self, model: Llama, pieces: Sequence[Piece]) -> None:
        spans = _spans(pieces)
        self.turning = model.turning(
            [place for piece in pieces for place in range(piece.cache.used, piece.cache.used + len(piece.ids))]
        )
        self._attention = [
            _Attention(model.shape, piece, span, model.kind) for piece, span in zip(pieces, spans, strict=True)
        ]
        self._changes, self._last_changes = _changes(pieces, spans), _changes(pieces, _spans(pieces, True))
        self._asked = [
            place for piece, (_, end) in zip(pieces, spans, strict=True) for place in range(end - piece.wanted, end)
        ]

    def changes(self, number: int, last: bool = False) -> list[tuple[int, int, LayerChange]]:
        changes = self._last_changes if last else self._changes
        return [(start, end, change.layers[number]) for start, end, change in changes]

    def attend(self, number: int, queries: Tensor, keys: Tensor, values: Tensor, last: bool) -> Tensor:
        attended = [one.attend(number, queries, keys, values, last) for one in self._attention]
        return torch.cat(attended) if len(attended) > 1 else attended[0]

    def asked(self, x: Tensor) -> Tensor:
        return x[self._asked]


class _Attention:
    """One piece's attention over its own cache, into which its keys and values go first."""

    def __init__(self, shape: Shape, piece: Piece, span: tuple[int, int], kind: Kind) -> None:
        self._shape, (self._start, self._end) = shape, span
        self._wanted = piece.wanted
        new = len(piece.ids)
        used, end = piece.cache.used, piece.cache.used + new
        self._places, self._all = piece.cache.between(used, end), piece.cache.upto(end)
        self._causal, self._mask = used == 0 and piece.wanted in (0, 1, new), None
        if new > 1 and not self._causal:
            # In numbers, since torch would make them of a mask of truths again in every layer.
            places = torch.arange(end, device=kind.device)
            unseen = places > places[used:].unsqueeze(1)
            self._mask = torch.zeros(new, end, device=kind.device, dtype=kind.dtype).masked_fill_(unseen, -torch.inf)

    def attend(self, number: int, queries: Tensor, keys: Tensor, values: Tensor, last: bool) -> Tensor:
        """Of layer `number`; the tensors hold all pieces. In the last layer only for what is wanted."""
        shape, start, end = self._shape, self._start, self._end
        self._places[2 * number].copy_(keys[start:end].transpose(0, 1))
        self._places[2 * number + 1].copy_(values[start:end].transpose(0, 1))
        known, held = self._all[2 * number], self._all[2 * number + 1]
        count = self._wanted if last else end - start
        mine = queries[end - count : end]
        if count == 0:
            return mine.reshape(0, shape.queries)
        if count == 1:
            # It sees everything. Heads that share keys stand in for several tokens, so that no key is copied.
            asked = mine.view(1, shape.kv_heads, -1, shape.head)
            return F.scaled_dot_product_attention(asked, known, held).reshape(1, shape.queries)
        out = F.scaled_dot_product_attention(
            mine.transpose(0, 1).unsqueeze(0),
            known,
            held,
            attn_mask=None if self._mask is None else self._mask[-count:],
            is_causal=self._causal,
            enable_gqa=shape.heads != shape.kv_heads,
        )
        return out.squeeze(0).transpose(0, 1).reshape(count, shape.queries)


def _spans(pieces: Sequence[Piece], wanted: bool = False) -> list[tuple[int, int]]:
    """Where each piece's tokens lie in the batch, or those alone behind which something is wanted."""
    ends = list(accumulate(piece.wanted if wanted else len(piece.ids) for piece in pieces))
    return list(zip([0, *ends[:-1]], ends, strict=True))


def _changes(pieces: Sequence[Piece], spans: list[tuple[int, int]]) -> list[tuple[int, int, LowRank]]:
    """Where each adapter has tokens in the batch; neighbours with the same one are taken together."""
    found: list[tuple[int, int, LowRank]] = []
    for piece, (start, end) in zip(pieces, spans, strict=True):
        if piece.change and found and found[-1][1] == start and found[-1][2] is piece.change:
            found[-1] = (found[-1][0], end, piece.change)
        elif piece.change:
            found.append((start, end, piece.change))
    return found


def _linear(
    x: Tensor, weight: Matrix, bias: Tensor | None, changes: Sequence[tuple[int, int, Change | None]]
) -> Tensor:
    """A projection, and what adapters add to some of its tokens."""
    out = F.linear(x, weight, bias) if isinstance(weight, Tensor) else weight.apply(x, bias)
    for start, end, change in changes:
        if change:
            out[start:end] += F.linear(F.linear(x[start:end], change.a), change.b)
    return out
