"""LiteRT's CompiledModel: buffers are handed over, nothing is copied between steps."""

from __future__ import annotations

import ctypes
import functools
import platform
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from movistream.engines.arithmetic import Arithmetic
from movistream.engines.options import EngineOptions
from movistream.engines.weight_cache import packed_weights
from movistream.errors import EngineError, EngineUnavailableError
from movistream.system.child import call, refuse
from movistream.system.cpu import core_features
from movistream.system.native_stderr import STDERR_DESCRIPTOR, first_line, native_stderr_captured

PACKING_TIME_LIMIT_S = 600
_NO_PLUGINS = "/nonexistent"
_XNNPACK_FLAGS: dict[Arithmetic, int | None] = {"float32": None, "float16": 4}
"""TFLITE_XNNPACK_DELEGATE_FLAG_FORCE_FP16 of xnnpack_delegate.h; None is LiteRT's own choice."""


class CompiledModelEngine:
    """See :class:`movistream.engines.Engine`."""

    def __init__(self, path: Path, signature: str, options: EngineOptions) -> None:
        _require_arm_atomics()
        if options.arithmetic == "float16" and options.weight_cache is not None:
            # XNNPACK aborts the process while it packs (LiteRT 2.3).
            raise EngineUnavailableError("LiteRT keeps no weight cache for float16 arithmetic")
        if options.has_sizes_at_run_time:
            # It crashes now and then, in run_by_index (LiteRT 2.3).
            raise EngineUnavailableError(
                f"{path} computes sizes of tensors while it runs, which compiled-model does not"
                " survive; take the engine interpreter, or convert the file with movistream"
            )
        reason = None
        with _packed_weights(path, options) as cache:
            with native_stderr_captured() as log:
                try:
                    self._model: Any = _compiled(path, options.threads, options.arithmetic, cache)
                    self._index = self._model.get_signature_index(signature)
                    names = self._model.get_signature_by_index(self._index)
                    self._inputs = self._model.get_input_tensor_details(signature)
                    self._outputs = self._model.get_output_tensor_details(signature)
                except (RuntimeError, ValueError) as error:
                    reason = str(error)
            if reason is not None:
                said = first_line((*_errors(log), reason)[0])
                raise EngineError(f"LiteRT refuses {path}: {said}")
        self._signature = signature
        self.input_names = tuple(names["inputs"])
        self.output_names = tuple(names["outputs"])
        # Destroying the native model logs too, also at the interpreter's exit.
        self._finalizer = weakref.finalize(self, _close_quietly, self._model)
        _silence_native_exit(self.create_input(self.input_names[0]))

    def create_input(self, name: str) -> _Buffer:
        return self._create(self._model.create_input_buffer_by_name, name, self._inputs)

    def create_output(self, name: str) -> _Buffer:
        return self._create(self._model.create_output_buffer_by_name, name, self._outputs)

    def write(self, buffer: _Buffer, values: npt.NDArray[Any]) -> None:
        buffer.native.write(values)

    def read(self, buffer: _Buffer) -> npt.NDArray[Any]:
        values: npt.NDArray[Any] = buffer.native.read(buffer.size, buffer.dtype)
        return values.reshape(buffer.shape)

    def run(self, inputs: Sequence[_Buffer], outputs: Sequence[_Buffer]) -> None:
        try:
            # It asks of a buffer for its capsule alone.
            self._model.run_by_index(self._index, inputs, outputs)
        except (RuntimeError, ValueError) as error:
            raise EngineError(f"LiteRT fails to run the model: {first_line(str(error))}") from None

    def close(self) -> None:
        self._finalizer()

    def _create(
        self, create: Callable[[str, str], Any], name: str, details: dict[str, Any]
    ) -> _Buffer:
        try:
            return _Buffer(create(self._signature, name), details[name])
        except (RuntimeError, ValueError) as error:
            reason = first_line(str(error))
            raise EngineError(f"LiteRT has no buffer for {name}: {reason}") from None


class _Buffer:
    """A native tensor buffer, and how to read it.

    Its capsule lies ready: LiteRT's own property takes a thousand instructions, for every tensor of
    every step.
    """

    __slots__ = ("capsule", "dtype", "native", "shape", "size")

    def __init__(self, native: Any, details: dict[str, Any]) -> None:
        self.native = native
        self.capsule = native.capsule
        self.dtype = np.dtype(details["dtype"])
        self.shape = tuple(int(size) for size in details["shape"])
        self.size = int(np.prod(self.shape))


def _compiled(path: Path, threads: int, arithmetic: Arithmetic, cache: str) -> Any:
    """LiteRT's own model. Packed weights are read from a path, or written where nothing is yet."""
    from ai_edge_litert.compiled_model import CompiledModel, CpuOptions, Options

    cpu = CpuOptions(
        num_threads=threads,
        xnnpack_weight_cache_path=cache,
        xnnpack_flags=_XNNPACK_FLAGS[arithmetic],
    )
    return CompiledModel.from_file(
        str(path), environment=_environment(), options=Options(cpu_options=cpu)
    )


@contextmanager
def _packed_weights(path: Path, options: EngineOptions) -> Iterator[str]:
    """Where LiteRT finds them; empty for nowhere."""
    if options.weight_cache is None:
        yield ""
        return

    def pack_in_child(part: Path) -> None:
        how = (options.threads, options.arithmetic)
        arguments = (str(path.absolute()), *how, str(part.absolute()))
        call(__name__, "pack", *arguments, time_limit_s=PACKING_TIME_LIMIT_S)

    with packed_weights(options.weight_cache, pack_in_child) as cache:
        yield cache or ""


def pack(path: str, threads: int, arithmetic: Arithmetic, part: str) -> int:
    """In a child: leaves packed weights in a file, and opens it to see that it is whole."""
    reason = None
    with native_stderr_captured() as log:
        try:
            for _ in ("write", "open"):
                _compiled(Path(path), threads, arithmetic, part)
        except (RuntimeError, ValueError) as error:
            reason = str(error)
    errors = [*_errors(log), *([] if reason is None else [reason])]
    return refuse(EngineError(first_line(errors[0]))) if errors else 0


def _errors(log: Iterable[str]) -> list[str]:
    return [line for line in log if line.startswith("ERROR")]


def _require_arm_atomics() -> None:
    """Refuses 64-bit ARM cores before ARMv8.1, such as the Cortex-A72 of a Raspberry Pi 4.

    LiteRT 2.3 loads a GPU library with its CompiledModel that kills the process there.
    """
    if platform.machine() != "aarch64":
        return
    if not all("atomics" in features for features in core_features()):
        raise EngineUnavailableError(
            "LiteRT's CompiledModel needs a CPU with ARMv8.1 atomics, which this one lacks; use the"
            " interpreter engine"
        )


@functools.cache
def _environment() -> Any:
    """One environment for the process, without vendors' plug-ins, never destroyed.

    Its destruction would log while Python ends, when nothing can be captured any more.
    """
    from ai_edge_litert.environment import Environment, EnvironmentOptions

    environment = Environment.create(
        options=EnvironmentOptions(
            compiler_plugin_path=_NO_PLUGINS, dispatch_library_path=_NO_PLUGINS
        )
    )
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(environment.capsule))
    return environment


_exit_is_silent = False


def _silence_native_exit(buffer: _Buffer) -> None:
    """Keeps the library's static objects from logging while the process ends.

    The first write to a buffer constructs them; their destructors run, and log, long after Python
    has ended. A C exit handler that is registered behind theirs runs before them and closes the
    descriptor that they log to; the process has nothing of its own left to say by then.
    """
    global _exit_is_silent
    if _exit_is_silent:
        return
    with native_stderr_captured():
        buffer.native.write(np.zeros(buffer.size, buffer.dtype))
    libc = ctypes.CDLL(None)
    register = getattr(libc, "__cxa_atexit", None)
    if register is not None:
        close = ctypes.cast(libc.close, ctypes.c_void_p)
        register(close, ctypes.c_void_p(STDERR_DESCRIPTOR), None)
    _exit_is_silent = True


def _close_quietly(model: Any) -> None:
    with native_stderr_captured():
        model.close()
