"""The classic Interpreter, of LiteRT and of its predecessor tflite-runtime.

States are numpy arrays here, copied in and out of the interpreter at every step.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from movistream.engines.options import EngineOptions
from movistream.errors import EngineError, EngineUnavailableError
from movistream.system.native_stderr import first_line, native_stderr_captured


class InterpreterEngine(ABC):
    """See :class:`movistream.engines.Engine`."""

    package: str

    def __init__(self, path: Path, signature: str, options: EngineOptions) -> None:
        if options.arithmetic != "float32":
            raise EngineUnavailableError(
                f"{self.package}'s interpreter computes in float32 only; the compiled-model engine"
                " has float16 too"
            )
        if options.weight_cache is not None:
            raise EngineUnavailableError(
                f"{self.package}'s interpreter has no weight cache; only the compiled-model engine"
                " has"
            )
        interpreter_class = self._interpreter_class()
        reason = None
        with native_stderr_captured():
            try:
                self._interpreter: Any = interpreter_class(str(path), num_threads=options.threads)
                self._interpreter.allocate_tensors()
                runner = self._interpreter.get_signature_runner(signature)
            except (RuntimeError, ValueError) as error:
                reason = first_line(str(error))
        if reason is not None:
            raise EngineError(f"{self.package} refuses {path}: {reason}")
        self._inputs: dict[str, dict[str, Any]] = runner.get_input_details()
        self._outputs: dict[str, dict[str, Any]] = runner.get_output_details()
        self.input_names = tuple(self._inputs)
        self.output_names = tuple(self._outputs)

    @staticmethod
    @abstractmethod
    def _interpreter_class() -> Any:
        """The package's Interpreter."""

    def create_input(self, name: str) -> _Buffer:
        return _Buffer(self._inputs[name])

    def create_output(self, name: str) -> _Buffer:
        return _Buffer(self._outputs[name])

    def write(self, buffer: _Buffer, values: npt.NDArray[Any]) -> None:
        buffer.array = np.array(values, buffer.array.dtype).reshape(buffer.array.shape)

    def read(self, buffer: _Buffer) -> npt.NDArray[Any]:
        values: npt.NDArray[Any] = buffer.array.copy()
        return values

    def run(self, inputs: Sequence[_Buffer], outputs: Sequence[_Buffer]) -> None:
        try:
            for details, buffer in zip(self._inputs.values(), inputs, strict=True):
                self._interpreter.set_tensor(details["index"], buffer.array)
            self._interpreter.invoke()
            for details, buffer in zip(self._outputs.values(), outputs, strict=True):
                values = self._interpreter.get_tensor(details["index"])
                if values.shape != buffer.array.shape:
                    raise EngineError(
                        f"output {details['name']} has shape {values.shape}, not the"
                        f" {buffer.array.shape} that the file gives it"
                    )
                buffer.array = values
        except (RuntimeError, ValueError) as error:
            reason = first_line(str(error))
            raise EngineError(f"{self.package} fails to run the model: {reason}") from None

    def close(self) -> None:
        self._interpreter = None


class LiteRTInterpreterEngine(InterpreterEngine):
    """``ai_edge_litert.interpreter``."""

    package = "LiteRT"

    @staticmethod
    def _interpreter_class() -> Any:
        from ai_edge_litert.interpreter import Interpreter

        return Interpreter


class TFLiteRuntimeEngine(InterpreterEngine):
    """``tflite_runtime.interpreter``: Python up to 3.11, numpy 1."""

    package = "tflite-runtime"

    @staticmethod
    def _interpreter_class() -> Any:
        from tflite_runtime.interpreter import Interpreter

        return Interpreter


class _Buffer:
    """One tensor's values."""

    __slots__ = ("array",)

    def __init__(self, details: dict[str, Any]) -> None:
        self.array: npt.NDArray[Any] = np.zeros(details["shape"], details["dtype"])
