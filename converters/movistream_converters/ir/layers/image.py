"""The input of a network."""

from __future__ import annotations

import msgspec

from movistream_converters.ir.layers.base import Layer, Rules, same_shape

_LEAST_STD, _LARGEST_STD = 1e-6, 1e6
"""As a manifest may say it."""


class Image(Layer, frozen=True):
    """The input: pixels of any number of channels, in a range of values, perhaps normalised.

    A network sees (value − mean) / std of each channel, where values lie in the range.

    Attributes:
        channels: 3 are red, green and blue.
        value_range: that 0 and 255 of a picture become.
        mean: of each channel, subtracted; empty for zeros.
        std: of each channel, divided by; empty for ones.
    """

    channels: int = 3
    value_range: tuple[float, float] = (0.0, 1.0)
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        for name in ("value_range", "mean", "std"):
            # Whole numbers are numbers; what is left as it is stays out of a document.
            values = getattr(self, name)
            if any(type(value) is not float for value in values):
                msgspec.structs.force_setattr(self, name, tuple(map(float, values)))
        low, high = self.value_range
        if not low < high:
            raise ValueError(f"the values of an image reach from {low:g} to {high:g}")
        for name, values in (("mean", self.mean), ("std", self.std)):
            if values and len(values) != self.channels:
                raise ValueError(
                    f"{len(values)} numbers are the {name} of {self.channels} channels"
                )
        if not all(_LEAST_STD <= value <= _LARGEST_STD for value in self.std):
            raise ValueError(f"a std of an image is not from {_LEAST_STD:g} to {_LARGEST_STD:g}")


def seen_range(image: Image) -> tuple[float, float]:
    """The lowest and highest number that a network sees."""
    low, high = image.value_range
    means = image.mean or (0.0,) * image.channels
    stds = image.std or (1.0,) * image.channels
    pairs = list(zip(means, stds, strict=True))
    return min((low - mean) / std for mean, std in pairs), max(
        (high - mean) / std for mean, std in pairs
    )


RULES: dict[type[Layer], Rules] = {Image: Rules(same_shape, inputs=(0, 0))}
"""The frame's size is the network's: its shape stands in for the missing input's."""
