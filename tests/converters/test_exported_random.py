"""Programs composed at random: causal ones agree frame by frame, others are refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from movistream_converters.errors import ConversionError
from movistream_converters.formats.registry import read_source
from movistream_converters.reference.execution import run_clip
from tests.converters.exported_programs import Recorded, Ref, Sym

FRAMES, SIDE, CHANNELS = 9, 6, 4
RANGE = {"value_range": (0.0, 1.0)}
ACTIVATIONS = ("relu", "relu6", "silu", "hardswish", "sigmoid", "hardsigmoid", "tanh", "gelu")


@dataclass
class Maker:
    """A program while it is composed; blocks read and give (1, CHANNELS, frames, height, width)."""

    p: Recorded
    draw: Any
    generator: np.random.Generator

    def random(self, *shape: int) -> Ref:
        name = f"w{len(self.p.weights)}"
        return self.p.weight(name, self.generator.normal(0, 0.4, shape).astype(np.float32))

    def choose(self, *values: Any) -> Any:
        return self.draw(st.sampled_from(values))

    @property
    def frames(self) -> int | Sym:
        return FRAMES if self.p.time_axis is None else self.p.frames


Block = Callable[[Maker, Ref], Any]


def temporal(m: Maker, y: Ref) -> Any:
    taps, gap, groups = m.choose(2, 3), m.choose(1, 2), m.choose(1, 2, CHANNELS)
    around = m.choose(0, 1)
    y = m.p("pad", self=y, pad=[around, around, around, around, (taps - 1) * gap, 0])
    size = 2 * around + 1
    return m.p(
        "conv3d",
        input=y,
        weight=m.random(CHANNELS, CHANNELS // groups, taps, size, size),
        bias=m.choose(None, m.random(CHANNELS)),
        dilation=[gap, 1, 1],
        groups=groups,
    )


def cut_off(m: Maker, y: Ref) -> Any:
    """Padded on both sides, and its end cut off."""
    weight = m.random(CHANNELS, CHANNELS, 3, 1, 1)
    y = m.p("conv3d", input=y, weight=weight, padding=[2, 0, 0])
    return m.p("slice", self=y, dim=2, start=0, end=m.frames)


def folded(m: Maker, y: Ref) -> Any:
    """Frames in the batch, and back."""
    height, width = m.p.value(y).shape[3:]
    y = m.p("permute", self=y, dims=[0, 2, 1, 3, 4])
    y = m.p("reshape", self=y, shape=[m.frames, CHANNELS, height, width])
    y = m.p("conv2d", input=y, weight=m.random(CHANNELS, CHANNELS, 3, 3), padding=[1, 1])
    y = m.p("view", self=y, size=[1, m.frames, CHANNELS, height, width])
    return m.p("transpose", self=y, dim0=1, dim1=2)


def per_pixel(m: Maker, y: Ref) -> Any:
    """Pixels in the batch: a kernel over time of each."""
    height, width = m.p.value(y).shape[3:]
    y = m.p("permute", self=y, dims=[0, 3, 4, 1, 2])
    y = m.p("reshape", self=y, shape=[height * width, CHANNELS, m.frames])
    y = m.p("conv1d", input=m.p("pad", self=y, pad=[1, 0]), weight=m.random(CHANNELS, CHANNELS, 2))
    y = m.p("view", self=y, size=[1, height, width, CHANNELS, m.frames])
    return m.p("permute", self=y, dims=[0, 3, 4, 1, 2])


def shift_by_cat(m: Maker, y: Ref) -> Any:
    frames = m.choose(1, 2)
    first, rest = m.p("chunk", self=y, chunks=2, dim=1)
    zeros = m.p("zeros_like", self=m.p("slice", self=first, dim=2, start=0, end=frames))
    kept = m.p("slice", self=first, dim=2, start=0, end=-frames)
    return m.p("cat", tensors=[rest, m.p("cat", tensors=[zeros, kept], dim=2)], dim=1)


def shift_by_roll(m: Maker, y: Ref) -> Any:
    mask = m.p("gt", self=m.p("arange", end=m.frames), other=0)
    mask = m.p("view", self=m.p("to", self=mask, dtype=7), size=[1, 1, -1, 1, 1])
    return m.p("mul", self=m.p("roll", self=y, shifts=[1], dims=[2]), other=mask)


def difference(m: Maker, y: Ref) -> Any:
    return m.p("sub", self=y, other=m.p("pad", self=y, pad=[0, 0, 0, 0, 1, -1]))


def activation(m: Maker, y: Ref) -> Any:
    return m.p(m.choose(*ACTIVATIONS), self=y)


def normalised(m: Maker, y: Ref) -> Any:
    variance = m.p.weight(f"v{len(m.p.weights)}", np.full(CHANNELS, 0.7, np.float32), buffer=True)
    mean = m.random(CHANNELS)
    gamma, beta = m.random(CHANNELS), m.random(CHANNELS)
    return m.p(
        "batch_norm",
        input=y,
        weight=gamma,
        bias=beta,
        running_mean=mean,
        running_var=variance,
        training=False,
        momentum=0.1,
        eps=1e-5,
        cudnn_enabled=True,
    )


def clipped(m: Maker, y: Ref) -> Any:
    return m.p("hardtanh", self=y, min_val=m.choose(-1.0, -0.3, 0.0), max_val=m.choose(0.5, 2.0))


def _times_gate(m: Maker, y: Ref, mean: Ref) -> Any:
    gate = m.p("conv3d", input=mean, weight=m.random(CHANNELS, CHANNELS, 1, 1, 1))
    return m.p("mul", self=y, other=m.p(m.choose("sigmoid", "hardsigmoid"), self=gate))


def gate(m: Maker, y: Ref) -> Any:
    return _times_gate(m, y, m.p("mean", self=y, dim=[3, 4], keepdim=True))


def gate_of_window(m: Maker, y: Ref) -> Any:
    mean = m.p("mean", self=y, dim=[3, 4], keepdim=True)
    mean = m.p("pad", self=mean, pad=[0, 0, 0, 0, 2, 0])
    return _times_gate(m, y, m.p("avg_pool3d", self=mean, kernel_size=[3, 1, 1], stride=[1, 1, 1]))


def gate_of_all(m: Maker, y: Ref) -> Any:
    mean = m.p("mean", self=y, dim=[3, 4], keepdim=True)
    counts = m.p("add", self=m.p("arange", end=m.frames), other=1)
    counts = m.p("view", self=counts, size=[1, 1, -1, 1, 1])
    return _times_gate(m, y, m.p("div", self=m.p("cumsum", self=mean, dim=2), other=counts))


def branches(m: Maker, y: Ref) -> Any:
    both = m.p("cat", tensors=[temporal(m, y), y], dim=1)
    return m.p("conv3d", input=both, weight=m.random(CHANNELS, 2 * CHANNELS, 1, 1, 1))


CAUSAL: tuple[Block, ...] = (
    temporal,
    cut_off,
    folded,
    per_pixel,
    shift_by_cat,
    shift_by_roll,
    difference,
    activation,
    normalised,
    clipped,
    gate,
    gate_of_window,
    gate_of_all,
    branches,
)


def symmetric(m: Maker, y: Ref) -> Any:
    weight = m.random(CHANNELS, CHANNELS, 3, 1, 1)
    return m.p("conv3d", input=y, weight=weight, padding=[1, 0, 0])


def wide(m: Maker, y: Ref) -> Any:
    """With a bias, which makes other numbers of the zeros that it pads with."""
    weight = m.random(CHANNELS, CHANNELS, 3, 3, 3)
    options = {"dilation": [2, 1, 1], "padding": [2, 1, 1]}
    return m.p("conv3d", input=y, weight=weight, bias=m.random(CHANNELS), **options)


def next_frame(m: Maker, y: Ref) -> Any:
    return m.p("pad", self=y, pad=[0, 0, 0, 0, -1, 1])


def rolled_back(m: Maker, y: Ref) -> Any:
    return m.p("roll", self=y, shifts=[-1], dims=[2])


def rolled(m: Maker, y: Ref) -> Any:
    """The last frame comes before the first."""
    return m.p("roll", self=y, shifts=[1], dims=[2])


def gate_of_clip(m: Maker, y: Ref) -> Any:
    return _times_gate(m, y, m.p("mean", self=y, dim=[2, 3, 4], keepdim=True))


def turned_round(m: Maker, y: Ref) -> Any:
    return m.p("flip", self=y, dims=[2])


def shifted_both_ways(m: Maker, y: Ref) -> Any:
    """A quarter of the channels from the frame after, a quarter from the one before."""
    parts = m.p("split", self=y, split_size=1, dim=1)
    early = m.p("pad", self=parts[0], pad=[0, 0, 0, 0, -1, 1])
    late = m.p("pad", self=parts[1], pad=[0, 0, 0, 0, 1, -1])
    return m.p("cat", tensors=[early, late, *parts[2:]], dim=1)


def centred_mean(m: Maker, y: Ref) -> Any:
    return m.p("avg_pool3d", self=y, kernel_size=[3, 1, 1], stride=[1, 1, 1], padding=[1, 0, 0])


AHEAD: tuple[Block, ...] = (
    symmetric,
    wide,
    next_frame,
    rolled_back,
    shifted_both_ways,
    centred_mean,
)
"""Those that a stream answers late."""

NOT_CAUSAL: tuple[Block, ...] = (
    *AHEAD,
    rolled,
    gate_of_clip,
    turned_round,
)


def composed(
    data: st.DataObject, blocks: list[Block], residual: list[bool]
) -> tuple[Recorded, Ref]:
    generator = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    clip = generator.random((1, 3, FRAMES, SIDE, SIDE), np.float32)
    p = Recorded(clip, time_axis=data.draw(st.sampled_from((None, 2))))
    m = Maker(p, data.draw, generator)
    weight = m.random(CHANNELS, 3, 1, 3, 3)
    y = p("conv3d", input=p.x, weight=weight, stride=[1, 2, 2], padding=[0, 1, 1])
    for block, adds in zip(blocks, residual, strict=True):
        result = block(m, y)
        y = p("add", self=y, other=result) if adds else result
    y = p("transpose", self=p("mean", self=y, dim=[3, 4]), dim0=1, dim1=2)
    return p, p("linear", input=y, weight=m.random(3, CHANNELS), bias=m.random(3))


def lists_of(blocks: tuple[Block, ...], most: int) -> st.SearchStrategy[list[Block]]:
    return st.lists(st.sampled_from(blocks), min_size=1, max_size=most)


@settings(max_examples=200, deadline=None)
@given(data=st.data(), blocks=lists_of(CAUSAL, 5))
def test_causal_programs_agree(
    data: st.DataObject, blocks: list[Block], tmp_path_factory: pytest.TempPathFactory
) -> None:
    residual = [data.draw(st.booleans()) for _ in blocks]
    p, result = composed(data, blocks, residual)
    source = read_source(_saved(p, result, tmp_path_factory), None, None, RANGE)
    logits, _ = run_clip(source.network, source.weights, np.moveaxis(p.clip, 1, -1))
    expected = p.value(result)[0]
    limit = 1e-4 * max(np.abs(expected).max(), 1e-3)
    np.testing.assert_allclose(np.asarray(logits)[0], expected, atol=limit, rtol=0)


@settings(max_examples=100, deadline=None)
@given(data=st.data(), before=lists_of(CAUSAL, 2), after=lists_of(CAUSAL, 2))
def test_one_block_that_sees_later_frames_is_refused(
    data: st.DataObject,
    before: list[Block],
    after: list[Block],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """With the operator and its line."""
    blocks = [*before, data.draw(st.sampled_from(NOT_CAUSAL)), *after]
    # All frames shifted make room for one that was to come before: together, that is causal.
    residual = [block is shift_by_roll or data.draw(st.booleans()) for block in blocks]
    p, result = composed(data, blocks, residual)
    with pytest.raises(ConversionError, match=r" at /src/model\.py:\d+ ") as caught:
        read_source(_saved(p, result, tmp_path_factory), None, None, RANGE)
    assert "\n" not in str(caught.value)


@settings(max_examples=5, deadline=None)
@given(data=st.data())
def test_what_was_rolled_stays_so_behind_kernels_of_a_frame(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Which keep zeros zero, and would so make zeros of the last frame."""
    p, result = composed(data, [rolled, folded], [False, False])
    with pytest.raises(ConversionError, match="what was before the clip"):
        read_source(_saved(p, result, tmp_path_factory), None, None, RANGE)


@settings(max_examples=150, deadline=None)
@given(
    data=st.data(),
    blocks=st.lists(st.sampled_from((*CAUSAL, *AHEAD, *AHEAD)), min_size=1, max_size=5),
)
def test_late_answers_are_those_of_the_clip(
    data: st.DataObject, blocks: list[Block], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """All that a stream of the clip's length gives: each sees no padding behind the clip."""
    residual = [data.draw(st.booleans()) for _ in blocks]
    p, result = composed(data, blocks, residual)
    overrides = {**RANGE, "delay": True}
    source = read_source(_saved(p, result, tmp_path_factory), None, None, overrides)
    late = source.network.delay_frames
    assert late <= sum(2 if block is wide else 1 for block in blocks if block in AHEAD)
    logits, _ = run_clip(source.network, source.weights, np.moveaxis(p.clip, 1, -1))
    expected = p.value(result)[0]
    limit = 1e-4 * max(np.abs(expected).max(), 1e-3)
    np.testing.assert_allclose(
        np.asarray(logits)[0, late:], expected[: FRAMES - late], atol=limit, rtol=0
    )


def _saved(p: Recorded, result: Ref, folder: pytest.TempPathFactory) -> Path:
    return p.save(folder.mktemp("random") / "model.pt2", result)
