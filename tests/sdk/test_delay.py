"""Models that answer late: which frame an answer is about, and how they begin."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest

import movistream
from movistream.errors import MovistreamError, SnapshotError
from movistream.sources import ArraySource
from movistream.stream.moments import Moments
from movistream.stream.snapshot_file import read_snapshot, write_snapshot
from movistream.watch.watcher import WatchOptions
from movistream_converters.conversion import convert_source
from movistream_converters.formats.source import Source
from movistream_converters.ir.network import with_horizon
from movistream_converters.reference.execution import run_clip
from tests.converters.clip_networks import IMAGE_SIZE, small_x3d

DELAY, WARM_UP = 5, 7


def write(path: Path, source: Source) -> Path:
    convert_source(source, path, labels=("a", "b", "c", "d", "e"))
    return path


@pytest.fixture(scope="module")
def late(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("late") / "m.tflite", small_x3d())


@pytest.fixture(scope="module")
def cumulative(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("cumulative") / "m.tflite", small_x3d(None))


@pytest.fixture(scope="module")
def pictures() -> list[np.ndarray]:
    shape = (16, IMAGE_SIZE, IMAGE_SIZE, 3)
    return list(np.random.default_rng(0).integers(0, 256, shape, np.uint8))


def test_an_answer_is_about_an_earlier_frame(late: Path, pictures: list[np.ndarray]) -> None:
    with movistream.load(late) as model, model.stream() as stream:
        assert (model.delay_frames, model.warm_up_frames) == (DELAY, WARM_UP)
        for _ in range(2):
            results = [stream.step(picture) for picture in pictures]
            assert [r.frame for r in results] == [0] * DELAY + list(range(len(pictures) - DELAY))
            assert [r.time_s for r in results] == [r.frame / 5 for r in results]
            assert [r.warming_up for r in results] == [True] * WARM_UP + [False] * 9
            stream.reset()
        told = [stream.step(p, frame=10 * i, time_s=i**2) for i, p in enumerate(pictures)]
        assert [(r.frame, r.time_s) for r in told[DELAY:]] == [(10 * i, i**2) for i in range(11)]


@pytest.mark.parametrize("cut", [0, 3, DELAY, WARM_UP, 12])
def test_going_on_later(cut: int, late: Path, pictures: list[np.ndarray], tmp_path: Path) -> None:
    with movistream.load(late) as model:
        with model.stream() as stream:
            whole = [stream.step(p, frame=2 * i, time_s=i / 3) for i, p in enumerate(pictures)]
        with model.stream() as stream:
            for index, picture in enumerate(pictures[:cut]):
                stream.step(picture, frame=2 * index, time_s=index / 3)
            stream.warm_up()
            write_snapshot(stream.snapshot(), tmp_path / "s.npz")
        with model.stream() as stream:
            stream.step(pictures[-1])
            stream.restore(read_snapshot(tmp_path / "s.npz", model))
            for index, expected in list(enumerate(whole))[cut:]:
                found = stream.step(pictures[index], frame=2 * index, time_s=index / 3)
                np.testing.assert_array_equal(found.logits, expected.logits)
                assert (found.frame, found.time_s) == (expected.frame, expected.time_s)
                assert found.warming_up == expected.warming_up


def test_a_state_file_without_a_delay_is_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "s.npz"
    write_snapshot(movistream.Snapshot("m", 3, {"a": np.zeros(2, np.float32)}), path)
    assert b"waiting" not in path.read_bytes()
    assert read_snapshot(path).waiting == ()
    late = movistream.Snapshot("m", 3, {"a": np.zeros(2, np.float32)}, ((7, 0.5), (8, None)))
    write_snapshot(late, path)
    assert read_snapshot(path).waiting == late.waiting
    data = path.read_bytes()
    path.write_bytes(data.replace(b"[[7,0.5]", b'[["",0.]'))
    with pytest.raises(SnapshotError):
        read_snapshot(path)


def test_moments() -> None:
    moments = Moments(2)
    assert [moments.answered((i, None))[0] for i in range(5)] == [0, 0, 0, 1, 2]
    assert moments.kept() == ((3, None), (4, None))
    moments.restore(())
    assert moments.answered((9, 1.0)) == (9, 1.0)
    at_once = Moments(0)
    assert [at_once.answered((i, None))[0] for i in range(3)] == [0, 1, 2]
    assert at_once.kept() == ()


@pytest.mark.parametrize("horizon", [1, 4])
def test_a_horizon_begins_with_the_video(
    horizon: int, cumulative: Path, pictures: list[np.ndarray]
) -> None:
    """Given to a stream, it is that of the network."""
    source = small_x3d(None)
    network = with_horizon(source.network, horizon)
    seen = (np.stack(pictures).astype(np.float32) / 255 - 0.45) / np.float32(0.225)
    expected = np.asarray(run_clip(network, source.weights, seen[None])[0])[0]
    with movistream.load(cumulative) as model, model.stream(horizon_frames=horizon) as stream:
        found = np.stack([stream.step(picture).logits for picture in pictures])
        stream.set_horizon(None)
        stream.reset()
        never = np.stack([stream.step(picture).logits for picture in pictures])
    np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(expected).max())
    assert np.abs(found[-1] - never[-1]).max() > 1e-2 * np.abs(expected).max()


@pytest.mark.parametrize("interleaved", [False, True])
def test_ensembles(
    interleaved: bool, late: Path, cumulative: Path, pictures: list[np.ndarray]
) -> None:
    period = 2 if interleaved else 1
    with movistream.load(late) as one, movistream.load(cumulative) as other:
        ensemble = movistream.Ensemble([one, other], interleaved=interleaved)
        assert ensemble.delay_frames == DELAY * period
        assert ensemble.warm_up_frames == WARM_UP * period
        with ensemble.stream() as stream:
            results = [stream.step(picture) for picture in pictures]
            assert [r.frame for r in results] == [max(0, i - DELAY * period) for i in range(16)]
            assert [r.warming_up for r in results] == [i < WARM_UP * period for i in range(16)]
            snapshot = stream.snapshot()
            stream.reset()
            assert stream.step(pictures[0]).frame == 0
            stream.restore(snapshot)
            assert stream.step(pictures[0]).frame == 16 - DELAY * period


def test_an_ensemble_has_one_delay(late: Path, tmp_path: Path) -> None:
    from tests.conftest import small_checkpoint

    prompt = write(tmp_path / "t0.tflite", small_checkpoint(frames_per_second=5.0))
    with (
        movistream.load(late) as one,
        movistream.load(prompt) as other,
        pytest.raises(MovistreamError, match=r"answers 5 frames late and .* the same delay"),
    ):
        movistream.Ensemble([other, one])


def test_events_are_when_they_were(late: Path, pictures: list[np.ndarray]) -> None:
    """Nothing is seen in the warm-up, and times are of the frames that answers are about."""
    events = movistream.EventOptions(enter=1e-6, leave=0.0, shortest_s=0.0)
    options = WatchOptions(events=events, every=1, scores=movistream.ScoreOptions(smoothing_s=1.0))
    with (
        movistream.load(late) as model,
        movistream.StreamPool(model, [ArraySource(pictures, 5)], options) as pool,
    ):
        items = list(pool)
    steps = [item for item in items if isinstance(item, movistream.Step)]
    assert [step.frame.index for step in steps] == list(range(16))
    assert [step.result.frame for step in steps] == [0] * DELAY + list(range(11))
    assert [step.time_s for step in steps] == [step.result.frame / 5 for step in steps]
    assert not any(step.going_on for step in steps[:WARM_UP])
    seen = [item.event for item in items if isinstance(item, movistream.Seen)]
    assert {event.start_s for event in seen} == {(WARM_UP - DELAY) / 5}
    assert {event.end_s for event in seen if event.phase == "end"} == {10 / 5}
    # The first score that counts is not averaged with those before it.
    first = steps[WARM_UP]
    np.testing.assert_array_equal(first.scores, first.result.probabilities)


def test_the_command_says_so(
    late: Path, pictures: list[np.ndarray], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import cv2

    from movistream.cli import main

    folder = tmp_path / "pictures"
    folder.mkdir()
    for index, picture in enumerate(pictures):
        cv2.imwrite(str(folder / f"{index:02}.png"), picture[..., ::-1])
    table = tmp_path / "table.csv"
    main(["run", str(late), str(folder), "--source-fps", "5", "--json", "--csv", str(table)])
    lines = [msgspec.json.decode(line) for line in capsys.readouterr().out.splitlines()]
    steps = [line for line in lines if line["type"] == "step"]
    assert [step.get("warming_up", False) for step in steps] == [i < WARM_UP for i in range(16)]
    assert [step["time_s"] for step in steps] == [step["frame"] / 5 for step in steps]
    rows = table.read_text().splitlines()[1:]
    assert [row.count(",") > 5 for row in rows] == [i >= WARM_UP for i in range(16)]
    main(["run", str(late), str(folder), "--source-fps", "5"])
    told = capsys.readouterr().out
    assert told.count("warming up") == WARM_UP
