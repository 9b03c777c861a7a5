"""Converts the model's weights to int8, as the file that comes with the runtime was made.

python -m movistream_training.camera_motion.int8_file FILE
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from movistream.file.inspection import inspect_file
from movistream.system.output import replaced_when_done
from movistream_converters.tensorflow_import import import_tensorflow
from movistream_training.camera_motion.assets import WEIGHTS


def write_int8_file(path: Path) -> None:
    """Converts the weights, with ranges from rendered videos.

    The same versions of the packages give the same bytes.

    Raises:
        ConversionError: if it cannot be written.
    """
    import_tensorflow()
    from movistream_converters.conversion import convert_source
    from movistream_converters.formats import safetensors_file
    from movistream_converters.tflite.precision import Precision
    from movistream_training.camera_motion.calibration import write_calibration_videos

    source = safetensors_file.read(WEIGHTS)
    with tempfile.TemporaryDirectory() as folder:
        videos = write_calibration_videos(Path(folder))
        converted = Path(folder) / path.name
        convert_source(source, converted, precision=Precision.INT8, calibration_videos=videos)
        with replaced_when_done(path) as part:
            part.write_bytes(converted.read_bytes())


@click.command()
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path))
def main(path: Path) -> None:
    """Convert the camera-motion model that comes with movistream to int8, and write it to FILE."""
    click.echo("converting the weights of the camera-motion model to int8 …")
    write_int8_file(path)
    click.echo(f"wrote {path}, {path.stat().st_size / 1e6:.2f} MB")
    click.echo(f"it is sealed with {inspect_file(path).manifest.digest}")


if __name__ == "__main__":
    main()
