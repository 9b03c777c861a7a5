"""``movistream weights``: what a source holds, and a copy of it in one safe file."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from movistream.cli.help import Command, option
from movistream.cli.options import check_new_output, force_option
from movistream.system.text import printable
from movistream_converters.cli.source_options import print_findings, print_guesses, source_options

if TYPE_CHECKING:
    from movistream_converters.formats.source import Source

_MOST_NAMES = 6


@click.command(cls=Command)
@source_options
@option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    group="Output",
    help="Write the weights here, a .safetensors file that is itself a source.",
)
@force_option
@option("--json", "as_json", is_flag=True, group="Output", help="Print one JSON object.")
def weights(read: Callable[[], Source], output: Path | None, force: bool, as_json: bool) -> None:
    """Show what network SOURCE holds, and what says so."""
    if output is not None:
        check_new_output(output, force=force)
    found = read()
    if as_json:
        click.echo(json.dumps(_facts(found), indent=2))
    else:
        click.echo(f"{'source':20} {found.name:20} {found.format}")
        print_findings(found)
        click.echo(f"{'parameters':20} {_parameters(found):,} in {len(found.weights)} tensors")
        click.echo(f"{'labels':20} {_listed(found.labels)}")
        click.echo(f"{'unused':20} {_listed(found.unused)}")
    if output is not None:
        from movistream_converters.formats.safetensors_file import write

        size = write(found, output)
        click.echo(f"wrote {output}, {size / 1e6:.2f} MB", err=as_json)
    if not as_json:
        print_guesses(found)


def _facts(source: Source) -> dict[str, Any]:
    return {
        "source": source.name,
        "format": source.format,
        "network": source.network.name,
        "options": {
            finding.option: {
                "value": msgspec.to_builtins(finding.value),
                "from": finding.source,
                "guessed": finding.guessed,
            }
            for finding in source.findings
        },
        "activation_of_scores": source.activation,
        "events": msgspec.to_builtins(source.events),
        "parameters": _parameters(source),
        "tensors": len(source.weights),
        "labels": list(source.labels),
        "unused": list(source.unused),
    }


def _parameters(source: Source) -> int:
    return sum(math.prod(value.shape) for value in source.weights.values())


def _listed(names: tuple[str, ...]) -> str:
    if not names:
        return "nothing"
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return ", ".join(map(printable, names[:_MOST_NAMES])) + more
