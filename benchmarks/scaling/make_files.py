"""Writes an untrained A0-Stream for each of several image sizes, to measure how a step grows.

python benchmarks/scaling/make_files.py FOLDER
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from movistream_converters.convert import convert
from movistream_converters.formats.movinet_options import movinet_source
from movistream_converters.ir.weights import random_weights
from movistream_converters.networks.movinet import build_movinet, default_options
from movistream_converters.tensorflow_import import import_tensorflow

IMAGE_SIZES = (128, 172, 224, 256, 320)


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
def main(folder: Path) -> None:
    """Write the files to FOLDER."""
    import_tensorflow()
    folder.mkdir(parents=True, exist_ok=True)
    for size in IMAGE_SIZES:
        options = replace(default_options("a0"), image_size=size)
        network = build_movinet(options)
        source = movinet_source(options, random_weights(network, seed=1), network.name)
        convert(source, folder / f"a0-{size}-pixels.tflite")
        click.echo(f"wrote {folder}/a0-{size}-pixels.tflite")


if __name__ == "__main__":
    main()
