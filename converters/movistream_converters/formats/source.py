"""What readers of all formats return: a network, its weights, and why it is this network."""

from __future__ import annotations

from dataclasses import dataclass

from movistream_converters.errors import ConversionError
from movistream_converters.ir.network import Network
from movistream_converters.ir.weights import Weights
from movistream_converters.networks.movinet import MovinetOptions


def option_text(value: object) -> str:
    """An option's value as the command line has it."""
    return f"{value:g}" if isinstance(value, float) else str(getattr(value, "value", value))


@dataclass(frozen=True)
class Finding:
    """One option of a network, and what it was decided by.

    Attributes:
        source: ``the checkpoint``, ``the SavedModel``, ``the command``, ``the default of NAME``….
        guessed: nothing in the file or the command tells.
    """

    option: str
    value: object
    source: str
    guessed: bool = False


@dataclass(frozen=True)
class Source:
    """A network read from a file.

    Attributes:
        movinet: its options, if it is a MoViNet.
        findings: its options, each with what it was decided by.
        unused: what the file holds besides.
        name: of the file, or of the one that a weights file was made from.
        format: the reader of that one, a key of :data:`.registry.FORMATS`.
        labels: one per class, if the file names them.
        frames_per_second: the rate at which a network that is no MoViNet was trained to see
            frames; None if unknown.
    """

    movinet: MovinetOptions | None
    network: Network
    weights: Weights
    findings: tuple[Finding, ...]
    unused: tuple[str, ...] = ()
    name: str = ""
    format: str = ""
    labels: tuple[str, ...] = ()
    frames_per_second: float | None = None

    @property
    def options(self) -> MovinetOptions:
        """Of a MoViNet.

        Raises:
            ConversionError: if it is none.
        """
        if self.movinet is None:
            raise ConversionError(f"{self.name} is no MoViNet, which this needs")
        return self.movinet

    @property
    def rate(self) -> float | None:
        """The rate at which the network was trained to see frames; None if unknown."""
        return self.frames_per_second if self.movinet is None else self.movinet.frames_per_second
