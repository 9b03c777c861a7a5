"""Makes a spoiled file coherent again, so that what was done to it is not seen at once.

Results get the shapes that the runtime's own rules give them, and quantisation where it is handed
on. A file that the checks accept then is one that engines have to survive.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from movistream.errors import ModelError
from movistream.file.binding import bind
from movistream.file.graph import read_model_file
from movistream.file.operators import FORMAT
from movistream.file.shape_rules import SHAPE_RULES, Call
from tests.fuzz.mutation import CODES, content, ints
from tests.fuzz.tree import FileTree

_MOST_OPERANDS = 16
_WHOLE = {schema.TensorType.INT32: np.int32, schema.TensorType.INT64: np.int64}


def accepted(data: bytes) -> bool:
    """Whether the runtime's checks let a file pass, or fail in a way of their own."""
    try:
        bind(read_model_file(data, "variant"), data, "variant")
    except ModelError:
        return False
    except Exception:
        return True
    return True


def repair(tree: FileTree) -> None:
    """Gives results the shapes that follow from what is before them, where that can be told."""
    graph = tree.graph
    for operator in graph.operators or ():
        rules = FORMAT.operators.get(_name(tree, operator))
        operands = [_tensor(graph, index) for index in ints(operator.inputs)]
        results = [_tensor(graph, index) for index in ints(operator.outputs)]
        if rules is None or None in results or not 1 <= len(operands) <= _MOST_OPERANDS:
            continue
        call = Call(
            shapes=tuple(None if t is None else tuple(ints(t.shape)) for t in operands),
            options=_options(operator, rules.options),
            result_count=len(results),
            values=lambda place, operands=operands: _values(tree, operands[place]),
            distance=lambda *places: None,
        )
        try:
            shapes = SHAPE_RULES[rules.shape](call)
        except Exception:  # Nothing that a rule makes of hostile operands is of interest here.
            continue
        for tensor, shape in zip(results, shapes, strict=False):
            tensor.shape = [min(size, 2**31 - 1) for size in shape]
            if rules.quantization == "same" and operands[-1] is not None:
                quantized = [t for t in operands if t is not None and t.type == tensor.type]
                tensor.quantization = quantized[0].quantization if quantized else None


def repair_ends(tree: FileTree) -> None:
    """Lets states and logits have the shapes that come out, in graph and manifest."""
    if not isinstance(tree.manifest, dict):
        return
    try:
        signature = tree.model.signatureDefs[0]
        sides = [
            {_text(entry.name): tree.graph.tensors[entry.tensorIndex] for entry in side}
            for side in (signature.inputs, signature.outputs)
        ]
        for state in tree.manifest["states"]:
            shape = ints(sides[1][state["output"]].shape)
            state["shape"] = shape
            for name in state["inputs"]:
                sides[0][name].shape = shape
        logits = ints(sides[1][tree.manifest["logits"]["tensor"]].shape)
        tree.manifest["logits"]["classes"] = logits[-1]
        if len(tree.manifest.get("labels") or ()) != logits[-1]:
            tree.manifest["labels"] = []
    except (LookupError, TypeError, AttributeError):
        return


def _name(tree: FileTree, operator: Any) -> str:
    codes = tree.model.operatorCodes or ()
    if not 0 <= operator.opcodeIndex < len(codes):
        return ""
    return CODES.get(codes[operator.opcodeIndex].builtinCode, "")


def _tensor(graph: Any, index: int) -> Any:
    return graph.tensors[index] if 0 <= index < len(graph.tensors) else None


def _options(operator: Any, table: str | None) -> Mapping[str, Any]:
    if operator.builtinOptions is None:
        return {} if table is None else {f.name: f.empty() for f in FORMAT.tables[table]}
    return {
        re.sub(r"([A-Z])", lambda m: f"_{m[1].lower()}", name): (
            tuple(ints(value)) if name in ("newShape", "squeezeDims") else value
        )
        for name, value in vars(operator.builtinOptions).items()
    }


def _values(tree: FileTree, tensor: Any) -> tuple[int, ...] | None:
    if tensor is None or tensor.type not in _WHOLE:
        return None
    data = content(tree, tensor)
    if not data or len(data) % np.dtype(_WHOLE[tensor.type]).itemsize:
        return None
    return tuple(np.frombuffer(data, _WHOLE[tensor.type]).tolist())


def _text(name: Any) -> str:
    return name.decode() if isinstance(name, bytes) else str(name)
