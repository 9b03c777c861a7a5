"""Several networks as one: their logits averaged (arXiv 2103.11511, section 3.3)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Protocol

import numpy as np
import numpy.typing as npt

from movistream.errors import MovistreamError, SnapshotError
from movistream.file.manifest import Activation, EventDefaults
from movistream.stream.model import Model, Snapshot
from movistream.stream.moments import Moments
from movistream.stream.parts import Shown
from movistream.stream.preprocess import View
from movistream.stream.result import Result

_HELD = "held logits"


class StreamLike(Protocol):
    """What :class:`.model.Stream` and :class:`EnsembleStream` have in common; see there."""

    @property
    def frames_seen(self) -> int: ...

    def step(
        self,
        image: Shown,
        *,
        frame: int | None = None,
        time_s: float | None = None,
    ) -> Result: ...

    def reset(self) -> None: ...

    def set_horizon(self, horizon_frames: int | None) -> None: ...

    def snapshot(self) -> Snapshot: ...

    def restore(self, snapshot: Snapshot) -> None: ...

    def warm_up(self) -> None: ...

    def close(self) -> None: ...


class Streamable(Protocol):
    """What :class:`.model.Model` and :class:`Ensemble` have in common; see there."""

    fingerprint: str

    @property
    def name(self) -> str: ...

    @property
    def labels(self) -> tuple[str, ...]: ...

    @property
    def classes(self) -> int: ...

    @property
    def activation(self) -> Activation: ...

    @property
    def event_defaults(self) -> EventDefaults | None: ...

    @property
    def frames_per_second(self) -> float | None: ...

    @property
    def horizon_frames(self) -> int | None: ...

    @property
    def image_size(self) -> tuple[int, int]: ...

    @property
    def threads(self) -> int: ...

    @property
    def delay_frames(self) -> int: ...

    @property
    def warm_up_frames(self) -> int: ...

    def stream(
        self, *, horizon_frames: int | None = None, view: View | None = None
    ) -> StreamLike: ...


class Ensemble:
    """Models over the same classes that answer together: the mean of their logits.

    By default each sees every frame. Interleaved, they take turns: of N, each sees one frame in N,
    at its own rate, so that the frames may come N times as fast for the cost of one; answers are
    the mean of what each said last. With a single model, interleaved, two streams of it take turns.

    Attributes:
        models: in their order; not closed with the ensemble.
        fingerprint: of the models and how they are combined.
    """

    def __init__(self, models: Sequence[Model], *, interleaved: bool = False) -> None:
        """Combines models.

        Raises:
            MovistreamError: if they differ in their classes or frame rates, or are fewer than two
                and not interleaved.
        """
        if not models or (len(models) < 2 and not interleaved):
            raise MovistreamError("an ensemble has two models or more, or one that is interleaved")
        self.models = tuple(models)
        self.interleaved = interleaved
        first = models[0]
        for model in models[1:]:
            if model.classes != first.classes or (
                model.labels and first.labels and model.labels != first.labels
            ):
                raise MovistreamError(
                    f"{model.path} and {first.path} do not tell the same classes apart; an ensemble"
                    " needs the same labels in the same order"
                )
            if model.activation != first.activation:
                raise MovistreamError(
                    f"{model.path} makes scores by {model.activation} and {first.path} by"
                    f" {first.activation}; models of an ensemble need the same"
                )
            if model.frames_per_second != first.frames_per_second:
                raise MovistreamError(
                    f"{model.path} sees {model.frames_per_second or 'an unknown number of'} frames"
                    f" per second and {first.path} {first.frames_per_second or 'an unknown number'}"
                    "; models of an ensemble need the same frame rate"
                )
            if model.delay_frames != first.delay_frames:
                raise MovistreamError(
                    f"{model.path} answers {model.delay_frames} frames late and {first.path}"
                    f" {first.delay_frames}; models of an ensemble need the same delay"
                )
        parts = [model.fingerprint for model in models]
        text = f"{'interleaved' if interleaved else 'together'}:{':'.join(parts)}"
        self.fingerprint = hashlib.sha256(text.encode()).hexdigest()

    def __repr__(self) -> str:
        how = "interleaved" if self.interleaved else "together"
        return f"<Ensemble {self.name}, {how}>"

    @property
    def name(self) -> str:
        """The names of the models."""
        return " + ".join(model.name for model in self.models)

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of the classes, in the order of the logits; empty if no model has any."""
        return next((model.labels for model in self.models if model.labels), ())

    @property
    def classes(self) -> int:
        """The number of classes."""
        return self.models[0].classes

    @property
    def activation(self) -> Activation:
        """What makes scores of logits: ``softmax``, or ``sigmoid`` if several classes may be."""
        return self.models[0].activation

    @property
    def event_defaults(self) -> EventDefaults | None:
        """When something counts as seen: what the first model says that says anything."""
        return next((model.event_defaults for model in self.models if model.event_defaults), None)

    @property
    def frames_per_second(self) -> float | None:
        """The rate at which frames should come; None if the models do not say it."""
        rate = self.models[0].frames_per_second
        return None if rate is None else rate * self._period()

    @property
    def horizon_frames(self) -> int | None:
        """How many of the last frames answers are about; None if one is about all of them."""
        known = [model.horizon_frames for model in self.models]
        longest = None if None in known else max(filter(None, known))
        return None if longest is None else longest * self._period()

    @property
    def image_size(self) -> tuple[int, int]:
        """The most height and the most width in pixels that a network sees of a frame."""
        heights, widths = zip(*(model.image_size for model in self.models), strict=True)
        return max(heights), max(widths)

    @property
    def threads(self) -> int:
        """The most threads that the engine of a model uses."""
        return max(model.threads for model in self.models)

    @property
    def delay_frames(self) -> int:
        """How many frames an answer is late: it is about the frame that was so many before."""
        return self.models[0].delay_frames * self._period()

    @property
    def warm_up_frames(self) -> int:
        """How many answers at the start of a video mean nothing yet."""
        return max(model.warm_up_frames for model in self.models) * self._period()

    def stream(
        self, *, horizon_frames: int | None = None, view: View | None = None
    ) -> EnsembleStream:
        """A new stream, see :meth:`.model.Model.stream`; frames of the horizon are the ensemble's.

        Raises:
            MovistreamError: if a model is closed, or has no clock that can be held.
        """
        own_horizon = self._own_horizon(horizon_frames)
        with ExitStack() as stack:
            streams = [
                stack.enter_context(model.stream(horizon_frames=own_horizon, view=view))
                for model in self._turns()
            ]
            stack.pop_all()
        return EnsembleStream(self, streams)

    def _own_horizon(self, horizon_frames: int | None) -> int | None:
        """What of the ensemble's frames each stream sees."""
        if horizon_frames is None or not self.interleaved:
            return horizon_frames
        return max(1, round(horizon_frames / self._period()))

    def _period(self) -> int:
        """Frames from one that a stream sees to its next."""
        return len(self._turns()) if self.interleaved else 1

    def _turns(self) -> tuple[Model, ...]:
        return self.models * 2 if len(self.models) == 1 else self.models


class EnsembleStream:
    """One video's pass through an ensemble; steps as :class:`.model.Stream` does."""

    def __init__(self, ensemble: Ensemble, streams: Sequence[StreamLike]) -> None:
        """Use :meth:`Ensemble.stream`."""
        self._ensemble = ensemble
        self._streams = tuple(streams)
        self._frames_seen = 0
        self._moments = Moments(ensemble.delay_frames)
        self._held: list[npt.NDArray[np.float32] | None] = [None] * len(streams)

    def __repr__(self) -> str:
        return f"<EnsembleStream of {self._ensemble.name}, {self._frames_seen} frames seen>"

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
        """Runs one frame through the models whose turn it is, see :meth:`.model.Stream.step`.

        Times of the result are sums over the models.

        Raises:
            FrameError: if the image is no frame; nothing has changed then.
            EngineError: if an engine fails. Where several models see every frame, the ones before
                it have seen this frame; reset or restore the stream.
        """
        count = len(self._streams)
        turns = [self._frames_seen % count] if self._ensemble.interleaved else range(count)
        results = {turn: self._streams[turn].step(image) for turn in turns}
        for turn, result in results.items():
            self._held[turn] = result.logits
        logits = np.mean([held for held in self._held if held is not None], axis=0)
        frame = self._frames_seen if frame is None else frame
        rate = self._ensemble.frames_per_second
        if time_s is None and rate is not None:
            time_s = self._frames_seen / rate
        warming_up = self._frames_seen < self._ensemble.warm_up_frames
        self._frames_seen += 1
        frame, time_s = self._moments.answered((frame, time_s))
        return Result(
            frame=frame,
            time_s=time_s,
            warming_up=warming_up,
            logits=np.asarray(logits, np.float32),
            preprocess_ms=sum(result.preprocess_ms for result in results.values()),
            inference_ms=sum(result.inference_ms for result in results.values()),
            labels=self._ensemble.labels,
            activation=self._ensemble.activation,
        )

    def reset(self) -> None:
        """Forgets everything: the next frame is the first of a video."""
        for stream in self._streams:
            stream.reset()
        self._held = [None] * len(self._streams)
        self._frames_seen = 0
        self._moments.restore(())

    def set_horizon(self, horizon_frames: int | None) -> None:
        """See :meth:`.model.Stream.set_horizon`; the frames are the ensemble's."""
        for stream in self._streams:
            stream.set_horizon(self._ensemble._own_horizon(horizon_frames))

    def snapshot(self) -> Snapshot:
        """Copies the stream's memory."""
        tensors = {}
        for turn, (stream, held) in enumerate(zip(self._streams, self._held, strict=True)):
            part = stream.snapshot()
            tensors.update({f"{turn}/{name}": values for name, values in part.tensors.items()})
            tensors[f"{turn}/{_HELD}"] = np.empty(0, np.float32) if held is None else held
        waiting = self._moments.kept()
        return Snapshot(self._ensemble.fingerprint, self._frames_seen, tensors, waiting)

    def restore(self, snapshot: Snapshot) -> None:
        """Goes back to a snapshot of this or another stream of the same ensemble.

        Raises:
            SnapshotError: if it was taken from another ensemble or model, or is incomplete. The
                stream is unchanged.
        """
        if not isinstance(snapshot, Snapshot) or snapshot.model != self._ensemble.fingerprint:
            raise SnapshotError("the snapshot is of another model or ensemble than this")
        before = [stream.snapshot() for stream in self._streams]
        try:
            held = self._restore_parts(snapshot)
        except SnapshotError:
            for stream, part in zip(self._streams, before, strict=True):
                stream.restore(part)
            raise
        self._held = held
        self._frames_seen = snapshot.frames_seen
        self._moments.restore(snapshot.waiting)

    def _restore_parts(self, snapshot: Snapshot) -> list[npt.NDArray[np.float32] | None]:
        held: list[npt.NDArray[np.float32] | None] = []
        count = len(self._streams)
        for turn, stream in enumerate(self._streams):
            prefix = f"{turn}/"
            tensors = {
                name.removeprefix(prefix): values
                for name, values in snapshot.tensors.items()
                if name.startswith(prefix)
            }
            logits = tensors.pop(_HELD, None)
            if logits is None or logits.shape not in ((0,), (self._ensemble.classes,)):
                raise SnapshotError("the snapshot does not hold the ensemble's last answers")
            held.append(np.asarray(logits, np.float32) if logits.size else None)
            seen = snapshot.frames_seen
            if self._ensemble.interleaved:
                seen = (seen + count - 1 - turn) // count
            fingerprint = self._ensemble._turns()[turn].fingerprint
            stream.restore(Snapshot(fingerprint, seen, tensors))
        return held

    def warm_up(self) -> None:
        """Runs a blank frame and forgets it, so that the next step takes its usual time."""
        for stream in self._streams:
            stream.warm_up()

    def close(self) -> None:
        """Frees the states."""
        for stream in self._streams:
            stream.close()

    def __enter__(self) -> EnsembleStream:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
