"""Chooses when a fault counts as seen, and writes it to the weights.

    python -m movistream_training.camera_health.thresholds MODEL.tflite WEIGHTS DATA HEALTHY

MODEL.tflite is what WEIGHTS are converted to. DATA and HEALTHY are long recordings of what was
learnt from, as :mod:`.held_out` renders them: in HEALTHY, nothing is wrong.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

import movistream
from movistream.demo.health import LABELS
from movistream.errors import MovistreamError
from movistream_converters.formats import safetensors_file
from movistream_training.recordings.streaming import stream_recordings
from movistream_training.recordings.table import find_recordings
from movistream_training.recordings.thresholds import choose_events

_FALSE_ALARMS_PER_HOUR = 1.0
"""Of each class, at most, in recordings in which people, lamps and weather do what they can to
raise some: who is called in vain does not come again."""


@click.command()
@click.argument("model", type=click.Path(exists=True, path_type=Path))
@click.argument("weights", type=click.Path(exists=True, path_type=Path))
@click.argument("data", type=click.Path(exists=True, path_type=Path))
@click.argument("healthy", type=click.Path(exists=True, path_type=Path))
def main(model: Path, weights: Path, data: Path, healthy: Path) -> None:
    """Choose thresholds of MODEL on DATA and HEALTHY, and write them to WEIGHTS."""
    try:
        with movistream.load(model) as loaded:
            streamed, calm = (
                stream_recordings(loaded, find_recordings(table, may_be_uneventful=True).recordings)
                for table in (data, healthy)
            )
        # A fault is told as soon as it is seen: a camera that is covered must not wait.
        events = choose_events(
            streamed,
            LABELS,
            calm=calm,
            false_alarms_per_hour=_FALSE_ALARMS_PER_HOUR,
            shortests_s=(0.0,),
        )
        source = safetensors_file.read(weights)
        safetensors_file.write(replace(source, events=events), weights)
    except MovistreamError as error:
        raise click.ClickException(str(error)) from None
    for label, enter, leave in zip(LABELS, events.enter, events.leave, strict=True):
        click.echo(f"{label}: begins at {enter:g}, ends below {leave:g}")
    click.echo(
        f"shortest {events.shortest_s:g} s, scores averaged over {events.smoothing_s:g} s;"
        f" wrote {weights}"
    )


if __name__ == "__main__":
    main()
