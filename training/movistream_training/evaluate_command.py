"""``movistream evaluate``: how right a model is, and how soon."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from movistream.cli import parameters
from movistream.cli.options import check_new_output
from movistream.drawing.plot_file import check_plot_output
from movistream.sources.decoding import QUALITIES, Quality
from movistream_converters.tensorflow_import import import_tensorflow
from movistream_training.answers import (
    Answer,
    accuracy_after,
    confusion,
    frame_accuracy,
    frame_counts,
    mean_cosine,
    top_accuracy,
)
from movistream_training.bars import bars
from movistream_training.errors import TrainingError
from movistream_training.examples import SPLITS, Example, find_examples, of_split
from movistream_training.run_folder import RunFolder

if TYPE_CHECKING:
    from movistream_training.evaluate import Judged

_SHUFFLE_SEED = 1
_COSINE_AT = 3
"""The column after the shares of videos and frames."""


@dataclass(frozen=True)
class ClassSummary:
    """How right a model is on one class; shares are 0 to 1."""

    videos: int
    top_1: float
    frame_accuracy: float


@dataclass(frozen=True)
class Summary:
    """How right a file is; shares are 0 to 1.

    Attributes:
        file: its name.
        size_bytes: its size.
        decode: how the videos were decoded.
        cosine_to_exact: of the logits with those of an exact decoding, the mean over all frames.
        videos: that it was judged on.
        frames: of all of them.
        top_1: share of videos that are right after their last frame.
        top_5: share whose class is then among the first five.
        frame_accuracy: share of frames that are right, after the warm-up.
        accuracy_after_frames: share of videos that are right after so many frames.
        classes: by label.
    """

    file: str
    size_bytes: int
    decode: Quality
    cosine_to_exact: float
    videos: int
    frames: int
    top_1: float
    top_5: float
    frame_accuracy: float
    accuracy_after_frames: Mapping[int, float]
    classes: Mapping[str, ClassSummary]


@click.command()
@click.argument("model", type=parameters.MODEL)
@click.argument("data", type=click.Path(path_type=Path), required=False)
@click.option(
    "--split",
    type=click.Choice(SPLITS),
    help="Only the videos of this split, of a table that names some.",
)
@click.option(
    "--warm-up",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    metavar="FRAMES",
    help="Frames of each video that do not count among the frames.",
)
@click.option(
    "--shuffled",
    is_flag=True,
    help="Play the frames of each video in random order: what goes by motion is then lost.",
)
@click.option(
    "--decode",
    type=click.Choice(QUALITIES),
    default="exact",
    show_default=True,
    help="Judge the videos decoded fast as well, and say by how much answers move.",
)
@click.option(
    "--plot",
    type=click.Path(path_type=Path),
    help="Draw how soon the model is right, or, of several labels, precision over recall and what"
    " was said to each recording: .png or .svg. [default: in the folder of a run]",
)
@click.option(
    "--events",
    is_flag=True,
    help="Of several labels: judge events too, against when things happen.",
)
@click.option("--force", is_flag=True, help="Replace a plot that exists.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def evaluate(
    model: Path,
    data: Path | None,
    split: str | None,
    warm_up: int,
    shuffled: bool,
    decode: Quality,
    plot: Path | None,
    events: bool,
    force: bool,
    as_json: bool,
) -> None:
    """Stream videos of known classes through MODEL, and count how often it is right.

    MODEL is a .tflite file, or the folder of a 'movistream train' run, which is converted to every
    precision. DATA is a folder with a folder of videos per class, or a .csv table; a run is judged
    on those that it was not trained on, by default its validation videos. Where MODEL says that
    several classes may be at once, DATA is a table whose rows may overlap.
    """
    # What is missing should be said before what takes long.
    import_tensorflow()
    from movistream_training.evaluate import is_of_several

    if split is not None and data is None:
        raise click.UsageError("--split chooses among DATA")
    run = RunFolder(model) if model.is_dir() else None
    if run is not None and not (run.weights.is_file() and run.split.is_file()):
        raise TrainingError(f"{model} is not the folder of a finished 'movistream train' run")
    if run is None and data is None:
        raise click.UsageError("a .tflite file needs DATA to be judged on")
    if plot is not None:
        check_plot_output(plot)
        check_new_output(plot, force=force)
    asked = Asked(model, run, data, split, warm_up, shuffled, decode, plot, as_json)
    if is_of_several(model if run is None else run.weights):
        _evaluate_recordings(asked, events=events)
    elif events:
        raise click.UsageError(f"--events is for several labels at once; {model} has one")
    else:
        _evaluate_examples(asked)


@dataclass(frozen=True)
class Asked:
    """What the command was asked for, by the names of its arguments and options.

    Attributes:
        run: the model's folder, if it is one.
    """

    model: Path
    run: RunFolder | None
    data: Path | None
    split: str | None
    warm_up: int
    shuffled: bool
    decode: Quality
    plot: Path | None
    as_json: bool

    @property
    def qualities(self) -> tuple[Quality, ...]:
        """How videos are decoded."""
        return tuple(dict.fromkeys((QUALITIES[0], self.decode)))

    @property
    def seed(self) -> int | None:
        """That frames are shuffled by."""
        return _SHUFFLE_SEED if self.shuffled else None


def _evaluate_examples(asked: Asked) -> None:
    """Of videos that are of one class each."""
    from movistream_training.evaluate import converted_files, unseen_examples

    given = None if asked.data is None else find_examples(asked.data)
    if given is not None and asked.split is not None:
        given = replace(given, examples=of_split(given.examples, asked.split))
    files: tuple[Path, ...] = (asked.model,)
    plot = asked.plot
    if asked.run is not None:
        given, left_out = unseen_examples(asked.run, given)
        _say_left_out(left_out)
        files = converted_files(asked.run, _say_converting)
        plot = plot or asked.model / "accuracy.png"
    assert given is not None
    results = _judge_all(files, given.examples, asked.seed, asked.qualities)
    summaries = [
        _summary(judged, exact.answers, asked.warm_up)
        for exact, *others in results
        for judged in (exact, *others)
    ]
    if plot is not None:
        from movistream_training.plots import plot_accuracy_after, plot_confusion

        labels = results[0][0].labels
        curves = {_name(one): one.accuracy_after_frames for one in summaries}
        plot_accuracy_after(curves, 1 / len(labels), plot)
        matrix = confusion(results[-1][-1].answers, len(labels))
        plot_confusion(matrix, labels, plot.with_name(f"{plot.stem}-confusion.png"))
    if asked.as_json:
        click.echo(json.dumps([asdict(summary) for summary in summaries]))
        return
    _print_summaries(summaries, asked.warm_up, shuffled=asked.shuffled)
    _print_classes(summaries[-1])
    if plot is not None:
        click.echo(f"wrote {plot} and {plot.stem}-confusion.png")


def _evaluate_recordings(asked: Asked, *, events: bool) -> None:
    """Of recordings in which several things happen."""
    from movistream_training.evaluate import converted_files
    from movistream_training.recordings import evaluation
    from movistream_training.recordings.table import find_recordings

    if asked.warm_up:
        raise click.UsageError("--warm-up is for videos of one class each")
    given = None if asked.data is None else find_recordings(asked.data, may_be_uneventful=True)
    if given is not None and asked.split is not None:
        given = replace(given, recordings=of_split(given.recordings, asked.split))
    files: tuple[Path, ...] = (asked.model,)
    plot = asked.plot
    if asked.run is not None:
        given, left_out = evaluation.unseen_recordings(asked.run.split, given)
        _say_left_out(left_out)
        files = converted_files(asked.run, _say_converting)
        plot = plot or asked.run.precision_recall
    assert given is not None
    with bars() as shown:
        total = len(files) * len(asked.qualities) * len(given.recordings)
        task = shown.add_task("streaming", total=total)
        judged = [
            evaluation.judge_file(
                file,
                given,
                events=events,
                shuffle_seed=asked.seed,
                quality=quality,
                on_recording=lambda: shown.advance(task),
            )
            for file in files
            for quality in asked.qualities
        ]
    written = evaluation.draw(judged[-1], plot) if plot is not None else ()
    if asked.as_json:
        click.echo(json.dumps([evaluation.facts(one) for one in judged]))
        return
    _console().print(evaluation.files_table(judged))
    _console().print(evaluation.classes_table(judged[-1]))
    for path in written:
        click.echo(f"wrote {path}")


def _say_left_out(count: int) -> None:
    if count:
        click.echo(f"{count} examples were trained on, and are left out", err=True)


def _say_converting(path: Path) -> None:
    click.echo(f"converting {path.name} …", err=True)


def _judge_all(
    files: Sequence[Path],
    examples: Sequence[Example],
    shuffle_seed: int | None,
    qualities: Sequence[Quality],
) -> list[list[Judged]]:
    """Each file in each quality."""
    from movistream_training.evaluate import judge

    with bars() as shown:
        task = shown.add_task("streaming", total=len(files) * len(qualities) * len(examples))
        return [
            [
                judge(file, examples, shuffle_seed, lambda: shown.advance(task), quality)
                for quality in qualities
            ]
            for file in files
        ]


def _summary(judged: Judged, exact: Sequence[Answer], warm_up: int) -> Summary:
    answers = judged.answers
    return Summary(
        file=judged.name,
        size_bytes=judged.size_bytes,
        decode=judged.quality,
        cosine_to_exact=mean_cosine(answers, exact),
        videos=len(answers),
        frames=sum(len(answer.logits) for answer in answers),
        top_1=top_accuracy(answers),
        top_5=top_accuracy(answers, 5),
        frame_accuracy=frame_accuracy(answers, warm_up),
        accuracy_after_frames={
            count: accuracy_after(answers, count) for count in frame_counts(answers)
        },
        classes={
            label: _class_summary([a for a in answers if a.truth == index], warm_up)
            for index, label in enumerate(judged.labels)
            if any(answer.truth == index for answer in answers)
        },
    )


def _name(summary: Summary) -> str:
    """Of a row or a line."""
    exact = summary.decode == QUALITIES[0]
    return summary.file if exact else f"{summary.file}, decoded {summary.decode}"


def _class_summary(answers: Sequence[Answer], warm_up: int) -> ClassSummary:
    return ClassSummary(len(answers), top_accuracy(answers), frame_accuracy(answers, warm_up))


def _print_summaries(summaries: Sequence[Summary], warm_up: int, *, shuffled: bool) -> None:
    first = summaries[0]
    moved = any(one.decode != QUALITIES[0] for one in summaries)
    table = Table(
        title=f"{first.videos} videos, {first.frames} frames, streamed"
        + (" in random order" if shuffled else ""),
        caption="end: after the last frame of a video"
        + (f"; frames: those after the first {warm_up} of each video" if warm_up else "")
        + ("; cosine: with the logits of an exact decoding, the mean" if moved else ""),
    )
    table.add_column("file")
    for name in ("MB", "top-1, end", "top-5, end", "frames"):
        table.add_column(name, justify="right")
    if moved:
        table.add_column("cosine", justify="right")
    counts = list(first.accuracy_after_frames)
    for count in counts:
        table.add_column(f"after {count}", justify="right")
    for one in summaries:
        shares = (one.top_1, one.top_5, one.frame_accuracy, *one.accuracy_after_frames.values())
        cells = [f"{share:.1%}" for share in shares]
        if moved:
            cells.insert(_COSINE_AT, f"{one.cosine_to_exact:.4f}")
        table.add_row(Text(_name(one)), f"{one.size_bytes / 1e6:.2f}", *cells)
    _console().print(table)


def _print_classes(summary: Summary) -> None:
    table = Table(title=Text(f"{_name(summary)}, by class"))
    table.add_column("class")
    for name in ("videos", "top-1, end", "frames"):
        table.add_column(name, justify="right")
    for label, one in summary.classes.items():
        shares = (f"{one.top_1:.1%}", f"{one.frame_accuracy:.1%}")
        table.add_row(Text(label), str(one.videos), *shares)
    _console().print(table)


def _console() -> Console:
    # Where nobody watches, a table is as wide as it needs to be.
    return Console() if sys.stdout is not None and sys.stdout.isatty() else Console(width=160)
