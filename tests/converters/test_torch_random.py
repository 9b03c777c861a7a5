"""Modules of PyTorch composed at random, where it is installed: causal ones agree frame by frame,
and those with one block that is not are refused."""

from __future__ import annotations

import random
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from movistream_converters.errors import ConversionError
from movistream_converters.formats.registry import read_source
from movistream_converters.formats.source import Source
from movistream_converters.reference.execution import run_clip

FRAMES, SIDE, CHANNELS, CLASSES = 7, 8, 4, 3
RANGE = {"value_range": (0.0, 1.0)}

Block = Callable[[Any, random.Random], Any]
"""Of ``torch`` and what decides, a module that reads and gives (1, CHANNELS, frames, 4, 4)."""


def _module(torch: Any, forward: Callable[[Any], Any], **parts: Any) -> Any:
    class Block(torch.nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            for name, part in parts.items():
                setattr(self, name, part)

        def forward(self, x: Any) -> Any:
            return forward(self, x)  # type: ignore[call-arg]

    return Block()


def padded_kernel(torch: Any, choose: random.Random) -> Any:
    taps, gap, groups = choose.choice((2, 3)), choose.choice((1, 2)), choose.choice((1, 2, 4))
    size = choose.choice((1, 3))
    options = {"dilation": (gap, 1, 1), "groups": groups, "padding": (0, size // 2, size // 2)}
    conv = torch.nn.Conv3d(
        CHANNELS, CHANNELS, (taps, size, size), bias=choose.random() < 0.5, **options
    )
    pad = (0, 0, 0, 0, (taps - 1) * gap, 0)
    return _module(torch, lambda m, x: m.conv(torch.nn.functional.pad(x, pad)), conv=conv)


def chomped_kernel(torch: Any, choose: random.Random) -> Any:
    reach = choose.choice((1, 2))
    conv = torch.nn.Conv3d(CHANNELS, CHANNELS, (reach + 1, 1, 1), padding=(reach, 0, 0))
    return _module(torch, lambda m, x: m.conv(x)[:, :, :-reach], conv=conv)


def of_each_frame(torch: Any, choose: random.Random) -> Any:
    nn = torch.nn
    act = choose.choice((nn.ReLU(inplace=True), nn.SiLU(), nn.Hardswish(), nn.GELU(), nn.ReLU6()))
    net = nn.Sequential(nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1), nn.BatchNorm2d(CHANNELS), act)

    def forward(m: Any, x: Any) -> Any:
        n, c, t, h, w = x.shape
        y = m.net(x.transpose(1, 2).reshape(n * t, c, h, w))
        return y.view(n, t, c, h, w).transpose(1, 2)

    return _module(torch, forward, net=net)


def shift_by_slices(torch: Any, choose: random.Random) -> Any:
    frames, count = choose.choice((1, 2)), choose.choice((1, 2, 3))

    def forward(_: Any, x: Any) -> Any:
        out = torch.zeros_like(x)
        out[:, :count, frames:] = x[:, :count, :-frames]
        out[:, count:] = x[:, count:]
        return out

    return _module(torch, forward)


def shift_by_cat(torch: Any, choose: random.Random) -> Any:
    count = choose.choice((1, 2, 3))

    def forward(_: Any, x: Any) -> Any:
        first, rest = x[:, :count], x[:, count:]
        late = torch.cat([torch.zeros_like(first[:, :, :1]), first[:, :, :-1]], 2)
        return torch.cat([late, rest], 1)

    return _module(torch, forward)


def difference(torch: Any, choose: random.Random) -> Any:
    """With zero, or with the first frame itself, as the first."""
    pad = (0, 0, 0, 0, 1, 0)

    def of_later_frames(_: Any, x: Any) -> Any:
        return torch.nn.functional.pad(x[:, :, 1:] - x[:, :, :-1], pad)

    def of_all(_: Any, x: Any) -> Any:
        return x - torch.nn.functional.pad(x, pad)[:, :, :-1]

    return _module(torch, choose.choice((of_later_frames, of_all)))


def _gate(torch: Any, mean: Callable[[Any], Any]) -> Any:
    gate = torch.nn.Conv3d(CHANNELS, CHANNELS, 1)
    return _module(torch, lambda m, x: x * m.gate(mean(x)).sigmoid(), gate=gate)


def squeeze_excite(torch: Any, _: random.Random) -> Any:
    return _gate(torch, lambda x: x.mean((3, 4), keepdim=True))


def gate_of_all_so_far(torch: Any, _: random.Random) -> Any:
    def mean(x: Any) -> Any:
        count = torch.arange(1, x.shape[2] + 1).view(1, 1, -1, 1, 1)
        return torch.cumsum(x.mean((3, 4), keepdim=True), 2) / count

    return _gate(torch, mean)


def mean_of_the_last(torch: Any, choose: random.Random) -> Any:
    frames = choose.choice((2, 3))
    pad = (0, 0, 0, 0, frames - 1, 0)
    pool = torch.nn.AvgPool3d((frames, 1, 1), stride=1)
    return _module(torch, lambda m, x: m.pool(torch.nn.functional.pad(x, pad)), pool=pool)


CAUSAL: tuple[Block, ...] = (
    padded_kernel,
    chomped_kernel,
    of_each_frame,
    shift_by_slices,
    shift_by_cat,
    difference,
    squeeze_excite,
    gate_of_all_so_far,
    mean_of_the_last,
)


def symmetric_kernel(torch: Any, choose: random.Random) -> Any:
    gap = choose.choice((1, 2))
    return torch.nn.Conv3d(CHANNELS, CHANNELS, (3, 1, 1), padding=(gap, 0, 0), dilation=(gap, 1, 1))


def symmetric_mean(torch: Any, _: random.Random) -> Any:
    return torch.nn.AvgPool3d((3, 1, 1), stride=1, padding=(1, 0, 0))


def shift_to_the_left(torch: Any, _: random.Random) -> Any:
    def forward(_: Any, x: Any) -> Any:
        out = torch.zeros_like(x)
        out[:, :2, :-1] = x[:, :2, 1:]
        out[:, 2:] = x[:, 2:]
        return out

    return _module(torch, forward)


def rolled(torch: Any, choose: random.Random) -> Any:
    """And nothing blanked: the last frame comes before the first, or the first behind the last."""
    frames = choose.choice((-1, 1))
    return _module(torch, lambda _, x: x.roll(frames, 2))


def gate_of_the_clip(torch: Any, _: random.Random) -> Any:
    return _gate(torch, lambda x: x.mean((2, 3, 4), keepdim=True))


def turned_round(torch: Any, _: random.Random) -> Any:
    return _module(torch, lambda _, x: x.flip(2))


NOT_CAUSAL: tuple[Block, ...] = (
    symmetric_kernel,
    symmetric_mean,
    shift_to_the_left,
    rolled,
    gate_of_the_clip,
    turned_round,
)


def composed(torch: Any, blocks: list[Block], choose: random.Random) -> Any:
    nn = torch.nn

    class Net(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.stem = nn.Conv3d(3, CHANNELS, (1, 3, 3), (1, 2, 2), (0, 1, 1))
            self.blocks = nn.ModuleList(block(torch, choose) for block in blocks)
            self.adds = [choose.random() < 0.5 for _ in blocks]
            self.cell = choose.choice((None, nn.GRU, nn.LSTM))
            if self.cell:
                self.cell = self.cell(CHANNELS, CHANNELS, batch_first=True)
            self.head = nn.Linear(CHANNELS, CLASSES)

        def forward(self, x: Any) -> Any:
            y = self.stem(x)
            for block, adds in zip(self.blocks, self.adds, strict=True):
                y = y + block(y) if adds else block(y)
            y = y.mean((3, 4)).transpose(1, 2)
            return self.head(self.cell(y)[0] if self.cell else y)

    torch.manual_seed(choose.randrange(2**32))
    return Net().eval()


def exported(torch: Any, module: Any, clip: Any, path: Path, *, dynamic: bool) -> Path:
    shapes = ({2: torch.export.Dim.AUTO},) if dynamic else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.export.save(torch.export.export(module, (clip,), dynamic_shapes=shapes), path)
    return path


def drawn(torch: Any, seed: int, folder: Path, bad: Block | None = None) -> tuple[Any, Any, Path]:
    """The module of a seed, a clip, and the file."""
    choose = random.Random(seed)
    blocks = [choose.choice(CAUSAL) for _ in range(choose.randint(1, 4))]
    if bad is not None:
        blocks.insert(choose.randint(0, len(blocks)), bad)
    module = composed(torch, blocks, choose)
    clip = torch.rand(1, 3, FRAMES, SIDE, SIDE)
    path = exported(torch, module, clip, folder / "m.pt2", dynamic=bool(seed % 2))
    return module, clip, path


def held_against(torch: Any, module: Any, clip: Any, source: Source, late: int = 0) -> None:
    with torch.no_grad():
        expected = module(clip).numpy()[0]
    logits, _ = run_clip(source.network, source.weights, np.moveaxis(clip.numpy(), 1, -1))
    limit = 1e-4 * max(np.abs(expected).max(), 1e-3)
    found = np.asarray(logits)[0, late:]
    np.testing.assert_allclose(found, expected[: FRAMES - late], atol=limit, rtol=0)


@pytest.mark.parametrize("seed", range(200))
def test_causal_modules_agree(seed: int, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    module, clip, path = drawn(torch, seed, tmp_path)
    held_against(torch, module, clip, read_source(path, None, None, RANGE))


@pytest.mark.parametrize("seed", range(100))
def test_modules_with_one_block_that_is_not_causal_are_refused(seed: int, tmp_path: Path) -> None:
    """By its line; where a delay helps, they agree so much later."""
    torch = pytest.importorskip("torch")
    bad = NOT_CAUSAL[seed % len(NOT_CAUSAL)]
    module, clip, path = drawn(torch, 1000 + seed, tmp_path, bad)
    with pytest.raises(ConversionError, match=r" at .*\.py:\d+ ") as caught:
        read_source(path, None, None, RANGE)
    assert "\n" not in str(caught.value)
    if "--delay" in str(caught.value):
        source = read_source(path, None, None, {**RANGE, "delay": True})
        assert source.network.delay_frames >= 1
        held_against(torch, module, clip, source, source.network.delay_frames)
