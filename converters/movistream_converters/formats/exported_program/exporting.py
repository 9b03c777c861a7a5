"""Exports a module of PyTorch, and reads the program: for those who have PyTorch at hand."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy.typing as npt

from movistream.errors import MissingExtraError
from movistream.system.leftovers import temporary_folder
from movistream.system.native_stderr import first_line
from movistream_converters.errors import ConversionError
from movistream_converters.formats.exported_program.call import Window
from movistream_converters.formats.exported_program.reader import read, time_axis
from movistream_converters.formats.source import Source, SourceProgram


def from_torch(
    module: Any,
    example_clip: Any,
    *,
    value_range: tuple[float, float] | None = None,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    window_frames: Window = None,
    delay: bool = False,
) -> Source:
    """The stream of a module of PyTorch, whose ``forward`` takes a clip and gives logits.

    The module is exported (:func:`torch.export.export`), so its Python code runs, here. What is
    read is the program: one of any number of frames if there is such a one, else one of as many as
    the clip has.

    Args:
        module: in ``eval`` mode.
        example_clip: a tensor (1, channels, frames, height, width) or in another order that a clip
            may have (docs/convert.md); uint8, or as the module sees it.
        value_range: what 0 and 255 of a picture become; may be left out where clips are uint8.
        mean: of each channel, subtracted after that.
        std: of each channel, divided by after that.
        window_frames: what a mean over the whole clip becomes: ``all`` frames so far, or the last
            so many.
        delay: whether answers may come later than their frames, by as many as the module sees to
            come; the network's ``delay_frames`` says how many those are.

    Returns:
        For :func:`movistream_converters.convert_source`, which compares the file with the module.

    Raises:
        ConversionError: if it cannot be exported, sees later frames, or does what the vocabulary
            lacks; it names the line.
        MissingExtraError: if PyTorch is not installed.
    """
    try:
        import torch
    except ImportError:
        raise MissingExtraError("exporting modules of PyTorch", "torch") from None
    overrides: dict[str, object] = {
        "value_range": value_range,
        "mean": mean,
        "std": std,
        "window_frames": window_frames,
        "delay": delay or None,
    }
    time = time_axis(tuple(getattr(example_clip, "shape", ())))
    any_frames = None if time is None else ({time: torch.export.Dim.AUTO},)
    with temporary_folder() as folder:
        path = Path(folder, f"{type(module).__name__}.pt2")
        source = None
        if any_frames is not None:
            # What goes wrong here goes wrong below too, or is only because of the open number.
            with contextlib.suppress(ConversionError):
                _export(torch, module, example_clip, path, any_frames)
                source = read(path, overrides=overrides)
        if source is None:
            _export(torch, module, example_clip, path)
            source = read(path, overrides=overrides)
    return replace(
        source,
        name=type(module).__name__,
        format="torch-export",
        program=_as_run(source.program, module, example_clip),
    )


def _export(torch: Any, module: Any, clip: Any, path: Path, shapes: Any = None) -> None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Of parts of PyTorch that are to change.
            program = torch.export.export(module, (clip,), dynamic_shapes=shapes)
            torch.export.save(program, path)
    except Exception as error:  # Whatever the module's own code raises.
        raise ConversionError(
            f"{type(module).__name__} cannot be exported by PyTorch: {first_line(str(error))}"
        ) from error


def _as_run(program: SourceProgram | None, module: Any, example_clip: Any) -> SourceProgram | None:
    """The module itself in the place of its program."""
    import torch

    if program is None:
        return None
    if example_clip.dtype not in (torch.float32, torch.uint8):
        return replace(program, path=None, not_run=f"it computes in {example_clip.dtype}")

    def live(clip: npt.NDArray[Any]) -> npt.NDArray[Any]:
        with torch.no_grad():
            answer = module(torch.from_numpy(clip).to(example_clip.device))
        array: npt.NDArray[Any] = answer.float().cpu().numpy()
        return array

    return replace(program, path=None, live=live)
