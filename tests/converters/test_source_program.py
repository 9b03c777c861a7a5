"""A stream is held against the program that its network was read from."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

import movistream
from movistream.cli import main
from movistream.file.manifest import ProgramComparison
from movistream.system.child import ChildError
from movistream_converters.conversion import Conversion, convert_source
from movistream_converters.errors import ConversionError, UnfaithfulError
from movistream_converters.formats import running
from movistream_converters.formats.exported_program import kernels
from movistream_converters.formats.exported_program import running as of_pytorch
from movistream_converters.formats.isolated import read_isolated
from movistream_converters.formats.registry import read_source
from movistream_converters.formats.source import Source, SourceProgram
from movistream_converters.ir.builder import NetworkBuilder
from movistream_converters.ir.layers import (
    Activation,
    ActivationFunction,
    AnyLayer,
    Convolution,
    Delay,
    Dense,
    Image,
    SpatialMean,
    TemporalMean,
    WindowMean,
)
from movistream_converters.ir.network import Network, image_of
from movistream_converters.ir.weights import random_weights
from movistream_converters.reference.execution import run_clip
from movistream_converters.reference.images import seen
from movistream_converters.reference.source_program import (
    LIMIT,
    compare_program,
    compared_frames,
    stream_of_file,
)
from movistream_converters.reference.verification import synthetic_frames
from movistream_converters.tflite.precision import Precision
from tests.converters.exported_programs import Recorded, write_causal_program

RANGE = {"value_range": (0.0, 1.0)}
Clip = np.ndarray
has_torch = importlib.util.find_spec("torch") is not None


def network_of(*last: AnyLayer, delay: int = 0) -> Network:
    """A kernel over three frames, and more of each frame."""
    builder = NetworkBuilder("small", (12, 12))
    builder.add("conv", Convolution(4, (3, 3, 3), (2, 2)))
    builder.add("activation", Activation(ActivationFunction.SWISH))
    builder.add("mean", SpatialMean())
    for place, layer in enumerate(last):
        builder.add(f"last_{place}", layer)
    if delay:
        builder.add("late", Delay(delay))
    builder.add("logits", Dense(3))
    return msgspec.structs.replace(builder.build(), delay_frames=delay)


def answering(network: Network, weights: Any) -> Callable[[Clip], Clip]:
    """A program that gives what a network says after each frame of (1, T, H, W, 3)."""
    return lambda clip: np.asarray(run_clip(network, weights, clip)[0])


def program_of(live: Callable[[Clip], Clip] | None, **changes: Any) -> SourceProgram:
    made = SourceProgram("Keras", 1, None, "NTHWC", Image(), answers_axis=-2, live=live)
    return replace(made, **changes)


def streaming(network: Network, weights: Any) -> Callable[[Clip], Clip]:
    return lambda frames: np.asarray(
        run_clip(network, weights, seen(frames[None], image_of(network)))[0]
    )[0]


def compared(
    program: SourceProgram, network: Network, weights: Any, clips: int = 1
) -> ProgramComparison:
    count = compared_frames(program, network)
    frames = np.stack(synthetic_frames(network, count))
    return compare_program(program, network, [frames] * clips, streaming(network, weights))


@pytest.fixture(scope="module")
def small() -> tuple[Network, Any]:
    network = network_of()
    return network, random_weights(network, seed=3)


def test_whole_clips_beginnings_and_later_ones(small: tuple[Network, Any]) -> None:
    network, weights = small
    lengths: list[int] = []
    inner = answering(network, weights)

    def live(clip: Clip) -> Clip:
        lengths.append(clip.shape[1])
        return inner(clip)

    found = compared(program_of(live, least_frames=4), network, weights)
    assert lengths == [24, 19, 14, 9, 4, 12]
    assert (found.frames, found.not_run) == (sum(lengths), "")
    assert found.max_logit_error < 1e-6
    assert found.runner.startswith("Keras 3.")


def test_clips_of_a_fixed_number_of_frames(small: tuple[Network, Any]) -> None:
    network, weights = small
    starts: list[float] = []
    inner = answering(network, weights)

    def live(clip: Clip) -> Clip:
        assert clip.shape[1] == 6
        starts.append(float(clip[0, 0].sum()))
        return inner(clip)

    found = compared(program_of(live, least_frames=6, most_frames=6), network, weights, clips=2)
    assert found.frames == 24
    assert len(set(starts)) == 2


@pytest.mark.parametrize("cell", [TemporalMean(), WindowMean(5)])
def test_the_last_answer_alone(cell: Any) -> None:
    network = network_of(cell)
    weights = random_weights(network, seed=4)
    inner = answering(network, weights)
    program = program_of(lambda clip: inner(clip)[:, -1], answers_axis=None)
    assert compared(program, network, weights).frames == 6
    # A batch of one answer.
    assert compared(replace(program, answers_axis=-2), network, weights).frames == 6


def test_a_window_is_compared_as_far_as_it_reaches() -> None:
    """The program's mean is over the clip; the stream's is told to be over four frames."""
    network, whole = network_of(WindowMean(4)), network_of(TemporalMean())
    weights = random_weights(network, seed=5)
    inner = answering(whole, weights)
    program = program_of(lambda clip: inner(clip)[:, -1], answers_axis=None, most_frames=4)
    assert compared(program, network, weights).max_logit_error < 1e-6
    with pytest.raises(UnfaithfulError):
        compared(replace(program, most_frames=None), network, weights)
    found = compared(replace(program, least_frames=9), network, weights)
    assert (found.frames, found.runner) == (0, "Keras")
    assert found.not_run.startswith("it takes 9 frames or more, and the mean over the clip was")


def test_answers_that_come_late(small: tuple[Network, Any]) -> None:
    """The last answers of the program, which see what is behind the clip, are not compared."""
    network, weights = small
    late = network_of(delay=2)
    inner = answering(network, weights)

    def live(clip: Clip) -> Clip:
        rows = inner(clip).copy()
        rows[:, -2:] = 100.0
        return rows

    program = program_of(live, least_frames=6, most_frames=6)
    assert compared(program, late, weights).frames == 2 * (6 - 2)
    found = compared(
        replace(program, answers_axis=None, live=lambda c: inner(c)[:, -1]), late, weights
    )
    assert found.frames == 0
    assert "the last frame of a clip alone" in found.not_run


def test_answers_that_begin_with_a_later_frame(small: tuple[Network, Any]) -> None:
    network, weights = small
    inner = answering(network, weights)
    found = compared(
        program_of(lambda clip: inner(clip)[:, 2:], least_frames=6, most_frames=6), network, weights
    )
    assert found.frames == 2 * (6 - 2)


@pytest.mark.parametrize("kind", ["softmax", "sigmoid"])
def test_programs_that_give_scores(kind: Any, small: tuple[Network, Any]) -> None:
    network, weights = small
    inner = answering(network, weights)

    def live(clip: Clip) -> Clip:
        logits = inner(clip)
        if kind == "sigmoid":
            return 1 / (1 + np.exp(-logits))
        return np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)

    assert compared(program_of(live, scores=kind), network, weights).max_logit_error < 1e-5
    with pytest.raises(UnfaithfulError):
        compared(program_of(live), network, weights)


@pytest.mark.parametrize("frame", [1, 17, 24])
@pytest.mark.parametrize("by", [2.0, np.nan])
def test_the_first_answer_that_differs_is_named(
    frame: int, by: float, small: tuple[Network, Any]
) -> None:
    network, weights = small
    inner = answering(network, weights)

    def live(clip: Clip) -> Clip:
        rows = inner(clip).copy()
        rows[:, frame - 1 :, 1] += by * np.abs(rows).max()
        return rows

    program = program_of(live, least_frames=24, most_frames=None)
    with pytest.raises(UnfaithfulError) as caught:
        compared(program, network, weights)
    assert f"the answer to frame {frame} of " in str(caught.value)
    assert "run by Keras 3." in str(caught.value)
    assert "nothing was written" in str(caught.value)


@pytest.mark.parametrize(("share", "passes"), [(0.8, True), (1.2, False)])
def test_the_limit_is_a_share_of_the_largest_logit(
    share: float, passes: bool, small: tuple[Network, Any]
) -> None:
    network, weights = small
    inner = answering(network, weights)
    largest = np.abs(streaming(network, weights)(np.stack(synthetic_frames(network, 9)))).max()

    def live(clip: Clip) -> Clip:
        rows = inner(clip).copy()
        rows[:, 0, 0] += share * LIMIT * largest
        return rows

    program = program_of(live, least_frames=6, most_frames=6)
    if passes:
        assert compared(program, network, weights).max_logit_error > LIMIT / 2
    else:
        with pytest.raises(UnfaithfulError):
            compared(program, network, weights)


def test_another_number_of_classes(small: tuple[Network, Any]) -> None:
    network, weights = small
    with pytest.raises(UnfaithfulError, match="gives 7 logits, and its network 3"):
        compared(program_of(lambda clip: np.zeros((1, clip.shape[1], 7))), network, weights)


def test_a_program_that_fails(small: tuple[Network, Any]) -> None:
    def live(_: Clip) -> Clip:
        raise RuntimeError("no such thing\nat all")

    with pytest.raises(ConversionError, match=r"fails on a clip of \[1, 24, 12, 12, 3\]: no such"):
        compared(program_of(live), *small)


@pytest.mark.parametrize("axes", ["NTHWC", "NCTHW", "NTCHW", "TCHW"])
def test_what_a_program_is_given(axes: str) -> None:
    """Straight from docs/manifest.md: the range, then mean and std of each channel."""
    frames = np.random.default_rng(1).integers(0, 256, (2, 3, 4, 3), np.uint8)
    image = Image(3, (-1.0, 1.0), (0.1, 0.2, 0.3), (0.5, 1.0, 2.0))
    found = running.given(program_of(None, axes=axes, given=image), frames)
    place = {axis: index for index, axis in enumerate(axes)}
    for t, h, w, c in np.ndindex(frames.shape):
        value = (2 * float(frames[t, h, w, c]) / 255 - 1 - image.mean[c]) / image.std[c]
        index = [0] * len(axes)
        for axis, at in zip("THWC", (t, h, w, c), strict=True):
            index[place[axis]] = at
        assert found[tuple(index)] == pytest.approx(value, abs=1e-6)
    whole = running.given(program_of(None, axes=axes, whole_numbers=True), frames)
    assert whole.dtype == np.uint8
    assert whole.shape == found.shape
    assert sorted(whole.flat) == sorted(frames.flat)


def test_a_file_without_its_horizon(tmp_path: Path) -> None:
    """A stream that forgets is another one than the program; its file is held against it all the
    same."""
    network = network_of(TemporalMean())
    weights = random_weights(network, seed=6)
    inner = answering(network, weights)
    program = program_of(lambda clip: inner(clip), least_frames=2)
    source = Source(network, weights, frames_per_second=2.0, program=program)
    for precision in (Precision.FLOAT32, Precision.DYNAMIC):
        path = tmp_path / "m.tflite"
        conversion = convert_source(source, path, precision=precision, horizon_s=1.5)
        assert figures(conversion).max_logit_error < 1e-5
        frames = np.stack(synthetic_frames(network, 12))
    path = convert_source(source, tmp_path / "m.tflite", horizon_s=1.5).path
    np.testing.assert_allclose(
        stream_of_file(path)(frames), streaming(network, weights)(frames), atol=1e-5
    )


def figures(conversion: Conversion) -> ProgramComparison:
    assert conversion.manifest.provenance is not None
    verification = conversion.manifest.provenance.verification
    assert verification is not None
    assert isinstance(verification.source_program, ProgramComparison)
    return verification.source_program


@pytest.fixture
def causal(tmp_path: Path) -> Path:
    return write_causal_program(tmp_path / "net.pt2")


@pytest.mark.parametrize("precision", [Precision.FLOAT32, Precision.FLOAT16])
def test_a_weight_that_was_read_wrongly(precision: Precision, tmp_path: Path) -> None:
    """Where the program is run, nothing is written."""
    network = network_of()
    weights = random_weights(network, seed=3)
    source = Source(network, weights, program=program_of(answering(network, weights)))
    convert_source(source, tmp_path / "m.tflite", precision=precision)
    (tmp_path / "m.tflite").unlink()
    wrong = {**weights, "conv.kernel": weights["conv.kernel"].copy()}
    wrong["conv.kernel"][0, 1, 1, 1, 1] += 0.5
    folder = tmp_path / "empty"
    folder.mkdir()
    misread = replace(source, weights=wrong)
    with pytest.raises(UnfaithfulError, match="frame 3 of 24"):
        convert_source(misread, folder / "m.tflite", precision=precision)
    assert not list(folder.iterdir())
    # What is not to be compared is written.
    convert_source(misread, folder / "m.tflite", precision=precision, verified=False)


def test_the_report_has_the_figures(tmp_path: Path) -> None:
    network = network_of()
    weights = random_weights(network, seed=3)
    source = Source(network, weights, program=program_of(answering(network, weights)))
    conversion = convert_source(source, tmp_path / "m.tflite", precision=Precision.DYNAMIC)
    told = json.loads((tmp_path / "m.report.json").read_text())["verification"]
    assert told["source_program"]["frames"] == figures(conversion).frames > 0
    assert told["frames"] == 16
    convert_source(replace(source, program=None), tmp_path / "m.tflite", precision="dynamic")
    told = json.loads((tmp_path / "m.report.json").read_text())["verification"]
    assert "source_program" not in told


@pytest.mark.skipif(has_torch, reason="PyTorch is installed")
def test_without_pytorch(causal: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The file is written, and it is said what it was compared with: everywhere."""
    output = tmp_path / "m.tflite"
    told = ["convert", str(causal), "-o", str(output), "--value-range", "0,1"]
    main([*told, "--precision", "float16"])
    said = "not compared with its source program, only with the network as it was read"
    reason = "PyTorch is not installed; pip install 'movistream[torch]' brings it"
    printed = capsys.readouterr()
    assert f"{said}: {reason}" in printed.err
    report = json.loads((tmp_path / "m.report.json").read_text())
    assert report["verification"]["source_program"] == {
        "runner": "PyTorch",
        "frames": 0,
        "max_logit_error": 0.0,
        "not_run": reason,
    }
    with movistream.load(output) as model:
        assert model.manifest.schema_version == 3
    main(["inspect", str(output)])
    assert f"source program    {said}: {reason}" in capsys.readouterr().out


@pytest.mark.skipif(not has_torch, reason="needs PyTorch")
def test_with_pytorch(causal: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "m.tflite"
    main(["convert", str(causal), "-o", str(output), "--value-range", "0,1"])
    said = "compared with its source program, run by PyTorch 2."
    assert said in capsys.readouterr().out
    main(["inspect", str(output)])
    assert f"source program    {said}" in capsys.readouterr().out


def test_without_pytorch_at_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(
        of_pytorch.NotRunError, match=r"PyTorch (is not installed|cannot be imported)"
    ):
        of_pytorch.runner()


@pytest.mark.skipif(not has_torch, reason="needs PyTorch")
@pytest.mark.parametrize("wrong", ["taps", "order"])
def test_a_reader_that_misunderstands(
    wrong: str, causal: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rule that turns its kernel round in time, or swaps channels, makes a sound network."""
    rule = kernels.RULES["conv3d"]

    def misread(call: Any) -> Any:
        weight = call.arguments["weight"]
        turned = weight[:, :, ::-1] if wrong == "taps" else weight[:, ::-1]
        call.arguments = {**call.arguments, "weight": turned}
        return rule(call)

    from movistream_converters.formats.exported_program import following

    monkeypatch.setattr(following, "_RULES", {**following._RULES, "conv3d": misread})
    source = read_source(causal, None, None, RANGE)
    folder = tmp_path / "empty"
    folder.mkdir()
    with pytest.raises(UnfaithfulError, match=r"frame \d+ of \d+ differs .* PyTorch 2\."):
        convert_source(source, folder / "m.tflite")
    assert not list(folder.iterdir())


def test_a_factor_of_all_numbers(tmp_path: Path) -> None:
    """One number is no list of one, all the way to the file."""
    p = Recorded(np.zeros((1, 3, 4, 8, 8), np.float32))
    y = p("transpose", self=p("mean", self=p.x, dim=[3, 4]), dim0=1, dim1=2)
    weight = p.weight("w", np.random.default_rng(1).normal(0, 1, (5, 3)).astype(np.float32))
    y = p("neg", self=p("linear", input=p("mul", self=y, other=3.0), weight=weight))
    y = p("relu", self=p("mul", self=p("silu", self=y), other=-2.0))
    path = p.save(tmp_path / "m.pt2", y)
    figures(convert_source(read_source(path, None, None, RANGE), tmp_path / "m.tflite"))


def test_a_program_comes_out_of_the_readers_process(causal: Path) -> None:
    here = read_source(causal, None, None, {**RANGE, "mean": (0.1, 0.2, 0.3)}).program
    assert here is not None
    assert (here.path, here.axes, here.least_frames) == (str(causal), "NCTHW", 2)
    assert here.given == Image(mean=(0.1, 0.2, 0.3))
    isolated = read_isolated(causal, None, None, {**RANGE, "mean": (0.1, 0.2, 0.3)})
    assert isolated.program == here


def test_a_program_that_is_gone(causal: Path, tmp_path: Path) -> None:
    source = read_source(causal, None, None, RANGE)
    assert source.program is not None
    gone = replace(source, program=replace(source.program, path=None))
    found = figures(convert_source(gone, tmp_path / "m.tflite"))
    assert (found.frames, found.not_run) == (0, "its file is not at hand")


def test_a_runner_that_crashes(
    causal: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What happens to the child says nothing against the network."""

    def crashes(*_: Any, **__: Any) -> None:
        raise ChildError("crashes (SIGSEGV)")

    monkeypatch.setattr(running, "call", crashes)
    found = figures(convert_source(read_source(causal, None, None, RANGE), tmp_path / "m.tflite"))
    assert (found.frames, found.not_run) == (0, "PyTorch crashes (SIGSEGV)")
