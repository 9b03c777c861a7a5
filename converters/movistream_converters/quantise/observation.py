"""What values the layers of a network take on real videos."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from movistream_converters.ir.network import Network
from movistream_converters.ir.weights import Weights
from movistream_converters.quantise.stepping import layer_values
from movistream_converters.quantise.videos import Frame
from movistream_converters.tflite.layouts import StateLayout
from movistream_converters.tflite.lowering import lower_layers

_SAMPLES_PER_FRAME = 256
_MOST_SAMPLES = 2**16


@dataclass(frozen=True)
class Observed:
    """Values of one node's output over all frames.

    Attributes:
        low: the lowest.
        high: the highest.
        samples: some of them, drawn evenly, float32 (number,).
    """

    low: float
    high: float
    samples: npt.NDArray[np.float32]


def observe(
    network: Network,
    weights: Weights,
    videos: Iterable[Iterable[Frame]],
    on_frame: Callable[[], None] = lambda: None,
) -> dict[str, Observed]:
    """Streams videos through the float32 step, each from a reset to its end, and watches.

    Args:
        videos: frames uint8 (height, width, channels) of the network's size.

    Returns:
        What each node gave, by name.
    """
    layers = lower_layers(network, weights, StateLayout.FRAMES)
    observers = {name: _Observer(seed) for seed, name in enumerate(layers.outputs)}
    for frames in layer_values(layers, videos):
        for values in frames:
            for name, value in values.items():
                observers[name].see(value)
            on_frame()
    return {name: observer.observed() for name, observer in observers.items()}


class _Observer:
    """Extremes, and a reservoir of samples: every frame has the same chance of a place in it."""

    def __init__(self, seed: int) -> None:
        self._generator = np.random.default_rng(seed)
        self._low, self._high = np.inf, -np.inf
        self._samples = np.empty(_MOST_SAMPLES, np.float32)
        self._seen = 0

    def see(self, values: npt.NDArray[np.float32]) -> None:
        self._low = min(self._low, float(values.min()))
        self._high = max(self._high, float(values.max()))
        drawn = values.reshape(-1)[self._generator.integers(0, values.size, _SAMPLES_PER_FRAME)]
        places = np.arange(self._seen, self._seen + _SAMPLES_PER_FRAME)
        if self._seen >= _MOST_SAMPLES:
            places = self._generator.integers(0, places + 1)
        kept = places < _MOST_SAMPLES
        self._samples[places[kept]] = drawn[kept]
        self._seen += _SAMPLES_PER_FRAME

    def observed(self) -> Observed:
        return Observed(self._low, self._high, self._samples[: min(self._seen, _MOST_SAMPLES)])
