"""A loaded model, and streams over it."""

from __future__ import annotations

import threading
import time
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from movistream.engines import Array, open_engine
from movistream.engines.arithmetic import MOST_FLOAT16_FRAMES
from movistream.engines.options import EngineOptions
from movistream.errors import EngineError, MovistreamError, SnapshotError
from movistream.file.manifest import Activation, EventDefaults, Manifest
from movistream.stream.moments import Moment, Moments
from movistream.stream.parts import Shown
from movistream.stream.preprocess import Preprocessor, View
from movistream.stream.result import Result

AnyModel = TypeVar("AnyModel", bound="Model")


class Model:
    """A loaded model: weights and an engine, shared by all its streams.

    Attributes:
        path: the path of the file.
        manifest: what the file says about itself.
        engine: the name of the engine that runs the model.
        threads: the number of threads that the engine uses.
        arithmetic: what float operators compute in, ``float32`` or ``float16``.
        fingerprint: the SHA-256 of the file, which tells models apart.
    """

    def __init__(
        self,
        path: Path,
        manifest: Manifest,
        engine: str,
        options: EngineOptions,
        fingerprint: str,
    ) -> None:
        """Use :func:`movistream.load`."""
        self.fingerprint = fingerprint
        self.path = path
        self.manifest = manifest
        self.threads = options.threads
        self.arithmetic = options.arithmetic
        self.engine, self._engine = open_engine(engine, path, manifest.signature, options)
        self._lock = threading.Lock()
        self._closed = False
        self._image = self._engine.create_input(manifest.input.tensor)
        self._logits = self._engine.create_output(manifest.logits.tensor)
        # Where the next step of any stream writes; it takes what is new, and leaves what is old.
        self._outputs: list[Any] | None = None

    @property
    def name(self) -> str:
        """The name of the network, such as ``movinet-a0-stream``."""
        return self.manifest.name

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of the classes, in the order of the logits; empty if the file has none."""
        return self.manifest.labels

    @property
    def classes(self) -> int:
        """The number of classes."""
        return self.manifest.logits.classes

    @property
    def activation(self) -> Activation:
        """What makes scores of logits: ``softmax``, or ``sigmoid`` if several classes may be."""
        return self.manifest.logits.activation

    @property
    def event_defaults(self) -> EventDefaults | None:
        """When something counts as seen, unless options say otherwise; None if it says nothing."""
        return self.manifest.events

    @property
    def frames_per_second(self) -> float | None:
        """The frame rate at which the network was trained; None if the file does not say it."""
        return self.manifest.input.frames_per_second

    @property
    def horizon_frames(self) -> int | None:
        """How many of the last frames answers are about; None if they are about all of them."""
        return self.manifest.horizon_frames

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width in pixels of what the network sees of a frame."""
        return self.manifest.input.height, self.manifest.input.width

    @property
    def delay_frames(self) -> int:
        """How many frames an answer is late: it is about the frame that was so many before."""
        return self.manifest.delay_frames

    @property
    def warm_up_frames(self) -> int:
        """How many answers at the start of a video mean nothing yet."""
        return self.manifest.warm_up_frames

    def stream(self, *, horizon_frames: int | None = None, view: View | None = None) -> Stream:
        """Makes a new stream, at the start of a video. Streams of one model may be interleaved.

        Args:
            horizon_frames: the number of frames after which running means begin to forget, so that
                an endless stream follows what happens now. By default it is what the file says,
                and most files say that means never forget. In float16 arithmetic they forget after
                2,048 frames at the latest.
            view: the part of each frame that is looked at. By default it is the middle, as
                networks are evaluated.

        Raises:
            MovistreamError: if the model is closed, or has no clock that can be held.
        """
        with self._lock:
            if self._closed:
                raise MovistreamError(f"the model {self.path} is closed")
            if horizon_frames is None:
                horizon_frames = self.manifest.horizon_frames
            return Stream(self, horizon_frames, view)

    def _create_outputs(self) -> list[Any]:
        """Buffers for what a step gives, in the engine's order."""
        return [
            self._logits
            if name == self.manifest.logits.tensor
            else self._engine.create_output(name)
            for name in self._engine.output_names
        ]

    def close(self) -> None:
        """Frees the engine. The model's streams cannot be used any more."""
        with self._lock:
            self._closed = True
            self._engine.close()

    def __repr__(self) -> str:
        threads = f"{self.threads} thread{'' if self.threads == 1 else 's'}"
        runs = f"{self.engine}, {threads}, {self.arithmetic}"
        return f"<Model {self.name} from {self.path}, {runs}>"

    def __enter__(self: AnyModel) -> AnyModel:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


@dataclass(frozen=True, eq=False, repr=False)
class Snapshot:
    """A stream's memory at one moment.

    Attributes:
        model: the fingerprint of the model that it belongs to.
        frames_seen: the number of frames since the reset.
        tensors: the values of all state tensors by the name of the input; they cannot be written.
        waiting: the index and the time in seconds of each frame that has no answer yet, the oldest
            first.
    """

    model: str
    frames_seen: int
    tensors: Mapping[str, Array]
    waiting: tuple[Moment, ...] = ()

    def __repr__(self) -> str:
        size = sum(values.nbytes for values in self.tensors.values())
        return f"<Snapshot after {self.frames_seen} frames, {size:,} bytes>"


@dataclass(frozen=True, eq=False)
class _Horizon:
    """From so many frames on, a clock's input is held where it is."""

    frames: int
    clock: str
    held: Array


class Stream:
    """One video's pass through a model, frame by frame.

    A stream is a context manager, and leaving it frees its states. It belongs to one thread at a
    time. Streams of one model in several threads take turns in the engine.
    """

    def __init__(self, model: Model, horizon_frames: int | None, view: View | None) -> None:
        """Use :meth:`Model.stream`."""
        self._model = model
        self._engine = engine = model._engine
        manifest = model.manifest
        self._preprocess = Preprocessor(manifest.input, view)
        self._frames_seen = 0
        self._moments = Moments(manifest.delay_frames)
        self._slots = {
            name: engine.input_names.index(name)
            for state in manifest.states
            for name in state.inputs
        }
        # In the engine's order; a step puts others in their places, all at once, so that an
        # interrupt cannot leave a stream half advanced.
        self._buffers = [
            engine.create_input(name) if name in self._slots else model._image
            for name in engine.input_names
        ]
        # One tensor that is both input and output can have one buffer only.
        self._kept = {
            engine.output_names.index(state.output): self._slots[state.inputs[0]]
            for state in manifest.states
            if state.advance == "keep"
        }
        # States that begin later take no part in the first steps.
        self._beginnings = sorted({0, *(state.delay_frames for state in manifest.states)})
        self._successors = [self._plan_rotation(begun) for begun in self._beginnings]
        self._horizons = self._find_horizons(horizon_frames)
        self.reset()

    @property
    def frames_seen(self) -> int:
        """The number of frames stepped since the start, the last reset or the snapshot's start."""
        return self._frames_seen

    def step(
        self,
        image: Shown,
        *,
        frame: int | None = None,
        time_s: float | None = None,
    ) -> Result:
        """Runs one frame through the network.

        Args:
            image: uint8 (height, width, 3) in RGB order, of any size. A model of grey frames takes
                (height, width) and (height, width, 1), too; one of another number of channels
                takes (height, width, channels). Of a video, :attr:`.sources.frame.VideoFrame.shown`
                costs less than its image.
            frame: the number by which results call this frame. By default frames are counted from
                the reset.
            time_s: when the frame was taken, in seconds. By default it follows from the model's
                frame rate.

        Returns:
            The answer. If the model has a delay, it is about the frame that was so many before.

        Raises:
            FrameError: if the image is not such an array.
            EngineError: if the engine fails, or the answer is not a number.
            In both cases the stream is unchanged.
        """
        start = time.perf_counter()
        values = self._preprocess(image)
        prepared = time.perf_counter()
        logits = self._advance(values)
        done = time.perf_counter()
        manifest = self._model.manifest
        rate = manifest.input.frames_per_second
        frame = self._frames_seen if frame is None else frame
        if time_s is None and rate is not None:
            time_s = self._frames_seen / rate
        warming_up = self._frames_seen < manifest.warm_up_frames
        self._frames_seen += 1
        frame, time_s = self._moments.answered((frame, time_s))
        return Result(
            frame=frame,
            time_s=time_s,
            logits=logits,
            warming_up=warming_up,
            preprocess_ms=(prepared - start) * 1e3,
            inference_ms=(done - prepared) * 1e3,
            labels=manifest.labels,
            activation=manifest.logits.activation,
        )

    def reset(self) -> None:
        """Forgets everything: the next frame is the first of a video."""
        for state in self._model.manifest.states:
            initial = np.full(state.shape, state.initial, state.dtype)
            for name in state.inputs:
                self._engine.write(self._buffer(name), initial)
        self._frames_seen = 0
        self._moments.restore(())

    def set_horizon(self, horizon_frames: int | None) -> None:
        """Lets running means forget from the next frame on, as :meth:`Model.stream` describes it.

        Raises:
            MovistreamError: if the model has no clock that can be held.
        """
        if horizon_frames is None:
            horizon_frames = self._model.manifest.horizon_frames
        self._horizons = self._find_horizons(horizon_frames)

    def snapshot(self) -> Snapshot:
        """Copies the stream's memory."""
        tensors = {name: self._engine.read(self._buffer(name)) for name in self._slots}
        for values in tensors.values():
            values.flags.writeable = False
        waiting = self._moments.kept()
        return Snapshot(self._model.fingerprint, self._frames_seen, tensors, waiting)

    def restore(self, snapshot: Snapshot) -> None:
        """Goes back to a snapshot of this or another stream of the same model.

        Raises:
            SnapshotError: if it was taken from another model, is incomplete, or is none. The
                stream is unchanged.
        """
        if not isinstance(snapshot, Snapshot):
            raise SnapshotError(f"a snapshot is needed, not {type(snapshot).__name__}")
        if snapshot.model != self._model.fingerprint:
            raise SnapshotError(f"the snapshot is of another model than {self._model.path}")
        expected = {
            name: (state.shape, np.dtype(state.dtype))
            for state in self._model.manifest.states
            for name in state.inputs
        }
        found = {name: (value.shape, value.dtype) for name, value in snapshot.tensors.items()}
        if found != expected:
            odd = min(n for n in {*found, *expected} if found.get(n) != expected.get(n))
            raise SnapshotError(f"the snapshot does not hold the state {odd!r} as the model does")
        for name, values in snapshot.tensors.items():
            self._engine.write(self._buffer(name), values)
        self._frames_seen = snapshot.frames_seen
        self._moments.restore(snapshot.waiting)

    def warm_up(self) -> None:
        """Runs a blank frame and forgets it, so that the next step takes its usual time."""
        snapshot = self.snapshot()
        image = self._model.manifest.input
        self._advance(np.zeros(image.shape, image.dtype))
        self.restore(snapshot)

    def close(self) -> None:
        """Frees the states."""
        self._buffers = []

    def __repr__(self) -> str:
        return f"<Stream of {self._model.manifest.name}, {self._frames_seen} frames seen>"

    def __enter__(self) -> Stream:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _require_open(self) -> None:
        if self._model._closed or not self._buffers:
            raise MovistreamError("the stream is closed, or its model")

    def _buffer(self, name: str) -> Any:
        """The buffer that holds an input now."""
        self._require_open()
        return self._buffers[self._slots[name]]

    def _plan_rotation(self, frames_seen: int) -> list[int]:
        """For each place of a buffer, the place of the one that takes it after a step.

        Args:
            frames_seen: before that step.
        """
        input_count = len(self._engine.input_names)
        successors = list(range(input_count + len(self._engine.output_names)))
        for state in self._model.manifest.states:
            if state.advance != "keep" and state.delay_frames <= frames_seen:
                output = input_count + self._engine.output_names.index(state.output)
                cycle = [*(self._slots[name] for name in state.inputs), output]
                for place, successor in zip(cycle, [*cycle[1:], cycle[0]], strict=True):
                    successors[place] = successor
        return successors

    def _find_horizons(self, wanted: int | None) -> tuple[_Horizon, ...]:
        if wanted is not None and (not isinstance(wanted, int) or wanted < 1):
            raise MovistreamError(f"a horizon is 1 frame or more, not {wanted!r}")
        frames = wanted
        if self._model.arithmetic == "float16":
            frames = min(wanted or MOST_FLOAT16_FRAMES, MOST_FLOAT16_FRAMES)
        if frames is None:
            return ()
        held = np.full((1, 1), frames - 1, np.float32)
        horizons = tuple(
            _Horizon(frames + state.delay_frames, state.inputs[0], held)
            for state in self._model.manifest.states
            if (state.role, state.shape, state.dtype) == ("clock", (1, 1), "float32")
        )
        if horizons or wanted is None:
            return horizons
        raise MovistreamError(
            f"{self._model.path} has no clock that a horizon could hold; convert the checkpoint"
            " with the state layout 'frames'"
        )

    def _advance(self, values: npt.NDArray[np.generic]) -> npt.NDArray[np.float32]:
        """One step: writes the image, runs, hands the new states over, returns the logits."""
        engine, model = self._engine, self._model
        with model._lock:
            self._require_open()
            engine.write(model._image, values)
            for horizon in self._horizons:
                if self._frames_seen >= horizon.frames:
                    engine.write(self._buffer(horizon.clock), horizon.held)
            # Until this step is through, whoever is interrupted leaves nothing that others use.
            outputs, model._outputs = model._outputs or model._create_outputs(), None
            for place, kept in self._kept.items():
                outputs[place] = self._buffers[kept]
            engine.run(self._buffers, outputs)
            logits = self._read_logits()
            begun = bisect_right(self._beginnings, self._frames_seen) - 1
            buffers = [*self._buffers, *outputs]
            buffers = [buffers[place] for place in self._successors[begun]]
            self._buffers = buffers[: len(engine.input_names)]
            model._outputs = buffers[len(engine.input_names) :]
        return logits

    def _read_logits(self) -> npt.NDArray[np.float32]:
        scores = self._model.manifest.logits
        stored = self._engine.read(self._model._logits)
        logits = stored.astype(np.float32, copy=False).reshape(-1)
        if scores.dtype != "float32":
            logits = (logits - scores.zero_point) * np.float32(scores.scale)
        if not np.isfinite(logits).all():
            raise EngineError(
                f"the model's answer to frame {self._frames_seen} is not a number: its weights are"
                " damaged, or too large for its arithmetic"
            )
        return logits
