"""What a camera looks at, and the frames that it takes of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from movistream.demo.motion import CameraPath, FloatArray

Picture: TypeAlias = npt.NDArray[np.uint8]
"""uint8 RGB (height, width, 3)."""


@dataclass(frozen=True)
class Backdrop:
    """A wall of pictures, mirrored at its edges without end.

    Attributes:
        pictures: one, or the frames of a video of a camera that stands still.
        pixels_per_width: of a picture, across a frame at zoom 1.
        center: what the camera looks at first, (x, y) in pixels.
        frames_per_second: of the video; it runs forth and back.
    """

    pictures: Sequence[Picture]
    pixels_per_width: float
    center: tuple[float, float]
    frames_per_second: float = 30.0

    def picture(self, time_s: float) -> Picture:
        """The one to be seen at a time."""
        last = len(self.pictures) - 1
        index = int(time_s * self.frames_per_second) % (2 * last) if last else 0
        return self.pictures[min(index, 2 * last - index)]


@dataclass(frozen=True)
class Thing:
    """Something that moves by itself before the backdrop.

    Attributes:
        picture: uint8 RGBA (height, width, 4).
        width: in widths of the frame.
        start: of its centre, (x, y) in widths from where the camera first looks.
        velocity: (x, y) in widths per second.
        swing: how far it goes to and fro, (x, y) in widths.
        swing_hz: how often.
        nearness: how much faster than the backdrop it passes when the camera moves; 0: it is fixed
            to the camera.
    """

    picture: Picture
    width: float
    start: tuple[float, float]
    velocity: tuple[float, float] = (0.0, 0.0)
    swing: tuple[float, float] = (0.0, 0.0)
    swing_hz: float = 1.0
    nearness: float = 1.0


@dataclass(frozen=True)
class Optics:
    """What a camera does to a picture.

    Attributes:
        size: pixels per side of a frame.
        shutter_s: time over which a frame is exposed.
        exposures: pictures that are averaged over that time.
        keystone: perspective of the frame, (x, y), as a share of its size.
        gamma: of the response.
        contrast: around the middle grey.
        gain: of red, green and blue.
        flicker: share by which brightness swings, and how often per second.
        noise: standard deviation, in grey levels.
        jpeg_quality: 0 to 100; None: not compressed.
    """

    size: int = 96
    shutter_s: float = 0.0
    exposures: int = 1
    keystone: tuple[float, float] = (0.0, 0.0)
    gamma: float = 1.0
    contrast: float = 1.0
    gain: tuple[float, float, float] = (1.0, 1.0, 1.0)
    flicker: tuple[float, float] = (0.0, 1.0)
    noise: float = 0.0
    jpeg_quality: int | None = None


@dataclass(frozen=True)
class Scene:
    """A backdrop, the things before it, and the camera."""

    backdrop: Backdrop
    things: tuple[Thing, ...] = ()
    optics: Optics = field(default_factory=Optics)


def render(
    scene: Scene, path: CameraPath, time_s: float, generator: np.random.Generator
) -> Picture:
    """The frame that the camera takes at a time, uint8 RGB (size, size, 3)."""
    optics = scene.optics
    moments = [
        time_s - optics.shutter_s * part / optics.exposures for part in range(optics.exposures)
    ]
    exposed = [expose(scene, path, moment) for moment in moments]
    light = exposed[0] if len(exposed) == 1 else np.mean(exposed, axis=0).astype(np.uint8)
    return develop(light, optics, time_s, generator)


def expose(scene: Scene, path: CameraPath, time_s: float) -> Picture:
    """The light that falls on a frame at a moment, uint8 RGB (size, size, 3)."""
    optics, backdrop = scene.optics, scene.backdrop
    pose = path.pose(time_s)
    to_world = _frame_to_world(optics)
    matrix = _world_to_picture(backdrop) @ _camera(pose) @ to_world
    frame: Picture = _warp(backdrop.picture(time_s), matrix, optics.size, cv2.BORDER_REFLECT_101)
    for thing in scene.things:
        near = pose if thing.nearness else np.zeros(4)
        near = near * (thing.nearness, thing.nearness, 1.0, 1.0)
        matrix = _world_to_thing(thing, time_s) @ _camera(near) @ to_world
        seen = _warp(thing.picture, matrix, optics.size, cv2.BORDER_CONSTANT).astype(np.float32)
        alpha = seen[..., 3:] / np.float32(255)
        frame = (frame + alpha * (seen[..., :3] - frame)).astype(np.uint8)
    return frame


def _warp(picture: Picture, matrix: FloatArray, size: int, border: int) -> Picture:
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    warped = cv2.warpPerspective(picture, matrix, (size, size), flags=flags, borderMode=border)
    return np.asarray(warped, np.uint8)


def _frame_to_world(optics: Optics) -> FloatArray:
    """From pixels to widths from the frame's centre."""
    scale, middle = 1 / optics.size, -0.5 * (optics.size - 1) / optics.size
    to_widths = np.array([[scale, 0, middle], [0, scale, middle], [0, 0, 1]])
    keystone = np.array([[1, 0, 0], [0, 1, 0], [*optics.keystone, 1]])
    return np.asarray(keystone @ to_widths)


def _camera(pose: FloatArray) -> FloatArray:
    x, y, log_zoom, angle = pose
    cosine, sine = np.cos(angle) / np.exp(log_zoom), np.sin(angle) / np.exp(log_zoom)
    return np.array([[cosine, -sine, x], [sine, cosine, y], [0, 0, 1]])


def _world_to_picture(backdrop: Backdrop) -> FloatArray:
    scale, (x, y) = backdrop.pixels_per_width, backdrop.center
    return np.array([[scale, 0, x], [0, scale, y], [0, 0, 1]])


def _world_to_thing(thing: Thing, time_s: float) -> FloatArray:
    height, width = thing.picture.shape[:2]
    scale = width / thing.width
    swing = np.sin(2 * np.pi * thing.swing_hz * time_s)
    x, y = (
        start + velocity * time_s + far * swing
        for start, velocity, far in zip(thing.start, thing.velocity, thing.swing, strict=True)
    )
    return np.array(
        [[scale, 0, width / 2 - scale * x], [0, scale, height / 2 - scale * y], [0, 0, 1]]
    )


def develop(
    light: Picture, optics: Optics, time_s: float, generator: np.random.Generator
) -> Picture:
    """What a camera's electronics make of the light of a time, uint8 RGB (size, size, 3)."""
    depth, rate_hz = optics.flicker
    gain = np.array(optics.gain) * (1 + depth * np.sin(2 * np.pi * rate_hz * time_s))
    response = np.power(np.arange(256) / 255, optics.gamma)[:, None] * gain
    response = 255 * (0.5 + (response - 0.5) * optics.contrast)
    table = np.clip(response, 0, 255).astype(np.uint8)
    frame = np.asarray(cv2.LUT(light, table[None]), np.uint8)
    if optics.noise:
        grain = generator.standard_normal(frame.shape, np.float32) * np.float32(optics.noise)
        frame = np.asarray(np.clip(frame + grain, 0, 255), np.uint8)
    if optics.jpeg_quality is None:
        return frame
    quality = [cv2.IMWRITE_JPEG_QUALITY, optics.jpeg_quality]
    _, data = cv2.imencode(".jpg", frame[..., ::-1], quality)
    decoded = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)
    return decoded[..., ::-1]
