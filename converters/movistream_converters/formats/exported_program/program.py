"""A program of ``torch.export`` as data: its nodes, what goes in, and what comes out.

Source: PyTorch's ``torch/_export/serde/schema.py`` (BSD-3-Clause), schema version 8.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from movistream.system.text import printable
from movistream_converters.errors import ConversionError

SCHEMA_MAJORS = (7, 8)
"""Of the schema, as this reader knows them."""

_MOST_NODES = 2**15
_MOST_DIMENSIONS = 8
_LONGEST_CODE = 100
_LONGEST_PATH = 200
_FRAME = re.compile(r'File "(?P<file>[^"\n]*)", line (?P<line>\d+), in [^\n]*\n? *(?P<code>[^\n]*)')
_SYMBOL = re.compile(r"(?:Symbol\('(\w+)'[^)]*\)|(\w+))")
_NOT_OF_THE_USER = re.compile(r"(?:site|dist)-packages/torch/|(?:^|/)torch/nn/|^<")


@dataclass(frozen=True)
class Place:
    """Where something stands in the code that was exported; empty where the program does not say.

    Attributes:
        file: as it was called where the program was exported.
        line: number of it; 0 if unknown.
        code: of the line.
        module: path of the module, such as ``blocks.0.shift``.
        kind: of that module, such as ``torch.nn.modules.conv.Conv2d``.
    """

    file: str = ""
    line: int = 0
    code: str = ""
    module: str = ""
    kind: str = ""

    def __str__(self) -> str:
        where = f" at {printable(self.file)}:{self.line}" if self.file else ""
        code = f" ({printable(self.code)})" if self.code else ""
        module = f" in {printable(self.module)}" if self.module else ""
        return f"{where}{code}{module}"


@dataclass(frozen=True)
class Named:
    """A value of the graph, or a number of its sizes, where an argument names it."""

    name: str


@dataclass(frozen=True)
class Unknown:
    """An argument of a kind that no operator here takes."""

    kind: str


@dataclass(frozen=True)
class Node:
    """One operator.

    Attributes:
        namespace: ``aten`` of PyTorch's own.
        operator: such as ``conv2d``.
        arguments: by name; those that have their default may be missing.
        outputs: names of what it gives.
        overload: which of the operators of that name; empty if the program does not say.
    """

    namespace: str
    operator: str
    arguments: dict[str, Any]
    outputs: tuple[str, ...]
    place: Place
    overload: str = ""

    @property
    def bare(self) -> str:
        """The operator, without what says that it works in place."""
        name = self.operator
        return name if name.endswith("__") else name.removesuffix("_")

    @property
    def is_in_place(self) -> bool:
        """Whether it changes what it reads first."""
        return self.namespace == "aten" and self.operator != self.bare

    def __str__(self) -> str:
        shown = self.operator if self.namespace == "aten" else f"{self.namespace}.{self.operator}"
        return f"{printable(shown)}{self.place}"


@dataclass(frozen=True)
class Dynamic:
    """A size that was left open.

    Attributes:
        symbol: that stands for it.
        hint: what it was in the example.
        least: that it may be.
        most: that it may be; None for any.
    """

    symbol: str
    hint: int
    least: int
    most: int | None


@dataclass(frozen=True)
class Program:
    """A program.

    Attributes:
        clip: the value that goes in.
        clip_dtype: PyTorch's number of its type.
        clip_sizes: of its axes.
        stored: the weight, buffer or constant behind each value that holds one.
        buffers: those of ``stored`` that are buffers of a module.
        result: the value that comes out.
        sizes: all numbers that the program mentions.
    """

    nodes: tuple[Node, ...]
    clip: str
    clip_dtype: int
    clip_sizes: tuple[int | Dynamic, ...]
    stored: dict[str, str]
    buffers: frozenset[str]
    result: str
    sizes: frozenset[int]


class _Argument(msgspec.Struct):
    name: str
    arg: dict[str, Any]


class _Node(msgspec.Struct):
    target: str
    inputs: list[_Argument]
    outputs: list[dict[str, Any]]
    metadata: dict[str, Any] = {}


class _Tensor(msgspec.Struct):
    dtype: int
    sizes: list[dict[str, Any]]


class _Graph(msgspec.Struct):
    outputs: list[dict[str, Any]]
    nodes: list[_Node]
    tensor_values: dict[str, _Tensor]


class _Signature(msgspec.Struct):
    input_specs: list[dict[str, dict[str, Any]]]
    output_specs: list[dict[str, dict[str, Any]]]


class _Module(msgspec.Struct):
    graph: _Graph
    signature: _Signature


class _Range(msgspec.Struct):
    min_val: int | None = None
    max_val: int | None = None


class _Version(msgspec.Struct):
    major: int


class _Document(msgspec.Struct):
    graph_module: _Module
    schema_version: _Version
    range_constraints: dict[str, _Range] = {}


def decode_program(path: Path, data: bytes) -> Program:
    """A program from its JSON.

    Args:
        path: of the file, for errors.

    Raises:
        ConversionError: if it is none, of a version that is not known, larger than programs are,
            takes or gives anything but one tensor, or changes what it keeps.
    """
    try:
        document = msgspec.json.decode(data, type=_Document)
    except (msgspec.MsgspecError, RecursionError, ValueError) as error:
        raise ConversionError(
            f"{path} is damaged or no program of torch.export: {printable(str(error))}"
        ) from None
    major = document.schema_version.major
    if major not in SCHEMA_MAJORS:
        raise ConversionError(
            f"{path} has version {major} of the format of torch.export; versions"
            f" {' and '.join(map(str, SCHEMA_MAJORS))} are read"
        )
    graph = document.graph_module.graph
    if len(graph.nodes) > _MOST_NODES:
        raise ConversionError(f"{path} has {len(graph.nodes)} nodes; {_MOST_NODES} are read")
    try:
        return _program(path, document)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise ConversionError(
            f"{path} is damaged or no program of torch.export: {printable(str(error))}"
        ) from None


def _program(path: Path, document: _Document) -> Program:
    graph, signature = document.graph_module.graph, document.graph_module.signature
    stored: dict[str, str] = {}
    buffers: set[str] = set()
    clips: list[str] = []
    for spec in signature.input_specs:
        ((kind, content),) = spec.items()
        match kind:
            case "parameter" | "buffer" | "tensor_constant":
                name = str(content["arg"]["name"])
                stored[name] = str(content[f"{kind}_name"])
                if kind == "buffer":
                    buffers.add(name)
            case "user_input" if "as_tensor" in content["arg"]:
                clips.append(str(content["arg"]["as_tensor"]["name"]))
            case "user_input" if "as_none" in content["arg"]:
                pass
            case _:
                raise ConversionError(
                    f"{path} takes a {printable(kind.replace('_', ' '))} besides its clip: export a"
                    " module whose forward takes the clip alone"
                )
    if len(clips) != 1:
        raise ConversionError(
            f"{path} takes {len(clips)} tensors: export a module whose forward takes the clip alone"
        )
    clip = graph.tensor_values[clips[0]]
    if len(clip.sizes) > _MOST_DIMENSIONS:
        raise ValueError("its clip has an impossible shape")
    return Program(
        nodes=tuple(map(_node, graph.nodes)),
        clip=clips[0],
        clip_dtype=clip.dtype,
        clip_sizes=tuple(_size(size, document.range_constraints) for size in clip.sizes),
        stored=stored,
        buffers=frozenset(buffers),
        result=_result(path, signature),
        sizes=frozenset(_numbers(graph)),
    )


def _result(path: Path, signature: _Signature) -> str:
    results: list[str] = []
    for spec in signature.output_specs:
        ((kind, content),) = spec.items()
        match kind:
            case "user_output" if "as_tensor" in content["arg"]:
                results.append(str(content["arg"]["as_tensor"]["name"]))
            case "user_output":
                pass
            case "buffer_mutation":
                raise ConversionError(
                    f"{path} changes the buffer {printable(str(content['buffer_name']))} while it"
                    " runs: state inside a module is not read; compute it from the frames of the"
                    " clip"
                )
            case _:
                raise ConversionError(
                    f"{path} has a result that is a {printable(kind.replace('_', ' '))}; only"
                    " logits of the frames are read"
                )
    if len(results) != 1:
        raise ConversionError(
            f"{path} gives {len(results)} tensors: export a module whose forward gives the logits"
            " alone"
        )
    return results[0]


def _size(size: dict[str, Any], ranges: dict[str, _Range]) -> int | Dynamic:
    ((kind, content),) = size.items()
    if kind == "as_int":
        return int(content)
    found = _SYMBOL.fullmatch(str(content["expr_str"]))
    if found is None:
        raise ValueError(f"a size of its clip is {content['expr_str']}, and no number by itself")
    symbol = found[1] or found[2]
    allowed = ranges.get(symbol, _Range())
    hint = (content.get("hint") or {}).get("as_int", 0)
    return Dynamic(symbol, int(hint), max(allowed.min_val or 0, 0), allowed.max_val)


def _numbers(graph: _Graph) -> set[int]:
    numbers: set[int] = set()
    for tensor in graph.tensor_values.values():
        numbers |= {size["as_int"] for size in tensor.sizes if isinstance(size.get("as_int"), int)}
    for node in graph.nodes:
        for argument in node.inputs:
            for value in argument.arg.values():
                values = value if isinstance(value, list) else [value]
                numbers |= {each for each in values if isinstance(each, int)}
    return numbers


def _node(node: _Node) -> Node:
    namespace, operator, overload = _target(node.target)
    arguments = {each.name: _argument(each.arg) for each in node.inputs}
    outputs = tuple(name for output in node.outputs for name in _outputs(output))
    return Node(namespace, operator, arguments, outputs, _place(node.metadata), overload)


def _target(target: str) -> tuple[str, str, str]:
    """``aten``, ``conv2d`` and ``default`` of ``torch.ops.aten.conv2d.default``."""
    parts = target.removeprefix("torch.ops.").split(".")
    if target.startswith("torch.ops.") and len(parts) > 1:
        return parts[0], parts[1], ".".join(parts[2:])
    namespace, _, operator = target.rpartition(".")
    return namespace, operator, ""


def _outputs(output: dict[str, Any]) -> list[str]:
    ((kind, content),) = output.items()
    match kind:
        case "as_tensor":
            return [str(content["name"])]
        case "as_tensors":
            return [str(each["name"]) for each in content]
        case "as_sym_int" | "as_sym_bool" | "as_sym_float":
            return [str(content["as_name"])] if "as_name" in content else [""]
    return [""]


def _argument(argument: dict[str, Any]) -> Any:
    """What an argument is: a number, a text, a name of a value, or a list of them."""
    ((kind, content),) = argument.items()
    match kind:
        case "as_none":
            return None
        case "as_int":
            return int(content)
        case "as_bool":
            return bool(content)
        case "as_float":
            return float(content)
        case "as_string":
            return str(content)
        case "as_scalar_type":
            return int(content)
        case "as_ints":
            return [int(each) for each in content]
        case "as_bools":
            return [bool(each) for each in content]
        case "as_floats":
            return [float(each) for each in content]
        case "as_tensor":
            return Named(str(content["name"]))
        case "as_name":
            return Named(str(content))
        case "as_tensors":
            return [Named(str(each["name"])) for each in content]
        case "as_sym_int" | "as_sym_bool" | "as_sym_float" | "as_optional_tensor":
            return _argument(content)
        case "as_sym_ints" | "as_sym_bools" | "as_sym_floats" | "as_optional_tensors":
            return [_argument(each) for each in content]
    return Unknown(kind)


def _place(metadata: dict[str, Any]) -> Place:
    """The innermost line that is not PyTorch's own, and the innermost module."""
    file, line, code = "", 0, ""
    for found in _FRAME.finditer(str(metadata.get("stack_trace", ""))):
        if not _NOT_OF_THE_USER.search(found["file"]):
            file, code = found["file"][-_LONGEST_PATH:], found["code"].strip()[:_LONGEST_CODE]
            line = int(found["line"][:9])
    module = kind = ""
    for entry in str(metadata.get("nn_module_stack", "")).split(";"):
        parts = entry.split(",")
        if len(parts) == 3:
            module, kind = parts[1][:_LONGEST_PATH], parts[2][:_LONGEST_PATH]
    return Place(file, line, code, module, kind)
