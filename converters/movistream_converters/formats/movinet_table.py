"""The block table of a MoViNet: out of the shapes of its weights, or out of a TOML file.

A file says what weights do not show::

    stem_filters = 12
    head_filters = 308
    hidden_filters = 500
    image_size = 128             # the rest may be left out
    frames_per_second = 5
    stream_se_type = "none"      # "2plus3d"
    stream_activation = "relu6"  # "hard_swish"

    [[stages]]
    filters = 12
    stride = 2
    layers = [{kernel_frames = 1, kernel_size = 5, expand_filters = 28}]
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path

import msgspec

from movistream_converters.errors import ConversionError
from movistream_converters.networks.movinet import ARCHITECTURES, Architecture, LayerSpec, Stage

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_MOST_BYTES = 1 << 20


def layers_of_shapes(shapes: Mapping[str, tuple[int, ...]]) -> tuple[LayerSpec, ...]:
    """The blocks that kernels are of, in order.

    Args:
        shapes: by normalised path, see :mod:`.formats.model_garden.names`.
    """
    layers: list[LayerSpec] = []
    while (kernel := shapes.get(f"{len(layers) + 1}/_feature/_conv/kernel")) is not None:
        if len(kernel) not in (4, 5) or 0 in kernel:
            break
        temporal = shapes.get(f"{len(layers) + 1}/_feature/_conv_temporal/kernel")
        frames = temporal[0] if temporal else kernel[0] if len(kernel) == 5 else 1
        layers.append(LayerSpec(frames, kernel[-3], max(kernel[-2:])))
    return tuple(layers)


def table_of_shapes(shapes: Mapping[str, tuple[int, ...]]) -> Architecture | None:
    """The table of a network; None where weights are missing that would show it.

    Shapes do not show strides: a block whose shortcut has a convolution is taken to halve the frame
    and to begin a stage, as in the published networks, unless the table is one of theirs.
    """
    layers = layers_of_shapes(shapes)
    filters = [_outputs(shapes, f"{n}/_projection/_conv") for n in range(1, len(layers) + 1)]
    around = [
        _outputs(shapes, path)
        for path in ("0/_stem/_conv", f"{len(layers) + 1}/_project/_conv", "_head/_conv")
    ]
    if not layers or 0 in (*filters, *around):
        return None
    stages: list[Stage] = []
    for index, (layer, width) in enumerate(zip(layers, filters, strict=True)):
        shortcut = f"{index + 1}/_skip/_projection/_conv/kernel" in shapes
        if not stages or shortcut or stages[-1].filters != width:
            stages.append(Stage(width, 2 if shortcut else 1, ()))
        stages[-1] = replace(stages[-1], layers=(*stages[-1].layers, layer))
    table = Architecture(around[0], tuple(stages), around[1], around[2])
    return next((known for known in ARCHITECTURES.values() if _alike(known, table)), table)


def with_strides(table: Architecture, strides: Sequence[int]) -> Architecture:
    """The table with the stride that each block is known to have.

    Args:
        strides: by block; those inside a stage are 1.
    """
    stages, first = [], 0
    for stage in table.stages:
        stages.append(replace(stage, stride=strides[first]))
        first += len(stage.layers)
    return replace(table, stages=tuple(stages))


def is_table(name: str) -> bool:
    """Whether a file of this name is taken for a table of blocks."""
    return name.endswith((".toml", ".txt"))


def table_text(table: Architecture) -> str:
    """A file that :func:`read_table` reads as the same table; what has its default is left out."""
    lines = [
        f"{field.name} = {_toml(getattr(table, field.name))}"
        for field in fields(table)
        if field.name != "stages" and getattr(table, field.name) != field.default
    ]
    for stage in table.stages:
        lines += ["", "[[stages]]", f"filters = {stage.filters}", f"stride = {stage.stride}"]
        lines += ["layers = [", *(f"    {{{_layer_text(layer)}}}," for layer in stage.layers), "]"]
    return "\n".join(lines) + "\n"


def _layer_text(layer: LayerSpec) -> str:
    return ", ".join(
        f"{field.name} = {_toml(getattr(layer, field.name))}"
        for field in fields(layer)
        if getattr(layer, field.name) != field.default
    )


def _toml(value: bool | int | str) -> str:
    """As JSON, of which TOML's numbers, truths and simple texts are."""
    return json.dumps(value)


def read_table(path: Path) -> Architecture:
    """Reads a TOML file.

    Raises:
        ConversionError: if it cannot be read, or is no table.
    """
    try:
        data = path.read_bytes()
        if len(data) > _MOST_BYTES:
            raise ConversionError(f"{path} is larger than any block table")
        table = msgspec.convert(tomllib.loads(data.decode()), Architecture)
    except OSError as error:
        raise ConversionError(f"cannot read {path}: {error.strerror}") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConversionError(f"{path} is no TOML: {error}") from None
    except msgspec.ValidationError as error:
        raise ConversionError(f"{path} is no block table: {error}") from None
    if not table.stages or not all(stage.layers for stage in table.stages):
        raise ConversionError(f"{path} is no block table: it has no stages, or one without layers")
    return table


def _outputs(shapes: Mapping[str, tuple[int, ...]], path: str) -> int:
    """Channels that a convolution gives; 0 if it is not there."""
    kernel = shapes.get(f"{path}/kernel", ())
    return kernel[-1] if len(kernel) >= 2 else 0


def _alike(known: Architecture, table: Architecture) -> bool:
    """Whether two tables have weights of the same shapes."""
    return _widths(known) == _widths(table)


def _widths(table: Architecture) -> tuple[object, ...]:
    blocks = tuple((stage.filters, layer) for stage in table.stages for layer in stage.layers)
    return table.stem_filters, blocks, table.head_filters, table.hidden_filters
