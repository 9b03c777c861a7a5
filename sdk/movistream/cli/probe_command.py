"""``movistream probe``: what a source offers, and what each of it costs on this machine."""

from __future__ import annotations

import json
from pathlib import Path

import click
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from movistream.cli import parameters
from movistream.cli.help import Command, option
from movistream.cli.options import hardware_option, json_option
from movistream.errors import MovistreamError
from movistream.sources import SourceOptions
from movistream.sources.decoding import QUALITIES, DecodeOptions
from movistream.sources.hardware import Hardware
from movistream.system.text import printable
from movistream.watch.model import Model, load
from movistream.watch.offers import Offer, best_offer, offers_of

_GIVE_UP_AFTER_S = 5.0
_NOTABLE = 0.9
"""Of the cost: what is told to be cheaper is so by a tenth at least."""


@click.command(cls=Command)
@click.argument("sources", nargs=-1, required=True, metavar="SOURCE...")
@option(
    "--model",
    type=parameters.MODEL,
    default="camera-motion",
    show_default=True,
    group="Model",
    help="What is to watch it: a .tflite file, or the name of a model.",
)
@option(
    "--seconds",
    type=parameters.SOME_SECONDS,
    default=3.0,
    show_default=True,
    metavar="SECONDS",
    group="Source",
    help="How much of each is watched, exactly and fast.",
)
@hardware_option
@json_option
def probe(
    sources: tuple[str, ...],
    model: Path,
    seconds: float,
    hardware: Hardware | None,
    as_json: bool,
) -> None:
    """Show what each SOURCE offers, and what watching that costs on this machine.

    Each is watched for a few seconds, decoded exactly and fast by one thread: the videos in a file
    or at an address, a camera's sizes, and the smaller second streams of network cameras, which are
    asked at the addresses where their makers have them. The last line says what to take.
    """
    options = SourceOptions(
        give_up_after_s=_GIVE_UP_AFTER_S, decode=DecodeOptions(hardware=hardware)
    )
    failed: MovistreamError | None = None
    with load(model, threads=1) as loaded:
        for name in sources:
            offers: list[Offer] = []
            try:
                with Console(stderr=True).status("watching …"):
                    offers.extend(offers_of(name, loaded, options, seconds))
            except MovistreamError as error:
                if failed is not None:
                    click.echo(f"movistream: error: {printable(str(failed))}", err=True)
                failed = error
                continue
            best = best_offer(offers, loaded)
            if as_json:
                for offer in offers:
                    click.echo(json.dumps({**offer.to_dict(), "best": offer is best}))
            else:
                _print(offers, best, loaded)
    if failed is not None:
        raise failed


def _print(offers: list[Offer], best: Offer | None, model: Model) -> None:
    table = Table(
        title=Text(printable(offers[0].source)),
        title_justify="left",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
    )
    table.add_column("as", overflow="fold")
    for heading in ("codec", "size", "frames/s", *QUALITIES, "per core"):
        table.add_column(heading, justify="right")
    for offer in offers:
        table.add_row(*map(Text, _cells(offer)))
    console = Console(highlight=False)
    console.print(table)
    for offer in offers:
        if offer.failure is not None:
            console.print(Text(printable(f"{offer.asked}: {offer.failure}")))
    console.print(Text(printable(_advice(offers, best, model))))


def _cells(offer: Offer) -> list[str]:
    track = offer.track
    told: list[str] = [offer.asked or "it is named"]
    if track is None:
        told += ["", "", ""]
    else:
        rate = track.frames_per_second
        told += [track.codec, f"{track.width}x{track.height}", f"{rate:.3g}" if rate else ""]
    if not offer.cpu_ms:
        return [*told, "", "", ""]
    told += [f"{offer.cpu_ms[quality]:.1f} ms" for quality in QUALITIES]
    return [*told, f"{1e3 / offer.cpu_ms['exact']:.0f}"]


def _advice(offers: list[Offer], best: Offer | None, model: Model) -> str:
    height, width = model.image_size
    rate = model.frames_per_second
    looks = "every frame" if rate is None else f"{rate:g} frames a second"
    seen = f"{model.name} looks at {looks}, {width}x{height} of each; times are of a core, to a"
    seen += " second of video, from packets to logits."
    if best is None:
        return f"{seen} Nothing here has as much."
    cost = best.cpu_ms["exact"] / offers[0].cpu_ms["exact"]
    if best is offers[0] or cost > _NOTABLE:
        return f"{seen} Nothing offered costs less."
    return f"{seen} Take {best.asked}: {cost:.2f} of the cost."
