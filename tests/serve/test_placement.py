"""Where models may go: wishes made definite for boxes with any GPUs, or none."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.devices import Gpu
from backend.errors import BadRequest, RefactError, TooLarge
from backend.models.catalog import ModelInfo
from backend.serve import placement
from backend.serve.llama import Shape, read_shape
from backend.serve.placement import cache_bytes, place, weights_bytes
from backend.wire import Placement

GB = 2**30


def gpu(index: int, free_gb: float, capability: tuple[int, int] = (8, 0)) -> Gpu:
    return Gpu(index, f"GPU {index}", 80 * GB, int(free_gb * GB), capability)


@pytest.fixture
def large(starter: ModelInfo) -> ModelInfo:
    """As large as a model of seven billion parameters."""
    return replace(starter, name="large", parameters=7_000_000_000, context=4096)


@pytest.fixture
def shape() -> Shape:
    return Shape(4096, 32, 32, 8, 128, 1e-5, 1e4, 4096, {})


def test_without_gpus_it_is_the_cpu(starter: ModelInfo) -> None:
    found = place(Placement(), starter, read_shape(starter.path), [], (), ())
    assert (found.devices, found.dtype, found.context, found.threads) == (["cpu"], "fp32", starter.context, 1)
    assert found.named == "cpu"
    on_gpu = place(Placement(), starter, read_shape(starter.path), [gpu(0, 20)], (), ())
    assert (on_gpu.devices, on_gpu.dtype) == (["cuda:0"], "fp32"), "where it costs nothing, answers are exact"


def test_auto_takes_the_gpu_with_most_room_then_as_many_as_it_takes(large: ModelInfo, shape: Shape) -> None:
    def auto(*gpus: Gpu, closed: tuple[int, ...] = (), busy: tuple[int, ...] = (), share: bool = True) -> list[str]:
        return place(Placement(share=share), large, shape, gpus, busy, closed).devices

    assert auto(gpu(0, 20), gpu(1, 70)) == ["cuda:1"]
    assert auto(gpu(0, 10), gpu(1, 10), gpu(2, 1)) == ["cuda:0", "cuda:1"]
    assert auto(gpu(0, 10), gpu(1, 10), gpu(2, 10), gpu(3, 10)) == ["cuda:0", "cuda:1"]
    assert auto(gpu(0, 5), gpu(1, 5), gpu(2, 5), gpu(3, 5)) == ["cuda:0", "cuda:1", "cuda:2", "cuda:3"]
    assert auto(gpu(0, 70), gpu(1, 20), closed=(0,)) == ["cuda:1"]
    assert auto(gpu(0, 70), gpu(1, 20), busy=(0,)) == ["cuda:0"]
    assert auto(gpu(0, 70), gpu(1, 20), busy=(0,), share=False) == ["cuda:1"]


def test_what_is_named_is_taken_all_of_it(large: ModelInfo, shape: Shape) -> None:
    gpus = [gpu(0, 70), gpu(1, 70), gpu(2, 70)]
    found = place(Placement(device="2, 0"), large, shape, gpus, (), ())
    assert (found.devices, found.dtype, found.gpus, found.named) == (["cuda:2", "cuda:0"], "bf16", {0, 2}, "GPU0,2")
    assert place(Placement(device="1"), large, shape, [gpu(1, 70, (7, 5))], (), ()).dtype == "fp16"
    mixed = place(Placement(device="cpu,1"), replace(large, parameters=10**6), shape, gpus, (), ())
    assert (mixed.devices, mixed.dtype, mixed.named) == (["cpu", "cuda:1"], "fp32", "cpu,GPU1")


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        (Placement(device="3"), "no device '3'.*GPUs 0, 1, 2"),
        (Placement(device="gpu"), "no device 'gpu'"),
        (Placement(device=""), "no device ''"),
        (Placement(device="0,0"), "named twice"),
        (Placement(device="1"), "GPU 1 is taken by a model that does not share"),
        (Placement(device="2", share=False), "GPU 2 has other models on it"),
        (Placement(device="cpu", dtype="fp16"), "does not compute in fp16"),
        (Placement(context=100), "context of 100 tokens cannot be: 256 to"),
        (Placement(context=10**6), "context of 1000000 tokens cannot be"),
        (Placement(device="0", memory_gb=9), "takes 13.5 GB, not 9"),
    ],
)
def test_what_cannot_be_is_refused_in_words(large: ModelInfo, shape: Shape, wish: Placement, words: str) -> None:
    with pytest.raises(BadRequest, match=words):
        place(wish, large, shape, [gpu(0, 70), gpu(1, 70), gpu(2, 70)], {2}, {1})


def test_too_large_for_what_is_free(large: ModelInfo, shape: Shape, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TooLarge, match=r"takes 13.5 GB of GPU 0, and 12.0 GB are free"):
        place(Placement(device="0"), large, shape, [gpu(0, 12)], (), ())
    monkeypatch.setattr(placement, "main_memory_available", lambda: 8 * GB)
    with pytest.raises(TooLarge, match=r"GB of memory, and 8.0 GB are free"):
        place(Placement(), large, shape, [gpu(0, 2)], (), ())
    with pytest.raises(BadRequest, match="3 layers, too few for 4 devices"):
        place(Placement(device="cpu,cpu,cpu,cpu"), replace(large, parameters=10), replace(shape, layers=3), [], (), ())


WISHES = st.builds(
    Placement,
    device=st.one_of(st.sampled_from(["auto", "cpu"]), st.lists(st.integers(0, 4), max_size=5).map(str)),
    dtype=st.sampled_from(["auto", "fp32", "bf16", "fp16"]),
    context=st.one_of(st.none(), st.integers(0, 5000)),
    memory_gb=st.one_of(st.none(), st.floats(0, 100)),
    share=st.booleans(),
)


@given(WISHES, st.lists(st.floats(0, 80), max_size=4), st.sets(st.integers(0, 3)), st.sets(st.integers(0, 3)))
def test_what_is_allowed_fits(wish: Placement, free: list[float], busy: set[int], closed: set[int]) -> None:
    shape = Shape(4096, 32, 32, 8, 128, 1e-5, 1e4, 4096, {})
    info = replace(_starter(), parameters=7_000_000_000, context=4096)
    gpus = [gpu(index, gb) for index, gb in enumerate(free)]
    text = wish.device.strip("[]").replace(" ", "")
    wish = Placement(device=text, dtype=wish.dtype, context=wish.context, memory_gb=wish.memory_gb, share=wish.share)
    try:
        found = place(wish, info, shape, gpus, busy, closed)
    except RefactError as error:
        assert error.message
        return
    assert not found.gpus & closed and (wish.share or not found.gpus & busy)
    needed = weights_bytes(info, found.dtype) + cache_bytes(shape, found.dtype, found.context)
    for one in gpus:
        assert one.index not in found.gpus or one.free_bytes >= needed // len(found.devices)
    assert found.memory_bytes is None or found.memory_bytes >= needed


def _starter() -> ModelInfo:
    from backend.models import catalog

    return catalog.starter()
