"""``movistream annotations``: a table of a published data set's annotations."""

from pathlib import Path

import click

from movistream.cli import parameters
from movistream.cli.help import Command, option
from movistream.cli.options import check_new_output, force_option
from movistream.system.output import replaced_when_done
from movistream_training.annotations.published import Options, counted
from movistream_training.annotations.registry import FORMATS, read_annotations
from movistream_training.errors import TrainingError
from movistream_training.examples import SPLITS
from movistream_training.recordings.table_file import write_table


@click.command(cls=Command)
@click.argument("form", metavar="FORMAT", type=click.Choice(tuple(FORMATS)))
@click.argument("annotations_file", metavar="ANNOTATIONS", type=parameters.PATH)
@option(
    "--videos",
    group="Data",
    type=parameters.PATH,
    required=True,
    metavar="FOLDER",
    help="Folder with the videos; they may be in folders of it.",
)
@option(
    "--classes",
    group="Data",
    type=parameters.PATH,
    help="The data set's file that names its classes: Charades_v1_classes.txt, AVA's .pbtxt,"
    " moments_categories.txt, or one name a line.",
)
@option(
    "--excluded",
    group="Data",
    type=parameters.PATH,
    help="AVA's file of seconds that were not looked at.",
)
@option(
    "--split",
    group="Data",
    type=click.Choice(SPLITS),
    help="Only the videos that are for this; where ANNOTATIONS do not say, all are.",
)
@option(
    "--skip-bad",
    group="Data",
    is_flag=True,
    help="Leave videos out whose rows are bad, and go on.",
)
@option(
    "-o",
    "--output",
    group="Output",
    type=parameters.PATH,
    required=True,
    metavar="TABLE.csv",
    help="The table.",
)
@option(
    "--missing",
    group="Output",
    type=parameters.PATH,
    help="Write the names of videos that are not there, one a line.",
)
@force_option
def annotations(
    form: str,
    annotations_file: Path,
    videos: Path,
    classes: Path | None,
    excluded: Path | None,
    split: str | None,
    skip_bad: bool,
    output: Path,
    missing: Path | None,
    force: bool,
) -> None:
    """Make a table of ANNOTATIONS, as they are published, for 'movistream train'.

    FORMAT is charades, activitynet (THUMOS too), ava, moments-in-time or kinetics. The table has a
    row for each moment: path, label, start and end in seconds, split. A row without a label says
    which part of a video was looked through. Where each video has one class, rows are path, label
    and split.
    """
    if output.suffix.lower() != ".csv":
        raise TrainingError(f"{output} must end in .csv, so that it is known for a table")
    if missing is not None and missing.absolute() == output.absolute():
        raise click.UsageError("--output and --missing name the same file")
    for path in filter(None, (output, missing)):
        check_new_output(path, force=force)
    found = read_annotations(
        form,
        annotations_file,
        videos,
        Options(classes, excluded),
        split=split,
        skip_bad=skip_bad,
    )
    one_label = FORMATS[form].one_label
    rows = write_table(found.recordings, output, one_label=one_label)
    if missing is not None:
        with replaced_when_done(missing) as part:
            part.write_text("".join(f"{name}\n" for name in found.missing), encoding="utf-8")
    for note in found.notes:
        click.echo(note, err=True)
    recordings = found.recordings.recordings
    moments = sum(len(one.moments) for one in recordings)
    told = len({moment.label for one in recordings for moment in one.moments})
    click.echo(
        f"wrote {output}, {counted(rows, 'row')}:"
        f" {counted(len({one.path for one in recordings}), 'video')},"
        f" {counted(moments, 'moment')}, {told} of {len(found.recordings.labels)} classes"
    )
