"""``movistream inspect``: what is in a model file."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import click
import msgspec
from msgspec import UNSET
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from movistream.cli import parameters
from movistream.file.inspection import (
    Inspection,
    inspect_file,
    program_text,
    state_bytes,
    verification_text,
)
from movistream.file.manifest import ImageInput, Manifest

_SHOWN_LABELS = 6
_TABLE_WIDTH = 140


@click.command()
@click.argument("model", type=parameters.MODEL)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def inspect(model: Path, as_json: bool) -> None:
    """Show what is in MODEL, a .tflite stream model: input, states, cost, origin, labels.

    MODEL is a file or the name of a model, such as camera-motion.
    """
    inspection = inspect_file(model)
    if as_json:
        click.echo(json.dumps(as_dictionary(inspection), indent=2))
    else:
        for name, fact in _facts(inspection).items():
            click.echo(f"{name:18}{fact}")
        click.echo()
        click.echo(_states_table(inspection.manifest))


def as_dictionary(inspection: Inspection) -> dict[str, Any]:
    """The inspection as plain JSON types; the manifest under its own key."""
    return {
        "path": str(inspection.path),
        "file_bytes": inspection.file_bytes,
        "quantization": inspection.quantization,
        "weights": inspection.weights,
        "weight_bytes": inspection.weight_bytes,
        "multiply_adds_per_frame": inspection.multiply_adds,
        "state_bytes": sum(inspection.state_bytes.values()),
        "state_bytes_by_name": inspection.state_bytes,
        "operators": inspection.operators,
        "manifest": msgspec.to_builtins(inspection.manifest),
    }


def _facts(inspection: Inspection) -> dict[str, str]:
    manifest = inspection.manifest
    image = manifest.input
    rate = f", {image.frames_per_second:g} frames/s" if image.frames_per_second else ""
    facts = {
        "file": f"{inspection.path}, {_megabytes(inspection.file_bytes)}",
        "network": manifest.name,
        "input": f"{image.tensor} {image.dtype} {_shape(image.shape)}: {_values(image)},"
        f" {image.fit.replace('_', ' ')}, {image.resize}{rate}",
        "output": f"{manifest.logits.tensor} {manifest.logits.dtype}"
        f" {_shape((1, manifest.logits.classes))}",
        "labels": _labels(manifest),
        "precision": inspection.quantization,
        "weights": f"{inspection.weights:,} in {_megabytes(inspection.weight_bytes)}",
        "multiply-adds": f"{inspection.multiply_adds / 1e6:.1f} M per frame",
        "states": f"{len(manifest.states)}, {_megabytes(sum(inspection.state_bytes.values()))},"
        f" layout {manifest.state_layout}",
        "operators": ", ".join(f"{name} {count}" for name, count in inspection.operators.items()),
        "origin": _origin(manifest),
    }
    if (program := _program(manifest)) is not None:
        facts["source program"] = program
    if manifest.receptive_field_frames:
        facts["temporal kernels"] = f"see {manifest.receptive_field_frames} frames"
    if manifest.horizon_frames:
        facts["horizon"] = f"means follow the last {manifest.horizon_frames} frames or so"
    if manifest.delay_frames or manifest.warm_up_frames:
        facts["delay"] = f"answers are about the frame {manifest.delay_frames} before, and begin"
        facts["delay"] += f" after {manifest.warm_up_frames} frames"
    if manifest.state_layout == "foreign" and manifest.network:
        facts["guessed"] = (
            f"the frame rate: the states are those of {manifest.network['recognised']}"
        )
    elif manifest.network:
        told = {name: value for name, value in manifest.network.items() if name != "guessed"}
        facts["options"] = ", ".join(f"{name} {value}" for name, value in told.items())
    if guesses := str(manifest.network.get("guessed", "")):
        facts["guessed"] = ", ".join(guesses.split()) + ": nothing told the converter"
    return facts


def _values(image: ImageInput) -> str:
    """Of an image: colours, range, and what is done to them."""
    kinds = {1: "grey", 3: image.color_order}
    low, high = image.value_range
    text = f"{kinds.get(image.channels, f'{image.channels} channels')} in [{low:g}, {high:g}]"
    if image.mean is not UNSET:
        text += f" − {_numbers(image.mean)}"
    if image.std is not UNSET:
        text += f" / {_numbers(image.std)}"
    if image.scale is not UNSET:
        text += f", in steps of {image.scale:g}"
    return text


def _numbers(values: tuple[float, ...]) -> str:
    return f"({', '.join(f'{value:g}' for value in values)})"


def _states_table(manifest: Manifest) -> str:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("state", "role", "advance", "tensors", "shape", "dtype"):
        table.add_column(heading, no_wrap=True)
    table.add_column("bytes", justify="right", no_wrap=True)
    for state in manifest.states:
        cells = (
            state.name,
            state.role,
            state.advance,
            str(len(state.inputs)),
            _shape(state.shape),
            state.dtype,
            f"{state_bytes(state):,}",
        )
        table.add_row(*map(Text, cells))
    console = Console(width=_TABLE_WIDTH, file=io.StringIO())
    with console.capture() as capture:
        console.print(table)
    return "\n".join(line.rstrip() for line in capture.get().strip("\n").splitlines())


def _labels(manifest: Manifest) -> str:
    if not manifest.labels:
        return f"none for {manifest.logits.classes} classes"
    shown = ", ".join(manifest.labels[:_SHOWN_LABELS])
    rest = len(manifest.labels) - _SHOWN_LABELS
    return f"{len(manifest.labels)}: {shown}{f' … and {rest} more' if rest > 0 else ''}"


def _origin(manifest: Manifest) -> str:
    provenance = manifest.provenance
    if provenance is None:
        return "unknown: the file has no movistream manifest; its states were found by name"
    made = f"{provenance.source} ({provenance.source_format}), by {provenance.converter}"
    check = provenance.verification
    if check is None:
        return f"{made}; not verified"
    return f"{made}; {verification_text(check, manifest.quantization)}"


def _program(manifest: Manifest) -> str | None:
    check = None if manifest.provenance is None else manifest.provenance.verification
    if check is None or check.source_program is UNSET:
        return None
    return program_text(check.source_program)


def _shape(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape))


def _megabytes(count: int) -> str:
    return f"{count / 1e6:.2f} MB"
