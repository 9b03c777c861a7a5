"""Modules of PyTorch, where it is installed: exported, read, and held against themselves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import movistream_converters
from movistream.errors import MissingExtraError
from movistream_converters.errors import ConversionError
from movistream_converters.reference.execution import run_clip

FRAMES = 8


def network(torch: Any, *, padding: int = 0, training: bool = False) -> Any:
    """Frames in the batch, a shift by roll, functions in place, a TCN, a GRU."""
    nn, functional = torch.nn, torch.nn.functional

    class Net(nn.Module):  # type: ignore[misc, unused-ignore]
        def __init__(self) -> None:
            super().__init__()
            self.stem = nn.Sequential(
                nn.Conv2d(3, 8, 3, 2, 1, bias=False), nn.BatchNorm2d(8), nn.ReLU(inplace=True)
            )
            self.block = nn.Conv2d(8, 8, 3, 1, 1, groups=8)
            self.time = nn.Conv1d(8, 8, 3, padding=padding)
            self.norm = nn.LayerNorm(8)
            self.cell = nn.GRU(8, 6, batch_first=True)
            self.head = nn.Linear(6, 5)

        def forward(self, x: Any) -> Any:
            n, c, t, h, w = x.shape
            y = self.stem(x.transpose(1, 2).reshape(n * t, c, h, w))
            z = y.view(n, t, *y.shape[1:])
            mask = (torch.arange(t) > 0).to(y.dtype).view(1, t, 1, 1, 1)
            shifted = torch.roll(z[:, :, :2], 1, 1) * mask
            z = torch.cat([shifted, z[:, :, 2:]], 2).flatten(0, 1)
            y = y + functional.hardswish(self.block(z))
            v = y.mean((2, 3)).view(n, t, -1).transpose(1, 2)
            v = v + self.time(v if padding else functional.pad(v, (2, 0)))
            out, _ = self.cell(self.norm(v.transpose(1, 2)))
            return self.head(out)

    torch.manual_seed(1)
    return Net().train(training)


def clip(torch: Any) -> Any:
    return torch.rand(1, 3, FRAMES, 32, 32)


def test_a_module_and_its_stream_agree() -> None:
    torch = pytest.importorskip("torch")
    module, x = network(torch), clip(torch)
    source = movistream_converters.from_torch(module, x, value_range=(0, 1))
    with torch.no_grad():
        expected = module(x).numpy()[0]
    images = np.moveaxis(x.numpy(), 1, -1)
    logits, _ = run_clip(source.network, source.weights, images)
    np.testing.assert_allclose(np.asarray(logits)[0], expected, atol=1e-5)
    assert source.network.name == "Net"


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"padding": 1}, r"conv1d at .*test_from_torch\.py:\d+ .* in time sees 1 frame to come"),
        ({"training": True}, r"changes the buffer stem\.1\.num_batches_tracked"),
    ],
)
def test_what_cannot_be_streamed_is_refused_by_its_line(
    options: dict[str, Any], reason: str
) -> None:
    torch = pytest.importorskip("torch")
    with pytest.raises(ConversionError, match=reason):
        movistream_converters.from_torch(network(torch, **options), clip(torch), value_range=(0, 1))


def test_what_cannot_be_exported_is_one_line() -> None:
    torch = pytest.importorskip("torch")

    class Broken(torch.nn.Module):  # type: ignore[misc, unused-ignore, name-defined]
        def forward(self, x: Any) -> Any:
            raise ValueError("no such thing\nat all")

    with pytest.raises(ConversionError, match=r"^Broken cannot be exported by PyTorch: ") as caught:
        movistream_converters.from_torch(Broken(), clip(torch), value_range=(0, 1))
    assert "\n" not in str(caught.value)


def test_without_pytorch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "torch", None)
    with pytest.raises(MissingExtraError, match="exporting modules of PyTorch"):
        movistream_converters.from_torch(None, None)
