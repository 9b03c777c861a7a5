"""Runs the program that a network was read from, in a child process: its answers to clips.

Programs are untrusted, and what runs them is native code of other projects, as in :mod:`.isolated`.
A module or a model that the calling program has at hand is run right here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from movistream.system.child import ChildError, RefusalError, call, refuse
from movistream.system.leftovers import temporary_folder
from movistream.system.native_stderr import first_line
from movistream.system.text import printable
from movistream_converters.errors import ConversionError, NotRunError
from movistream_converters.formats.source import SourceProgram
from movistream_converters.ir.layers import Image
from movistream_converters.tensorflow_import import quiet_tensorflow

TIME_LIMIT_S = 300
MEMORY_LIMIT_BYTES = 2**32
"""What PyTorch imports takes a tenth of it; the rest is for a clip's activations."""
_FRAMES, _ANSWERS = "frames.safetensors", "answers.safetensors"
_RUNNER, _NOT_RUN = "runner", "not_run"
_ENVIRONMENT = {"KERAS_BACKEND": "tensorflow"}

Frames = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Piece:
    """Some frames of a clip.

    Attributes:
        clip: which one.
        start: the first frame.
        stop: the frame behind the last.
    """

    clip: int
    start: int
    stop: int


def answers(
    program: SourceProgram, clips: Sequence[Frames], pieces: Sequence[Piece]
) -> tuple[str, list[npt.NDArray[np.float32]]]:
    """What a program answers to pieces of clips, each given at once.

    Args:
        clips: uint8 (frames, height, width, channels).

    Returns:
        What ran it, with its version, and of each piece (answers, classes).

    Raises:
        ConversionError: if the program is damaged, or fails.
        NotRunError: if it is not run, for another reason.
    """
    if program.not_run:
        raise NotRunError(program.not_run)
    if program.live is not None:
        return _version(program), [_lively(program, program.live, clips, each) for each in pieces]
    if program.path is None:
        raise NotRunError("its file is not at hand")
    described = msgspec.to_builtins(replace(program, path=None))
    with temporary_folder() as folder:
        save_file({str(i): np.ascontiguousarray(c) for i, c in enumerate(clips)}, folder / _FRAMES)
        told = [[piece.clip, piece.start, piece.stop] for piece in pieces]
        try:
            call(
                __name__,
                "answer",
                *(program.path, described, told, str(folder)),
                time_limit_s=TIME_LIMIT_S,
                memory_limit_bytes=MEMORY_LIMIT_BYTES,
                environment=_ENVIRONMENT,
            )
        except RefusalError as error:
            raise ConversionError(str(error)) from None
        except ChildError as error:
            raise NotRunError(f"{program.runner} {error}") from None
        with safe_open(folder / _ANSWERS, framework="numpy") as file:
            said = file.metadata()
            if _NOT_RUN in said:
                raise NotRunError(said[_NOT_RUN])
            return said[_RUNNER], [file.get_tensor(str(index)) for index in range(len(pieces))]


def _lively(
    program: SourceProgram,
    live: Callable[[npt.NDArray[Any]], npt.NDArray[Any]],
    clips: Sequence[Frames],
    piece: Piece,
) -> npt.NDArray[np.float32]:
    clip = given(program, clips[piece.clip][piece.start : piece.stop])
    try:
        return _rows(program, live(clip))
    except Exception as error:  # Whatever the module's own code raises.
        raise ConversionError(
            f"the source program fails on a clip of {list(clip.shape)}:"
            f" {printable(first_line(str(error)))}"
        ) from error


def answer(path: str, described: Any, told: list[list[int]], folder: str) -> int:
    """The child's side: leaves the answers in a folder, or why there are none."""
    quiet_tensorflow()
    program = msgspec.convert(described, SourceProgram)
    pieces = [Piece(*each) for each in told]
    clips = load_file(Path(folder, _FRAMES))
    found: dict[str, npt.NDArray[np.float32]] = {}
    try:
        said = {_RUNNER: _version(program)}
        raw = _module(program).run(Path(path), _given_pieces(program, clips, pieces))
        found = {str(index): _rows(program, each) for index, each in enumerate(raw)}
    except NotRunError as error:
        said = {_NOT_RUN: str(error)}
    except ConversionError as error:
        return refuse(error)
    save_file(found, Path(folder, _ANSWERS), said)
    return 0


def given(program: SourceProgram, frames: Frames) -> npt.NDArray[Any]:
    """What a program is given of frames, uint8 (frames, height, width, channels)."""
    values: npt.NDArray[Any] = frames
    if not program.whole_numbers:
        values = _seen(program.given, frames)
    axes = program.axes.replace("N", "")
    ordered = values.transpose(["THWC".index(axis) for axis in axes])
    return np.ascontiguousarray(ordered[None] if program.axes.startswith("N") else ordered)


def _seen(image: Image, frames: Frames) -> npt.NDArray[np.float32]:
    """As a runtime makes them, but straight from the definition."""
    low, high = image.value_range
    values = low + (high - low) * (frames / 255.0)
    values -= np.asarray(image.mean or 0.0)
    values /= np.asarray(image.std or 1.0)
    return values.astype(np.float32)


def _given_pieces(
    program: SourceProgram, clips: dict[str, Frames], pieces: Sequence[Piece]
) -> Iterator[npt.NDArray[Any]]:
    for piece in pieces:
        yield given(program, clips[str(piece.clip)][piece.start : piece.stop])


def _rows(program: SourceProgram, answer: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """(answers, classes) of what a program gives."""
    values = np.asarray(answer, np.float32)
    axis = program.answers_axis
    if axis is None:
        return values.reshape(1, -1)
    return np.ascontiguousarray(np.moveaxis(values, axis, 0).reshape(values.shape[axis], -1))


def _version(program: SourceProgram) -> str:
    text: str = _module(program).runner()
    return text


def _module(program: SourceProgram) -> Any:
    # Each knows a framework that is imported when it is used.
    if program.runner == "PyTorch":
        from movistream_converters.formats.exported_program import running

        return running
    from movistream_converters.formats.keras_model import running as of_keras

    return of_keras
