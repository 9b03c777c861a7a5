"""``movistream train``: a network learns the classes of a folder of videos."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from movistream.cli.help import Command, option
from movistream.file.manifest import MOST_FRAMES_PER_SECOND
from movistream_converters.ir.adapting import with_image_size
from movistream_converters.ir.network import NetworkError
from movistream_converters.networks.movinet import ARCHITECTURES
from movistream_converters.tensorflow_import import import_tensorflow
from movistream_training.augmentation import flips_are_safe
from movistream_training.bars import bars, print_line
from movistream_training.errors import TrainingError
from movistream_training.examples import DataSet, find_examples
from movistream_training.recordings.table import find_recordings, has_overlaps

if TYPE_CHECKING:
    from movistream_converters.formats.source import Source
    from movistream_training.history import Epoch
    from movistream_training.recipe import LossKind
    from movistream_training.run_folder import Settings
    from movistream_training.task import Task, TaskMaker
    from movistream_training.train import Callbacks, Training

_LEARNING_RATE = 3e-3
_FINE_TUNING_RATE = 5e-4
_SECONDS_PER_LINE = 30
"""Of what is printed where nobody sees a bar."""

_MENTIONED = 0.1
"""A share of an epoch that the network waits for its clips, which people should know of."""

_MOST_FRAMES = 50
"""Of a clip, where the network's own training says nothing."""


@click.command(cls=Command)
@click.argument("data", type=click.Path(path_type=Path))
@option(
    "-o",
    "--output",
    group="Output",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FOLDER",
    help="Folder of the run; an interrupted one is gone on with.",
)
@option(
    "--from",
    "start",
    group="Network",
    type=click.Path(path_type=Path),
    metavar="SOURCE",
    help="Weights to start from: anything that 'movistream convert' reads. [default: untrained]",
)
@option(
    "--arch",
    group="Network",
    metavar="NAME_OR_FILE",
    help=f"What an untrained network is: {', '.join(ARCHITECTURES)}, a table of blocks in"
    " FILE.toml or FILE.txt, or any network in FILE.json. [default: a0]",
)
@option(
    "--epochs",
    group="Training",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    help="Passes over the clips.",
)
@option(
    "--int8-epochs",
    group="Training",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="More epochs, with numbers rounded as the int8 file rounds them.",
)
@option(
    "--frozen-epochs",
    group="Training",
    type=click.IntRange(min=0),
    help="First epochs, in which only the classifier learns. [default: 3 with --from, else 0]",
)
@option(
    "--learning-rate",
    group="Training",
    type=click.FloatRange(min=0, min_open=True),
    help=f"The highest learning rate. [default: {_FINE_TUNING_RATE:g} with --from, else"
    f" {_LEARNING_RATE:g}]",
)
@option(
    "--batch",
    "clips",
    group="Training",
    type=click.IntRange(min=1),
    default=4,
    show_default=True,
    help="Clips in a step.",
)
@option(
    "--clip-frames",
    group="Clips",
    old=("--frames",),
    type=click.IntRange(min=1),
    help="Frames of a clip. [default: as the videos have, at most as the architecture was made"
    " for]",
)
@option(
    "--sub-clip",
    group="Training",
    type=click.IntRange(min=1),
    metavar="FRAMES",
    help="Train clips in pieces of so many frames, carrying the states on: takes less memory.",
)
@option(
    "--patience",
    group="Training",
    type=click.IntRange(min=1),
    metavar="EPOCHS",
    help="Stop after so many epochs that bring nothing. [default: never]",
)
@option(
    "--validation",
    group="Clips",
    type=click.FloatRange(0, 0.9, min_open=True),
    default=0.25,
    show_default=True,
    help="Share of the videos to judge on, where DATA does not say.",
)
@option(
    "--flip/--no-flip",
    group="Clips",
    default=None,
    help="Mirror clips at random. [default: unless a class tells left from right]",
)
@option(
    "--multi-label",
    is_flag=True,
    group="Clips",
    help="Several classes may be at once: rows of a table may overlap, and where there is none"
    " nothing happens.",
)
@option(
    "--loss",
    group="Training",
    type=click.Choice(["binary", "focal"]),
    help="With --multi-label: cross-entropy of each class, or with less weight on what is right"
    " already. [default: binary]",
)
@option(
    "--horizon",
    group="Network",
    type=click.FloatRange(min=0, max=1e6, min_open=True),
    metavar="SECONDS",
    help="Let answers follow about the last SECONDS. [default: as the network does; a third of a"
    " clip with --multi-label, where it never forgets]",
)
@option("--image-size", group="Network", type=click.IntRange(32, 2048), help="Pixels per side.")
@option(
    "--fps",
    group="Network",
    type=click.FloatRange(min=0, min_open=True, max=MOST_FRAMES_PER_SECOND),
    help="Frames per second that the network shall see. [default: as it was trained]",
)
@option(
    "--seed",
    group="Training",
    type=int,
    default=1,
    show_default=True,
    help="Number that everything random is drawn by.",
)
def train(
    data: Path,
    output: Path,
    start: Path | None,
    arch: str | None,
    epochs: int,
    int8_epochs: int,
    frozen_epochs: int | None,
    learning_rate: float | None,
    clips: int,
    clip_frames: int | None,
    sub_clip: int | None,
    patience: int | None,
    validation: float,
    flip: bool | None,
    multi_label: bool,
    loss: LossKind | None,
    horizon: float | None,
    image_size: int | None,
    fps: float | None,
    seed: int,
) -> None:
    """Train a stream model on DATA: a folder with a folder of videos per class, or a .csv table.

    A table has the columns path and label, and may have start and end (seconds) and split (training
    or validation). Parts and copies of one video always go to one side. With --multi-label, several
    things may happen at once, now and then, in long recordings.
    """
    if start is not None and arch is not None:
        raise click.UsageError("--from and --arch exclude each other: weights have an architecture")
    if loss is not None and not multi_label:
        raise click.UsageError("--loss is for --multi-label")
    found = find_recordings(data) if multi_label else find_examples(data)
    if isinstance(found, DataSet) and has_overlaps(found):
        raise TrainingError(
            f"rows of {data} overlap with other labels: say --multi-label if several things may"
            " happen at once"
        )
    # A GPU is used if there is one.
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "0")
    source = _source(start, arch or "a0", image_size, fps)
    from movistream_training.examples_task import examples_task
    from movistream_training.recordings.task import recordings_task
    from movistream_training.task import Plan
    from movistream_training.train import train as train_network

    plan = Plan(
        source=source,
        epochs=epochs,
        int8_epochs=int8_epochs,
        frozen_epochs=(0 if start is None else 3) if frozen_epochs is None else frozen_epochs,
        learning_rate=learning_rate or (_LEARNING_RATE if start is None else _FINE_TUNING_RATE),
        clips_per_batch=clips,
        frames_per_clip=clip_frames,
        most_frames=_most_frames(source),
        sub_clip_frames=sub_clip,
        patience_epochs=patience,
        validation_share=validation,
        flips=flips_are_safe(found.labels) if flip is None else flip,
        horizon_s=horizon,
        seed=seed,
    )
    with _Display(untrained=not source.weights) as display:
        make_task: TaskMaker = (
            partial(examples_task, found)
            if isinstance(found, DataSet)
            else partial(recordings_task, loss or "binary", found)
        )
        training = train_network(found.labels, make_task, output, plan, display.callbacks())
    _summarise(training)


def _source(start: Path | None, arch: str, image_size: int | None, fps: float | None) -> Source:
    """What to train: as it is read, or without weights."""
    if start is None:
        import_tensorflow()
        from movistream_converters.formats.network_file import untrained_source

        source = untrained_source(arch)
    else:
        from movistream_converters.formats.isolated import read_isolated

        source = read_isolated(start, None, None, {}, import_tensorflow)
    if image_size is not None:
        try:
            network = with_image_size(source.network, (image_size, image_size))
        except NetworkError as error:
            raise TrainingError(f"{image_size} pixels do not suit the network: {error}") from None
        source = replace(source, network=network)
    return source if fps is None else replace(source, frames_per_second=fps)


def _most_frames(source: Source) -> int:
    """Of a clip: what a MoViNet was made for."""
    from movistream_converters.formats.movinet_options import options_of

    options = options_of(source)
    return _MOST_FRAMES if options is None else options.spec.clip_frames


class _Display:
    """A bar on a terminal, a line now and then elsewhere; a line per epoch everywhere."""

    def __init__(self, *, untrained: bool) -> None:
        self._untrained = untrained
        self._steps = 0
        self._measure = "right"
        self._last_line_s = time.monotonic()
        self._bars = bars()
        self._task = self._bars.add_task("reading videos")

    def __enter__(self) -> _Display:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def callbacks(self) -> Callbacks:
        from movistream_training.train import Callbacks

        return Callbacks(self._on_probe, self._on_start, self._on_step, self._on_epoch)

    def _on_probe(self, done: int, total: int) -> None:
        self._bars.update(self._task, completed=done, total=total)

    def _on_start(self, settings: Settings, task: Task) -> None:
        self._measure = "mAP" if settings.recipe.loss.is_of_several else "right"
        self._steps = settings.recipe.steps
        self._bars.reset(self._task, total=self._steps, description="training")
        self._print(
            f"{settings.network}, {len(settings.labels)} classes: {task.counts[0]} to"
            f" train on, {task.counts[1]} to judge on; clips of {settings.frames_per_clip} frames"
            f" at {settings.frames_per_second:g} per second"
        )
        if settings.horizon_frames is not None:
            seconds = settings.horizon_frames / settings.frames_per_second
            self._print(f"answers follow about the last {seconds:g} s")
        if self._untrained:
            self._print(
                "note: this network knows nothing yet, and learning to see takes thousands of"
                " videos; --from WEIGHTS starts from one that has learnt"
            )

    def _on_step(self, step: int, loss: float) -> None:
        self._bars.update(self._task, completed=step, description=f"training, loss {loss:.3f}")
        if self._bars.disable and time.monotonic() - self._last_line_s >= _SECONDS_PER_LINE:
            self._print(f"step {step} of {self._steps}, loss {loss:.3f}")

    def _on_epoch(self, epoch: Epoch) -> None:
        waited = epoch.waited_seconds / epoch.seconds
        self._print(
            f"epoch {epoch.number:3d}  loss {epoch.loss:.3f}  right {epoch.accuracy:.3f}"
            f"  validation loss {epoch.validation_loss:.3f}  {self._measure}"
            f" {epoch.validation_accuracy:.3f}  {epoch.seconds:.0f} s"
            + (f", {waited:.0%} of it waiting for clips" if waited >= _MENTIONED else "")
        )

    def _print(self, line: str) -> None:
        self._last_line_s = time.monotonic()
        print_line(self._bars, line)


def _summarise(training: Training) -> None:
    from movistream_training.history import best_epoch

    for text in training.skipped:
        click.echo(f"skipped: {text}", err=True)
    best = best_epoch(training.history)
    click.echo(f"kept epoch {best.number}: {training.concluded.text}")
    if training.int8_history:
        int8 = best_epoch(training.int8_history)
        measure = "mean average precision" if training.of_several else "right in"
        click.echo(
            f"for int8: kept epoch {int8.number}, {measure} {int8.validation_accuracy:.1%} of the"
            " validation frames, rounded"
        )
    run = training.run
    pictures = ", ".join(path.name for path in training.concluded.files)
    click.echo(f"wrote {run.weights}, {run.curves.name}, {pictures}, {run.history.name}")
    click.echo(f"next: movistream evaluate {run.path}")
