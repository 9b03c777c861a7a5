"""Exports a module of PyTorch, and reads the program: for those who have PyTorch at hand."""

from __future__ import annotations

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
from movistream_converters.formats.exported_program.reader import read
from movistream_converters.formats.source import Source, SourceProgram


def from_torch(
    module: Any,
    example_clip: Any,
    *,
    value_range: tuple[float, float] | None = None,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    window_frames: Window = None,
) -> Source:
    """The stream of a module of PyTorch, whose ``forward`` takes a clip and gives logits.

    The module is exported (:func:`torch.export.export`), so its Python code runs, here and once.
    What is read is the program.

    Args:
        module: in ``eval`` mode.
        example_clip: a tensor (1, channels, frames, height, width) or in another order that a clip
            may have (docs/convert.md); uint8, or as the module sees it.
        value_range: what 0 and 255 of a picture become; may be left out where clips are uint8.
        mean: of each channel, subtracted after that.
        std: of each channel, divided by after that.
        window_frames: what a mean over the whole clip becomes: ``all`` frames so far, or the last
            so many.

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
    with temporary_folder() as folder:
        path = Path(folder, f"{type(module).__name__}.pt2")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # Of parts of PyTorch that are to change.
                program = torch.export.export(module, (example_clip,))
                torch.export.save(program, path)
        except Exception as error:  # Whatever the module's own code raises.
            raise ConversionError(
                f"{type(module).__name__} cannot be exported by PyTorch: {first_line(str(error))}"
            ) from error
        overrides: dict[str, object] = {
            "value_range": value_range,
            "mean": mean,
            "std": std,
            "window_frames": window_frames,
        }
        source = read(path, overrides=overrides)
    return replace(
        source,
        name=type(module).__name__,
        format="torch-export",
        program=_as_run(source.program, module, example_clip),
    )


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
