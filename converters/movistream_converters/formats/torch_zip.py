"""Reads the tensors of a file of ``torch.save`` without PyTorch, and without running anything.

Such a file is a zip archive: a pickle that describes objects, and the numbers of each storage. The
pickle is a program. It is followed here opcode by opcode, by an interpreter that knows strings,
numbers, containers and the one way in which tensors are written; it calls nothing. What it does not
know becomes :class:`Unknown`, and is never a tensor.
"""

from __future__ import annotations

import math
import pickletools
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from movistream_converters.errors import ConversionError
from movistream_converters.formats.limits import check_weights, check_zip

_STORAGES = {
    "DoubleStorage": "<f8",
    "FloatStorage": "<f4",
    "HalfStorage": "<f2",
    "BFloat16Storage": "<u2",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "<i1",
    "ByteStorage": "<u1",
    "BoolStorage": "<u1",
}
_MAGIC = b"PK\x03\x04"
_MOST_PICKLE_BYTES = 2**24
_MOST_DIMENSIONS = 8


@dataclass(frozen=True)
class Unknown:
    """Something that is no plain data."""

    what: str


@dataclass(frozen=True)
class _Global:
    name: str


@dataclass(frozen=True)
class _Storage:
    kind: str
    key: str


@dataclass(frozen=True)
class _Tensor:
    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class _Mark:
    """Where a container begins on the stack."""


def is_zip(path: Path) -> bool:
    """Whether a file begins as an archive does, be it whole or not."""
    with path.open("rb") as file:
        return file.read(len(_MAGIC)) == _MAGIC


def read_torch_zip(path: Path) -> Any:
    """What a file of ``torch.save`` holds, tensors as arrays; other objects as :class:`Unknown`.

    Raises:
        ConversionError: if it is damaged, or larger than weights are.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            check_zip(path, archive.infolist())
            name = _pickle_name(archive)
            if name is None:
                raise ValueError("it has no data.pkl")
            if archive.getinfo(name).file_size > _MOST_PICKLE_BYTES:
                raise ValueError("its data.pkl is too large")
            root = name.removesuffix("data.pkl")
            order = f"{root}byteorder"
            if order in archive.namelist() and archive.read(order) != b"little":
                raise ValueError("its numbers are not little-endian")
            described = _followed(archive.read(name))
            tensors: list[_Tensor] = []
            _visit(described, tensors.append)
            check_weights(path, [tensor.shape for tensor in tensors])
            storages: dict[str, bytes] = {}
            for tensor in tensors:
                key = tensor.storage.key
                if key not in storages:
                    storages[key] = archive.read(f"{root}data/{key}")
            return _visit(described, lambda tensor: _array(tensor, storages[tensor.storage.key]))
    except (
        zipfile.BadZipFile,
        OSError,
        RuntimeError,
        ValueError,
        KeyError,
        IndexError,
        TypeError,
        AttributeError,
        NotImplementedError,
        RecursionError,
        EOFError,
        zlib.error,
    ) as error:
        raise ConversionError(f"{path} is damaged or no state dict: {error}") from None


def _pickle_name(archive: zipfile.ZipFile) -> str | None:
    names = (name for name in archive.namelist() if name.endswith("/data.pkl"))
    return next(names, None)


def _followed(program: bytes) -> Any:
    """What a pickle describes.

    Raises:
        ValueError, IndexError, KeyError, TypeError: if it does not make sense.
    """
    stack: list[Any] = []
    memo: dict[int, Any] = {}
    argument: Any
    for opcode, argument, _ in pickletools.genops(program):
        match opcode.name:
            case "PROTO" | "FRAME":
                pass
            case "STOP":
                return stack.pop()
            case "MARK":
                stack.append(_Mark())
            case "NONE":
                stack.append(None)
            case "NEWTRUE" | "NEWFALSE":
                stack.append(opcode.name == "NEWTRUE")
            case (
                "BININT"
                | "BININT1"
                | "BININT2"
                | "LONG1"
                | "INT"
                | "BINFLOAT"
                | "BINUNICODE"
                | "SHORT_BINUNICODE"
                | "UNICODE"
                | "BINSTRING"
                | "SHORT_BINSTRING"
                | "BINBYTES"
                | "SHORT_BINBYTES"
            ):
                stack.append(argument)
            case "EMPTY_DICT":
                stack.append({})
            case "EMPTY_LIST":
                stack.append([])
            case "EMPTY_TUPLE":
                stack.append(())
            case "EMPTY_SET":
                stack.append(Unknown("a set"))
            case "TUPLE":
                stack.append(tuple(_since_mark(stack)))
            case "TUPLE1" | "TUPLE2" | "TUPLE3":
                count = int(opcode.name[-1])
                if len(stack) < count:
                    raise ValueError("its pickle is cut off")
                stack[-count:] = [tuple(stack[-count:])]
            case "DICT" | "LIST":
                items = _since_mark(stack)
                stack.append(items if opcode.name == "LIST" else _filled({}, items))
            case "APPEND":
                _extend(stack, [stack.pop()])
            case "APPENDS" | "ADDITEMS":
                _extend(stack, _since_mark(stack))
            case "SETITEM":
                _fill(stack, [stack.pop(-2), stack.pop()])
            case "SETITEMS":
                _fill(stack, _since_mark(stack))
            case "PUT" | "BINPUT" | "LONG_BINPUT":
                memo[argument] = stack[-1]
            case "MEMOIZE":
                memo[len(memo)] = stack[-1]
            case "GET" | "BINGET" | "LONG_BINGET":
                stack.append(memo[argument])
            case "GLOBAL":
                stack.append(_Global(argument.replace(" ", ".")))
            case "STACK_GLOBAL":
                name = stack.pop()
                stack.append(_Global(f"{stack.pop()}.{name}"))
            case "BINPERSID":
                stack.append(_persistent(stack.pop()))
            case "REDUCE" | "NEWOBJ":
                arguments = stack.pop()
                stack.append(_called(stack.pop(), arguments))
            case "BUILD":
                stack.pop()  # Attributes of an object; a dict of tensors needs none.
            case "POP":
                stack.pop()
            case _:
                raise ValueError(f"its pickle holds {opcode.name}, which no state dict needs")
    raise ValueError("its pickle has no end")


def _since_mark(stack: list[Any]) -> list[Any]:
    start = max(place for place, item in enumerate(stack) if isinstance(item, _Mark))
    items = stack[start + 1 :]
    del stack[start:]
    return items


def _extend(stack: list[Any], items: list[Any]) -> None:
    if isinstance(stack[-1], list):
        stack[-1].extend(items)


def _fill(stack: list[Any], items: list[Any]) -> None:
    if isinstance(stack[-1], dict):
        _filled(stack[-1], items)


def _filled(target: dict[Any, Any], items: list[Any]) -> dict[Any, Any]:
    target.update(zip(items[::2], items[1::2], strict=True))
    return target


def _persistent(described: Any) -> Any:
    match described:
        case ("storage", _Global(name), str(key), _, int()) if "/" not in key:
            return _Storage(name.removeprefix("torch."), key)
    return Unknown("something kept outside")


def _called(function: Any, arguments: Any) -> Any:
    match function, arguments:
        case _Global("collections.OrderedDict"), ():
            return {}
        case _Global("collections.OrderedDict"), (list(pairs),):
            return dict(pairs)
        case (
            _Global("torch._utils._rebuild_tensor_v2" | "torch._utils._rebuild_tensor"),
            (_Storage() as storage, int(offset), tuple(shape), tuple(strides), *_),
        ) if storage.kind in _STORAGES:
            return _Tensor(storage, offset, shape, strides)
        case _Global("torch._utils._rebuild_parameter"), (_Tensor() as tensor, *_):
            return tensor
    return Unknown(function.name if isinstance(function, _Global) else "a call")


def _visit(value: Any, on_tensor: Callable[[_Tensor], Any]) -> Any:
    """The same, with other things in place of tensors."""
    # A dict that is named a thousand times is one dict.
    visited: dict[int, Any] = {}

    def visit(value: Any) -> Any:
        if id(value) in visited:
            return visited[id(value)]
        if isinstance(value, dict):
            found = {key: visit(item) for key, item in value.items()}
        else:
            found = on_tensor(value) if isinstance(value, _Tensor) else value
        visited[id(value)] = found
        return found

    return visit(value)


def _array(tensor: _Tensor, data: bytes) -> npt.NDArray[Any]:
    return strided_array(tensor.storage.kind, data, tensor.offset, tensor.shape, tensor.strides)


def strided_array(
    storage: str, data: bytes, offset: int, shape: tuple[int, ...], strides: tuple[int, ...]
) -> npt.NDArray[Any]:
    """A tensor's numbers; a view of its storage would reach outside it if told so.

    Args:
        storage: what PyTorch calls it, such as ``FloatStorage``.
        data: of the storage.
        offset: of the first number; like the strides, in numbers.

    Returns:
        A copy, numbers with a fraction as float32.

    Raises:
        ValueError: if there is no such tensor in that storage.
    """
    sizes = (offset, *shape, *strides)
    sane = len(shape) == len(strides) <= _MOST_DIMENSIONS and all(
        isinstance(size, int) and 0 <= size < 2**40 for size in sizes
    )
    if not sane:
        raise ValueError("a tensor has an impossible shape")
    numbers = np.frombuffer(data, _STORAGES[storage])
    last = offset + sum((n - 1) * step for n, step in zip(shape, strides, strict=True))
    if math.prod(shape) == 0:
        return np.zeros(shape, numbers.dtype)
    if last >= numbers.size:
        raise ValueError("a tensor reaches outside its storage")
    steps = tuple(step * numbers.itemsize for step in strides)
    array: npt.NDArray[Any] = np.lib.stride_tricks.as_strided(numbers[offset:], shape, steps).copy()
    if storage == "BFloat16Storage":
        array = (array.astype(np.uint32) << 16).view(np.float32)
    return array.astype(np.float32, copy=False) if array.dtype.kind == "f" else array
