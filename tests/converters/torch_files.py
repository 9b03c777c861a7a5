"""Files as torch.save writes them, without PyTorch."""

from __future__ import annotations

import io
import pickle
import sys
import types
import zipfile
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

_KINDS = {
    "f8": "DoubleStorage",
    "f4": "FloatStorage",
    "f2": "HalfStorage",
    "i8": "LongStorage",
    "u1": "ByteStorage",
}


class Written:
    """A tensor that says of itself what it likes."""

    def __init__(
        self,
        numbers: np.ndarray,
        shape: tuple[Any, ...] | None = None,
        strides: tuple[Any, ...] | None = None,
        offset: Any = 0,
        kind: str | None = None,
    ) -> None:
        self.numbers = np.asarray(numbers, order="C")
        self.shape = self.numbers.shape if shape is None else shape
        steps = tuple(step // self.numbers.itemsize for step in self.numbers.strides)
        self.strides = steps if strides is None else strides
        self.offset = offset
        self.kind = kind or _KINDS[self.numbers.dtype.str[1:]]


def save(content: Any, path: Path, *, byteorder: str = "little", protocol: int = 2) -> None:
    """Writes an object with arrays, or :class:`Written`, in its dicts."""
    storages: list[bytes] = []
    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")

    def _rebuild_tensor_v2(*_: Any) -> None: ...

    _rebuild_tensor_v2.__module__ = "torch._utils"
    _rebuild_tensor_v2.__qualname__ = "_rebuild_tensor_v2"
    utils._rebuild_tensor_v2 = _rebuild_tensor_v2  # type: ignore[attr-defined]
    for name in {*_KINDS.values(), "BFloat16Storage", "StrangeStorage"}:
        setattr(torch, name, type(name, (), {"__module__": "torch"}))

    class Storage:
        def __init__(self, written: Written) -> None:
            self.written = written

    class Pickler(pickle.Pickler):
        def persistent_id(self, value: Any) -> Any:
            if not isinstance(value, Storage):
                return None
            storages.append(value.written.numbers.tobytes())
            kind = getattr(torch, value.written.kind)
            key = str(len(storages) - 1)
            return ("storage", kind, key, "cpu", value.written.numbers.size)

        def reducer_override(self, value: Any) -> Any:
            if isinstance(value, np.ndarray):
                value = Written(value)
            if isinstance(value, Written):
                hooks: OrderedDict[str, Any] = OrderedDict()
                arguments = (Storage(value), value.offset, value.shape, value.strides, False, hooks)
                return _rebuild_tensor_v2, arguments
            return NotImplemented

    program = io.BytesIO()
    before = {name: sys.modules.get(name) for name in ("torch", "torch._utils")}
    sys.modules.update({"torch": torch, "torch._utils": utils})
    try:
        Pickler(program, protocol).dump(content)
    finally:
        for name, module in before.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", program.getvalue())
        archive.writestr("archive/byteorder", byteorder)
        for key, data in enumerate(storages):
            archive.writestr(f"archive/data/{key}", data)


def ordered(tensors: Mapping[str, Any]) -> OrderedDict[str, Any]:
    """As ``state_dict()`` gives them, with the attribute that it has."""
    found: OrderedDict[str, Any] = OrderedDict(tensors)
    found._metadata = OrderedDict({"": {"version": 1}})  # type: ignore[attr-defined]
    return found
