"""Changes .tflite files in ways of one's own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import flatbuffers
from ai_edge_litert import schema_py_generated as schema

Edit = Callable[[Any], None]


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def edited(data: bytes, edit: Edit) -> bytes:
    """A file with its graph changed."""
    model = schema.ModelT.InitFromPackedBuf(data)
    edit(model)
    return packed(model, len(data))


def packed(model: Any, size: int) -> bytes:
    builder = flatbuffers.Builder(size)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def operators(model: Any, name: str) -> list[Any]:
    code = getattr(schema.BuiltinOperator, name)
    codes = [i for i, entry in enumerate(model.operatorCodes) if entry.builtinCode == code]
    return [o for o in model.subgraphs[0].operators if o.opcodeIndex in codes]
