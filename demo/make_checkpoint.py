"""Writes a checkpoint of an untrained MoViNet, in the form of TensorFlow Model Garden's.

Its weights are random numbers of a fixed seed: it shows how things work, and recognises nothing.

    python demo/make_checkpoint.py OUTPUT/ckpt-1 --arch t0 --classes 4
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import click

from movistream.system.native_stderr import native_stderr_captured
from movistream_converters.ir.weights import random_weights
from movistream_converters.networks.movinet import (
    ARCHITECTURES,
    ConvolutionType,
    build_movinet,
    default_options,
)


@click.command()
@click.argument("prefix", type=click.Path(path_type=Path))
@click.option("--arch", type=click.Choice(list(ARCHITECTURES)), default="t0", show_default=True)
@click.option("--classes", type=click.IntRange(min=1), default=600, show_default=True)
@click.option(
    "--conv-type",
    type=click.Choice([kind.value for kind in ConvolutionType]),
    default=ConvolutionType.SEPARATE_2D.value,
    show_default=True,
)
@click.option("--seed", type=int, default=1, show_default=True)
def main(prefix: Path, arch: str, classes: int, conv_type: str, seed: int) -> None:
    """Write the checkpoint PREFIX of an untrained network."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with native_stderr_captured():
        from movistream_converters.formats.model_garden.writer import write_checkpoint
    kind = ConvolutionType(conv_type)
    options = replace(default_options(arch), num_classes=classes, convolution_type=kind)
    network = build_movinet(options)
    prefix.parent.mkdir(parents=True, exist_ok=True)
    with native_stderr_captured():
        write_checkpoint(network, random_weights(network, seed), prefix, kind)
    click.echo(f"wrote {prefix}: {network.name}, {classes} classes, untrained")


if __name__ == "__main__":
    main()
