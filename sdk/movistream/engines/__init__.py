"""Inference engines behind one protocol.

An engine runs a step graph on buffers that the caller owns, so that a state moves from a step's
output to the next step's input by exchanging buffers, and any number of streams can use one engine
and its weights.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from movistream.engines.compiled_model import CompiledModelEngine
from movistream.engines.interpreter import LiteRTInterpreterEngine, TFLiteRuntimeEngine
from movistream.engines.options import EngineOptions
from movistream.errors import EngineError, EngineUnavailableError

_logger = logging.getLogger(__name__)

Array: TypeAlias = npt.NDArray[np.generic]


class Engine(Protocol):
    """A loaded model file.

    Attributes:
        input_names: of the signature, in the order that :meth:`run` takes buffers.
        output_names: likewise.
    """

    input_names: tuple[str, ...]
    output_names: tuple[str, ...]

    def create_input(self, name: str) -> Any:
        """A buffer that fits an input; it fits an output of the same shape and dtype too."""

    def create_output(self, name: str) -> Any:
        """A buffer that fits an output."""

    def write(self, buffer: Any, values: Array) -> None:
        """Fills a buffer; the values have its shape and dtype."""

    def read(self, buffer: Any) -> Array:
        """A buffer's values, as a copy."""

    def run(self, inputs: Sequence[Any], outputs: Sequence[Any]) -> None:
        """Computes the outputs; raises EngineError if that fails. Not for two threads at once."""

    def close(self) -> None:
        """Frees what the engine holds; buffers must not be used afterwards."""


ENGINES: Mapping[str, Callable[[Path, str, EngineOptions], Engine]] = {
    "compiled-model": CompiledModelEngine,
    "interpreter": LiteRTInterpreterEngine,
    "tflite-runtime": TFLiteRuntimeEngine,
}
"""By name, the preferred first; each is called with (path, signature key, options)."""


def open_engine(
    name: str, path: Path, signature: str, options: EngineOptions
) -> tuple[str, Engine]:
    """Opens a model file.

    Args:
        name: a key of :data:`ENGINES`, or ``auto`` for the first one that is installed and that
            this CPU can run.

    Returns:
        The name of the engine in use, and the engine.

    Raises:
        EngineUnavailableError: if an engine is installed, but cannot run as told, or not here.
        EngineError: if the engine is unknown, not installed, or refuses the file.
    """
    if name != "auto" and name not in ENGINES:
        raise EngineError(f"unknown engine {name!r}; there are auto, {', '.join(ENGINES)}")
    unavailable: EngineUnavailableError | None = None
    for candidate in ENGINES if name == "auto" else (name,):
        try:
            return candidate, ENGINES[candidate](path, signature, options)
        except EngineUnavailableError as error:
            unavailable = unavailable or error
            refusal: Exception = error
        except ImportError as error:
            refusal = reason = error
        _logger.info("the engine %s does not run %s: %s", candidate, path, refusal)
    if unavailable is not None:
        raise unavailable
    if name == "auto":
        raise EngineError(
            f"no engine can be imported ({reason}): pip install ai-edge-litert, or tflite-runtime"
        )
    package = "tflite-runtime" if name == "tflite-runtime" else "ai-edge-litert"
    raise EngineError(f"engine {name} is not installed ({reason}): pip install {package}")
