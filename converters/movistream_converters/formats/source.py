"""What readers of all formats return: a network, its weights, and what is known of both."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy.typing as npt

from movistream.file.manifest import Activation, EventDefaults
from movistream_converters.ir.layers import Image
from movistream_converters.ir.network import Network
from movistream_converters.ir.weights import Weights
from movistream_converters.networks.movinet import Architecture


def option_text(value: object) -> str:
    """An option's value as the command line has it; a block table in a few words."""
    if isinstance(value, Architecture):
        blocks = sum(len(stage.layers) for stage in value.stages)
        return f"{blocks} blocks in {len(value.stages)} stages"
    return f"{value:g}" if isinstance(value, float) else str(getattr(value, "value", value))


@dataclass(frozen=True)
class Finding:
    """Something about a network, and what it was decided by.

    Attributes:
        source: ``the checkpoint``, ``the SavedModel``, ``the command``, ``the default of NAME``….
        guessed: nothing in the file or the command tells.
    """

    option: str
    value: object
    source: str
    guessed: bool = False


@dataclass(frozen=True)
class SourceProgram:
    """The program that a network was read from, and what it is given: enough to run it again.

    Attributes:
        runner: what runs it.
        least_frames: of a clip.
        most_frames: of a clip; None for any number.
        axes: of a clip, a letter each, N for the batch.
        given: what it is given of a picture, before its own scaling, if it has one.
        whole_numbers: whether it is given pixels as uint8.
        answers_axis: of its frames in what it gives; None where it gives the last frame's answer
            alone; negative numbers count from behind.
        scores: what it makes of its logits at the end, if anything.
        path: of its file; None where that is gone.
        live: the module or the model itself, where a program that has it at hand called us: takes
            a clip as an array of numpy, and gives one.
        not_run: why it cannot be run; empty if nothing is known to stand against it.
    """

    runner: Literal["PyTorch", "Keras"]
    least_frames: int
    most_frames: int | None
    axes: str
    given: Image
    whole_numbers: bool = False
    answers_axis: int | None = None
    scores: Activation | None = None
    path: str | None = None
    live: Callable[[npt.NDArray[Any]], npt.NDArray[Any]] | None = field(
        default=None, compare=False, repr=False
    )
    not_run: str = ""


@dataclass(frozen=True)
class Source:
    """A network with its weights. Classes, image size and horizon follow from the network.

    Attributes:
        network: as it was trained: not folded.
        weights: of all its layers (:func:`.ir.network.weight_shapes`).
        name: of the file, or of the one that a weights file was made from.
        format: the reader of that one, a key of :data:`.registry.FORMATS`.
        labels: one per class, if the file names them.
        frames_per_second: the rate at which the network was trained to see frames; None if unknown.
        activation: what makes scores of its logits: ``sigmoid`` where several classes may be at
            once.
        events: when something counts as seen, as it was chosen on validation videos; None if nobody
            chose that.
        findings: what its reader found, each with what it was decided by.
        unused: what the file holds besides.
        program: what it was read from, if that can be run; for comparison.
    """

    network: Network
    weights: Weights
    name: str = ""
    format: str = ""
    labels: tuple[str, ...] = ()
    frames_per_second: float | None = None
    activation: Activation = "softmax"
    events: EventDefaults | None = None
    findings: tuple[Finding, ...] = ()
    unused: tuple[str, ...] = ()
    program: SourceProgram | None = None
