"""``movistream convert``: from weights to a .tflite stream model."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from movistream.labels import check_labels, read_labels
from movistream.native_stderr import native_stderr_captured
from movistream_converters.clips import find_videos
from movistream_converters.formats import SOURCE_FORMATS
from movistream_converters.layouts import StateLayout
from movistream_converters.movinet import ARCHITECTURES, SqueezeExciteType
from movistream_converters.network import ActivationFunction
from movistream_converters.output import check_output
from movistream_converters.precision import Precision

if TYPE_CHECKING:
    from movistream_converters.progress import Progress as ProgressCallback

_STAGES = {
    "read": "reading",
    "calibrate": "calibrating",
    "choose": "choosing",
    "lower": "lowering",
    "verify": "verifying",
    "decode": "decoding",
    "judge": "judging",
}
_INVISIBLE = ("activation", "gating", "head_activation")
_TRUNK = ("hard_swish", "swish", "relu6", "relu")
_GATES = ("hard_sigmoid", "hard_sigmoid_keras", "sigmoid")

_Option = TypeVar("_Option", bound=Enum)


@click.command()
@click.argument("source", type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True, help="The .tflite to write."
)
@click.option(
    "--source-format",
    type=click.Choice(SOURCE_FORMATS),
    help="What SOURCE is. [default: as its content says]",
)
@click.option(
    "--arch",
    metavar="NAME",
    help=f"movinet-{{{','.join(ARCHITECTURES)}}}-stream. [default: as the weights' shapes say]",
)
@click.option("--se-type", type=click.Choice([kind.value for kind in SqueezeExciteType]))
@click.option("--activation", type=click.Choice(_TRUNK), help="Of all blocks.")
@click.option("--gating", type=click.Choice(_GATES), help="Of squeeze-excite.")
@click.option("--head-activation", type=click.Choice(_TRUNK), help="Of the classifier.")
@click.option("--num-classes", type=click.IntRange(min=1), help="Refuse other numbers of classes.")
@click.option("--image-size", type=click.IntRange(min=32, max=2048), help="Pixels per side.")
@click.option("--labels", type=click.Path(path_type=Path), help="Names of classes, one a line.")
@click.option(
    "--state-layout",
    type=click.Choice([layout.value for layout in StateLayout]),
    default=StateLayout.FRAMES.value,
    show_default=True,
    help="frames is fastest; model-garden fits programs for the published files.",
)
@click.option(
    "--precision",
    type=click.Choice([precision.value for precision in Precision]),
    default=Precision.FLOAT32.value,
    show_default=True,
    help="Of the weights; int8: of most activations and states too.",
)
@click.option(
    "--calibrate",
    type=click.Path(path_type=Path),
    metavar="FILE_OR_FOLDER",
    help="Videos that int8 takes its ranges from.",
)
@click.option(
    "--held-out",
    type=click.Path(path_type=Path),
    metavar="FILE_OR_FOLDER",
    help="Videos that the quality report judges the file on, besides those of the calibration.",
)
@click.option(
    "--fail-below",
    type=click.FloatRange(-1, 1),
    metavar="COSINE",
    help="Write nothing if the logits' mean cosine with float32 is lower.",
)
@click.option(
    "--horizon",
    type=click.FloatRange(min=0, max=1e6, min_open=True),
    metavar="SECONDS",
    help="Let streams follow about the last SECONDS, unless told otherwise. [default: never]",
)
@click.option(
    "--verify/--no-verify",
    default=True,
    show_default=True,
    help="Compare the file with the network, frame by frame.",
)
def convert(
    source: Path,
    output: Path,
    source_format: str | None,
    arch: str | None,
    se_type: str | None,
    activation: str | None,
    gating: str | None,
    head_activation: str | None,
    num_classes: int | None,
    image_size: int | None,
    labels: Path | None,
    state_layout: str,
    precision: str,
    calibrate: Path | None,
    held_out: Path | None,
    fail_below: float | None,
    horizon: float | None,
    verify: bool,
) -> None:
    """Convert SOURCE, a MoViNet stream model, to a .tflite file.

    SOURCE is a TensorFlow Model Garden checkpoint (its prefix, its .index file, or a folder with a
    'checkpoint' file) or the folder of a SavedModel. Options that are not given are taken from
    what it shows, and where it does not tell, from the released model of the architecture.
    """
    check_output(output)
    calibration_videos = () if calibrate is None else find_videos(calibrate)
    held_out_videos = () if held_out is None else find_videos(held_out)
    names = () if labels is None else read_labels(labels)
    overrides: dict[str, object] = {
        "se_type": _enum(SqueezeExciteType, se_type),
        "activation": _enum(ActivationFunction, activation),
        "gating": _enum(ActivationFunction, gating),
        "head_activation": _enum(ActivationFunction, head_activation),
        "num_classes": num_classes,
        "image_size": image_size,
    }
    with _progress() as progress:
        progress("read", 0, 1)
        _import_tensorflow()
        from movistream_converters.convert import convert as convert_checkpoint
        from movistream_converters.formats.registry import read_source
        from movistream_converters.report import print_report

        found = read_source(source, source_format, arch, overrides)
        if labels is not None:
            check_labels(names, found.options.num_classes, str(labels))
        progress("read", 1, 1)
        conversion = convert_checkpoint(
            found,
            output,
            source=source.name,
            labels=names,
            layout=StateLayout(state_layout),
            precision=Precision(precision),
            calibration_videos=calibration_videos,
            held_out_videos=held_out_videos,
            least_cosine=fail_below,
            horizon_s=horizon,
            verified=verify,
            progress=progress,
        )
    for finding in found.findings:
        value = finding.value.value if isinstance(finding.value, Enum) else finding.value
        click.echo(f"{finding.option.replace('_', ' '):20} {value!s:20} from {finding.source}")
    guessed = [f for f in found.findings if f.option in _INVISIBLE and f.guessed]
    if guessed:
        click.echo(
            "note: weights do not show activations; if the network was trained with others, name"
            " them with --activation, --gating and --head-activation",
            err=True,
        )
    provenance = conversion.manifest.provenance
    if provenance is not None and (check := provenance.verification) is not None:
        click.echo(
            f"verified on {check.frames} frames, reset and replayed: logits within"
            f" {check.max_logit_error:.1e} of the largest, states within"
            f" {check.max_state_error:.1e} ({check.worst_state})"
        )
    if conversion.report is not None:
        print_report(conversion.report)
    for path in conversion.report_paths:
        click.echo(f"wrote {path}")
    click.echo(f"wrote {conversion.path}, {conversion.size_bytes / 1e6:.2f} MB")


def _enum(kind: type[_Option], value: str | None) -> _Option | None:
    return None if value is None else kind(value)


def _import_tensorflow() -> None:
    """Imports it once, without its chatter."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
    with native_stderr_captured():
        import tensorflow as tf

        tf.get_logger().setLevel("ERROR")
        tf.constant(0.0)


def _print_stage(stage: str, done: int, _total: int) -> None:
    if done == 0:
        click.echo(f"{_STAGES[stage]} …", err=True)


@contextmanager
def _progress() -> Iterator[ProgressCallback]:
    """A bar on a terminal, one plain line a stage elsewhere; both on stderr."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield _print_stage
        return
    columns = (
        TextColumn("{task.description:10}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        tasks = {}

        def show(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                # A stage of one piece cannot say how far it is: its bar pulses.
                tasks[stage] = bars.add_task(_STAGES[stage], total=total if total > 1 else None)
            bars.update(tasks[stage], total=total if done or total > 1 else None, completed=done)

        yield show
