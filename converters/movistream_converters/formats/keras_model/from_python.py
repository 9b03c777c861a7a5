"""The same from a program that has the model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from movistream.system.leftovers import temporary_folder
from movistream.system.text import printable
from movistream_converters.errors import ConversionError
from movistream_converters.formats.keras_model.reader import read
from movistream_converters.formats.keras_model.running import answer
from movistream_converters.formats.source import Source, SourceProgram


def from_keras(
    model: Any,
    *,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    value_range: tuple[float, float] | None = None,
    image_size: int | None = None,
    frames_per_second: float | None = None,
    delay: bool = False,
) -> Source:
    """The network and the weights of a model of Keras 3 that sees clips causally.

    Its layers, and those of one's own, mean what :func:`.translating.register` and the table of
    known layers say. :func:`.conversion.convert_source` writes a file of the source, and compares
    it with the model.

    Args:
        model: a functional or sequential one of (batch, time, height, width, channels), or the path
            of the ``.keras`` file of one.
        mean: of each channel, subtracted behind the range before the model is given an image.
        std: of each channel, divided by behind that.
        value_range: what 0 and 255 become before that. A model that scales images itself by its
            first layers, from 0 to 255, needs none of the three.
        image_size: (height and width) in pixels, where the model takes any.
        frames_per_second: that it was trained to see.
        delay: whether answers may come later than their frames, by as many as the model sees to
            come by padding ``same``; the network's ``delay_frames`` says how many those are.

    Raises:
        ConversionError: if a layer cannot be streamed, or nothing says what an image is.
    """
    told = {
        "mean": mean if mean is None else tuple(mean),
        "std": std if std is None else tuple(std),
        "value_range": value_range if value_range is None else tuple(value_range),
        "image_size": image_size,
        "frames_per_second": frames_per_second,
        "delay": delay or None,
    }
    if isinstance(model, str | Path):
        return replace(read(Path(model), None, told), name=Path(model).name, format="keras")
    if not hasattr(model, "save"):
        raise ConversionError(f"a {type(model).__name__} is no model of Keras'")
    with temporary_folder() as folder:
        path = folder / "model.keras"
        model.save(path)
        source = read(path, None, told)
    program = _as_run(source.program, model)
    return replace(source, name=str(model.name), format="keras", program=program)


def _as_run(program: SourceProgram | None, model: Any) -> SourceProgram | None:
    """The model itself in the place of its file."""
    if program is None:
        return None
    for layer in model._flatten_layers():
        if layer.compute_dtype != "float32":
            reason = f"its layer {layer.name} computes in {layer.compute_dtype}"
            return replace(program, path=None, not_run=printable(reason))
    return replace(program, path=None, live=lambda clip: answer(model, clip))
