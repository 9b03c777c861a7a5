"""What is rendered is what the targets say, and what nobody can know does not count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from movistream.demo.health import (
    AFTERMATH_S,
    COVERED,
    FLICKER,
    FROZEN,
    GLARE,
    LABELS,
    MOVED,
    NOISE,
    OUT_OF_FOCUS,
    SCENE_CUT,
    TOO_DARK,
)
from movistream_training.camera_health.codec import Codec, coded
from movistream_training.camera_health.faults import (
    Course,
    Cover,
    Darkness,
    Defocus,
    Fault,
    Flicker,
    Freeze,
    Glare,
    Lamp,
    LightChange,
    Move,
    Noise,
)
from movistream_training.camera_health.filming import VIEW_SIZE, Camera, Sight, Story, film
from movistream_training.camera_health.overlay import Overlay
from movistream_training.camera_health.random_cameras import still_path
from movistream_training.camera_health.truth import (
    COVERED_SHARE,
    ONSET_S,
    TAIL_S,
    moments_of,
    targets_of,
    weights_of,
)
from movistream_training.footage.scene import Backdrop, Optics, Scene, Thing
from movistream_training.footage.textures import dead_leaves
from movistream_training.recordings.moments import targets_at

RATE = 10
SECONDS = 5.0
LEAVES = dead_leaves(np.random.default_rng(5))
COURSE = Course(1.0, 3.0)


def camera(*faults: Fault, size: int = VIEW_SIZE, tremble: float = 0.0, moves: Sequence[Move] = ()):
    backdrop = Backdrop((LEAVES,), 300.0, (320.0, 320.0))
    path = still_path(SECONDS, tremble, np.random.default_rng(1), moves)
    return Camera(Scene(backdrop, (), Optics(size)), path, faults)


def recorded(story: Story | Camera) -> tuple[np.ndarray, list[Sight]]:
    if isinstance(story, Camera):
        story = Story((story,))
    times_s = (np.arange(round(SECONDS * RATE)) / RATE).tolist()
    frames, sights = zip(*film(story, times_s, np.random.default_rng(2)), strict=True)
    return np.stack(frames), list(sights)


def found(story: Story | Camera) -> dict[str, list[tuple[float, float]]]:
    """From when to when something is wrong, by label."""
    _, sights = recorded(story)
    moments = moments_of(targets_of(sights, RATE), RATE)
    return {m.label: [(n.start_s, n.end_s) for n in moments if n.label == m.label] for m in moments}


def cover(share: float, course: Course = COURSE) -> Cover:
    order = np.tile(np.linspace(0, 1, 96, dtype=np.float32), (96, 1))
    return Cover(course, share, order, np.full((96, 96, 3), 70, np.uint8), 0.0, 0.02)


@pytest.mark.parametrize(
    ("label", "fault"),
    [
        (COVERED, cover(0.8)),
        (OUT_OF_FOCUS, Defocus(COURSE, 0.05)),
        (FROZEN, Freeze(COURSE)),
        (FLICKER, Flicker(COURSE, 0.3, 2.0)),
        (TOO_DARK, Darkness(COURSE, 0.05)),
        (GLARE, Glare(COURSE, radius=0.3, veil=0.4)),
        (GLARE, Glare(COURSE, gain=6.0)),
        (NOISE, Noise(COURSE, grain=40.0)),
        (NOISE, Noise(COURSE, specks=0.1)),
        (NOISE, Noise(COURSE, blocks=30)),
    ],
)
@pytest.mark.parametrize("size", [VIEW_SIZE, 200])
def test_a_fault_is_told_from_when_to_when_it_is_there(label: str, fault: Fault, size: int) -> None:
    assert found(camera(fault, size=size)) == {label: [(1.0, 3.0)]}


def test_nothing_is_wrong_with_a_healthy_camera() -> None:
    frames, sights = recorded(camera(tremble=0.03))
    assert not targets_of(sights, RATE).any()
    assert all((a != b).any() for a, b in pairwise(frames))


@pytest.mark.parametrize(
    "fault",
    [
        cover(0.4),
        Defocus(COURSE, 0.006),
        Defocus(Course(1.0, 1.4), 0.05),
        Freeze(Course(1.0, 1.2)),
        Flicker(COURSE, 0.04, 2.0),
        Darkness(COURSE, 0.5),
        Glare(COURSE, radius=0.02),
        Noise(COURSE, grain=6.0),
    ],
)
def test_little_of_it_or_a_moment_of_it_is_none(fault: Fault) -> None:
    assert not found(camera(fault))


def test_lights_that_go_on_and_things_that_pass_are_none() -> None:
    lamp = replace(camera(), lights=(LightChange(2.0, 0.0, 0.6), LightChange(3.0, 0.5, 1.8)))
    assert not found(lamp)
    passer = Thing(np.full((9, 9, 4), 255, np.uint8), 1.5, (-6.0, 0.0), (3.0, 0.0), nearness=0.0)
    healthy = camera()
    frames, sights = recorded(replace(healthy, scene=replace(healthy.scene, things=(passer,))))
    assert frames[20].mean() > 250
    assert not targets_of(sights, RATE).any()


def test_a_frozen_picture_is_the_same_and_a_live_one_never() -> None:
    frames, sights = recorded(camera(Freeze(COURSE), tremble=0.03))
    same = [(a == b).all() for a, b in pairwise(frames)]
    assert same == [sight.frozen for sight in sights[1:]]


@pytest.mark.parametrize("runs_on", [True, False])
def test_a_clock_may_go_on_over_a_frozen_picture(runs_on: bool) -> None:
    overlay = Overlay("CAM", 50.5, 0.02, 0.02, 0.8, True, runs_on)
    story = Story((camera(Freeze(COURSE)),), overlay=overlay)
    frames, _ = recorded(story)
    assert found(story) == {FROZEN: [(1.0, 3.0)]}
    held = frames[10:30]
    changed = (held != held[0]).any(axis=(0, 3))
    rows, columns = overlay.box(VIEW_SIZE)
    assert changed.any() == runs_on
    changed[rows, columns] = False
    assert not changed.any()


def test_the_hidden_share_is_the_covers() -> None:
    whole, _ = recorded(camera())
    frames, sights = recorded(camera(cover(0.7, Course(1.0, 5.0, rise_s=2.0))))
    for index, share in ((20, 0.35), (35, 0.7)):
        other = (np.abs(frames[index].astype(int) - whole[index]) > 8).any(axis=2).mean()
        assert sights[index].covered == pytest.approx(share, abs=0.03)
        assert other == pytest.approx(share, abs=0.12)
    ((begin_s, end_s),) = found(camera(cover(0.7, Course(1.0, 9.0, rise_s=2.0))))[COVERED]
    assert begin_s == pytest.approx(1 + 2 * COVERED_SHARE.faulty / 0.7, abs=0.15)
    assert end_s == SECONDS


def test_dark_is_dark_and_flicker_swings_as_deep_as_it_says() -> None:
    frames, sights = recorded(camera(Darkness(COURSE, 0.05)))
    dark = targets_of(sights, RATE)[:, LABELS.index(TOO_DARK)]
    assert frames[dark].mean() < 15 < frames[~dark].mean()
    frames, _ = recorded(camera(Flicker(COURSE, 0.2, 2.3)))
    levels = frames.mean(axis=(1, 2, 3))
    assert np.ptp(levels[10:30]) / levels[:10].mean() == pytest.approx(0.4, abs=0.08)
    assert np.ptp(levels[:10]) < 2


def test_grain_is_as_strong_at_any_size() -> None:
    for size in (VIEW_SIZE, 130, 192, 300):
        _, sights = recorded(camera(Noise(Course(0, 9), grain=20.0), size=size))
        assert np.mean([sight.noise for sight in sights]) == pytest.approx(20, rel=0.15)


def test_a_knock_counts_while_the_view_changes_and_a_second_longer() -> None:
    move = Move(1.0, 0.3, (0.3, 0.1, 0.0, 0.0))
    ((begin_s, end_s),) = found(camera(moves=(move,)))[MOVED]
    assert begin_s == pytest.approx(1.15, abs=0.1)
    assert end_s == pytest.approx(1.3 + AFTERMATH_S, abs=0.15)
    nudge = Move(1.0, 0.3, (0.015, 0.0, 0.0, 0.0))
    assert not found(camera(moves=(nudge,), tremble=0.03))


def test_another_input_counts_for_a_second() -> None:
    other = camera(Defocus(Course(-1, 9), 0.003))
    other = replace(other, scene=replace(other.scene, backdrop=Backdrop((LEAVES,), 90.0, (99, 99))))
    story = Story((camera(), other), switches=((1.0, 1), (3.5, 0)))
    assert found(story) == {SCENE_CUT: [(1.0, 2.0), (3.5, 4.5)]}
    frames, _ = recorded(story)
    steps = np.abs(np.diff(frames.astype(int), axis=0)).mean(axis=(1, 2, 3))
    assert set(np.argsort(-steps)[:2]) == {9, 34}


def weighed(story: Story | Camera) -> tuple[np.ndarray, np.ndarray]:
    frames, sights = recorded(story)
    targets = targets_of(sights, RATE)
    return targets, weights_of(sights, targets, RATE, np.ones(len(frames), np.bool_))


@pytest.mark.parametrize("label", [COVERED, OUT_OF_FOCUS, FROZEN, FLICKER, NOISE])
def test_begins_and_ends_do_not_count(label: str) -> None:
    faults: dict[str, Fault] = {
        COVERED: cover(0.9),
        OUT_OF_FOCUS: Defocus(COURSE, 0.06),
        FROZEN: Freeze(COURSE),
        FLICKER: Flicker(COURSE, 0.3, 1.7),
        NOISE: Noise(COURSE, grain=40.0),
    }
    _, weights = weighed(camera(faults[label]))
    counts = weights[:, LABELS.index(label)]
    onset, tail = round(ONSET_S[label] * RATE), round(TAIL_S[label] * RATE)
    assert not counts[10 : 10 + onset].any()
    assert not counts[30 : 30 + tail].any()
    assert counts[10 + onset : 30].all()
    assert counts[30 + tail :].all()


def test_what_lies_between_borders_does_not_count() -> None:
    for fault, label in (
        (cover(0.52), COVERED),
        (Defocus(COURSE, 0.014), OUT_OF_FOCUS),
        (Flicker(COURSE, 0.07, 2.0), FLICKER),
        (Noise(COURSE, grain=11.0), NOISE),
    ):
        targets, weights = weighed(camera(fault))
        assert not targets.any()
        assert not weights[10:30, LABELS.index(label)].any()
        assert weights[5:10, LABELS.index(label)].all()


def test_what_is_hidden_does_not_count() -> None:
    _, weights = weighed(camera(cover(1.0), Defocus(Course(2, 9), 0.05)))
    assert not weights[10:30, LABELS.index(OUT_OF_FOCUS)].any()
    _, weights = weighed(camera(Darkness(COURSE, 0.01), Freeze(Course(1.5, 9))))
    assert not weights[10:30, LABELS.index(FROZEN)].any()


def test_a_live_picture_in_which_hardly_anything_changes_may_be_called_frozen() -> None:
    frames, sights = recorded(replace(camera(), grain=0.0))
    targets = targets_of(sights, RATE)
    assert not targets.any()
    stirs = np.zeros(len(frames))
    assert not weights_of(sights, targets, RATE, stirs)[:, LABELS.index(FROZEN)].any()
    stirs[15:30] = 0.21
    counts = weights_of(sights, targets, RATE, stirs)[:, LABELS.index(FROZEN)]
    np.testing.assert_array_equal(np.flatnonzero(counts), np.arange(20, 35))


def test_a_thing_before_the_lens_of_a_blurred_scene_does_not_make_it_sharp() -> None:
    _, sights = recorded(camera(Defocus(Course(-1, 9), 0.05)))
    lamp = replace(camera(Defocus(Course(-1, 9), 0.05)), lamps=(Lamp((0.5, 0.5), 0.02, 400.0),))
    _, lit = recorded(replace(lamp, rain=0.01))
    for plain, sight in zip(sights, lit, strict=True):
        assert sight.sharpness == pytest.approx(plain.sharpness, abs=0.01)
    _, sharp = recorded(camera())
    assert sharp[0].sharpness > 2 * sights[0].sharpness


def test_nobody_can_tell_what_is_before_a_black_picture() -> None:
    blank, lit = (replace(camera(), lights=(LightChange(-1.0, 0.0, gain),)) for gain in (0.01, 1))
    for one, counts in ((blank, False), (lit, True)):
        _, weights = weighed(one)
        assert weights[5:, LABELS.index(COVERED)].all() == counts
    story = Story((camera(), camera()), ((2.0, 1),), gap_s=0.25)
    _, weights = weighed(story)
    for label in (COVERED, TOO_DARK):
        assert not weights[20:23, LABELS.index(label)].any()
        assert weights[23:, LABELS.index(label)].all()


def test_what_comes_to_light_gets_its_time() -> None:
    """A lens that was out of focus in the dark is not known to be so in the first light."""
    _, weights = weighed(camera(Darkness(COURSE, 0.01), Defocus(Course(-1, 9), 0.05)))
    counts = weights[:, LABELS.index(OUT_OF_FOCUS)]
    assert not counts[10:34].any()
    assert counts[34:].all()


def test_nothing_counts_just_after_a_reset() -> None:
    _, weights = weighed(camera())
    assert not weights[:3].any()
    assert weights[5:].all()


def test_moments_are_the_runs_of_the_targets() -> None:
    generator = np.random.default_rng(3)
    targets = np.repeat(generator.random((12, len(LABELS))) < 0.4, 5, axis=0)
    times_s = np.arange(len(targets)) / RATE + 1e-6
    np.testing.assert_array_equal(targets_at(moments_of(targets, RATE), LABELS, times_s), targets)


def test_a_codec_keeps_the_picture_and_loses_what_does_not_change() -> None:
    frames, _ = recorded(camera(size=176))
    decoded = np.stack(coded(list(frames), Codec(32, "ultrafast", 250), RATE))
    assert decoded.shape == frames.shape
    assert np.abs(decoded.astype(int) - frames).mean() < 12
    moved, kept = (np.abs(np.diff(f.astype(int), axis=0)).mean() for f in (frames, decoded))
    assert kept < moved / 2
