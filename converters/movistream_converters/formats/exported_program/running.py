"""Runs a program of ``torch.export`` by PyTorch's own operators, one after the other.

Nothing is unpickled and nothing of the user's is run: the graph is the one that :mod:`.archive` has
read and checked, and only operators that :mod:`.following` knows are called.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from movistream.system.native_stderr import first_line
from movistream.system.text import printable
from movistream_converters.errors import ConversionError, NotRunError
from movistream_converters.formats.exported_program.archive import read_archive
from movistream_converters.formats.exported_program.constants import SIZES
from movistream_converters.formats.exported_program.following import OPERATORS, needed
from movistream_converters.formats.exported_program.program import Named, Node, Program, Unknown

INSTALL = "pip install 'movistream[torch]'"
_OF_SIZES = ("sym_size", "sym_numel")
_ABOUT_MEMORY = frozenset({"device", "layout", "memory_format", "pin_memory", "non_blocking"})
"""Arguments that say where numbers lie, and not what they are."""
_TYPES = {
    1: "uint8",
    2: "int8",
    3: "int16",
    4: "int32",
    5: "int64",
    6: "float32",
    7: "float32",
    8: "float32",
    12: "bool",
    13: "float32",
}
"""By PyTorch's numbers of its types. All that have a fraction are float32, as in the network."""


def runner() -> str:
    """PyTorch with its version.

    Raises:
        NotRunError: if it is not installed, or cannot be imported.
    """
    try:
        import torch
    except (ImportError, OSError) as error:
        installed = bool(list(importlib.metadata.distributions(name="torch")))
        raise NotRunError(
            f"PyTorch cannot be imported ({first_line(str(error))})"
            if installed
            else f"PyTorch is not installed; {INSTALL} brings it"
        ) from None
    return f"PyTorch {torch.__version__.partition('+')[0]}"


def run(path: Path, clips: Iterable[npt.NDArray[Any]]) -> list[npt.NDArray[Any]]:
    """What a program gives for each clip.

    Args:
        path: of a ``.pt2`` file.
        clips: float32, or uint8 for a program that takes whole numbers.

    Raises:
        ConversionError: if the file is damaged, or an operator does not do its work; it is named
            with its place.
        NotRunError: if this PyTorch lacks an operator.
    """
    import torch

    program, arrays = read_archive(path)
    nodes = needed(program)
    calls = [_function(node) for node in nodes]
    last_use = _last_uses(program, nodes)
    answers = []
    with torch.inference_mode():
        for clip in clips:
            values = {program.clip: torch.from_numpy(np.array(clip))}
            for name, stored in program.stored.items():
                values[name] = torch.from_numpy(np.array(arrays[stored]))
            for place, (node, function) in enumerate(zip(nodes, calls, strict=True)):
                _call(path, node, function, values)
                for name in last_use.get(place, ()):
                    values.pop(name, None)
            answers.append(values[program.result].numpy())
    return answers


def _function(node: Node) -> Any:
    import torch

    name = node.operator
    if node.namespace != "aten":
        if name in SIZES:
            return SIZES[name]
    elif name in _OF_SIZES or name.rstrip("_") in OPERATORS:
        found = getattr(torch.ops.aten, name, None)
        found = getattr(found, node.overload, None) if node.overload else found
        if found is not None:
            return found
    version = torch.__version__
    raise NotRunError(f"PyTorch {version} has no {printable(name)}.{printable(node.overload)}")


def _call(path: Path, node: Node, function: Any, values: dict[str, Any]) -> None:
    given = {
        name: _resolved(name, argument, values)
        for name, argument in node.arguments.items()
        if name not in _ABOUT_MEMORY
    }
    try:
        # Arithmetic of sizes is Python's, and takes no names.
        result = function(**given) if node.namespace == "aten" else function(*given.values())
        results = result if isinstance(result, list | tuple) else [result]
        values.update(zip(node.outputs, results, strict=True))
    except Exception as error:  # Whatever an operator raises.
        raise ConversionError(
            f"{path}: {node} is not run by PyTorch: {printable(first_line(str(error)))};"
            " --no-verify does without"
        ) from None


def _resolved(name: str, given: Any, values: dict[str, Any]) -> Any:
    import torch

    if isinstance(given, list):
        return [_resolved(name, each, values) for each in given]
    if isinstance(given, Named):
        return values[given.name]
    if isinstance(given, Unknown):
        raise NotRunError(f"an argument {printable(name)} is of the kind {printable(given.kind)}")
    if name == "dtype" and given is not None:
        if given not in _TYPES:
            raise NotRunError(f"it makes numbers of the type {given}")
        return getattr(torch, _TYPES[given])
    return given


def _last_uses(program: Program, nodes: list[Node]) -> dict[int, list[str]]:
    """The names that no operator behind a place reads, so that their numbers can go."""
    last: dict[str, int] = {}
    for place, node in enumerate(nodes):
        for name in (*_names(node.arguments.values()), *node.outputs):
            last[name] = place
    found: dict[int, list[str]] = {}
    for name, place in last.items():
        if name != program.result:
            found.setdefault(place, []).append(name)
    return found


def _names(values: Any) -> Iterator[str]:
    for value in values:
        if isinstance(value, list):
            yield from _names(value)
        elif isinstance(value, Named):
            yield value.name
