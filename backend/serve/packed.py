"""Weights in 8 or 4 bits: a half to an eighth of the memory, and on a CPU fewer bytes to read for every token.

Only weights are rounded, each row (8 bits) or each 64 numbers (4 bits) by a scale of its own. What a token is answered
with depends on nothing else in the batch, as with weights that are whole."""

import torch
import torch.nn.functional as F
from torch import Tensor

from backend.errors import RefactError


class Packed8:
    """(rows, columns) in 8 bits with a scale a row, symmetric; on a CPU multiplied as they are, in bf16."""

    def __init__(self, weight: Tensor) -> None:
        scales = weight.float().abs().amax(1, keepdim=True).clamp(min=1e-12) / 127
        self._numbers = (weight.float() / scales).round().to(torch.int8)
        self._scales = scales.squeeze(1).to(torch.bfloat16 if weight.device.type == "cpu" else weight.dtype)
        self.shape = weight.shape

    def __len__(self) -> int:
        return len(self._numbers)

    def apply(self, x: Tensor, bias: Tensor | None) -> Tensor:
        """x @ W.T + bias in x's dtype."""
        if x.device.type == "cpu":
            found = torch._weight_int8pack_mm(x.to(torch.bfloat16), self._numbers, self._scales).to(x.dtype)
        else:
            found = F.linear(x, self._numbers.to(x.dtype)) * self._scales
        return found if bias is None else found + bias


class Packed4:
    """(rows, columns) as 4-bit normal floats, by bitsandbytes; made whole again a matrix at a time."""

    def __init__(self, weight: Tensor) -> None:
        """Raises RefactError where bitsandbytes is not installed."""
        try:
            from bitsandbytes import functional
        except ImportError as error:
            raise RefactError("Weights in 4 bits take bitsandbytes.", "pip install 'refact-tui[quantised]'") from error
        self._whole = functional.dequantize_4bit
        self._numbers, self._state = functional.quantize_4bit(weight.contiguous(), quant_type="nf4", blocksize=64)
        self.shape = weight.shape

    def __len__(self) -> int:
        return int(self.shape[0])

    def apply(self, x: Tensor, bias: Tensor | None) -> Tensor:
        """x @ W.T + bias in x's dtype."""
        return F.linear(x, self._whole(self._numbers, self._state), bias)


PACKINGS: dict[str, type[Packed8] | type[Packed4]] = {"8bit": Packed8, "4bit": Packed4}
