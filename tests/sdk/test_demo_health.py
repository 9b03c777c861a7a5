"""The demo of camera health: what its clip shows, and how answers are held against the truth."""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from movistream.demo import command, health, health_terminal
from movistream.demo.exhibit import show
from movistream.demo.exhibits import camera_health
from movistream.demo.health import (
    COVERED,
    FLICKER,
    FROZEN,
    GLARE,
    HIDDEN,
    LABELS,
    MOVED,
    NOISE,
    OUT_OF_FOCUS,
    SCENE_CUT,
    SCRIPT,
    SECONDS,
    TOO_DARK,
    Fault,
    faults_at,
)
from movistream.demo.health_clip import frames
from movistream.demo.health_findings import Verdict, delays_s, findings_of
from movistream.demo.health_timeline import HealthFrame, HealthTimeline
from movistream.errors import MovistreamError, OutputError
from movistream.watch.events import Event, EventOptions
from movistream.watch.watcher import WatchOptions
from movistream_converters.conversion import convert_source
from tests.conftest import small_checkpoint

RATE = 20
SHORT = (Fault(TOO_DARK, 0.5, 1.1), Fault(NOISE, 0.8, 1.3))
SHORT_SECONDS = 1.6

# The script.


def test_each_fault_happens_once_and_two_at_once_somewhere() -> None:
    assert sorted(fault.label for fault in SCRIPT) == sorted(LABELS)
    assert 35 <= SECONDS <= 45
    at_once = [len(faults_at(SCRIPT, tick / 10)) for tick in range(round(SECONDS * 10))]
    assert max(at_once) == 2
    assert min(SCRIPT, key=lambda fault: fault.begin_s).begin_s >= 2
    assert max(fault.end_s for fault in SCRIPT) <= SECONDS - 1
    assert np.mean(np.array(at_once) == 0) > 0.3


def test_no_fault_of_the_script_hides_another() -> None:
    for fault in SCRIPT:
        for other in SCRIPT:
            apart = other.begin_s >= fault.end_s + 1 or other.end_s <= fault.begin_s
            assert apart or other is fault or other.label not in HIDDEN.get(fault.label, ())


def test_a_fault_comes_and_goes_within_its_times() -> None:
    fault = Fault(COVERED, 1.0, 3.0, ease_s=0.5)
    found = [fault.amount(time_s) for time_s in (0.9, 1.0, 1.25, 1.5, 2.5, 2.75, 3.0)]
    assert found == [0, 0, 0.5, 1, 1, 0.5, 0]
    assert [Fault(NOISE, 1.0, 3.0).amount(time_s) for time_s in (1.0, 2.99, 3.0)] == [1, 1, 0]
    assert [fault.holds(time_s) for time_s in (0.99, 1.0, 2.99, 3.0)] == [False, True, True, False]


# The frames.


def rendered(*script: Fault, seconds: float = 1.5) -> list[np.ndarray]:
    return list(frames(script, seconds))


@pytest.fixture(scope="module")
def healthy() -> list[np.ndarray]:
    return rendered()


def test_a_healthy_camera_gives_a_picture_that_is_never_the_same(
    healthy: list[np.ndarray],
) -> None:
    assert len(healthy) == 30
    for frame, after in pairwise(healthy):
        assert frame.shape == (360, 360, 3)
        assert frame.dtype == np.uint8
        assert 0 < np.abs(frame.astype(int) - after).mean() < 12
    assert 60 < np.mean(healthy) < 190


@pytest.mark.parametrize("label", [COVERED, OUT_OF_FOCUS, FLICKER, TOO_DARK, GLARE, NOISE])
def test_a_fault_is_seen_while_it_holds_and_no_longer(
    label: str, healthy: list[np.ndarray]
) -> None:
    """All else stays as it is, to the last bit."""
    fault = Fault(label, 0.5, 1.0)
    for index, (frame, sound) in enumerate(zip(rendered(fault), healthy, strict=True)):
        changed = np.abs(frame.astype(int) - sound).mean()
        assert changed > 2 if fault.holds(index / RATE) else changed == 0


def test_a_covered_lens_shows_little_of_the_scene(healthy: list[np.ndarray]) -> None:
    covered = rendered(Fault(COVERED, 0.0, 1.5))[20]
    same = np.abs(covered.astype(int) - healthy[20]).max(axis=2) < 10
    assert same.mean() < 0.3
    # And nothing sharp where it is.
    hidden = covered[180:, 180:].mean(axis=2)
    assert np.abs(np.diff(cv2.blur(hidden, (7, 7)), axis=1)).mean() < 1


def test_a_lens_out_of_focus_leaves_the_noise_and_takes_the_edges(
    healthy: list[np.ndarray],
) -> None:
    def detail(frame: np.ndarray) -> float:
        small = cv2.resize(frame, (90, 90), interpolation=cv2.INTER_AREA)
        return float(cv2.Laplacian(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), cv2.CV_64F).std())

    blurred = rendered(Fault(OUT_OF_FOCUS, 0.0, 1.5))
    assert detail(blurred[10]) < 0.2 * detail(healthy[10])
    assert (blurred[10] != blurred[11]).mean() > 0.5


def test_a_dark_picture_is_dark_and_a_dazzled_one_bright(healthy: list[np.ndarray]) -> None:
    assert rendered(Fault(TOO_DARK, 0.0, 1.5))[10].mean() < 15
    dazzled = rendered(Fault(GLARE, 0.0, 1.5))[10]
    assert (dazzled.min(axis=2) > 250).mean() > 0.2 + (healthy[10].min(axis=2) > 250).mean()


def test_flicker_goes_up_and_down_again_and_again(healthy: list[np.ndarray]) -> None:
    """As a network sees it that is shown every other frame."""
    flicker = rendered(Fault(FLICKER, 0.0, 3.0), seconds=3.0)[::2]
    top = np.array([frame[:40].mean() for frame in flicker])
    assert top.max() - top.min() > 0.4 * healthy[0][:40].mean()
    turns = np.count_nonzero(np.diff(np.sign(np.diff(top))))
    assert turns >= 6


def test_noise_is_heavy_and_always_another(healthy: list[np.ndarray]) -> None:
    noisy = rendered(Fault(NOISE, 0.0, 1.5))
    difference = noisy[10].astype(int) - healthy[10]
    assert difference.std() > 30
    after = noisy[11].astype(int) - healthy[11]
    assert abs(np.corrcoef(difference.ravel(), after.ravel())[0, 1]) < 0.1
    assert (noisy[10] != noisy[11]).mean() > 0.8


def test_frozen_frames_are_the_one_before_them(healthy: list[np.ndarray]) -> None:
    frozen = rendered(Fault(FROZEN, 0.5, 1.0))
    for index, frame in enumerate(frozen):
        np.testing.assert_array_equal(frame, healthy[9 if 10 <= index < 20 else index])


def test_a_frozen_picture_shows_nothing_of_what_happens_meanwhile() -> None:
    frozen = rendered(Fault(FROZEN, 0.5, 1.2), Fault(TOO_DARK, 0.7, 1.0))
    assert all((frame == frozen[10]).all() for frame in frozen[10:24])


def test_a_switched_input_shows_another_scene_for_good(healthy: list[np.ndarray]) -> None:
    switched = rendered(Fault(SCENE_CUT, 0.5, 1.5))
    for index, (frame, sound) in enumerate(zip(switched, healthy, strict=True)):
        changed = np.abs(frame.astype(int) - sound).mean()
        assert changed > 40 if index >= 10 else changed == 0
    assert np.abs(switched[10].astype(int) - switched[29]).mean() < 12


def test_a_camera_that_was_moved_stays_where_it_is_turned_to() -> None:
    """To the right by a third of the view; the picture goes to the left."""
    moved = rendered(Fault(MOVED, 0.5, 1.9), seconds=2.2)
    grey = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY).astype(np.float64) for frame in moved]

    def shift(first: int, second: int) -> np.ndarray:
        # It weighs the pictures that it is given in place.
        pair = (grey[first].copy(), grey[second].copy())
        window = cv2.createHanningWindow(pair[0].shape, cv2.CV_64F)
        return np.array(cv2.phaseCorrelate(*pair, window)[0]) / 360

    for index in range(len(grey)):
        if index <= 10:
            assert np.abs(shift(0, index)).max() < 0.01
        elif index >= 18:
            assert np.abs(shift(18, index)).max() < 0.01
    assert shift(0, 30)[0] == pytest.approx(-0.36, abs=0.03)


# Answers held against the truth.

TRUTH = (Fault(COVERED, 2.0, 4.0), Fault(NOISE, 6.0, 8.0))


def event(label: str, start_s: float, end_s: float, score: float = 0.9) -> Event:
    return Event(label, LABELS.index(label), start_s, end_s, score)


def test_events_tell_of_faults_that_they_share_a_moment_with() -> None:
    late, early, again = event(COVERED, 2.3, 4.4), event(NOISE, 5.5, 6.5), event(NOISE, 7, 7.5)
    elsewhere, other = event(GLARE, 8.0, 9.0), event(TOO_DARK, 2.0, 4.0)
    found = findings_of(TRUTH, [early, late, again, elsewhere, other])
    assert [(f.verdict, f.fault, f.event) for f in found] == [
        (Verdict.FALSE, None, other),
        (Verdict.SEEN, TRUTH[0], late),
        (Verdict.SEEN, TRUTH[1], early),
        (Verdict.SEEN, TRUTH[1], again),
        (Verdict.FALSE, None, elsewhere),
    ]
    assert delays_s(found) == {TRUTH[0]: pytest.approx(0.3), TRUTH[1]: 0}


def test_events_that_end_as_a_fault_begins_do_not_tell_of_it() -> None:
    found = findings_of(TRUTH, [event(COVERED, 1.0, 2.0), event(NOISE, 8.0, 9.0)])
    assert [f.verdict for f in found] == [
        Verdict.FALSE,
        Verdict.MISSED,
        Verdict.MISSED,
        Verdict.FALSE,
    ]


def test_what_a_fault_hides_is_not_counted() -> None:
    """Until a second after it, and half a second for an answer to go."""
    for start_s, end_s, verdict in (
        (2.0, 5.5, Verdict.NOT_COUNTED),
        (1.9, 3.0, Verdict.FALSE),
        (3.0, 5.6, Verdict.FALSE),
        (6.0, 7.0, Verdict.FALSE),
    ):
        found = findings_of(TRUTH, [event(SCENE_CUT, start_s, end_s)])
        (one,) = (f for f in found if f.event is not None)
        assert (one.verdict, one.fault) == (
            verdict,
            TRUTH[0] if verdict is Verdict.NOT_COUNTED else None,
        )


def timeline(*events: Event, seconds: float = 10.0) -> HealthTimeline:
    times_s = [tick / 10 for tick in range(round(seconds * 10))]
    said = tuple(HealthFrame(time_s, np.zeros(9, np.float32), ()) for time_s in times_s)
    return HealthTimeline(TRUTH, said, events)


def printed(shown: HealthTimeline, capsys: pytest.CaptureFixture[str]) -> list[str]:
    health_terminal.print_timeline(shown, 1.0)
    return capsys.readouterr().out.splitlines()


def test_the_timeline_by_hand(capsys: pytest.CaptureFixture[str]) -> None:
    """Ten seconds are 50 columns of 0.2 s."""
    told = timeline(
        event(COVERED, 2.4, 4.0, 0.98), event(SCENE_CUT, 2.0, 3.0), event(GLARE, 9.0, 10.0, 0.5)
    )
    lines = printed(told, capsys)
    rows = {line[:14].strip(): line[14:] for line in lines if line[14:15] in set("·█░×~")}
    rows = {name: row for name, row in rows.items() if name in LABELS}
    assert list(rows) == list(LABELS)
    assert rows[COVERED] == "·" * 10 + "░" * 2 + "█" * 8 + "·" * 30
    assert rows[NOISE] == "·" * 30 + "░" * 10 + "·" * 10
    assert rows[SCENE_CUT] == "·" * 10 + "~" * 5 + "·" * 35
    assert rows[GLARE] == "·" * 45 + "×" * 5
    assert rows[FROZEN] == "·" * 50
    (scale,) = (line for line in lines if line.startswith("time, s"))
    assert [scale.index(f" {mark}") + 1 for mark in ("0", "2", "4")] == [14, 24, 34]
    assert "seen covered from 2.4 s to 4.0 s, 0.98; true from 2.0 s to 4.0 s" in lines
    assert "also scene cut from 2.0 s to 3.0 s, 0.90; not counted beside covered" in lines
    assert "missed noise from 6.0 s to 8.0 s" in lines
    assert "false glare from 9.0 s to 10.0 s, 0.50" in lines
    assert "1 of 2 faults seen, 0.4 s late on average, 0.4 s at most; 1 false event" in lines
    assert "100 frames in 1.0 s, decoding included" in lines


@pytest.mark.parametrize("seconds", [0.4, 6.5, 6.6, 42.5, 1000.0])
def test_the_timeline_is_legible_at_80_columns(
    seconds: float, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = printed(timeline(event(TOO_DARK, 2.05, 3.05), seconds=seconds), capsys)
    assert max(map(len, lines)) <= 80
    assert "0 of 2 faults seen; 1 false event" in lines


# The command.


class Oracle:
    """In a model's place, what sees each fault of the clip half a second late."""

    def __init__(self) -> None:
        self.options: WatchOptions | None = None

    def watch(
        self, clip: Path, options: WatchOptions, *, on_event: Callable[[Event], object]
    ) -> Iterator[SimpleNamespace]:
        assert clip.exists()
        self.options = options
        events = [event(f.label, f.begin_s + 0.2, f.end_s) for f in health.SCRIPT]
        for tick in range(round(health.SECONDS * 10)):
            truth = faults_at(health.SCRIPT, tick / 10)
            scores = np.array([label in truth for label in LABELS], np.float32)
            going_on = tuple(e for e in events if e.start_s <= tick / 10 < e.end_s)
            yield SimpleNamespace(time_s=tick / 10, scores=scores, going_on=going_on)
        for one in events:
            on_event(replace(one, phase="begin"))
            on_event(one)


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clip of less than two seconds."""
    monkeypatch.setattr(health, "SCRIPT", SHORT)
    monkeypatch.setattr(health, "SECONDS", SHORT_SECONDS)


@pytest.mark.usefixtures("short")
def test_what_is_shown_of_a_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model: Any = Oracle()
    show(camera_health(), model, tmp_path)
    out = capsys.readouterr().out
    assert "2 of 2 faults seen, 0.2 s late on average, 0.2 s at most; 0 false events" in out
    assert model.options.events == EventOptions()
    assert model.options.scores.smoothing_s is None
    with (tmp_path / "timeline.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["time_s", *(f"{n} {w}" for n in LABELS for w in ("truth", "score"))]
    assert len(rows) == 16
    for row in rows:
        for label in LABELS:
            wrong = label in faults_at(SHORT, float(row["time_s"]))
            assert (row[f"{label} truth"], float(row[f"{label} score"])) == (str(int(wrong)), wrong)
    assert (tmp_path / "timeline.png").read_bytes().startswith(b"\x89PNG")
    clip, annotated = (
        cv2.VideoCapture(str(tmp_path / name)) for name in ("clip.mp4", "annotated.mp4")
    )
    counts = [video.get(cv2.CAP_PROP_FRAME_COUNT) for video in (clip, annotated)]
    assert counts == [SHORT_SECONDS * RATE] * 2
    assert annotated.get(cv2.CAP_PROP_FRAME_HEIGHT) > clip.get(cv2.CAP_PROP_FRAME_HEIGHT) == 360


@pytest.mark.usefixtures("short")
def test_under_a_frame_are_the_truth_a_bar_for_each_class_and_the_events(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[Any, ...]] = []

    def note(image: np.ndarray, *said: Any) -> np.ndarray:
        told.append(said)
        return image

    monkeypatch.setattr("movistream.demo.health_timeline.annotate", note)
    show(camera_health(), Oracle(), tmp_path)  # type: ignore[arg-type]
    assert len(told) == SHORT_SECONDS * RATE
    best, rows, status, going_on = told[round(0.95 * RATE)]
    assert [entry.label for entry in best] == list(LABELS)
    assert [entry.label for entry in best if entry.score] == [TOO_DARK, NOISE]
    assert rows == 9
    assert status == "0.9 s, truth: too dark, noise"
    assert [one.label for one in going_on] == [TOO_DARK]
    assert told[0][2] == "0.0 s, truth: nothing is wrong"


@pytest.fixture(scope="module")
def untrained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small network of the nine classes, which knows nothing."""
    path = tmp_path_factory.mktemp("untrained") / "health.tflite"
    source = replace(small_checkpoint(num_classes=len(LABELS)), activation="sigmoid")
    convert_source(source, path, labels=LABELS)
    return path


def demo(*arguments: object) -> str:
    """What the command prints."""
    result = CliRunner().invoke(command.demo, [*map(str, arguments)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.usefixtures("short")
def test_the_labels_of_a_model_choose_what_is_shown(
    untrained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With no matplotlib, one line says what the picture needs."""
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    monkeypatch.chdir(tmp_path)
    out = demo("--model", untrained)
    assert " of 2 faults seen" in out
    assert "movistream[plot]" in out
    assert sorted(file.name for file in (tmp_path / "movistream-demo-health").iterdir()) == [
        "annotated.mp4",
        "clip.mp4",
        "timeline.csv",
    ]


def test_files_that_are_there_are_not_replaced(untrained: Path, tmp_path: Path) -> None:
    (tmp_path / "timeline.csv").write_text("mine")
    with pytest.raises(
        OutputError, match=r"timeline\.csv exists; name another file, or add --force"
    ):
        demo("--model", untrained, "-o", tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["timeline.csv"]


@pytest.mark.usefixtures("pattern_cameras")
def test_a_camera_is_watched_for_events(
    untrained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shown: list[tuple[int, bool]] = []
    table = command.live_table

    def note(title: str, rows: int, *, events: bool) -> Any:
        shown.append((rows, events))
        return table(title, rows, events=events)

    monkeypatch.setattr(command, "live_table", note)
    with pytest.raises(MovistreamError, match="camera /dev/video0 gives no more frames"):
        demo("--model", untrained, "--camera", 0)
    assert shown == [(9, True)]
    assert list(tmp_path.iterdir()) == []
