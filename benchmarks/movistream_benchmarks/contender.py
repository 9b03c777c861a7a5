"""What is measured: a file, and how it is run."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

import movistream
from movistream.errors import EngineError
from movistream.file.manifest import ImageInput
from movistream.stream.preprocess import Preprocessor
from movistream.system.native_stderr import first_line, native_stderr_captured

Frame: TypeAlias = npt.NDArray[np.uint8]
"""(height, width, 3)."""

Frames: TypeAlias = npt.NDArray[np.uint8]
"""(frames, height, width, 3)."""

Logits: TypeAlias = npt.NDArray[np.float32]

CAMERA_SIZE = (480, 640)
"""(height, width) of the frames that all contenders are given."""

_BLOCK = 16
_SHIFT = 24


@dataclass(frozen=True)
class Contender:
    """A file, and how it is run.

    Attributes:
        path: of the .tflite file.
        threads: that the engine uses.
        engine: of this project's runtime, or ``auto``.
        arithmetic: of this project's runtime.
        weight_cache: folder of packed weights; None packs them anew.
        streams: of this project's runtime, which take turns frame by frame, as cameras do.
        published_loop: run by the published samples' loop in place of this project's runtime.
    """

    path: Path
    threads: int = 1
    engine: str = "auto"
    arithmetic: str = "auto"
    weight_cache: Path | None = None
    streams: int = 1
    published_loop: bool = False


@dataclass(frozen=True, eq=False)
class Timing:
    """One frame's times and answer."""

    preprocess_ms: float
    inference_ms: float
    logits: Logits


class Runner(Protocol):
    """A contender that has been loaded.

    Attributes:
        engine: what runs it.
        arithmetic: what its float operators compute in.
    """

    engine: str
    arithmetic: str

    def fitted(self, frames: Frames) -> Frames:
        """Frames as :meth:`step` takes them; what is done here is not timed."""

    def step(self, frame: Frame) -> Timing:
        """Runs one frame."""

    def reset(self) -> None:
        """Goes back to the start of a video."""


@contextmanager
def running(contender: Contender) -> Iterator[Runner]:
    """Loads a contender.

    Raises:
        MovistreamError: if its file or its engine is refused.
    """
    if contender.published_loop:
        yield PublishedLoop(contender.path, contender.threads)
        return
    with movistream.load(
        contender.path,
        threads=contender.threads,
        engine=contender.engine,
        arithmetic=contender.arithmetic,
        weight_cache=contender.weight_cache,
        # This process is a child that measures this one file: a trial would be another like it.
        trust="always",
    ) as model:
        yield Runtime(model, contender.streams)


def moving_blocks(count: int) -> Frames:
    """A picture of coloured blocks that goes by: so many frames of :data:`CAMERA_SIZE`."""
    height, width = CAMERA_SIZE
    blocks = np.random.default_rng(0).integers(
        0, 256, (height // _BLOCK, width // _BLOCK, 3), np.uint8
    )
    picture = blocks.repeat(_BLOCK, axis=0).repeat(_BLOCK, axis=1)
    return np.stack([np.roll(picture, _SHIFT * index, axis=1) for index in range(count)])


class Runtime:
    """This project's runtime, which fits frames to the model and times itself.

    Every step is one of the next stream.
    """

    def __init__(self, model: movistream.Model, streams: int) -> None:
        self.model = model
        self.engine: str = model.engine
        self.arithmetic: str = model.arithmetic
        self._streams = [model.stream() for _ in range(streams)]
        self._steps = 0

    def fitted(self, frames: Frames) -> Frames:
        return frames

    def step(self, frame: Frame) -> Timing:
        stream = self._streams[self._steps % len(self._streams)]
        self._steps += 1
        result = stream.step(frame)
        return Timing(result.preprocess_ms, result.inference_ms, result.logits)

    def reset(self) -> None:
        self._steps = 0
        for stream in self._streams:
            stream.reset()


class PublishedLoop:
    """The loop of the published samples: signature runner, outputs fed back by name.

    Frames are fitted to the model's size beforehand; preparing one is dividing it by 255.
    """

    arithmetic = "float32"
    engine = "published loop"

    def __init__(self, path: Path, threads: int) -> None:
        """Loads a published file.

        Raises:
            EngineError: if it is missing, damaged, or not of that form.
        """
        from ai_edge_litert.interpreter import Interpreter

        try:
            with native_stderr_captured():
                interpreter: Any = Interpreter(str(path), num_threads=threads)
                interpreter.allocate_tensors()
                self.call: Any = interpreter.get_signature_runner()
            self._details = self.call.get_input_details()
            outputs = self.call.get_output_details()
        except (ValueError, RuntimeError) as error:
            reason = first_line(str(error))
            raise EngineError(f"{path} cannot be run as a published file: {reason}") from None
        image = self._details.get("image")
        if image is None or image["dtype"] != np.float32 or len(image["shape"]) < 4:
            raise EngineError(f"{path} is no published file: it has no float32 input 'image'")
        if {*self._details, "logits"} != {*outputs, "image"}:
            raise EngineError(
                f"{path} is no published file: its outputs are not 'logits' and its states by the"
                " names of their inputs"
            )
        self._shape = image["shape"]
        shape = tuple(map(int, self._shape))
        self._preprocess = Preprocessor(ImageInput(tensor="image", shape=shape, dtype="float32"))
        self._states: dict[str, Any] = {}
        self.reset()

    def fitted(self, frames: Frames) -> Frames:
        prepared = [self._preprocess(frame) * np.float32(255) for frame in frames]
        return np.rint(prepared).astype(np.uint8).reshape(len(frames), *self._shape[-3:])

    def step(self, frame: Frame) -> Timing:
        start = time.perf_counter()
        image = (frame.astype(np.float32) / 255).reshape(self._shape)
        prepared = time.perf_counter()
        outputs = self.call(**self._states, image=image)
        logits = outputs.pop("logits")
        self._states = outputs
        done = time.perf_counter()
        times_ms = (prepared - start) * 1e3, (done - prepared) * 1e3
        return Timing(*times_ms, np.asarray(logits, np.float32).reshape(-1))

    def reset(self) -> None:
        self._states = {
            name: np.zeros(entry["shape"], entry["dtype"])
            for name, entry in self._details.items()
            if name != "image"
        }
