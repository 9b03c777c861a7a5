"""Programs that see frames to come: streams of them answer late, and then as the clip does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import movistream
from movistream.cli import main
from movistream_converters.conversion import convert_source
from movistream_converters.errors import ConversionError
from movistream_converters.formats.registry import read_source
from movistream_converters.formats.source import Source
from movistream_converters.ir.states import network_states
from movistream_converters.reference.execution import run_clip
from tests.converters.exported_programs import Recorded, Ref, write_causal_program

FRAMES, SIDE, CHANNELS = 10, 8, 6
TOLD = {"value_range": (0.0, 1.0), "delay": True}

generator = np.random.default_rng(6)


def random(*shape: int, scale: float = 0.5) -> np.ndarray:
    return generator.normal(0, scale, shape).astype(np.float32)


def clip(*, dynamic: bool = True) -> Recorded:
    return Recorded(
        generator.random((1, 3, FRAMES, SIDE, SIDE), np.float32), 2 if dynamic else None
    )


def stem(p: Recorded, taps: int = 1) -> Any:
    weight, bias = (
        p.weight("stem", random(CHANNELS, 3, taps, 3, 3)),
        p.weight("b", random(CHANNELS)),
    )
    options = {"stride": [1, 2, 2], "padding": [taps // 2, 1, 1]}
    return p("relu", self=p("conv3d", input=p.x, weight=weight, bias=bias, **options))


def symmetric(p: Recorded, y: Ref, taps: int = 3, gap: int = 1) -> Any:
    weight = p.weight(f"w{len(p.weights)}", random(CHANNELS, CHANNELS, taps, 1, 1))
    options = {"padding": [taps // 2 * gap, 0, 0], "dilation": [gap, 1, 1]}
    return p(
        "conv3d", input=y, weight=weight, bias=p.weight(f"v{len(p.weights)}", random(6)), **options
    )


def vectors(p: Recorded, y: Ref) -> Any:
    """(1, frames, channels)."""
    return p("transpose", self=p("mean", self=y, dim=[3, 4]), dim0=1, dim1=2)


def residual(p: Recorded) -> Any:
    y = stem(p, 3)
    y = p("add", self=y, other=symmetric(p, p("relu", self=symmetric(p, y)), 5))
    return p("add", self=y, other=symmetric(p, y, gap=2))


def shifted_both_ways(p: Recorded) -> Any:
    first, second, rest = p("split", self=stem(p), split_size=2, dim=1)
    early = p("pad", self=first, pad=[0, 0, 0, 0, -1, 1])
    late = p("pad", self=second, pad=[0, 0, 0, 0, 1, -1])
    return symmetric(p, p("cat", tensors=[early, late, rest], dim=1))


def difference_of_centred_means(p: Recorded) -> Any:
    y = stem(p)
    mean = p("avg_pool3d", self=y, kernel_size=[5, 1, 1], stride=[1, 1, 1], padding=[2, 0, 0])
    return p("sub", self=y, other=mean)


def shifted_before(p: Recorded) -> Any:
    """It sees nothing that is to come, but its last answer sees the padding behind the clip."""
    return symmetric(p, p("pad", self=stem(p), pad=[0, 0, 0, 0, 1, -1]))


def mean_so_far(p: Recorded) -> Any:
    y = symmetric(p, stem(p))
    counts = p("add", self=p("arange", end=p.frames), other=1)
    counts = p("view", self=counts, size=[1, 1, -1, 1, 1])
    return p("div", self=p("cumsum", self=y, dim=2), other=counts)


NETWORKS: dict[str, tuple[Callable[[Recorded], Any], int, list[tuple[str, int, int]]]] = {
    "residual": (
        residual,
        6,
        # Role, frames, and the frames until it begins: kernels, and what waits for them.
        [
            ("buffer", 2, 0),
            ("buffer", 2, 1),
            ("buffer", 4, 2),
            ("buffer", 3, 0),
            ("buffer", 4, 4),
            ("buffer", 2, 0),
        ],
    ),
    "shift": (shifted_both_ways, 2, [("buffer", 2, 0), ("buffer", 1, 0), ("buffer", 2, 1)]),
    "centred means": (
        difference_of_centred_means,
        2,
        [("buffer", 4, 0), ("buffer", 2, 0)],
    ),
    "shifted before": (shifted_before, 1, [("buffer", 2, 0), ("buffer", 1, 0)]),
    "mean so far": (mean_so_far, 1, [("buffer", 2, 0), ("pool", 1, 1), ("clock", 1, 1)]),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_answers_come_late_and_are_those_of_the_clip(name: str, tmp_path: Path) -> None:
    """Of every frame from which on so many more were seen."""
    make, delay, states = NETWORKS[name]
    p = clip()
    result = vectors(p, make(p))
    path = p.save(tmp_path / "m.pt2", result)
    source = read_source(path, None, None, TOLD)
    assert source.network.delay_frames == delay
    found = [(s.role, s.frames, s.delay_frames) for s in network_states(source.network)]
    assert sorted(found) == sorted(states)
    held_against(p, result, source)
    # What it says of a prefix is what it says of the whole clip.
    text = refusal(path)
    assert "sees 1 frame to come" in text or "sees 2 frames to come" in text
    assert "with --delay" in text


def held_against(p: Recorded, result: Ref, source: Source) -> None:
    expected, late = p.value(result)[0], source.network.delay_frames
    logits, _ = run_clip(source.network, source.weights, np.moveaxis(p.clip, 1, -1))
    limit = 2e-5 * np.abs(expected).max()
    found = np.asarray(logits)[0, late:]
    np.testing.assert_allclose(found, expected[: FRAMES - late], atol=limit, rtol=0)


def refusal(path: Path, **overrides: Any) -> str:
    with pytest.raises(ConversionError) as caught:
        read_source(path, None, None, {"value_range": (0.0, 1.0), **overrides})
    text = str(caught.value)
    assert "\n" not in text
    return text


def test_what_sees_no_frame_to_come_is_not_late(tmp_path: Path) -> None:
    path = write_causal_program(tmp_path / "m.pt2")
    late, plain = (
        read_source(path, None, None, {**TOLD, "delay": delay}) for delay in (True, None)
    )
    assert late.network == plain.network
    assert ("delay_frames", 0) in {(f.option, f.value) for f in late.findings}


def test_the_first_operator_is_named_with_its_own_frames(tmp_path: Path) -> None:
    p = clip()
    y = symmetric(p, stem(p), 5)
    line = p.line
    result = vectors(p, symmetric(p, y))
    text = refusal(p.save(tmp_path / "m.pt2", result))
    assert f"conv3d at /src/model.py:{line} (y = conv3d(...)) sees 2 frames to come" in text


def test_a_recurrent_cell_begins_with_the_first_frame_that_reaches_it(tmp_path: Path) -> None:
    p = clip(dynamic=False)
    y = vectors(p, symmetric(p, stem(p)))
    parameters = [p.weight("wi", random(15, CHANNELS)), p.weight("wh", random(15, 5))]
    parameters += [p.weight("bi", random(15)), p.weight("bh", random(15))]
    options = {"has_biases": True, "num_layers": 1, "dropout": 0.0, "train": False}
    hx = p("zeros", size=[1, 1, 5])
    options |= {"bidirectional": False, "batch_first": True}
    y, _ = p("gru", input=y, hx=hx, params=parameters, **options)
    source = read_source(p.save(tmp_path / "m.pt2", y), None, None, TOLD)
    assert source.network.delay_frames == 1
    assert [s.delay_frames for s in network_states(source.network)] == [0, 1]
    held_against(p, y, source)


def test_a_mean_over_the_clip_is_of_the_frames_that_reached_it(tmp_path: Path) -> None:
    p = clip(dynamic=False)
    y = symmetric(p, stem(p))
    frames = p.value(p("mean", self=y, dim=[3, 4]))[0].T
    path = p.save(tmp_path / "m.pt2", p("mean", self=y, dim=[2, 3, 4]))
    source = read_source(path, None, None, {**TOLD, "window_frames": "all"})
    assert source.network.delay_frames == 1
    logits, _ = run_clip(source.network, source.weights, np.moveaxis(p.clip, 1, -1))
    for index in range(FRAMES - 1):
        expected = frames[: index + 1].mean(0)
        np.testing.assert_allclose(np.asarray(logits)[0, index + 1], expected, atol=1e-4)


def test_the_last_frame_alone_is_none_of_a_stream(tmp_path: Path) -> None:
    """In the clip, there is padding behind it."""
    p = clip(dynamic=False)
    y = p("select", self=vectors(p, symmetric(p, stem(p))), dim=1, index=-1)
    text = refusal(p.save(tmp_path / "m.pt2", y), delay=True)
    assert "takes the last frame alone, which sees padding behind the clip" in text
    assert "conv3d at /src/model.py:4" in text


def blanked(p: Recorded) -> Any:
    """The first frames are zeros, whatever the network makes of them."""
    mask = p("view", self=p("gt", self=p("arange", end=p.frames), other=1), size=[1, 1, -1, 1, 1])
    y = p("mul", self=stem(p), other=p("to", self=mask, dtype=7))
    return p("sigmoid", self=y)


def padded_difference(p: Recorded) -> Any:
    """Of a frame and the one before, and zero for the first."""
    y = stem(p)
    after = p("slice", self=y, dim=2, start=1, end=99)
    before = p("slice", self=y, dim=2, start=0, end=-1)
    y = p("pad", self=p("sub", self=after, other=before), pad=[0, 0, 0, 0, 1, 0])
    weight = p.weight("w", random(CHANNELS, CHANNELS, 2, 1, 1))
    return p("conv3d", input=p("pad", self=y, pad=[0, 0, 0, 0, 1, 0]), weight=weight)


@pytest.mark.parametrize("make", [blanked, padded_difference])
def test_zeros_at_the_beginning_of_the_clip_are_those_of_the_stream(
    make: Callable[[Recorded], Any], tmp_path: Path
) -> None:
    p = clip()
    result = vectors(p, make(p))
    source = read_source(p.save(tmp_path / "m.pt2", result), None, None, {**TOLD, "delay": None})
    assert not source.network.delay_frames
    held_against(p, result, source)
    output = tmp_path / "m.tflite"
    convert_source(source, output)  # It is verified.


def test_the_command_and_the_file_say_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    p = Recorded(generator.random((1, 3, FRAMES, 32, 32), np.float32), 2)
    path = str(p.save(tmp_path / "m.pt2", vectors(p, residual(p))))
    output = str(tmp_path / "m.tflite")
    with pytest.raises(SystemExit):
        main(["convert", path, "-o", output, "--value-range", "0,1"])
    assert "--delay" in " ".join(capsys.readouterr().err.split())
    main(["convert", path, "-o", output, "--value-range", "0,1", "--delay", "--fps", "10"])
    printed = " ".join(capsys.readouterr().out.split())
    assert "delay frames 6 from the program" in printed
    assert "verified on 28 frames" in printed
    main(["inspect", output])
    assert "answers are about the frame 6 before" in " ".join(capsys.readouterr().out.split())
    with movistream.load(output) as model, model.stream() as stream:
        assert model.delay_frames == 6
        frame = np.zeros((32, 32, 3), np.uint8)
        results = [stream.step(frame, time_s=index / 10) for index in range(9)]
    assert [result.time_s for result in results[6:]] == pytest.approx([0.0, 0.1, 0.2])


def test_what_has_no_place_for_a_delay(tmp_path: Path) -> None:
    folder = tmp_path / "m.safetensors"
    folder.write_bytes(b"")
    with pytest.raises(ConversionError, match="a delay is for networks that see frames to come"):
        read_source(folder, "movistream", None, {"delay": True})
