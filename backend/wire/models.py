"""Base models on the wire."""

import msgspec

from backend.wire.base import HostDtype, HostQuantisation, ModelKind, ModelState, Struct


class AddModel(Struct, frozen=True, kw_only=True):
    """Add a base model."""

    what: str
    """A model's name on the hub, the absolute path of a folder on this box, or a name from models.toml."""
    name: str | None = None
    family: str | None = None
    """None: found by its tokenizer."""
    revision: str | None = None
    """Branch, tag or commit of the hub; None: main."""
    allow_pickle: bool | None = None
    trust_remote_code: bool | None = None
    credential: str | None = None
    """Name of the token to download it with."""


class Model(Struct, frozen=True, kw_only=True):
    """One base model, and what was found in it."""

    name: str
    family: str
    parameters: int
    context: int
    loss_threshold: float
    hosted: bool
    kind: ModelKind = "starter"
    state: ModelState = "ready"
    detail: str = ""
    """Why it failed, or what of it is wanting."""
    location: str = ""
    revision: str | None = None
    commit: str | None = None
    path: str = ""
    layout: str = "none"
    """psm, spm, spm_contiguous, spm_unmarked, or none: no fill-in-the-middle."""
    marks: list[str] = msgspec.field(default_factory=list)
    """Prefix, suffix and middle mark, each one token."""
    bos: str = ""
    eot: str = ""
    stops: list[str] = msgspec.field(default_factory=list)
    supports: list[str] = msgspec.field(default_factory=list)
    licence: str = ""
    architecture: str = ""
    dtype: str = ""
    size: int = 0
    """Bytes of its weights."""
    hidden_size: int = 0
    layers: int = 0
    vocab_size: int = 0
    targets: list[str] = msgspec.field(default_factory=list)
    """Linear layers that get adapters."""
    languages: list[str] | None = None
    """None: all."""
    learning_rate: float = 0.0
    chat_template: bool = False
    allow_pickle: bool = False
    trust_remote_code: bool = False
    credential: str | None = None
    added: str = ""
    job: int | None = None


class Family(Struct, frozen=True, kw_only=True):
    """What a family of models is like, and what of it the hub has."""

    name: str
    title: str
    layout: str
    marks: list[str]
    eot: str
    supports: list[str]
    context: int
    licence: str
    memory: str
    hub: list[str]


class Placement(Struct, frozen=True, kw_only=True):
    """Where and how a hosted model computes."""

    device: str = "auto"
    """auto, cpu, a GPU's number, or several of those with commas between: each holds a part of the layers."""
    dtype: HostDtype = "auto"
    """auto: bf16 on a GPU, fp32 on the CPU."""
    quantisation: HostQuantisation = "none"
    """Of the layers' weights: a quarter to an eighth of the memory; adapters then run beside them."""
    context: int | None = None
    """Tokens that it reads at most; None: as many as the model can."""
    memory_gb: float | None = None
    """What the model and its caches may take on all its devices together; None: part of what is free."""
    share: bool = True
    """Whether other models may be put on the same GPUs."""


class Device(Struct, frozen=True, kw_only=True):
    """What a model can be placed on."""

    name: str
    """cpu, or a GPU's number."""
    title: str
    memory_bytes: int
    free_bytes: int
    models: list[str]
    """Hosted ones that lie on it."""
    shared: bool = True
    """Whether another may be put there."""


class PlacementPlan(Struct, frozen=True, kw_only=True):
    """What a wish comes to on this box, before anything is loaded."""

    model: str
    device: str
    """For people: cpu, GPU0, GPU0,1."""
    dtype: str
    quantisation: HostQuantisation
    context: int
    weights_bytes: int
    request_bytes: int
    """Keys and values of one request as long as the context."""
    shares: dict[str, int]
    """Bytes that it takes at least, by the names of the devices that it is put on."""
    devices: list[Device]
    """All there are, as they are now."""


class HostModel(Struct, frozen=True, kw_only=True):
    """Have a model answer on the endpoint."""

    model: str
    placement: Placement = Placement()
