"""Networks as people write them in PyTorch, where it is installed: they agree with their streams,
or are refused by the command in one line that names the place."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import movistream_converters
from movistream.cli import main
from movistream_converters.errors import ConversionError
from movistream_converters.reference.execution import run_clip
from tests.converters.torch_networks import FRAMES, NETWORKS, SIDE, Make

HERE = Path(__file__).name


@pytest.mark.parametrize("make", NETWORKS)
def test_a_network_and_its_stream_agree(make: Make) -> None:
    torch = pytest.importorskip("torch")
    torch.manual_seed(4)
    module, clip = make(torch).eval(), torch.rand(1, 3, FRAMES, SIDE, SIDE)
    for part in module.modules():
        if isinstance(part, torch.nn.modules.batchnorm._BatchNorm):
            part.running_mean.uniform_(-0.2, 0.2)
            part.running_var.uniform_(0.5, 1.5)
    source = movistream_converters.from_torch(module, clip, value_range=(0, 1))
    with torch.no_grad():
        expected = module(clip).numpy()[0]
    logits, _ = run_clip(source.network, source.weights, np.moveaxis(clip.numpy(), 1, -1))
    found = np.asarray(logits)[0] if expected.ndim > 1 else np.asarray(logits)[0, -1]
    limit = 2e-5 * np.abs(expected).max()
    np.testing.assert_allclose(found, expected, atol=limit, rtol=0)


@pytest.mark.parametrize("window", [FRAMES, 3])
def test_attention_to_all_frames_so_far_is_to_as_many_as_is_said(window: int) -> None:
    """Until there are more of them, they are all."""
    torch = pytest.importorskip("torch")
    from tests.converters.torch_networks import causal_attention

    torch.manual_seed(2)
    module, clip = causal_attention(torch).eval(), torch.rand(1, 3, FRAMES, SIDE, SIDE)
    with pytest.raises(ConversionError, match=r"attends to all frames so far, .* --window FRAMES"):
        movistream_converters.from_torch(module, clip, value_range=(0, 1))
    options = {"value_range": (0, 1), "window_frames": window}
    source = movistream_converters.from_torch(module, clip, **options)
    with torch.no_grad():
        expected = module(clip).numpy()[0]
    logits, _ = run_clip(source.network, source.weights, np.moveaxis(clip.numpy(), 1, -1))
    agree = np.isclose(np.asarray(logits)[0], expected, atol=1e-5).all(-1)
    assert agree.tolist() == [frame < window for frame in range(FRAMES)]


@pytest.mark.parametrize("dynamic", [True, False])
def test_any_number_of_frames_is_tried_first(dynamic: bool) -> None:
    """A loop over frames is for one number of them alone."""
    torch = pytest.importorskip("torch")
    from tests.converters.torch_networks import conv_gru, wavenet

    module = (wavenet if dynamic else conv_gru)(torch).eval()
    clip = torch.rand(1, 3, FRAMES, SIDE, SIDE)
    source = movistream_converters.from_torch(module, clip, value_range=(0, 1))
    told = {finding.option: finding.source for finding in source.findings}["clip"]
    assert ("open number" in told) == dynamic


def _symmetric(torch: Any, module: Any, y: Any) -> Any:
    return module.conv(y)


def _mean(torch: Any, module: Any, y: Any) -> Any:
    return y * y.mean((2, 3, 4), keepdim=True).sigmoid()


def _buffer(torch: Any, module: Any, y: Any) -> Any:
    result = y + module.seen
    module.seen.copy_(y[:, :, -1:])
    return result


def _assigned(torch: Any, module: Any, y: Any) -> Any:
    result = y + module.seen
    module.seen = y[:, :, -1:].clone()
    return result


def _cond(torch: Any, module: Any, y: Any) -> Any:
    return torch.cond(y.mean() > 0.5, lambda z: z * 2, lambda z: z + 1, (y,))


def _custom(torch: Any, module: Any, y: Any) -> Any:
    return torch.ops.movistream_tests.twice(y)


def _groups(torch: Any, module: Any, y: Any) -> Any:
    return torch.nn.functional.group_norm(y, 2)


def _enlarged(torch: Any, module: Any, y: Any) -> Any:
    return torch.nn.functional.interpolate(y, scale_factor=(1, 2, 2))


def _largest(torch: Any, module: Any, y: Any) -> Any:
    return y - y.amax(2, keepdim=True)


def _summed_in_place(torch: Any, module: Any, y: Any) -> Any:
    total, given = torch.zeros(1, 4, 8, 8), []
    for frame in range(y.shape[2]):
        total += y[:, :, frame]
        given.append(total.clone())
    return torch.stack(given, 2)


def _begun_with_ones(torch: Any, module: Any, y: Any) -> Any:
    kept, given = torch.ones(1, 4, 8, 8), []
    for frame in range(y.shape[2]):
        kept = torch.tanh(kept + y[:, :, frame])
        given.append(kept)
    return torch.stack(given, 2)


REFUSED: dict[str, tuple[Callable[[Any, Any, Any], Any], str]] = {
    "symmetric": (
        _symmetric,
        r"conv3d at {place} \(y = block\(.*\) in conv sees 1 frame to come, .* --delay",
    ),
    "mean": (_mean, r"mean at {place} .* is a mean over the whole clip, .* --window all"),
    "buffer": (_buffer, r"copy_ at {place} .* changes the buffer seen: state inside a module"),
    "assigned": (_assigned, r"copy_ at {place} .* changes the buffer seen: state inside a module"),
    "cond": (_cond, r"cond at {place} .* is control flow"),
    "custom": (_custom, r"movistream_tests\.twice at {place} .* is an operator of your own"),
    "a loop that changes what is outside": (
        _summed_in_place,
        r"select at {place} .* \(a loop over frames is read if it does the same to each",
    ),
    "a loop that begins with ones": (
        _begun_with_ones,
        r"loop\.before at {place} .* begins with a state that is not 0",
    ),
    "groups": (_groups, r"group_norm at {place} .* use a batch norm"),
    "enlarged": (_enlarged, r"upsample_nearest3d at {place} .* makes frames larger"),
    "largest": (_largest, r"amax at {place} .* the largest of the last frames"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_is_one_line_that_names_the_place(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torch = pytest.importorskip("torch")
    block, pattern = REFUSED[name]
    path = tmp_path / "net.pt2"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _define_operator(torch)
        program = torch.export.export(_net(torch, block), (torch.rand(1, 3, 6, 16, 16),))
        torch.export.save(program, path)
    output = tmp_path / "net.tflite"
    with pytest.raises(SystemExit) as caught:
        main(["convert", str(path), "-o", str(output), "--value-range", "0,1"])
    assert caught.value.code == 1
    error = capsys.readouterr().err.strip().splitlines()[-1]
    place = rf"\S*{re.escape(HERE)}:\d+"
    assert re.search(pattern.replace("{place}", place), error), error
    assert not output.exists()


def _net(torch: Any, block: Callable[[Any, Any, Any], Any]) -> Any:
    nn = torch.nn

    class Net(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.stem = nn.Conv3d(3, 4, (1, 3, 3), (1, 2, 2), (0, 1, 1))
            self.conv = nn.Conv3d(4, 4, (3, 1, 1), padding=(1, 0, 0))
            self.head = nn.Linear(4, 3)
            self.register_buffer("seen", torch.zeros(1, 4, 1, 8, 8))

        def forward(self, x: Any) -> Any:
            y = block(torch, self, self.stem(x))
            return self.head(y.mean((3, 4)).transpose(1, 2))

    return Net().eval()


def _define_operator(torch: Any) -> None:
    if hasattr(torch.ops.movistream_tests, "twice"):
        return

    def twice(x):  # type: ignore[no-untyped-def]
        return x * 2

    twice.__annotations__ = {"x": torch.Tensor, "return": torch.Tensor}
    operator = torch.library.custom_op("movistream_tests::twice", twice, mutates_args=())
    operator.register_fake(torch.empty_like)
