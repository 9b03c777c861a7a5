"""``movistream convert``: from weights to a .tflite stream model."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import click
from msgspec import UNSET
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from movistream.cli.help import Command, option
from movistream.cli.options import check_new_output, force_option
from movistream.errors import OutputError
from movistream.file.inspection import program_text, verification_text
from movistream.file.labels import check_labels, read_labels
from movistream.file.manifest import Activation
from movistream.file.names import MODEL_SUFFIX
from movistream_converters.cli.source_options import print_findings, print_guesses, source_options
from movistream_converters.ir.network import classes_of
from movistream_converters.quantise.videos import videos_at
from movistream_converters.tensorflow_import import import_tensorflow
from movistream_converters.tflite.layouts import StateLayout
from movistream_converters.tflite.precision import Precision

if TYPE_CHECKING:
    from movistream_converters.formats.source import Source
    from movistream_converters.progress import Progress as ProgressCallback

_STAGES = {
    "read": "reading",
    "calibrate": "calibrating",
    "choose": "choosing",
    "lower": "lowering",
    "verify": "comparing",
    "program": "running the source program",
    "decode": "decoding",
    "judge": "judging",
}


@click.command(cls=Command)
@source_options
@option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    group="Output",
    help="The .tflite to write.",
)
@force_option
@option(
    "--labels",
    group="Output",
    type=click.Path(path_type=Path),
    help="Names of the classes: a file with one a line, or kinetics600 or jester.",
)
@option(
    "--activation-of-scores",
    group="Output",
    type=click.Choice(get_args(Activation)),
    help="What makes scores of logits: sigmoid where several classes may be at once. [default: as"
    " SOURCE says, else softmax]",
)
@option(
    "--state-layout",
    group="Output",
    type=click.Choice([layout.value for layout in StateLayout]),
    default=StateLayout.FRAMES.value,
    show_default=True,
    help="frames is fastest; model-garden fits programs for the published files.",
)
@option(
    "--precision",
    group="Precision",
    type=click.Choice([precision.value for precision in Precision]),
    default=Precision.FLOAT32.value,
    show_default=True,
    help="Precision of the weights; in int8, of most activations and states too.",
)
@option(
    "--calibrate",
    group="Precision",
    type=click.Path(path_type=Path),
    metavar="FILE_OR_FOLDER",
    help="Videos that int8 takes its ranges from.",
)
@option(
    "--held-out",
    group="Precision",
    type=click.Path(path_type=Path),
    metavar="FILE_OR_FOLDER",
    help="Videos that the quality report judges the file on, besides those of the calibration.",
)
@option(
    "--stage-noise",
    group="Precision",
    type=click.FloatRange(0, 1),
    metavar="COSINE",
    help="A stage that takes more from the logits' mean cosine when it is int8 stays float; with 1,"
    " none does. [default: 0.0015]",
)
@option(
    "--fail-below",
    group="Precision",
    type=click.FloatRange(-1, 1),
    metavar="COSINE",
    help="Write nothing if the logits' mean cosine with float32 is lower.",
)
@option(
    "--horizon",
    group="Output",
    type=click.FloatRange(min=0, max=1e6, min_open=True),
    metavar="SECONDS",
    help="Let streams follow about the last SECONDS, unless told otherwise. [default: never]",
)
@option(
    "--verify/--no-verify",
    group="Precision",
    default=True,
    show_default=True,
    help="Compare the file with the network, and that with the program that it was read from where"
    " PyTorch or Keras can run it.",
)
def convert(
    read: Callable[..., Source],
    output: Path,
    force: bool,
    labels: Path | None,
    activation_of_scores: Activation | None,
    state_layout: str,
    precision: str,
    calibrate: Path | None,
    held_out: Path | None,
    stage_noise: float | None,
    fail_below: float | None,
    horizon: float | None,
    verify: bool,
) -> None:
    """Convert SOURCE, a MoViNet stream model or another network, to a .tflite file.

    SOURCE is a TensorFlow Model Garden checkpoint (its prefix, its .index file, or a folder with a
    'checkpoint' file), the folder of a SavedModel, a file of Keras, a state dict of
    MoViNet-pytorch, a checkpoint of PyTorchVideo's X3D or of TSM, a program of torch.export (.pt2),
    a .tflite file, or a file of 'movistream weights'. Options that are not given are taken from
    what it shows, and where it does not tell, from the released model of the architecture.
    """
    check_new_output(output, force=force)
    if output.suffix != MODEL_SUFFIX:
        raise OutputError(f"cannot write {output}: the name of a model must end in {MODEL_SUFFIX}")
    calibration_videos = () if calibrate is None else videos_at(calibrate)
    held_out_videos = () if held_out is None else videos_at(held_out)
    names = () if labels is None else read_labels(labels)
    with _progress() as progress:
        progress("read", 0, 1)
        found = read(import_tensorflow)
        from movistream_converters.conversion import convert_source
        from movistream_converters.quantise.report import print_report

        if labels is not None:
            check_labels(names, classes_of(found.network), str(labels))
        if activation_of_scores is not None:
            found = replace(found, activation=activation_of_scores)
        progress("read", 1, 1)
        conversion = convert_source(
            found,
            output,
            labels=names,
            layout=StateLayout(state_layout),
            precision=Precision(precision),
            calibration_videos=calibration_videos,
            held_out_videos=held_out_videos,
            stage_noise_limit=stage_noise,
            least_cosine=fail_below,
            horizon_s=horizon,
            verified=verify,
            progress=progress,
        )
    print_findings(found)
    provenance = conversion.manifest.provenance
    if provenance is not None and (check := provenance.verification) is not None:
        click.echo(verification_text(check, conversion.manifest.quantization))
        if check.source_program is not UNSET:
            click.echo(program_text(check.source_program), err=bool(check.source_program.not_run))
    if conversion.report is not None:
        print_report(conversion.report)
    for text in conversion.skipped_videos:
        click.echo(f"skipped: {text}", err=True)
    for path in conversion.report_paths:
        click.echo(f"wrote {path}")
    click.echo(f"wrote {conversion.path}, {conversion.size_bytes / 1e6:.2f} MB")
    print_guesses(found)


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
