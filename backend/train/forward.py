"""One way through the model: the weighted nats of a batch, by the quick arithmetic where the model allows it."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from backend.train import adapted_linear, attention, lora
from backend.train.batches import Batch
from backend.train.nats import weighted_nats

CLOSE = {torch.float32: 1e-3, torch.bfloat16: 0.1, torch.float16: 0.1}
"""How far, as a share of their length, the last hidden states of the quick way may lie from the model's own."""


def quicken(model: Any, sample: Batch) -> str | None:
    """Switch a peft model to the quick arithmetic where that computes what the model itself does; else says why not."""
    base = model.get_base_model()
    before = base.config._attn_implementation
    attention.register()
    model.eval()
    with torch.no_grad():
        own_hidden, own_nats = _hidden(base, sample, _mask(base, sample)), _plain(model, sample)
        adapted_linear.quicken(model)
        base.config._attn_implementation = attention.NAME
        try:
            hidden, quick_nats = _quick_hidden(base, sample), _quick(base, sample)
            apart = _apart(hidden, own_hidden, sample)
            apart = max(apart, abs(float(quick_nats / own_nats) - 1.0))
        except (AttributeError, NotImplementedError, TypeError, RuntimeError) as error:
            base.config._attn_implementation = before
            return f"{type(error).__name__}: {error}"
    if apart <= CLOSE[own_hidden.dtype]:
        return None
    base.config._attn_implementation = before
    return f"it would differ by {apart:.2g}"


def nats(model: Any, one: Batch) -> Tensor:
    """Sum of weight times nats over a batch, with what its gradient needs where gradients are wanted."""
    base = model.get_base_model() if hasattr(model, "get_base_model") else model
    return _quick(base, one) if base.config._attn_implementation == attention.NAME else _plain(model, one)


def _quick(base: Any, one: Batch) -> Tensor:
    head = _head(base)
    hidden = _quick_hidden(base, one).flatten(0, 1)
    return weighted_nats(hidden, head.weight, head.bias, one.targets.flatten(), one.weights.flatten())


def _plain(model: Any, one: Batch) -> Tensor:
    mask = _mask(model, one)
    logits = model(input_ids=one.ids, attention_mask=mask, position_ids=one.positions, use_cache=False).logits
    each = F.cross_entropy(logits.flatten(0, 1).float(), one.targets.flatten(), reduction="none")
    return (each * one.weights.flatten()).sum()


def _quick_hidden(base: Any, one: Batch) -> Tensor:
    return _hidden(base, one, attention.mask_of(one.documents, one.borders))


def _hidden(base: Any, one: Batch, mask: Any) -> Tensor:
    found = base.base_model(input_ids=one.ids, position_ids=one.positions, attention_mask=mask, use_cache=False)
    hidden: Tensor = found.last_hidden_state
    return hidden


def _apart(hidden: Tensor, own: Tensor, one: Batch) -> float:
    """How far two results lie apart as a share of their length; what padding gave is nobody's concern."""
    seen = torch.zeros(one.ids.shape, dtype=torch.bool, device=hidden.device)
    for row, start, end in one.documents:
        seen[row, start:end] = True
    return float((hidden - own)[seen].float().norm() / own[seen].float().norm())


def _mask(model: Any, one: Batch) -> Any:
    """Who may look at whom, as the model's layers take it: a mask that is given is not narrowed to their window."""
    window = getattr(model.config, "sliding_window", None)
    kinds = set(getattr(model.config, "layer_types", None) or ["sliding_attention"])
    if window is None or "sliding_attention" not in kinds:
        return one.mask()
    if len(kinds) > 1:
        return {"full_attention": one.mask(), "sliding_attention": one.mask(window)}
    return one.mask(window)


def _head(base: Any) -> nn.Linear:
    """The layer that turns hidden states into logits, in its trained copy where there is one."""
    head = lora.in_use(base.get_output_embeddings())
    if type(head) is not nn.Linear:
        raise NotImplementedError(f"an output layer of the kind {type(head).__name__}")
    return head
