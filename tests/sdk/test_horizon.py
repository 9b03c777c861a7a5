"""A horizon makes running means forget; the frames before it count as without."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

import movistream
from movistream.cli import main
from movistream.errors import MovistreamError
from movistream_converters.conversion import convert_source
from movistream_converters.errors import ConversionError
from movistream_converters.networks.movinet import SqueezeExciteType
from movistream_converters.tflite.layouts import StateLayout
from tests.conftest import small_checkpoint

POOL = "state_head_pool_mean"


def _run(path: Path, frames: Iterable[np.ndarray], horizon: int | None) -> list[np.ndarray]:
    with (
        movistream.load(path) as model,
        model.stream(horizon_frames=horizon) as stream,
    ):
        return [stream.step(frame).logits for frame in frames]


def _pools(path: Path, frames: Iterable[np.ndarray], horizon: int | None) -> list[np.ndarray]:
    with (
        movistream.load(path) as model,
        model.stream(horizon_frames=horizon) as stream,
    ):
        pools = []
        for frame in frames:
            stream.step(frame)
            pools.append(stream.snapshot().tensors[POOL].astype(np.float64))
        return pools


@pytest.fixture(scope="module")
def single_pool(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network whose only mean is the head's, so that nothing feeds back."""
    path = tmp_path_factory.mktemp("model") / "m.tflite"
    checkpoint = small_checkpoint(se_type=SqueezeExciteType.NONE)
    return convert_source(checkpoint, path, verified=False).path


@pytest.mark.parametrize("horizon", [1, 3, 4])
def test_means_forget_exponentially(single_pool: Path, frames: np.ndarray, horizon: int) -> None:
    cumulative = [np.zeros_like(_pools(single_pool, frames[:1], None)[0])]
    cumulative += _pools(single_pool, frames, None)
    expected = cumulative[0]
    found = _pools(single_pool, frames, horizon)
    for count, (before, after) in enumerate(itertools.pairwise(cumulative), start=1):
        own = after * count - before * (count - 1)
        expected = expected + (own - expected) / min(count, horizon)
        np.testing.assert_allclose(found[count - 1], expected, atol=2e-5 * np.abs(own).max())


def test_before_the_horizon_nothing_changes(model_path: Path, frames: np.ndarray) -> None:
    plain, held = _run(model_path, frames, None), _run(model_path, frames, 4)
    assert np.array_equal(plain[:4], held[:4])
    assert not any(np.array_equal(a, b) for a, b in zip(plain[4:], held[4:], strict=True))
    assert np.array_equal(plain, _run(model_path, frames, len(frames)))


def test_snapshots_and_resets(model_path: Path, frames: np.ndarray) -> None:
    with movistream.load(model_path) as model, model.stream(horizon_frames=2) as stream:
        whole = [stream.step(frame).logits for frame in frames]
        stream.reset()
        for frame in frames[:5]:
            stream.step(frame)
        snapshot = stream.snapshot()
        stream.reset()
        stream.restore(snapshot)
        assert np.array_equal(whole[5:], [stream.step(frame).logits for frame in frames[5:]])


def test_positions_go_on(tmp_path: Path, frames: np.ndarray) -> None:
    checkpoint = small_checkpoint(positional_encoding=True)
    path = convert_source(checkpoint, tmp_path / "m.tflite").path
    with movistream.load(path) as model, model.stream(horizon_frames=2) as stream:
        for frame in frames:
            stream.step(frame)
        tensors = stream.snapshot().tensors
    assert tensors["state_clock"].item() == 2
    assert tensors["state_position"].item() == len(frames)


def test_a_file_has_its_own(
    tmp_path: Path, frames: np.ndarray, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoint = small_checkpoint(frames_per_second=5.0)
    plain = convert_source(checkpoint, tmp_path / "a.tflite", verified=False)
    held = convert_source(checkpoint, tmp_path / "b.tflite", horizon_s=0.6)
    assert held.manifest.horizon_frames == 3
    assert np.array_equal(_run(held.path, frames, None), _run(plain.path, frames, 3))
    assert np.array_equal(_run(held.path, frames, 1000), _run(plain.path, frames, None))
    main(["inspect", str(held.path)])
    assert "the last 3 frames" in capsys.readouterr().out


def test_refusals(model_path: Path, model_garden_path: Path, tmp_path: Path) -> None:
    with movistream.load(model_path) as model:
        for horizon in (0, -1, 1.5):
            with pytest.raises(MovistreamError, match="1 frame or more"):
                model.stream(horizon_frames=horizon)  # type: ignore[arg-type]
    with (
        movistream.load(model_garden_path) as model,
        pytest.raises(MovistreamError, match="state layout 'frames'"),
    ):
        model.stream(horizon_frames=5)
    with pytest.raises(ConversionError, match="state layout 'frames'"):
        convert_source(
            small_checkpoint(frames_per_second=5.0),
            tmp_path / "m.tflite",
            layout=StateLayout.MODEL_GARDEN,
            horizon_s=1.0,
        )
    assert list(tmp_path.iterdir()) == []


def test_from_the_command_line(
    model_path: Path, clip: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """At 5 frames per second, 0.4 s are two frames."""
    answers = []
    for options in ((), ("--horizon", "0.4"), ("--horizon", "1000")):
        main(["run", str(model_path), str(clip), *options])
        answers.append(capsys.readouterr().out.splitlines())
    plain, held, distant = answers
    assert plain == distant
    assert plain[:2] == held[:2]
    assert plain[2:] != held[2:]


@pytest.mark.parametrize(
    ("arithmetic", "horizon", "clocks"),
    [
        # Float16 cannot count further than 2,048.
        ("float16", None, [2046, 2047, 2048, 2048, 2048]),
        ("float16", 5000, [2046, 2047, 2048, 2048, 2048]),
        ("float16", 2047, [2046, 2047, 2047, 2047, 2047]),
        ("float32", None, [2046, 2047, 2048, 2049, 2050]),
        ("float32", 2048, [2046, 2047, 2048, 2048, 2048]),
    ],
)
def test_how_far_a_clock_counts(
    arithmetic: str, horizon: int | None, clocks: list[int], model_path: Path, frames: np.ndarray
) -> None:
    with movistream.load(model_path, arithmetic="float32") as model:
        model.arithmetic = arithmetic
        stream = model.stream(horizon_frames=horizon)
        fresh = stream.snapshot()
        tensors = {**fresh.tensors, "state_clock": np.full((1, 1), 2045, np.float32)}
        stream.restore(movistream.Snapshot(fresh.model, 2045, tensors))
        found = []
        for frame in frames[:5]:
            stream.step(frame)
            found.append(int(stream.snapshot().tensors["state_clock"].item()))
    assert found == clocks


def test_a_horizon_that_changes_on_the_way(tmp_path: Path, frames: np.ndarray) -> None:
    """None is the file's own, of 0.6 s at 5 frames per second: 3 frames."""
    path = convert_source(
        small_checkpoint(frames_per_second=5.0),
        tmp_path / "m.tflite",
        horizon_s=0.6,
        verified=False,
    ).path
    with movistream.load(path) as model, model.stream(horizon_frames=100) as stream:
        clocks = []
        for frame, horizon in zip(
            frames, [100, 100, 100, 100, 100, None, None, 2, 100], strict=False
        ):
            stream.set_horizon(horizon)
            stream.step(frame)
            clocks.append(int(stream.snapshot().tensors["state_clock"].item()))
    assert clocks == [1, 2, 3, 4, 5, 3, 3, 2, 3]
