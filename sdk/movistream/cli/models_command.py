"""``movistream models``: the models that have names on this machine."""

from __future__ import annotations

import json
from typing import Any

import click
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from movistream.errors import ModelError
from movistream.file.inspection import inspect_file
from movistream.file.names import NamedModel, models_folder, named_models
from movistream.system.text import printable


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON objects, one a line.")
def models(as_json: bool) -> None:
    """List the models that have names here, which 'run', 'serve', 'inspect' and 'bench' take.

    One comes with movistream. A .tflite file in the folder that is shown gets its name from the
    file's name.
    """
    described = [_described(model) for model in named_models()]
    if as_json:
        for facts in described:
            click.echo(json.dumps(facts))
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("name", overflow="fold")
    for heading in ("MB", "classes", "frames/s"):
        table.add_column(heading, justify="right")
    table.add_column("about", overflow="fold")
    for facts in described:
        table.add_row(*map(Text, _cells(facts)))
    Console(highlight=False).print(table)
    folder = models_folder()
    if folder is not None:
        click.echo(f"Put .tflite files into {printable(str(folder))} to give them names.")


def _described(model: NamedModel) -> dict[str, Any]:
    """What is told of a model, as plain JSON types; of a file that is no model, why."""
    facts: dict[str, Any] = {
        "name": model.name,
        "path": str(model.path),
        "built_in": model.built_in,
    }
    try:
        inspection = inspect_file(model.path)
    except ModelError as error:
        return {**facts, "error": str(error)}
    manifest = inspection.manifest
    return {
        **facts,
        "network": manifest.name,
        "bytes": inspection.file_bytes,
        "precision": inspection.quantization,
        "classes": manifest.logits.classes,
        "labels": list(manifest.labels),
        "frames_per_second": manifest.input.frames_per_second,
    }


def _cells(facts: dict[str, Any]) -> tuple[str, ...]:
    name = printable(facts["name"])
    if "error" in facts:
        return name, "", "", "", printable(facts["error"])
    rate = facts["frames_per_second"]
    origin = ", built in" if facts["built_in"] else ""
    return (
        name,
        f"{facts['bytes'] / 1e6:.2f}",
        str(facts["classes"]),
        f"{rate:g}" if rate else "unknown",
        f"{facts['network']}, {facts['precision']}{origin}",
    )
