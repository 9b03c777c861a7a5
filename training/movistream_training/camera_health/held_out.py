"""Renders recordings with known faults, of photographs and fixed cameras never learnt from.

    python -m movistream_training.camera_health.held_out DATA PICTURE_OR_VIDEO …

DATA becomes a folder of videos with a table of moments, as ``movistream evaluate`` takes it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import click
import cv2
import numpy as np

from movistream.demo.health import FLICKER, FROZEN, HIDDEN, LABELS, MOVED, SCENE_CUT
from movistream.errors import MovistreamError
from movistream.sources import VideoFile
from movistream_training.camera_health.faults import (
    Course,
    Fault,
    Move,
)
from movistream_training.camera_health.filming import (
    VIEW_SIZE,
    Camera,
    Sight,
    Story,
    film,
)
from movistream_training.camera_health.overlay import Overlay
from movistream_training.camera_health.random_cameras import (
    random_camera,
    random_overlay,
    still_path,
    with_everyday_life,
)
from movistream_training.camera_health.random_faults import RANDOM_FAULTS, random_move
from movistream_training.camera_health.sampling import FRAMES_PER_SECOND, stir
from movistream_training.camera_health.truth import (
    LEAST_SHARPNESS,
    LEAST_STIR,
    moments_of,
    targets_of,
    weights_of,
)
from movistream_training.footage.collection import Footage
from movistream_training.footage.scene import Backdrop, Picture
from movistream_training.footage.sources import is_video, read_picture, read_video
from movistream_training.footage.video_file import write_video
from movistream_training.recordings.moments import Recording, Recordings
from movistream_training.recordings.table_file import write_table

TABLE = "recordings.csv"

_FRAMES_PER_SECOND = 30
_SIZE = 192
_SECONDS = 15.0
_HANDS = (3, 2, 2, 1, 1, 0)
"""How many faults the recordings of a source have: every fault is in one of them."""

_LONG_SECONDS_PER_FAULT = 25.0
_EVERYDAY_S = 15.0
"""So often something happens that looks like a fault and is none."""

_SHORTEST_S, _LONGEST_S = 2.5, 6.0
_APART_S = 1.5
"""Between faults of which one hides the other."""

_CALM_SHARE = 0.6
"""Of the cameras of which nothing goes wrong, so many have hardly any grain."""

_LEAST_STIR_OF_HEALTHY = 0.02
"""Where less changes, it could as well be frozen. Between this and what is surely alive nobody can
tell by the picture alone, but these recordings are known to be alive."""

_TRIES = 200
_VIEWS = 20
"""That are drawn of a source until something in one is sharp."""


@dataclass(frozen=True)
class _Source:
    """A picture, or the frames of a fixed camera and how many of them a second has."""

    name: str
    pictures: Sequence[Picture]
    frames_per_second: float


@click.command()
@click.argument("data", type=click.Path(path_type=Path))
@click.argument("sources", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option(
    "--minutes",
    type=click.FloatRange(min=1, max=60),
    help="One long recording per source, in place of six short ones.",
)
@click.option("--healthy", is_flag=True, help="Nothing goes wrong in those long recordings.")
@click.option("--seed", type=int, default=1, show_default=True)
def main(
    data: Path, sources: tuple[Path, ...], minutes: float | None, healthy: bool, seed: int
) -> None:
    """Render recordings in which cameras that see SOURCES, pictures or fixed-camera videos, fail.

    They are written to DATA, with a table of what is wrong from when to when.
    """
    if healthy and minutes is None:
        raise click.UsageError("--healthy goes with --minutes")
    if data.exists() and any(data.iterdir()):
        raise click.ClickException(f"{data} is not empty")
    data.mkdir(parents=True, exist_ok=True)
    try:
        read = [_read(path) for path in sources]
        footage = Footage([source.pictures[0] for source in read])
        recordings = []
        for number, source in enumerate(read):
            other = read[(number + 1) % len(read)]
            plan = _planned(source, minutes, [seed, number])
            if healthy:
                plan = ((name, [], seconds) for name, _, seconds in plan)
            for index, (name, labels, seconds) in enumerate(plan):
                generator = np.random.default_rng([seed, number, 1 + index])
                story = random_story(source, other, labels, seconds, footage, generator)
                if healthy and generator.random() < _CALM_SHARE:
                    story = _calm(story, generator)
                least_stir = _LEAST_STIR_OF_HEALTHY if healthy else LEAST_STIR
                recordings.append(
                    write_recording(data / name, story, seconds, generator, least_stir)
                )
                told = ", ".join(moment.label for moment in recordings[-1].moments)
                click.echo(f"{name}: {told or 'healthy'}")
        write_table(Recordings(LABELS, tuple(recordings)), data / TABLE, one_label=False)
    except MovistreamError as error:
        raise click.ClickException(str(error)) from None


def _read(path: Path) -> _Source:
    if not is_video(path):
        return _Source(path.stem, (read_picture(path),), 1.0)
    with VideoFile(path) as video:
        rate = video.frames_per_second or float(_FRAMES_PER_SECOND)
    return _Source(path.stem, read_video(path), rate)


def _planned(
    source: _Source, minutes: float | None, seed: Sequence[int]
) -> Iterator[tuple[str, list[str], float]]:
    """The name, the faults and the length in seconds of each recording of a source."""
    generator = np.random.default_rng(seed)
    if minutes is not None:
        count = round(60 * minutes / _LONG_SECONDS_PER_FAULT)
        rounds = -(-count // len(LABELS))
        labels = [label for _ in range(rounds) for label in generator.permutation(LABELS).tolist()]
        yield f"{source.name}.mp4", labels[:count], 60 * minutes
        return
    labels = generator.permutation(LABELS).tolist()
    for number, hand in enumerate(_HANDS):
        yield f"{source.name}-{number}.mp4", [labels.pop() for _ in range(hand)], _SECONDS


def random_story(
    source: _Source,
    other: _Source,
    labels: Sequence[str],
    seconds: float,
    footage: Footage,
    generator: np.random.Generator,
) -> Story:
    """A recording in which each of some faults happens once, and now and then what is none.

    Args:
        other: what the camera that the input is switched to looks at.
        footage: what things that pass are made of.
    """
    faults: list[Fault] = []
    moves: list[Move] = []
    switches: list[tuple[float, int]] = []
    for label, (begin_s, end_s) in zip(labels, _times(labels, seconds, generator), strict=True):
        if label == MOVED:
            moves.append(random_move(begin_s, generator))
        elif label == SCENE_CUT:
            switches += [(begin_s, 1), (end_s, 0)]
        else:
            rise_s, fall_s = (
                generator.uniform(0.2, 1.2) if generator.random() < 0.4 else 0.0 for _ in range(2)
            )
            course = Course(begin_s, end_s - fall_s, rise_s, fall_s)
            faults.append(RANDOM_FAULTS[label](course, footage, generator))
    cameras = [_focused_camera(seen, footage, generator) for seen in (source, other)]
    tremble = generator.uniform(0, 0.06) if generator.random() < 0.4 else 0.0
    watching = replace(
        cameras[0], path=still_path(seconds, tremble, generator, moves), faults=tuple(faults)
    )
    for part in range(max(1, round(seconds / _EVERYDAY_S))):
        begin_s = part * _EVERYDAY_S
        watching = with_everyday_life(watching, footage, begin_s, begin_s + _EVERYDAY_S, generator)
    spare = replace(cameras[1], path=still_path(seconds, 0.0, generator))
    return Story(
        (watching, spare),
        tuple(sorted(switches)),
        gap_s=generator.uniform(0, 0.2) if generator.random() < 0.2 else 0.0,
        overlay=random_overlay(generator) if generator.random() < 0.4 else None,
    )


def _calm(story: Story, generator: np.random.Generator) -> Story:
    """The same with hardly any grain, so that little changes where nothing moves."""
    grain = generator.uniform(0.2, 0.6)
    cameras = tuple(replace(one, grain=min(one.grain, grain)) for one in story.cameras)
    return replace(story, cameras=cameras)


def _focused_camera(source: _Source, footage: Footage, generator: np.random.Generator) -> Camera:
    """A camera that sees something sharp: of some photographs, most parts are out of focus."""
    drawn = []
    for _ in range(_VIEWS):
        camera = random_camera(footage, _SIZE, generator, _backdrop(source, generator))
        _, sight = next(film(Story((camera,)), [0.0], generator))
        if sight.sharpness >= LEAST_SHARPNESS:
            return camera
        drawn.append((sight.sharpness, camera))
    return max(drawn, key=lambda pair: pair[0])[1]


def _backdrop(source: _Source, generator: np.random.Generator) -> Backdrop:
    height, width = source.pictures[0].shape[:2]
    pixels = min(height, width) * generator.uniform(0.5, 0.9)
    x, y = generator.uniform(0.4, 0.6, 2)
    center = (float(x * width), float(y * height))
    return Backdrop(source.pictures, float(pixels), center, source.frames_per_second)


def _times(
    labels: Sequence[str], seconds: float, generator: np.random.Generator
) -> list[tuple[float, float]]:
    """When each fault begins and ends: where one would hide another, they do not meet."""
    longest_s = _LONGEST_S
    while True:
        times: list[tuple[float, float]] = []
        for label in labels:
            for _ in range(_TRIES):
                length_s = generator.uniform(_SHORTEST_S, max(_SHORTEST_S, longest_s))
                begin_s = generator.uniform(_APART_S, seconds - length_s - 0.5)
                end_s = begin_s + length_s
                if all(
                    not _hides(label, before)
                    or begin_s > its_end_s + _APART_S
                    or end_s < its_begin_s - _APART_S
                    for before, (its_begin_s, its_end_s) in zip(labels, times, strict=False)
                ):
                    times.append((begin_s, end_s))
                    break
        if len(times) == len(labels):
            return times
        # There was no room for one of them: again, with shorter ones.
        longest_s *= 0.9


def _hides(label: str, other: str) -> bool:
    still = {label, other} & {FROZEN} and {label, other} & {FLICKER, MOVED}
    return bool(
        label == other
        or SCENE_CUT in (label, other)
        or still
        or other in HIDDEN.get(label, ())
        or label in HIDDEN.get(other, ())
    )


def write_recording(
    path: Path,
    story: Story,
    seconds: float,
    generator: np.random.Generator,
    least_stir: float = LEAST_STIR,
) -> Recording:
    """Writes a story as a video, and says what is wrong in it, and what nobody can say.

    Args:
        least_stir: as :func:`.truth.weights_of` takes it.
    """
    times_s = np.arange(round(seconds * _FRAMES_PER_SECOND)) / _FRAMES_PER_SECOND
    sights: list[Sight] = []

    def pictures() -> Iterator[Picture]:
        for picture, sight in film(story, times_s.tolist(), generator):
            sights.append(sight)
            yield picture

    write_video(path, pictures(), _FRAMES_PER_SECOND)
    targets = targets_of(sights, _FRAMES_PER_SECOND)
    stirs = np.fromiter(_stirs(path, story.overlay), float)
    counts = weights_of(sights, targets, _FRAMES_PER_SECOND, stirs, least_stir)
    return Recording(
        path,
        moments_of(targets, _FRAMES_PER_SECOND),
        uncertain=moments_of(counts == 0, _FRAMES_PER_SECOND, shortest_s=0.0),
    )


def _stirs(path: Path, overlay: Overlay | None) -> Iterator[float]:
    """The stir of each frame of a video, as the network sees what the codec has left of it."""
    before: deque[Picture] = deque(maxlen=_FRAMES_PER_SECOND // FRAMES_PER_SECOND)
    with VideoFile(path) as video:
        for frame in video:
            view = np.asarray(cv2.resize(frame.image, (VIEW_SIZE, VIEW_SIZE)), np.uint8)
            yield stir(before[0], view, overlay) if len(before) == before.maxlen else 1.0
            before.append(view)


if __name__ == "__main__":
    main()
