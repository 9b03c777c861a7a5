"""What the options that commands share ask for, as the library has it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import click

from movistream.sources.decoding import DecodeOptions, Quality
from movistream.sources.hardware import Hardware
from movistream.stream.ensemble import Streamable
from movistream.watch.events import EventOptions
from movistream.watch.model import Ensemble, Model, load
from movistream.watch.resets import ResetOptions
from movistream.watch.scores import ScoreOptions


@dataclass(frozen=True)
class ModelRequest:
    """The options of :data:`.options.model_options`, by their names."""

    labels: Path | None
    horizon: float | None
    threads: int | None
    engine: str
    arithmetic: str
    check_arithmetic: bool
    weight_cache: Path | None
    interleaved: bool


@dataclass(frozen=True)
class WatchRequest:
    """The options about sources, scores, events and memory that commands share."""

    fps: float | None
    every: int | None
    source_size: tuple[int, int] | None
    source_fps: float | None
    decode: Quality
    hardware: Hardware | None
    track: int
    temperature: float
    smoothing: float | None
    allow: tuple[str, ...]
    deny: tuple[str, ...]
    enter: float | None
    leave: float | None
    shortest: float | None
    reset_on_cut: bool
    reset_after_gap: float | None
    reset_every: float | None


def check_watch_request(request: WatchRequest) -> None:
    """Refuses options that do not go together.

    Raises:
        click.UsageError: if there are such.
    """
    if request.every is not None and request.fps is not None:
        raise click.UsageError("--every and --fps exclude each other")
    enter = 1.0 if request.enter is None else request.enter
    if request.leave is not None and request.leave > enter:
        raise click.UsageError("--leave must not be above --enter")


def score_options_of(request: WatchRequest) -> ScoreOptions:
    """How logits become scores."""
    return ScoreOptions(
        request.temperature, request.smoothing, frozenset(request.allow), frozenset(request.deny)
    )


def event_options_of(request: WatchRequest) -> EventOptions:
    """When something counts as seen."""
    return EventOptions(request.enter, request.leave, request.shortest)


def decode_options_of(request: WatchRequest) -> DecodeOptions:
    """How sources are decoded; by how many threads is left open."""
    return DecodeOptions(request.decode, hardware=request.hardware, track=request.track)


def reset_options_of(request: WatchRequest) -> ResetOptions:
    """When a stream forgets all."""
    return ResetOptions(request.reset_on_cut, request.reset_after_gap, request.reset_every)


def load_models(
    paths: Sequence[Path], request: ModelRequest, stack: ExitStack
) -> tuple[list[Model], Streamable]:
    """The models, closed with the stack, and what watches: the only one, or all of them together.

    Raises:
        MovistreamError: if one cannot be loaded, or they do not go together.
    """
    loaded = [
        stack.enter_context(
            load(
                path,
                threads=request.threads,
                engine=request.engine,
                labels=request.labels,
                weight_cache=request.weight_cache,
                arithmetic=request.arithmetic,
                check_arithmetic=request.check_arithmetic,
            )
        )
        for path in paths
    ]
    if len(loaded) == 1 and not request.interleaved:
        return loaded, loaded[0]
    return loaded, Ensemble(loaded, interleaved=request.interleaved)


def rate_notes(models: Sequence[Model], streamed: Streamable, request: WatchRequest) -> list[str]:
    """What there is to tell of frame rates that files do not say."""
    notes = [note for model in models if (note := _recognised_rate(model)) is not None]
    if streamed.frames_per_second is None and request.every is None and request.fps is None:
        notes.append(
            "the model does not say at what frame rate it was trained: every frame is taken;"
            " choose with --fps or --every"
        )
    return notes


def _recognised_rate(model: Model) -> str | None:
    recognised = model.manifest.network.get("recognised")
    if model.manifest.state_layout != "foreign" or recognised is None:
        return None
    return (
        f"{model.path.name} does not say its frame rate; its states are those of {recognised},"
        f" which is trained at {model.frames_per_second:g} frames per second (--fps takes another)"
    )
