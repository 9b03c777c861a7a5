"""Cameras that watch random scenes, and what happens before them though nothing is wrong."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from movistream.demo.motion import STATIC, CameraPath, FloatArray, Segment, Shake, camera_path
from movistream_training.camera_health.codec import Codec
from movistream_training.camera_health.faults import (
    Course,
    Defocus,
    Fault,
    Flicker,
    Freeze,
    Lamp,
    LightChange,
    Move,
)
from movistream_training.camera_health.filming import Camera
from movistream_training.camera_health.overlay import Overlay
from movistream_training.camera_health.random_faults import random_cover
from movistream_training.footage.collection import Footage
from movistream_training.footage.random_scenes import random_backdrop, random_thing
from movistream_training.footage.scene import Backdrop, Optics, Scene, Thing, develop, expose
from movistream_training.footage.textures import cut_out

_ALWAYS_S = -1e6
"""The time of a change of light that has always been."""

_NAMES = ("CAM 1", "FRONT", "Garage", "IPC-02", "Entrance", "2024-03-18")


def random_camera(
    footage: Footage,
    size: int,
    generator: np.random.Generator,
    backdrop: Backdrop | None = None,
) -> Camera:
    """A healthy camera that stands still, with things before it, of frames of so many pixels.

    Args:
        backdrop: what it looks at; None: something random.
    """
    if backdrop is None:
        backdrop = random_backdrop(footage, size, generator, softest=0.0, video_share=0.12)
    count = int(generator.choice([0, 0, 1, 1, 2, 3]))
    things = tuple(random_thing(footage, generator) for _ in range(count))
    if generator.random() < 0.35:
        things += _person(footage, generator)
    wall = generator.random() < 0.12
    contrast = generator.uniform(0.2, 0.5) if wall else generator.uniform(0.6, 1.3)
    tint = generator.uniform(0.88, 1.12, 3)
    optics = Optics(
        size=size,
        shutter_s=generator.uniform(0.003, 0.03),
        keystone=(generator.uniform(-0.15, 0.15), generator.uniform(-0.15, 0.15)),
        gamma=generator.uniform(0.7, 1.5),
        contrast=contrast,
        gain=(float(tint[0]), float(tint[1]), float(tint[2])),
    )
    scene = Scene(backdrop, things, optics)
    night = generator.random() < 0.2
    wanted = generator.uniform(38, 60) if night else generator.uniform(65, 165)
    grain = generator.uniform(2, 7) if night else math.exp(generator.uniform(-0.7, 1.6))
    path = still_path(1.0, 0.0, generator)
    first = develop(expose(scene, path, 0.0), optics, 0.0, generator)
    gain = float(np.clip(wanted / (first.mean() + 1), 0.3, 4.0))
    return Camera(
        scene,
        path,
        lights=(LightChange(_ALWAYS_S, 0.0, gain),),
        grain=grain,
        grey=bool(generator.random() < (0.5 if night else 0.1)),
    )


def still_path(
    seconds: float,
    tremble: float,
    generator: np.random.Generator,
    moves: Sequence[Move] = (),
) -> CameraPath:
    """The path of a camera that trembles in the wind, and is moved now and then.

    Args:
        tremble: root mean square of its flow, in widths per second.
    """
    frequencies = tuple(map(float, generator.uniform(1.0, 5.0, 3)))
    segment = Segment(STATIC, seconds + 0.1)
    path = camera_path([segment], Shake(tremble, frequencies), generator)
    poses = path.poses + sum(
        (_way(move, path.times_s)[:, None] * np.array(move.pose) for move in moves),
        np.zeros(4),
    )
    return replace(path, poses=poses)


def _way(move: Move, times_s: FloatArray) -> FloatArray:
    """How much of a move is done, 0 to 1, with what swings on."""
    since = times_s - move.begin_s
    done = np.clip(since / move.seconds, 0, 1)
    eased = done * done * (3 - 2 * done)
    after = np.maximum(0, since - move.seconds)
    swing = move.swing * np.exp(-after / 0.25) * np.sin(2 * np.pi * 2.5 * after)
    return np.asarray(eased + swing)


def with_everyday_life(
    camera: Camera,
    footage: Footage,
    start_s: float,
    end_s: float,
    generator: np.random.Generator,
) -> Camera:
    """The camera, with some of what looks like a fault and is none, between two times."""

    def happens(share: float) -> bool:
        return bool(generator.random() < share)

    def sometime() -> float:
        return float(generator.uniform(start_s, end_s))

    whole = Course(start_s - 1, end_s + 1)
    things, lights, lamps = camera.scene.things, camera.lights, camera.lamps
    faults: list[Fault] = []
    if happens(0.15):
        things += (_passer(footage, sometime(), generator),)
    if happens(0.25):
        gain = math.exp(generator.uniform(-0.7, 0.6))
        lights += (LightChange(sometime(), float(generator.choice([0, 0, 0.3])), gain),)
    if happens(0.1):
        lights += (LightChange(sometime(), generator.uniform(1.5, 6), generator.uniform(0.5, 1.3)),)
    if happens(0.3):
        x, y = map(float, generator.uniform(0, 1, 2))
        blinks = generator.uniform(0.5, 2.5) if happens(0.4) else 0.0
        radius = math.exp(generator.uniform(math.log(0.01), math.log(0.06)))
        lamps += (Lamp((x, y), radius, generator.uniform(80, 400), blinks),)
    if happens(0.2):
        course = whole if happens(0.5) else Course(sometime(), end_s)
        rate_hz, bands = generator.uniform(0.5, 4.6), generator.uniform(0, 4)
        faults.append(Flicker(course, generator.uniform(0.01, 0.045), rate_hz, bands))
    if happens(0.12):
        course = whole if happens(0.5) else Course(sometime(), end_s, 0.4)
        faults.append(random_cover(course, footage, generator, (0.05, 0.42)))
    if happens(0.08):
        begin_s = sometime()
        course = Course(begin_s, begin_s + generator.uniform(0.1, 0.3), 0.1, 0.1)
        faults.append(Defocus(course, generator.uniform(0.01, 0.04)))
    if happens(0.15):
        faults.append(Defocus(whole, generator.uniform(0.003, 0.007)))
    if happens(0.1):
        begin_s = sometime()
        faults.append(Freeze(Course(begin_s, begin_s + generator.uniform(0.1, 0.25))))
    return replace(
        camera,
        scene=replace(camera.scene, things=things),
        lights=lights,
        lamps=lamps,
        faults=camera.faults + tuple(faults),
        rain=generator.uniform(0.0005, 0.01) if happens(0.08) else 0.0,
    )


def _person(footage: Footage, generator: np.random.Generator) -> tuple[Thing, ...]:
    """Somebody who stands before the camera, sways, and moves both hands."""

    def part(
        width: float, place: tuple[float, float], swing: tuple[float, float], swing_hz: float
    ) -> Thing:
        picture = footage.pictures[int(generator.integers(len(footage.pictures)))]
        return Thing(cut_out(picture, generator), width, place, swing=swing, swing_hz=swing_hz)

    def to_and_fro(far: float) -> tuple[float, float]:
        x, y = map(float, generator.normal(0, far, 2))
        return x, y

    x, y = float(generator.uniform(-0.25, 0.25)), float(generator.uniform(0.0, 0.35))
    width = float(generator.uniform(0.45, 0.95))
    body = part(width, (x, y), to_and_fro(0.02), float(generator.uniform(0.2, 0.8)))
    hands = [
        part(
            width * float(generator.uniform(0.2, 0.4)),
            (x + side * width / 3, y + float(generator.uniform(-0.2, 0.1))),
            to_and_fro(0.15),
            float(generator.uniform(0.3, 2.0)),
        )
        for side in (-1, 1)
    ]
    return body, *hands


def _passer(footage: Footage, middle_s: float, generator: np.random.Generator) -> Thing:
    """Something large that passes close to the camera in less than a second."""
    picture = footage.pictures[int(generator.integers(len(footage.pictures)))]
    side = 1.0 if generator.random() < 0.5 else -1.0
    speed = generator.uniform(2.0, 5.0)
    height = generator.uniform(-0.3, 0.3)
    return Thing(
        picture=cut_out(picture, generator),
        width=generator.uniform(0.8, 1.8),
        start=(-side * speed * middle_s, height),
        velocity=(side * speed, generator.normal(0, 0.1)),
        nearness=0.0,
    )


def random_overlay(generator: np.random.Generator) -> Overlay:
    """A camera's name and the time, in a corner."""
    width = generator.uniform(0.35, 0.8)
    return Overlay(
        name=str(generator.choice(_NAMES)),
        starts_s=generator.uniform(0, 86400),
        left=float(generator.choice([0.02, 0.98 - width])),
        top=float(generator.choice([0.02, 0.9])),
        width=width,
        boxed=bool(generator.random() < 0.3),
        runs_on=bool(generator.random() < 0.5),
    )


def random_codec(generator: np.random.Generator, worst_quality: int = 38) -> Codec:
    """From a good to a bad connection."""
    return Codec(
        quality=int(generator.integers(20, worst_quality + 1)),
        preset=str(generator.choice(["ultrafast", "superfast", "veryfast"])),
        key_frames=int(generator.choice([10, 20, 50, 250])),
    )
