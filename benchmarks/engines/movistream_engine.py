"""This project's runtime, as every engine here: prepared images in, logits out."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import movistream
from engines.serving import FloatArray, serve

_OPENED = ExitStack()


class MovistreamRunner:
    """A stream over a loaded model."""

    def __init__(self, path: Path) -> None:
        model = _OPENED.enter_context(movistream.load(path, threads=1, trust="always"))
        self._stream: Any = model.stream()

    def reset(self) -> None:
        self._stream.reset()

    def prepare(self, frame: npt.NDArray[np.uint8], _image: FloatArray) -> Any:
        return self._stream._preprocess(frame).copy()

    def step(self, image: Any) -> FloatArray:
        logits: FloatArray = self._stream._advance(image)
        self._stream._frames_seen += 1
        return logits


def build(_folder: Path, _variant: str) -> None:
    """``movistream convert`` has written it already."""


def load(folder: Path, variant: str) -> MovistreamRunner:
    """Opens the file of a precision."""
    return MovistreamRunner(folder / f"{variant}.tflite")


if __name__ == "__main__":
    serve("movistream", movistream.__version__, build, load)
