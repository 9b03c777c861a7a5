"""What a watching camera records, frame by frame, and what is true of each frame."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TypeVar

import cv2
import numpy as np

from movistream.demo.motion import MEAN_RADIUS, CameraPath, FloatArray
from movistream_training.camera_health.codec import Codec
from movistream_training.camera_health.effects import (
    Light,
    covered,
    dazzled,
    dimmed,
    flickering,
    grainy,
    lit,
    noisy,
    rained,
)
from movistream_training.camera_health.faults import (
    Cover,
    Darkness,
    Defocus,
    Fault,
    Flicker,
    Freeze,
    Glare,
    Grey,
    Lamp,
    LightChange,
    Noise,
)
from movistream_training.camera_health.overlay import Overlay, overlaid
from movistream_training.footage.scene import Picture, Scene, Thing, develop, expose

VIEW_SIZE = 88
"""Pixels per side of what the network sees; sights are of frames as it sees them."""

_SHARPEST_BLUR = 0.003
_BLUR_STEP = 1.2
"""Pictures are kept at blurs that grow by this factor."""

_MOST_EXPOSURES = 6
"""That are averaged while the shutter is open."""

_SHARP_PARTS = 16
"""Of 64, which show whether a lens is focused: something sharp may be before any."""

_LEAST_DETAIL = 2.0
_BLACK = 25.0
"""Parts of a frame with less detail, and darker, show nothing."""

_BRIGHT = 60.0
"""Grey levels from which on a part of a dark frame can be read."""


AnyFault = TypeVar("AnyFault", Cover, Darkness, Defocus, Flicker, Freeze, Glare, Noise)


@dataclass(frozen=True, eq=False)
class Camera:
    """A camera, what it looks at, and what goes wrong with it.

    Attributes:
        scene: with the camera's optics.
        path: of the camera: its trembling, and where it is moved.
        faults: in any order.
        lights: that go on or off.
        lamps: in the picture.
        grain: of the healthy sensor, in grey levels.
        grey: whether it shows no colours, as by infrared light.
        rain: the share of pixels in which a streak of rain begins.
    """

    scene: Scene
    path: CameraPath
    faults: tuple[Fault, ...] = ()
    lights: tuple[LightChange, ...] = ()
    lamps: tuple[Lamp, ...] = ()
    grain: float = 1.5
    grey: bool = False
    rain: float = 0.0

    def of(self, kind: type[AnyFault]) -> Iterator[AnyFault]:
        """Its faults of a kind."""
        return (fault for fault in self.faults if isinstance(fault, kind))


@dataclass(frozen=True, eq=False)
class Story:
    """What is recorded: one camera, or several by turns.

    Attributes:
        cameras: all of one size.
        switches: (time in seconds, camera) at which the input becomes another; before the first it
            is camera 0.
        gap_s: after a switch the picture is black for so long.
        overlay: what is written into the picture.
        codec: of the recording; None: none.
    """

    cameras: tuple[Camera, ...]
    switches: tuple[tuple[float, int], ...] = ()
    gap_s: float = 0.0
    overlay: Overlay | None = None
    codec: Codec | None = None


@dataclass(frozen=True)
class Sight:
    """What is true of one frame.

    Attributes:
        covered: the share that something close hides.
        blur: standard deviation in widths.
        pose: of the camera: x, y, logarithm of the zoom, angle.
        feed: counts up at every switch of the input.
        frozen: whether it repeats earlier frames.
        flicker: the depth of the light's swing.
        brightness: the mean, in grey levels, without noise.
        readable: the share of pixels that are bright enough to be read.
        glare: the share of what could be darker that is lost to a light.
        noise: standard deviation of what is added to the scene, in grey levels.
        contrast: standard deviation of the brightness.
        blank: the share of the frame that is dark and shows nothing.
        sharpness: of the scene's sharpest quarter without lamps and rain, relative to its contrast.
    """

    covered: float
    blur: float
    pose: tuple[float, float, float, float]
    feed: int
    frozen: bool
    flicker: float
    brightness: float
    readable: float
    glare: float
    noise: float
    contrast: float
    blank: float
    sharpness: float


def film(
    story: Story, times_s: Sequence[float], generator: np.random.Generator
) -> Iterator[tuple[Picture, Sight]]:
    """The frames of a story at some times, one after another, not yet encoded.

    Gives:
        uint8 RGB (size, size, 3) of the cameras' size, and what is true of it.
    """
    last: tuple[Picture, Sight] | None = None
    held_since: float | None = None
    for time_s in times_s:
        feed = sum(time_s >= at_s for at_s, _ in story.switches)
        camera = story.cameras[story.switches[feed - 1][1] if feed else 0]
        freeze = next((f for f in camera.of(Freeze) if f.course.amount(time_s)), None)
        if freeze is None:
            held_since = None
            picture, sight = _take(camera, feed, time_s, generator)
            if feed and time_s - story.switches[feed - 1][0] < story.gap_s:
                picture = np.zeros_like(picture)
                sight = replace(sight, blank=1.0)
            last = picture, sight
        else:
            if last is None or last[1].feed != feed:
                last = _take(camera, feed, time_s, generator)
            if held_since is None:
                held_since = time_s
            picture, sight = last[0], replace(last[1], frozen=True, flicker=0.0)
        if story.overlay is not None:
            clock_s = time_s if held_since is None or story.overlay.runs_on else held_since
            picture = overlaid(picture, story.overlay, clock_s)
        yield picture, sight


def _take(
    camera: Camera, feed: int, time_s: float, generator: np.random.Generator
) -> tuple[Picture, Sight]:
    blur = sum(f.blur * f.course.amount(time_s) for f in camera.of(Defocus))
    optics = camera.scene.optics
    scene = replace(
        _blurred_scene(camera.scene, _blur_level(blur)), optics=replace(optics, noise=0.0)
    )
    picture = develop(_exposed(scene, camera.path, time_s), scene.optics, time_s, generator)
    light: Light = picture.astype(np.float32)
    light *= np.float32(math.prod(change.factor(time_s) for change in camera.lights))
    focused = light
    for lamp in camera.lamps:
        light = lit(light, lamp, time_s)
    if camera.rain:
        light = rained(light, camera.rain, generator)
    hidden = depth = glare = 0.0
    for fault in camera.faults:
        match fault:
            case Cover():
                light, share = covered(light, fault, time_s)
                hidden = max(hidden, share)
            case Darkness():
                light = dimmed(light, fault, time_s)
    for fault in camera.faults:
        match fault:
            case Flicker():
                light, own = flickering(light, fault, time_s)
                depth = max(depth, own)
            case Glare():
                light, own = dazzled(light, fault, time_s)
                glare = max(glare, own)
    if camera.grey:
        light = cv2.cvtColor(cv2.cvtColor(light, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    clean = np.clip(light, 0, 255)
    taken = grainy(clean, camera.grain, generator)
    for fault in camera.faults:
        if isinstance(fault, Noise):
            taken = noisy(taken, fault, time_s, generator)
    frame = np.clip(taken, 0, 255)
    sight = _sight(clean, frame, hidden, blur, depth, glare)
    sight = replace(sight, sharpness=_sharpness(np.clip(focused, 0, 255)))
    x, y, zoom, angle = map(float, camera.path.pose(time_s))
    sight = replace(sight, pose=(x, y, zoom, angle), feed=feed)
    return frame.astype(np.uint8), sight


def _exposed(scene: Scene, path: CameraPath, time_s: float) -> Picture:
    """What falls on the sensor while the shutter is open: a knocked camera sees streaks."""
    shutter_s = scene.optics.shutter_s
    pixels = scene.optics.size * widths_between(path.pose(time_s - shutter_s), path.pose(time_s))
    exposures = min(_MOST_EXPOSURES, 1 + int(float(pixels)))
    if exposures == 1:
        return expose(scene, path, time_s)
    times_s = time_s - shutter_s * np.arange(exposures) / exposures
    light = np.mean([expose(scene, path, float(moment)) for moment in times_s], axis=0)
    return np.asarray(light, np.uint8)


def widths_between(first: FloatArray, second: FloatArray) -> FloatArray:
    """How far the view moves from one pose to another, (..., 4), in widths."""
    step = second - first
    across = np.hypot(step[..., 0], step[..., 1]) * np.exp(second[..., 2])
    return np.asarray(across + MEAN_RADIUS * np.hypot(step[..., 2], step[..., 3]))


def _sight(
    clean: Light, frame: Light, hidden: float, blur: float, depth: float, glare: float
) -> Sight:
    view, taken = _as_seen(clean), _as_seen(frame)
    seen = cv2.cvtColor(view, cv2.COLOR_RGB2GRAY)
    return Sight(
        covered=hidden,
        blur=blur,
        pose=(0.0, 0.0, 0.0, 0.0),
        feed=0,
        frozen=False,
        flicker=depth,
        brightness=float(seen.mean()),
        readable=float(np.mean(seen > _BRIGHT)),
        glare=glare,
        noise=_deviation(taken - view),
        contrast=_deviation(seen),
        blank=float(np.mean((_details(seen) < _LEAST_DETAIL) & (_parts(seen) < _BLACK))),
        sharpness=0.0,
    )


def _sharpness(light: Light) -> float:
    """The least of a frame's sharpest quarter, relative to its contrast."""
    seen = cv2.cvtColor(_as_seen(light), cv2.COLOR_RGB2GRAY)
    detail = float(np.sort(_details(seen), axis=None)[-_SHARP_PARTS])
    return detail / (_deviation(seen) + 5.0)


def _details(seen: Grey) -> Grey:
    """How much is to be seen in each part of a frame, in grey levels."""
    fine = seen - cv2.blur(seen, (3, 3))
    return np.sqrt(_parts(fine * fine))


def _parts(values: Grey) -> Grey:
    """The means of 8 by 8 parts of a frame."""
    return np.asarray(cv2.resize(values, (8, 8), interpolation=cv2.INTER_AREA), np.float32)


def _deviation(values: Light | Grey) -> float:
    """The standard deviation over all."""
    _, deviation = cv2.meanStdDev(values.reshape(-1, 1))
    return float(deviation[0, 0])


def _as_seen(frame: Light) -> Light:
    """A frame as the runtime samples it for the network."""
    if len(frame) == VIEW_SIZE:
        return frame
    return np.asarray(cv2.resize(frame, (VIEW_SIZE, VIEW_SIZE)), np.float32)


def _blur_level(blur: float) -> int:
    """0: sharp; each further level is blurred more, by a factor."""
    if blur < _SHARPEST_BLUR:
        return 0
    return 1 + round(math.log(blur / _SHARPEST_BLUR) / math.log(_BLUR_STEP))


def _blurred_scene(scene: Scene, level: int) -> Scene:
    if not level:
        return scene
    blur = _SHARPEST_BLUR * _BLUR_STEP ** (level - 1)
    backdrop = scene.backdrop
    pictures = _BlurredPictures(backdrop.pictures, blur * backdrop.pixels_per_width)
    things = tuple(_blurred_thing(thing, blur) for thing in scene.things)
    return replace(scene, backdrop=replace(backdrop, pictures=pictures), things=things)


class _BlurredPictures(Sequence[Picture]):
    """Pictures that are blurred when they are looked at."""

    def __init__(self, pictures: Sequence[Picture], deviation: float) -> None:
        self._pictures = pictures
        self._deviation = deviation

    def __len__(self) -> int:
        return len(self._pictures)

    def __getitem__(self, index: int) -> Picture:  # type: ignore[override]
        return _blurred(_Kept(self._pictures[index]), self._deviation)


@dataclass(frozen=True, eq=False)
class _Kept:
    picture: Picture

    def __hash__(self) -> int:
        return id(self.picture)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Kept) and self.picture is other.picture


@lru_cache(maxsize=128)
def _blurred(kept: _Kept, deviation: float) -> Picture:
    return np.asarray(cv2.GaussianBlur(kept.picture, (0, 0), deviation), np.uint8)


def _blurred_thing(thing: Thing, blur: float) -> Thing:
    deviation = blur * thing.picture.shape[1] / thing.width
    return replace(thing, picture=_blurred(_Kept(thing.picture), deviation))
