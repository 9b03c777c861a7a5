"""Programs of torch.export: each operator's meaning in time, and what is refused, by its place."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import movistream
from movistream_converters.conversion import convert_source
from movistream_converters.errors import ConversionError
from movistream_converters.formats.registry import read_source
from movistream_converters.formats.source import Source
from movistream_converters.ir.network import image_of
from movistream_converters.ir.states import network_states
from movistream_converters.reference.execution import run_clip
from movistream_converters.reference.images import seen
from movistream_converters.tflite.precision import Precision
from tests.conftest import REFERENCE_DATA
from tests.converters.exported_programs import Recorded, Ref, Sym, archive
from tests.converters.lossless import write_lossless

GOLDENS = REFERENCE_DATA / "goldens" / "causal_torch"
golden = pytest.mark.skipif(not GOLDENS.exists(), reason="no reference data")
RANGE = {"value_range": (0.0, 1.0)}
FRAMES, SIDE, CHANNELS = 7, 8, 6
TIGHT = 2e-5

generator = np.random.default_rng(5)


def random(*shape: int, scale: float = 0.5) -> np.ndarray:
    return generator.normal(0, scale, shape).astype(np.float32)


def clip_first(*, dynamic: bool = False, order: str = "NCTHW") -> Recorded:
    sizes = {"N": 1, "C": 3, "T": FRAMES, "H": SIDE, "W": SIDE}
    clip = generator.random([sizes[axis] for axis in order], np.float32)
    return Recorded(clip, order.index("T") if dynamic else None)


def stem(p: Recorded) -> Ref:
    """(1, CHANNELS, FRAMES, 4, 4) of a clip."""
    weight = p.weight("stem.weight", random(CHANNELS, 3, 1, 3, 3))
    bias = p.weight("stem.bias", random(CHANNELS))
    y = p("conv3d", input=p.x, weight=weight, bias=bias, stride=[1, 2, 2], padding=[0, 1, 1])
    assert isinstance(y, Ref)
    return y


def head(p: Recorded, y: Ref) -> Ref:
    """Logits (1, frames, 4) of (1, channels, frames, height, width)."""
    mean = p("mean", self=y, dim=[3, 4])
    turned = p("transpose", self=mean, dim0=1, dim1=2)
    channels = p.value(turned).shape[-1]
    logits = p(
        "linear",
        input=turned,
        weight=p.weight("head.weight", random(4, channels)),
        bias=p.weight("head.bias", random(4)),
    )
    assert isinstance(logits, Ref)
    return logits


def vectors(p: Recorded, y: Ref) -> Ref:
    """(1, CHANNELS, FRAMES) of what a stem gives."""
    mean = p("mean", self=y, dim=[3, 4])
    assert isinstance(mean, Ref)
    return mean


def answer(p: Recorded, y: Ref) -> Ref:
    """Logits (1, frames, channels) of (1, channels, frames)."""
    turned = p("transpose", self=y, dim0=1, dim1=2)
    assert isinstance(turned, Ref)
    return turned


def read(p: Recorded, result: Ref, tmp_path: Path, **overrides: Any) -> Source:
    path = p.save(tmp_path / "model.pt2", result)
    return read_source(path, None, None, {**RANGE, **overrides})


def pictures(p: Recorded) -> np.ndarray:
    """The clip as (1, frames, height, width, channels)."""
    return np.moveaxis(p.clip, 1, -1) if p.clip.shape[1] == 3 else np.moveaxis(p.clip, 2, -1)


def agrees(p: Recorded, result: Ref, tmp_path: Path, **overrides: Any) -> Source:
    """Reads a program, and compares the logits of its network with what numpy computed."""
    source = read(p, result, tmp_path, **overrides)
    logits, _ = run_clip(source.network, source.weights, pictures(p))
    expected = p.value(result)[0]
    found = np.asarray(logits)[0][-len(expected) :] if expected.ndim > 1 else logits[0, -1]
    limit = TIGHT * np.abs(expected).max()
    np.testing.assert_allclose(np.asarray(found), expected, atol=limit, rtol=0)
    return source


def states(source: Source) -> list[tuple[str, int, tuple[int, int, int]]]:
    return [(s.role, s.frames, s.shape) for s in network_states(source.network)]


def refusal(p: Recorded, result: Ref, tmp_path: Path, **overrides: Any) -> str:
    with pytest.raises(ConversionError) as caught:
        read(p, result, tmp_path, **overrides)
    text = str(caught.value)
    assert "\n" not in text
    return text


KERNELS: dict[str, tuple[str, dict[str, Any], list[int], list[int]]] = {
    "left pad": ("conv3d", {}, [0, 0, 0, 0, 2, 0], [CHANNELS, CHANNELS, 3, 1, 1]),
    "joint": ("conv3d", {"padding": [0, 1, 1]}, [0, 0, 0, 0, 1, 0], [5, CHANNELS, 2, 3, 3]),
    "dilated": ("conv3d", {"dilation": [3, 1, 1]}, [0, 0, 0, 0, 6, 0], [5, CHANNELS, 3, 1, 1]),
    "depthwise": (
        "conv3d",
        {"groups": CHANNELS},
        [1, 1, 1, 1, 4, 0],
        [CHANNELS, 1, 5, 3, 3],
    ),
    "groups": ("conv3d", {"groups": 2}, [0, 0, 0, 0, 2, 0], [4, CHANNELS // 2, 3, 1, 1]),
    "wide": (
        "conv3d",
        {"stride": [1, 1, 2], "dilation": [1, 2, 1]},
        [2, 0, 1, 3, 1, 0],
        [3, CHANNELS, 2, 2, 3],
    ),
}


@pytest.mark.parametrize("dynamic", [False, True])
@pytest.mark.parametrize("name", KERNELS)
def test_kernels_behind_padding(name: str, dynamic: bool, tmp_path: Path) -> None:
    operator, options, pad, shape = KERNELS[name]
    p = clip_first(dynamic=dynamic)
    y = p("pad", self=stem(p), pad=pad)
    p.module = "block.time"
    y = p(operator, input=y, weight=p.weight("time.weight", random(*shape)), **options)
    p.module = ""
    source = agrees(p, head(p, y), tmp_path)
    reach = (shape[2] - 1) * options.get("dilation", [1])[0]
    assert states(source) == [("buffer", reach, (4, 4, CHANNELS))]
    assert "block.time" in {node.name for node in source.network.nodes}


def test_a_kernel_padded_on_both_sides_whose_end_is_cut_off(tmp_path: Path) -> None:
    p = clip_first(dynamic=True)
    weight = p.weight("w", random(5, CHANNELS, 3))
    y = p("conv1d", input=vectors(p, stem(p)), weight=weight, padding=[2])
    y = p("slice", self=y, dim=2, start=None, end=p.frames)
    assert states(agrees(p, answer(p, y), tmp_path)) == [("buffer", 2, (1, 1, CHANNELS))]


def test_unpadded_kernels_answer_when_they_have_seen_enough(tmp_path: Path) -> None:
    p = clip_first()
    y = p("conv3d", input=stem(p), weight=p.weight("w", random(5, CHANNELS, 3, 1, 1)))
    y = p("conv3d", input=y, weight=p.weight("v", random(5, 5, 2, 1, 1)))
    result = head(p, y)
    assert p.value(result).shape[1] == FRAMES - 3
    assert [frames for _, frames, _ in states(agrees(p, result, tmp_path))] == [2, 1]


@pytest.mark.parametrize("order", ["NCTHW", "NTCHW", "NTHWC", "TCHW"])
@pytest.mark.parametrize("dynamic", [False, True])
def test_frames_in_the_batch(order: str, dynamic: bool, tmp_path: Path) -> None:
    p = clip_first(dynamic=dynamic, order=order)
    axes = [order.index(axis) for axis in order.replace("C", "").replace("H", "CH")]
    y = p.x if axes == sorted(axes) else p("permute", self=p.x, dims=axes)
    count = p.frames if dynamic else FRAMES
    y = p("reshape", self=y, shape=[count, 3, SIDE, SIDE])
    y = p("conv2d", input=y, weight=p.weight("w", random(5, 3, 3, 3)), stride=[2, 2])
    y = p("flatten", self=p("adaptive_avg_pool2d", self=y, output_size=[1, 1]), start_dim=1)
    y = p("view", self=y, size=[1, count, 5])
    path = p.save(tmp_path / "m.pt2", y)
    source = read_source(path, None, None, RANGE)
    clip = p.clip[None] if order == "TCHW" else p.clip
    places = [order.replace("N", "").index(axis) + 1 for axis in "THWC"]
    logits, _ = run_clip(source.network, source.weights, clip.transpose(0, *places))
    np.testing.assert_allclose(np.asarray(logits)[0], p.value(y)[0], atol=1e-5)
    shown = {finding.option: finding.value for finding in source.findings}
    assert shown["clip"] == order


def folded(p: Recorded) -> Ref:
    """(1, FRAMES, CHANNELS, 4, 4)."""
    y = p("permute", self=stem(p), dims=[0, 2, 1, 3, 4])
    assert isinstance(y, Ref)
    return y


def unfolded(p: Recorded, y: Ref) -> Ref:
    return head(p, p("permute", self=y, dims=[0, 2, 1, 3, 4]))


def shift_by_cat(p: Recorded, y: Ref, frames: int = 1) -> Ref:
    first = p("slice", self=y, dim=2, start=0, end=2)
    zeros = p("zeros_like", self=p("slice", self=first, dim=1, start=0, end=frames))
    before = p("slice", self=first, dim=1, start=0, end=-frames)
    late = p("cat", tensors=[zeros, before], dim=1)
    rest = p("slice", self=y, dim=2, start=2, end=9223372036854775807)
    result = p("cat", tensors=[late, rest], dim=2)
    assert isinstance(result, Ref)
    return result


def shift_by_roll(p: Recorded, y: Ref, frames: int = 1, blanked: int = 1) -> Ref:
    first, rest = p("split", self=y, split_size=CHANNELS // 2, dim=2)
    count = p.frames if p.time_axis is not None else FRAMES
    numbers = p("arange", end=count)
    mask = p("to", self=p("gt", self=numbers, other=blanked - 1), dtype=7)
    mask = p("view", self=mask, size=[1, -1, 1, 1, 1])
    late = p("mul", self=p("roll", self=first, shifts=[frames], dims=[1]), other=mask)
    result = p("cat", tensors=[late, rest], dim=2)
    assert isinstance(result, Ref)
    return result


@pytest.mark.parametrize("dynamic", [False, True])
@pytest.mark.parametrize("frames", [1, 2])
def test_shifted_channels_are_all_that_is_kept(dynamic: bool, frames: int, tmp_path: Path) -> None:
    for shift, channels in ((shift_by_cat, 2), (shift_by_roll, 3)):
        p = clip_first(dynamic=dynamic)
        y = folded(p)
        blanked = {"blanked": frames} if shift is shift_by_roll else {}
        y = shift(p, y, frames, **blanked)  # type: ignore[operator]
        source = agrees(p, unfolded(p, y), tmp_path)
        assert states(source) == [("buffer", frames, (4, 4, channels))]


def test_one_value_is_kept_once_however_often_it_is_late(tmp_path: Path) -> None:
    """y(t) + y(t − 1) + y(t − 3): three frames."""
    p = clip_first()
    y = total = vectors(p, stem(p))
    for frames in (1, 3, 1):
        late = p("pad", self=y, pad=[frames, -frames])
        total = p("add", self=total, other=late)
    source = agrees(p, answer(p, total), tmp_path)
    assert sum(frames for _, frames, _ in states(source)) == 3


def test_differences_of_frames(tmp_path: Path) -> None:
    p = clip_first()
    y = vectors(p, stem(p))
    after = p("slice", self=y, dim=2, start=1, end=99)
    before = p("slice", self=y, dim=2, start=0, end=-1)
    y = p("sub", self=after, other=before)
    assert states(agrees(p, answer(p, y), tmp_path)) == [("buffer", 1, (1, 1, CHANNELS))]


@pytest.mark.parametrize("dynamic", [False, True])
def test_cumulative_means(dynamic: bool, tmp_path: Path) -> None:
    p = clip_first(dynamic=dynamic)
    y = vectors(p, stem(p))
    total = p("unsqueeze", self=p("cumsum", self=y, dim=2), dim=0)
    last: int | Sym = FRAMES + 1
    if dynamic:
        last = Sym("add", FRAMES + 1)
        p.record(
            "add",
            {"a": p.frames, "b": 1},
            [{"as_sym_int": {"as_name": "add"}}],
            namespace="_operator",
        )
    counts = p("arange", start=1, end=last)
    y = p("squeeze", self=p("div", self=total, other=counts), dim=0)
    source = agrees(p, answer(p, y), tmp_path)
    assert states(source) == [("pool", 1, (1, 1, CHANNELS)), ("clock", 1, (1, 1, 1))]


def test_means_of_a_window_count_what_was_before_the_clip(tmp_path: Path) -> None:
    p = clip_first()
    y = p("pad", self=stem(p), pad=[0, 0, 0, 0, 3, 0])
    y = p("avg_pool3d", self=y, kernel_size=[4, 2, 2], stride=[1, 2, 2])
    assert states(agrees(p, head(p, y), tmp_path)) == [("buffer", 3, (2, 2, CHANNELS))]


@pytest.mark.parametrize("window", ["all", 3])
def test_a_mean_over_the_clip_becomes_what_is_said(window: Any, tmp_path: Path) -> None:
    p = clip_first()
    y = p("mean", self=stem(p), dim=[2, 3, 4])
    y = p("linear", input=y, weight=p.weight("w", random(4, CHANNELS)))
    assert "mean at /src/model.py:3 (y = mean(...)) is a mean over the whole clip" in refusal(
        p, y, tmp_path
    )
    source = read(p, y, tmp_path, window_frames=window)
    logits, _ = run_clip(source.network, source.weights, pictures(p))
    features = p.value(Ref("conv3d")).mean((3, 4))[0]
    for index in range(FRAMES):
        first = 0 if window == "all" else max(0, index - window + 1)
        expected = features[:, first : index + 1].mean(1) @ p.weights["w"].T
        np.testing.assert_allclose(np.asarray(logits)[0, index], expected, atol=1e-5)


def test_the_last_frames_answer(tmp_path: Path) -> None:
    p = clip_first()
    y = p("select", self=vectors(p, stem(p)), dim=2, index=-1)
    agrees(p, y, tmp_path)
    p = clip_first()
    y = p("select", self=vectors(p, stem(p)), dim=2, index=-3)
    assert states(agrees(p, y, tmp_path)) == [("buffer", 2, (1, 1, CHANNELS))]


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("has_biases", [True, False])
def test_gru(layers: int, has_biases: bool, tmp_path: Path) -> None:
    p = clip_first()
    y = answer(p, vectors(p, stem(p)))
    units, parameters = 5, []
    for layer in range(layers):
        parameters += [
            p.weight(f"w{layer}", random(3 * units, units if layer else CHANNELS)),
            p.weight(f"u{layer}", random(3 * units, units)),
        ]
        if has_biases:
            parameters += [p.weight(f"{n}{layer}", random(3 * units)) for n in "bc"]
    hx = p("zeros", size=[layers, 1, units])
    y, _ = p(
        "gru",
        input=y,
        hx=hx,
        params=parameters,
        has_biases=has_biases,
        num_layers=layers,
        dropout=0.0,
        train=False,
        bidirectional=False,
        batch_first=True,
    )
    source = agrees(p, y, tmp_path)
    assert states(source) == [("buffer", 1, (1, 1, units))] * layers


FUNCTIONS: dict[str, dict[str, Any]] = {
    "relu": {},
    "relu6": {},
    "sigmoid": {},
    "hardsigmoid": {},
    "silu": {},
    "hardswish": {},
    "tanh": {},
    "gelu": {},
    "neg": {},
    "leaky_relu": {"negative_slope": 0.2},
    "hardtanh": {"min_val": -0.25, "max_val": 0.75},
    "clamp": {"min": 0},
}


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_of_each_number(name: str, late: bool, tmp_path: Path) -> None:
    """Also where there are zeros from before the clip, of which some make other numbers."""
    p = clip_first()
    y = vectors(p, stem(p))
    if late:
        y = p("pad", self=y, pad=[2, -2])
    y = p(name, self=y, **FUNCTIONS[name])
    y = p("conv1d", input=y, weight=p.weight("w", random(4, CHANNELS, 1)))
    source = agrees(p, answer(p, y), tmp_path)
    assert len(states(source)) == late


ARITHMETIC: dict[str, Callable[[Recorded, Ref], Any]] = {
    "add": lambda p, y: p("add", self=y, other=y, alpha=3),
    "sub a number": lambda p, y: p("sub", self=y, other=0.25),
    "from a number": lambda p, y: p("rsub", self=y, other=1.0),
    "twice": lambda p, y: p("mul", self=y, other=2.0),
    "half": lambda p, y: p("div", self=y, other=2.0),
    "square": lambda p, y: p("mul", self=y, other=y),
    "of channels": lambda p, y: p("mul", self=p.weight("scale", random(1, CHANNELS, 1)), other=y),
    "bias of channels": lambda p, y: p(
        "add", self=y, other=p.weight("offset", random(CHANNELS, 1))
    ),
    "gate": lambda p, y: p("mul", self=y, other=p("sigmoid", self=y)),
    "normalised": lambda p, y: p(
        "transpose",
        self=p(
            "layer_norm",
            input=p("transpose", self=y, dim0=1, dim1=2),
            normalized_shape=[CHANNELS],
            weight=p.weight("g", random(CHANNELS)),
            bias=p.weight("b", random(CHANNELS)),
        ),
        dim0=1,
        dim1=2,
    ),
    "batch norm": lambda p, y: p(
        "batch_norm",
        input=y,
        weight=p.weight("gamma", random(CHANNELS)),
        bias=p.weight("beta", random(CHANNELS)),
        running_mean=p.weight("mean", random(CHANNELS), buffer=True),
        running_var=p.weight("var", 1 + random(CHANNELS) ** 2, buffer=True),
        training=False,
        momentum=0.1,
        eps=1e-3,
    ),
    "parts": lambda p, y: p("cat", tensors=p("chunk", self=y, chunks=2, dim=1)[::-1], dim=1),
}


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("name", ARITHMETIC)
def test_arithmetic(name: str, late: bool, tmp_path: Path) -> None:
    p = clip_first()
    y = vectors(p, stem(p))
    if late:
        y = p("pad", self=y, pad=[2, -2])
    agrees(p, answer(p, ARITHMETIC[name](p, y)), tmp_path)


def test_squeeze_and_excite(tmp_path: Path) -> None:
    p = clip_first()
    y = stem(p)
    gate = p("mean", self=y, dim=[3, 4], keepdim=True)
    gate = p("conv3d", input=gate, weight=p.weight("a", random(2, CHANNELS, 1, 1, 1)))
    gate = p("conv3d", input=gate, weight=p.weight("b", random(CHANNELS, 2, 1, 1, 1)))
    y = p("mul", self=y, other=p("hardsigmoid", self=gate))
    assert not states(agrees(p, head(p, y), tmp_path))


def test_flattened_frames_and_pools(tmp_path: Path) -> None:
    p = clip_first()
    y = p("max_pool3d", self=stem(p), kernel_size=[1, 2, 2], stride=[1, 2, 2])
    y = p("flatten", self=p("transpose", self=y, dim0=1, dim1=2), start_dim=2)
    y = p("linear", input=y, weight=p.weight("w", random(5, CHANNELS * 4)))
    agrees(p, y, tmp_path)
    p = clip_first()
    y = p("avg_pool3d", self=stem(p), kernel_size=[1, 3, 3], stride=[1, 1, 1], padding=[0, 1, 1])
    y = p("adaptive_avg_pool3d", self=y, output_size=[FRAMES, 2, 2])
    agrees(p, head(p, y), tmp_path)


def test_scores_at_the_end_are_taken_back_to_logits(tmp_path: Path) -> None:
    for function, given, expected in (
        ("softmax", {"dim": 2}, "softmax"),
        ("sigmoid", {}, "sigmoid"),
    ):
        p = clip_first()
        logits = head(p, stem(p))
        source = read(p, p(function, self=logits, **given), tmp_path)
        assert source.activation == expected
        found, _ = run_clip(source.network, source.weights, pictures(p))
        np.testing.assert_allclose(np.asarray(found)[0], p.value(logits)[0], atol=1e-5)


def test_in_place_functions(tmp_path: Path) -> None:
    p = clip_first()
    y = vectors(p, stem(p))
    p("relu_", self=y)
    p.values[y.name] = np.maximum(p.value(y), 0)
    agrees(p, answer(p, y), tmp_path)


def test_what_shares_changed_numbers_is_refused(tmp_path: Path) -> None:
    p = clip_first()
    y = vectors(p, stem(p))
    part = p("slice", self=p("transpose", self=y, dim0=1, dim1=2), dim=2, start=0, end=3)
    p("relu_", self=part)
    text = refusal(p, answer(p, y), tmp_path)
    assert "relu_ at /src/model.py:6" in text
    assert "changes numbers in place that transpose at /src/model.py:7" in text


def scattered(p: Recorded, y: Ref, source: Ref, **of_channels: int) -> Any:
    """What y[:, channels, 1:] = source is in a program without changes in place."""
    part = p("slice", self=y, dim=2, start=1, end=99)
    part = p("slice_scatter", self=part, src=source, dim=1, **of_channels)
    return p("slice_scatter", self=y, src=part, dim=2, start=1, end=99)


@pytest.mark.parametrize("base", ["zeros", "a copy"])
def test_parts_that_are_written_over(base: str, tmp_path: Path) -> None:
    """TSM's shift, into zeros and into frames, of which the first is blanked."""
    p = clip_first()
    y = vectors(p, stem(p))
    late = p("slice", self=p("slice", self=y, dim=2, start=0, end=-1), dim=1, start=0, end=2)
    z = y if base == "a copy" else p("zeros_like", self=y)
    z = scattered(p, z, late, start=0, end=2)
    if base == "zeros":
        rest = p("slice", self=y, dim=1, start=2, end=5)
        z = p("slice_scatter", self=z, src=rest, dim=1, start=2, end=5)
    else:
        blank = p("zeros", size=[1, CHANNELS])
        z = p("select_scatter", self=z, src=blank, dim=2, index=0)
    source = agrees(p, answer(p, z), tmp_path)
    assert [s for s in states(source) if s[2] != (1, 1, 1)] == [("buffer", 1, (1, 1, 2))]


def test_pixels_as_whole_numbers_show_their_range(tmp_path: Path) -> None:
    p = clip_first()
    p.clip = generator.integers(0, 256, p.clip.shape, np.uint8)
    p.values["x"] = p.clip
    y = p("div", self=p("to", self=p.x, dtype=7), other=255.0)
    y = p("conv3d", input=y, weight=p.weight("w", random(4, 3, 1, 3, 3)))
    path = p.save(tmp_path / "m.pt2", answer(p, vectors(p, y)))
    source = read_source(path)
    assert image_of(source.network).value_range == (0.0, 255.0)


FUTURE: dict[str, tuple[Callable[[Recorded, Ref], Any], str, int]] = {
    "symmetric kernel": (
        lambda p, y: p(
            "conv1d", input=y, weight=p.weight("w", random(6, CHANNELS, 5)), padding=[2]
        ),
        "conv1d",
        2,
    ),
    "next frame": (lambda p, y: p("pad", self=y, pad=[-1, 1]), "pad", 1),
    "rolled back": (lambda p, y: p("roll", self=y, shifts=[-2], dims=[2]), "roll", 2),
    "turned round": (lambda p, y: p("flip", self=y, dims=[2]), "flip", FRAMES - 1),
    "pool": (
        lambda p, y: p("avg_pool1d", self=y, kernel_size=[3], stride=[1], padding=[1]),
        "avg_pool1d",
        1,
    ),
}


@pytest.mark.parametrize("met", [False, True])
@pytest.mark.parametrize("name", FUTURE)
def test_what_sees_later_frames_is_refused_by_its_place(
    name: str, met: bool, tmp_path: Path
) -> None:
    """With the number of frames, where it is met as where it is answered."""
    make, operator, frames = FUTURE[name]
    p = clip_first()
    p.module = "block.time"
    y = vectors(p, stem(p))
    ahead = make(p, y)
    line = p.line
    if met:
        ahead = p("add", self=y, other=ahead)
    text = refusal(p, answer(p, ahead), tmp_path)
    assert f"{operator} at /src/model.py:{line} (y = {operator}(...)) in block.time sees" in text
    assert f"sees {frames} frame{'s' * (frames > 1)} to come" in text


OTHERS: dict[str, tuple[Callable[[Recorded, Ref], Any], str]] = {
    "rolled and not blanked": (
        lambda p, y: p("roll", self=y, shifts=[1], dims=[2]),
        "answers to what was before the clip",
    ),
    "blanked frames at the end": (
        lambda p, y: p(
            "mul",
            self=y,
            other=p("to", self=p("lt", self=p("arange", end=FRAMES), other=FRAMES - 1), dtype=7),
        ),
        "multiplies each frame by a number of its own",
    ),
    "every second frame": (
        lambda p, y: p("slice", self=y, dim=2, start=0, end=99, step=2),
        "takes every 2. entry alone",
    ),
    "a stride over time": (
        lambda p, y: p("conv1d", input=y, weight=p.weight("w", random(4, 6, 1)), stride=[2]),
        "takes every 2. frame alone",
    ),
    "no answer to the last": (
        lambda p, y: p("slice", self=y, dim=2, start=0, end=-2),
        "gives no answer to the last 2 frames",
    ),
    "a sum": (lambda p, y: p("cumsum", self=y, dim=2), "divide it by the number of frames so far"),
    "each frame's own weight": (
        lambda p, y: p("mul", self=y, other=p.weight("w", random(1, 1, FRAMES))),
        "multiplies each frame by a number of its own",
    ),
    "each frame's own bias": (
        lambda p, y: p("add", self=y, other=p.weight("w", random(1, 1, FRAMES))),
        "a constant that differs from frame to frame",
    ),
    "all frames as one": (
        lambda p, y: p("linear", input=y, weight=p.weight("w", random(4, FRAMES))),
        "multiplies all frames of the clip by weights of their own",
    ),
    "the first frame": (
        lambda p, y: p("unsqueeze", self=p("select", self=y, dim=2, index=0), dim=2),
        "takes frame 0 of the clip",
    ),
    "padding once for two kernels": (
        lambda p, y: p(
            "conv1d",
            input=p(
                "conv1d",
                input=p("pad", self=y, pad=[2, 0]),
                weight=p.weight("w", random(6, CHANNELS, 2)),
                bias=p.weight("b", random(6)),
            ),
            weight=p.weight("v", random(6, 6, 2)),
        ),
        "sees frames from before the clip, which are not zeros there",
    ),
    "channels in parts": (
        lambda p, y: p("view", self=y, size=[1, 2, CHANNELS // 2, FRAMES]),
        "reads groups of channels in a dimension of their own",
    ),
    "frames put behind frames": (
        lambda p, y: p("cat", tensors=[p("slice", self=y, dim=2, start=0, end=1), y], dim=2),
        "puts frames behind frames",
    ),
}


@pytest.mark.parametrize("name", OTHERS)
def test_what_no_stream_can_is_refused_by_its_place(name: str, tmp_path: Path) -> None:
    make, reason = OTHERS[name]
    p = clip_first()
    y = make(p, vectors(p, stem(p)))
    text = refusal(p, answer(p, y), tmp_path)
    assert reason in text
    assert " at /src/model.py:" in text


def test_kinds_of_operators_that_are_refused(tmp_path: Path) -> None:
    for namespace, operator, arguments, reason in (
        ("torch.ops.mine", "twice.default", {}, "mine.twice at /src/model.py:3"),
        ("torch.ops.higher_order", "cond", {}, "is control flow"),
        ("torch.ops.aten", "sort.default", {}, "sort at /src/model.py:3"),
        ("torch.ops.aten", "item.default", {}, "item at /src/model.py:3"),
    ):
        p = clip_first()
        y = vectors(p, stem(p))
        p.record(operator, {"self": y, **arguments}, [{"as_tensor": {"name": "z"}}], namespace)
        p.values["z"] = p.value(y)
        assert reason in refusal(p, answer(p, Ref("z")), tmp_path)


def test_changed_buffers_are_refused_by_name(tmp_path: Path) -> None:
    p = clip_first()
    kept = p.weight("memory.kept", np.zeros(CHANNELS, np.float32), buffer=True)
    p("add_", self=kept, other=1.0)
    text = refusal(p, head(p, stem(p)), tmp_path)
    assert "add_ at /src/model.py:2" in text
    assert "changes the buffer memory.kept" in text
    p = clip_first()
    result = head(p, stem(p))
    document = p.document(result)
    specs = document["graph_module"]["signature"]["output_specs"]
    specs.insert(0, {"buffer_mutation": {"arg": {"name": "x"}, "buffer_name": "kept"}})
    path = archive(tmp_path / "m.pt2", document, p.config(), {})
    with pytest.raises(ConversionError, match="changes the buffer kept while it runs"):
        read_source(path, None, None, RANGE)


def test_options_that_do_not_fit(tmp_path: Path) -> None:
    p = clip_first()
    result = head(p, stem(p))
    assert "--value-range LOW,HIGH" in refusal(p, result, tmp_path, value_range=None)
    for overrides, reason in (
        ({"num_classes": 9}, "has num classes 4, not 9"),
        ({"image_size": 9}, "takes images of 8 pixels, not 9"),
        ({"window_frames": 3}, "no mean over the whole clip"),
        ({"gating": "sigmoid"}, "in which a gating has no place"),
        ({"mean": (0.1, 0.2)}, "2 numbers are the mean of 3 channels"),
        ({"value_range": (1, 0)}, "reach from 1 to 0"),
    ):
        assert reason in refusal(p, result, tmp_path, **overrides)
    with pytest.raises(ConversionError, match="and no movinet-a0-stream"):
        read_source(tmp_path / "model.pt2", None, "movinet-a0-stream", RANGE)


def test_clips_that_do_not_show_their_axes(tmp_path: Path) -> None:
    for shape, reason in (
        ((1, 3, 3, 8, 8), "does not show what is time"),
        ((1, 5, 7, 8, 8), "does not show what is time"),
        ((2, 3, 5, 8, 8), "takes 2 clips at once"),
        ((1, 3, 1, 8, 8), "takes clips of 1 frames"),
        ((1, 3), "does not show what is time"),
    ):
        p = Recorded(np.zeros(shape, np.float32))
        assert reason in refusal(p, p("relu", self=p.x), tmp_path)


def test_other_sources_are_not_told_what_they_see(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    path.write_bytes(b"nothing")
    with pytest.raises(ConversionError, match="told of programs and models"):
        read_source(path, "pytorch", None, {"mean": (0.0, 0.0, 0.0)})


def told(name: str) -> dict[str, Any]:
    described = json.loads((GOLDENS / name / "meta.json").read_text())["input"]
    return {"value_range": (0, 1), "mean": described["mean"], "std": described["std"]}


GOLDEN_STATES = {"tsm_shift": (8, 30528), "tcn_dilated": (10, 14592), "r2plus1d_se": (13, 1041024)}
"""How many, and their bytes in float32, the clock left out: worked out by hand from the networks as
their descriptions say them."""


@golden
@pytest.mark.parametrize("file", ["model_t16.pt2", "model_dynamic_t.pt2"])
@pytest.mark.parametrize("name", GOLDEN_STATES)
def test_golden_networks(name: str, file: str, tmp_path: Path) -> None:
    source = read_source(GOLDENS / name / file, None, None, told(name))
    kept = [state for state in network_states(source.network) if state.role != "clock"]
    size = sum(4 * state.frames * int(np.prod(state.shape)) for state in kept)
    assert (len(kept), size) == GOLDEN_STATES[name]
    with np.load(GOLDENS / name / "stream.npz") as stream:
        frames, expected = stream["frames"], stream["logits"]
    limit = 1e-4 * np.abs(expected).max()
    convert_source(source, tmp_path / "m.tflite")
    with movistream.load(tmp_path / "m.tflite") as model, model.stream() as steps:
        found = np.stack([steps.step(frame).logits for frame in frames])
        np.testing.assert_allclose(found, expected, atol=limit, rtol=0)
        steps.reset()
        again = np.stack([steps.step(frame).logits for frame in frames[:5]])
        np.testing.assert_array_equal(again, found[:5])
    clip, _ = run_clip(source.network, source.weights, seen(frames[None], image_of(source.network)))
    np.testing.assert_allclose(np.asarray(clip)[0], expected, atol=limit, rtol=0)


@golden
@pytest.mark.parametrize("name", GOLDEN_STATES)
def test_golden_networks_in_int8(name: str, tmp_path: Path) -> None:
    """Calibrated on their own frames; in one piece."""
    source = read_source(GOLDENS / name / "model_t16.pt2", None, None, told(name))
    with np.load(GOLDENS / name / "stream.npz") as stream:
        frames = stream["frames"]
    video = write_lossless(frames, tmp_path / "frames.mkv")
    output = tmp_path / "m.tflite"
    int8, videos = Precision.INT8, (video,)
    report = convert_source(source, output, precision=int8, calibration_videos=videos).report
    assert report is not None
    assert report.judged is not None
    assert report.judged.mean_cosine >= 0.99
    assert report.partitions == 1
