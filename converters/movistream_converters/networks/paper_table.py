"""The published cost of MoViNets beside what this project's descriptions of them add up to.

    python -m movistream_converters.networks.paper_table

Published figures: GFLOPs per video and the comparison of A5-Stream with X3D-XL, arXiv 2103.11511
(three digits as later papers quote them) and the README of TensorFlow Model Garden's
``official/projects/movinet``; X3D's GFLOPs and parameters, the model zoo of
facebookresearch/SlowFast, and for three crops the tables of later papers, such as arXiv 2104.11227.
All count a multiply-add as one FLOP.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import click
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from movistream_converters.ir.cost import network_cost, peak_activation_bytes
from movistream_converters.ir.network import Network
from movistream_converters.networks.movinet import (
    ARCHITECTURES,
    ConvolutionType,
    MovinetOptions,
    SqueezeExciteType,
    build_movinet,
    default_options,
)
from movistream_converters.networks.x3d import X3DS, build_x3d, table_of

TOLERANCE = 0.05

_CLASSES = 600
_X3D_VIEWS = 30
"""Ten clips of each video, three crops of each clip."""

_TABLE_WIDTH = 130

_GIGAFLOPS = {"a0": 2.7, "a1": 6.0, "a2": 10.3, "a3": 57, "a4": 105, "a5": 281}
_X3D_GIGAFLOPS = {"s": 1.96, "m": 4.73, "l": 18.37}
_X3D_TEST_GIGAFLOPS = {"m": 6.2, "xl": 48.4}
_SEPARABLE = (
    "published for joint kernels; the released stream models have a spatial and a temporal kernel,"
    " which cost less where the frame is halved"
)
_A2 = (
    "what the released A2's blocks add up to at 224 × 224; an independent count of the released"
    " A2-Stream gives 11.3 (gilgoldm/grw-smoothing), so the published figure is of another A2"
)


@dataclass(frozen=True)
class Comparison:
    """A published figure beside ours; the reason says why they differ by more than 5 %."""

    what: str
    published: float
    computed: float
    unit: str
    reason: str = ""

    @property
    def difference(self) -> float:
        """Relative to the published figure."""
        return self.computed / self.published - 1

    @property
    def is_off(self) -> bool:
        """Whether they differ by more than 5 %."""
        return abs(self.difference) > TOLERANCE

    @property
    def holds(self) -> bool:
        """Whether they do not, or it is explained."""
        return not self.is_off or bool(self.reason)


@dataclass(frozen=True)
class ClipCost:
    """What a video takes: all of its frames through a network.

    Attributes:
        parameters: trained numbers, without the statistics of batch norms.
        multiply_adds: of all frames.
        activation_bytes: of the whole clip at once, or of one frame of a stream.
        state_bytes: carried between frames; 0 for a base network.
    """

    name: str
    frames: int
    image_size: int
    parameters: int
    multiply_adds: int
    activation_bytes: int
    state_bytes: int

    @property
    def memory_bytes(self) -> int:
        """Activations and states."""
        return self.activation_bytes + self.state_bytes


def clip_cost(network: Network, frames: int) -> ClipCost:
    """Prices a video of so many frames."""
    cost = network_cost(network)
    return ClipCost(
        name=network.name,
        frames=frames,
        image_size=network.image_size[0],
        parameters=cost.trained_parameters,
        multiply_adds=cost.multiply_adds_per_frame * frames + cost.multiply_adds_per_clip,
        activation_bytes=peak_activation_bytes(network, 1 if network.causal else frames),
        state_bytes=cost.state_bytes,
    )


def movinet_cost(architecture: str, *, causal: bool, joint: bool = False) -> ClipCost:
    """Of a video of the length that the architecture was trained at.

    Args:
        joint: a stream model with the base model's kernels and gates in place of the released ones.
    """
    options: MovinetOptions = default_options(architecture, causal=causal)
    if joint:
        options = replace(
            options,
            convolution_type=ConvolutionType.JOINT,
            se_type=SqueezeExciteType.SPACE_TIME,
        )
    return clip_cost(build_movinet(options), ARCHITECTURES[architecture].clip_frames)


def x3d_cost(name: str, *, test: bool) -> ClipCost:
    """Of one clip, in the crop of the training or the larger one of the published test."""
    spec = X3DS[name]
    size = spec.test_image_size if test else spec.image_size
    return clip_cost(build_x3d(f"x3d-{name}", table_of(name, _CLASSES), size), spec.frames)


def comparisons() -> Iterator[Comparison]:
    """Every published figure that the descriptions can be held against."""
    unit = "G multiply-adds per video"
    for name, published in _GIGAFLOPS.items():
        for causal in (False, True):
            cost = movinet_cost(name, causal=causal)
            reason = _A2 if name == "a2" else _SEPARABLE if causal else ""
            yield Comparison(cost.name, published, cost.multiply_adds / 1e9, unit, reason)
    unit = "M parameters"
    for name, millions in (("a0", 3.1), ("a1", 4.6)):
        cost = movinet_cost(name, causal=False)
        yield Comparison(cost.name, millions, cost.parameters / 1e6, unit)
    for name, millions in (("m", 3.8), ("l", 6.15), ("xl", 11.0)):
        spec = X3DS[name]
        cost = clip_cost(
            build_x3d(f"x3d-{name}", table_of(name, 400), spec.image_size), spec.frames
        )
        yield Comparison(f"{cost.name}, 400 classes", millions, cost.parameters / 1e6, unit)
    unit = "G multiply-adds per clip"
    for test, figures in ((False, _X3D_GIGAFLOPS), (True, _X3D_TEST_GIGAFLOPS)):
        for name, published in figures.items():
            cost = x3d_cost(name, test=test)
            what = f"{cost.name}, {cost.image_size} pixels"
            yield Comparison(what, published, cost.multiply_adds / 1e9, unit)
    stream, x3d = movinet_cost("a5", causal=True), x3d_cost("xl", test=True)
    fewer = 1 - stream.multiply_adds / (_X3D_VIEWS * x3d.multiply_adds)
    less = 1 - stream.memory_bytes / x3d.memory_bytes
    what = "movinet-a5-stream beside x3d-xl"
    yield Comparison(f"{what}, {_X3D_VIEWS} views", 80, 100 * fewer, "% fewer multiply-adds")
    yield Comparison(f"{what}, one view", 65, 100 * less, "% less memory")


def costs() -> Iterator[ClipCost]:
    """All networks, for the table of costs."""
    for name in _GIGAFLOPS:
        yield movinet_cost(name, causal=False)
        yield movinet_cost(name, causal=True)
    for name in ("m", "xl"):
        yield x3d_cost(name, test=True)


@click.command()
def main() -> None:
    """Print what the networks cost, and the comparison; fail where one is off without a reason."""
    console = Console(width=_TABLE_WIDTH)
    console.print(_cost_table(list(costs())))
    found = list(comparisons())
    console.print(_comparison_table(found))
    if unexplained := [each.what for each in found if not each.holds]:
        raise click.ClickException(f"more than {TOLERANCE:.0%} off: {', '.join(unexplained)}")


def _cost_table(found: list[ClipCost]) -> Table:
    table = _table(
        "What a video takes, float32",
        *("frames", "pixels", "parameters", "per video", "per frame", "activations", "states"),
    )
    for cost in found:
        table.add_row(
            cost.name,
            str(cost.frames),
            str(cost.image_size),
            f"{cost.parameters / 1e6:.2f} M",
            f"{cost.multiply_adds / 1e9:.2f} G",
            f"{cost.multiply_adds / cost.frames / 1e6:.1f} M",
            f"{cost.activation_bytes / 1e6:.1f} MB",
            f"{cost.state_bytes / 1e6:.1f} MB" if cost.state_bytes else "–",
        )
    table.caption = (
        "Per video, per frame: multiply-adds. Activations: alive at once, of the whole clip in a"
        " base network, of one frame in a stream."
    )
    return table


def _comparison_table(found: list[Comparison]) -> Table:
    table = _table("Beside the published figures", "published", "computed", "difference", "")
    table.columns[-1].justify = "left"
    reasons = list(dict.fromkeys(each.reason for each in found if each.is_off))
    for each in found:
        table.add_row(
            each.what,
            f"{each.published:g}",
            f"{each.computed:.3g}",
            f"{each.difference:+.1%}",
            Text(each.unit + (f" [{reasons.index(each.reason) + 1}]" if each.is_off else "")),
        )
    notes = (f"[{number}] {reason}." for number, reason in enumerate(reasons, 1))
    table.caption = Text("\n".join(notes))
    return table


def _table(title: str, *columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left", caption_justify="left")
    table.add_column("network")
    for column in columns:
        table.add_column(column, justify="right", no_wrap=True)
    return table


if __name__ == "__main__":
    main()
