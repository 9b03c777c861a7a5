"""Judges models on videos of known classes, streamed frame by frame as they will be used."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import movistream
from movistream.sources.decoding import Quality
from movistream_converters.conversion import convert_source
from movistream_converters.formats import safetensors_file
from movistream_converters.quantise.videos import Part
from movistream_converters.tflite.precision import Precision
from movistream_training.answers import Answer, stream_examples
from movistream_training.errors import TrainingError
from movistream_training.examples import DataSet, Example, find_examples, of_split, overlap
from movistream_training.recordings.evaluation import recorded_calibration
from movistream_training.run_folder import RunFolder
from movistream_training.videos import parts_of


@dataclass(frozen=True)
class Judged:
    """What one file said.

    Attributes:
        name: of the file.
        size_bytes: of the file.
        labels: of its classes.
        quality: how the examples were decoded.
        answers: to each example, in their order.
    """

    name: str
    size_bytes: int
    labels: tuple[str, ...]
    quality: Quality
    answers: tuple[Answer, ...]


def judge(
    path: Path,
    examples: Sequence[Example],
    shuffle_seed: int | None,
    on_example: Callable[[], None],
    quality: Quality = "exact",
) -> Judged:
    """Streams examples, decoded in some quality, through a .tflite file.

    Raises:
        TrainingError: if the file does not name its classes, or does not know one of the examples'.
        MovistreamError: if the file or a video cannot be read.
    """
    with movistream.load(path) as model:
        labels = model.manifest.labels
        if not labels:
            raise TrainingError(
                f"{path} does not name its classes: convert it again with --labels, so that answers"
                " can be compared with the names of the data"
            )
        wanted = {example.label for example in examples}
        if unknown := sorted(wanted - set(labels)):
            raise TrainingError(
                f"{path} has no class {unknown[0]!r}; its classes are {', '.join(labels[:20])}"
                + (" …" if len(labels) > 20 else "")
            )
        answers = stream_examples(
            model,
            examples,
            labels,
            shuffle_seed=shuffle_seed,
            quality=quality,
            on_example=on_example,
        )
    return Judged(path.name, path.stat().st_size, labels, quality, tuple(answers))


def converted_files(run: RunFolder, on_file: Callable[[Path], None]) -> tuple[Path, ...]:
    """The best weights of a run as a .tflite file in every precision, made where they are missing
    or older than the weights. int8 is calibrated on the examples that were trained on.

    Raises:
        MovistreamError: if the run cannot be converted.
    """
    paths = []
    for precision in Precision:
        path = run.path / f"{precision.value}.tflite"
        int8 = precision is Precision.INT8
        weights = run.int8_weights if int8 and run.int8_weights.exists() else run.weights
        if not path.exists() or path.stat().st_mtime < weights.stat().st_mtime:
            on_file(path)
            convert_source(
                safetensors_file.read(weights),
                path,
                precision=precision,
                calibration_videos=_calibration(run) if int8 else (),
            )
        paths.append(path)
    return tuple(paths)


def is_of_several(path: Path) -> bool:
    """Whether several classes may be right at once, by a .tflite file or the weights of a run.

    Raises:
        MovistreamError: if it cannot be read.
    """
    if path.suffix == ".safetensors":
        return safetensors_file.read(path).activation == "sigmoid"
    with movistream.load(path) as model:
        return model.activation == "sigmoid"


def _calibration(run: RunFolder) -> tuple[Part, ...]:
    """Of what was trained on."""
    if is_of_several(run.weights):
        return recorded_calibration(run.split)
    return parts_of(of_split(find_examples(run.split).examples, "training"))


def unseen_examples(run: RunFolder, data: DataSet | None) -> tuple[DataSet, int]:
    """Examples that a run was not trained on, and how many of the data were left out for that.

    Args:
        data: None for what the run was validated on.

    Raises:
        TrainingError: if nothing is left.
    """
    own = find_examples(run.split)
    if data is None:
        return replace(own, examples=of_split(own.examples, "validation")), 0
    trained = of_split(own.examples, "training")
    kept = tuple(e for e in data.examples if not any(overlap(e, t) for t in trained))
    if not kept:
        raise TrainingError(
            f"{run.path} was trained on all of these data: there is nothing to judge on"
        )
    return DataSet(data.labels, kept), len(data.examples) - len(kept)
