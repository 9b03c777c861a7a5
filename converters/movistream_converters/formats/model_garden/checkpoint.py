"""TensorFlow Model Garden checkpoints of MoViNets (``tf.train.Checkpoint``), without its code."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import tensorflow as tf

from movistream_converters.errors import ConversionError
from movistream_converters.formats.model_garden.arrays import read_network, shapes_of
from movistream_converters.formats.model_garden.variables import (
    READ_ERRORS,
    movinet_arrays,
    open_variables,
)
from movistream_converters.formats.recognition import evidence_of_shapes
from movistream_converters.formats.source import Source
from movistream_converters.formats.tensorflow_paths import checkpoint_path_prefix


def read(
    path: Path, architecture: str | None = None, overrides: Mapping[str, object] | None = None
) -> Source:
    """Reads a checkpoint and recognises its network.

    Args:
        path: a prefix, a ``.index`` file, or a folder with a ``checkpoint`` file.
        architecture: such as ``movinet-a0-stream``; by default recognised from the shapes.
        overrides: fields of :class:`.MovinetOptions` that the user has set.

    Raises:
        ConversionError: if there is no checkpoint, it is damaged, it is not a MoViNet stream
            model, or it does not fit the architecture or the overrides.
    """
    arrays, unused = movinet_arrays(path, open_variables(path, checkpoint_prefix(path)))
    evidence = evidence_of_shapes(shapes_of(arrays))
    return read_network(path, arrays, unused, evidence, architecture, overrides)


def checkpoint_prefix(path: Path) -> str:
    """The prefix that TensorFlow wants, from any of the ways to name a checkpoint.

    Raises:
        ConversionError: if there is no checkpoint.
    """
    if path.is_dir():
        try:
            latest: str | None = tf.train.latest_checkpoint(str(path))
        except READ_ERRORS:
            latest = None
        if latest is None:
            raise ConversionError(
                f"{path} is a folder without a usable 'checkpoint' file; name the checkpoint by its"
                " prefix, for example FOLDER/ckpt-1"
            )
        return latest
    if path.name == "checkpoint" and path.is_file():
        return checkpoint_prefix(path.parent)
    prefix = checkpoint_path_prefix(path)
    index = Path(f"{prefix}.index")
    if not index.is_file():
        raise ConversionError(
            f"no checkpoint at {path}: expected {index} beside its data files, or a folder with a"
            " 'checkpoint' file"
        )
    if index.stat().st_size == 0:
        raise ConversionError(
            f"{index} is empty: the checkpoint is damaged or was not copied whole"
        )
    return prefix
