"""Small model files, most of them hostile, that runtimes in all languages are tested with.

    python -m tests.model_cases FOLDER

writes them and ``cases.json``, which says what each is about, and part of the message that refuses
it; null for a file that is sound.
"""

from __future__ import annotations

import functools
import json
import struct
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tests.converters.tflite_edits import packed
from tests.operator_samples import sample, samples

FLOAT, INT, INT8 = "float32", "int32", "int8"
CONV = "CONV_2D", (FLOAT, FLOAT, FLOAT, FLOAT)
CONV_INT8 = "CONV_2D", (INT8, "int8[0]", "int32[0]", INT8)
DEPTHWISE = "DEPTHWISE_CONV_2D", (FLOAT, FLOAT, FLOAT, FLOAT)
DEPTHWISE_INT8 = "DEPTHWISE_CONV_2D", (INT8, "int8[3]", "int32[0]", INT8)
ADD = "ADD", (FLOAT, FLOAT, FLOAT)
ADD_INT8 = "ADD", (INT8, INT8, INT8)
RESHAPE = "RESHAPE", (FLOAT, INT, FLOAT)
LOWEST, HIGHEST = -(2**31), 2**31 - 1

Edit = Callable[[Any], None]
RawEdit = Callable[[bytearray, Any], None]


@dataclass(frozen=True)
class Case:
    """One file.

    Attributes:
        about: what was done.
        operator: of the sample that was changed, and its types.
        edit: changes the model as objects.
        raw: changes the file's bytes; is given them as flatbuffers' own reader sees them, too.
        refused: part of the message; None if the file is sound.
    """

    about: str
    operator: tuple[str, tuple[str, ...]]
    refused: str | None
    edit: Edit | None = None
    raw: RawEdit | None = None

    def data(self) -> bytes:
        """The file."""
        data = _sample(*self.operator)
        if self.edit is not None:
            model = schema.ModelT.InitFromPackedBuf(data)
            self.edit(model)
            data = packed(model, len(data))
        if self.raw is not None:
            changed = bytearray(data)
            self.raw(changed, schema.Model.GetRootAs(data))
            data = bytes(changed)
        return data


@functools.cache
def _sample(name: str, types: tuple[str, ...]) -> bytes:
    return sample(name, types)


def _first(model: Any) -> Any:
    """The operator that the sample is about."""
    graph = model.subgraphs[0]
    return next(o for o in graph.operators if graph.tensors[o.outputs[0]].name == b"result0")


def _tensor(model: Any, operand: int) -> Any:
    return model.subgraphs[0].tensors[_first(model).inputs[operand]]


def _result(model: Any) -> Any:
    return model.subgraphs[0].tensors[_first(model).outputs[0]]


def _operand(number: int, tensor: int) -> Edit:
    """Another tensor as an operand."""

    def edit(model: Any) -> None:
        inputs = list(_first(model).inputs)
        inputs[number] = tensor
        _first(model).inputs = inputs

    return edit


def _operands(count: int) -> Edit:
    def edit(model: Any) -> None:
        inputs = list(_first(model).inputs)
        _first(model).inputs = (inputs + inputs * count)[:count]

    return edit


def _options(**values: Any) -> Edit:
    def edit(model: Any) -> None:
        for name, value in values.items():
            assert hasattr(_first(model).builtinOptions, name)
            setattr(_first(model).builtinOptions, name, value)

    return edit


def _missing_shape_and_option(model: Any) -> None:
    """Engines follow a second operand even where an option has the shape."""
    _operand(1, -1)(model)
    _options(newShape=[96])(model)


def _options_of_no_table(model: Any) -> None:
    """Its type says that there are options."""
    _first(model).builtinOptions = None


def _no_options(model: Any) -> None:
    _first(model).builtinOptionsType, _first(model).builtinOptions = 0, None


def _other_options(model: Any) -> None:
    _first(model).builtinOptionsType = schema.BuiltinOptions.SoftmaxOptions
    _first(model).builtinOptions = schema.SoftmaxOptionsT()
    _first(model).builtinOptions.beta = 1.0


def _shape(operand: int | None, *shape: int) -> Edit:
    """Another shape of an operand, or of the result; a constant's bytes grow or shrink with it."""

    def edit(model: Any) -> None:
        tensor = _result(model) if operand is None else _tensor(model, operand)
        buffer = model.buffers[tensor.buffer]
        if buffer.data is not None:
            item = len(buffer.data) // int(np.prod(tensor.shape))
            buffer.data = np.resize(buffer.data, int(np.prod(shape)) * item)
        tensor.shape = list(shape)

    return edit


def _type(operand: int | None, dtype: str) -> Edit:
    def edit(model: Any) -> None:
        tensor = _result(model) if operand is None else _tensor(model, operand)
        tensor.type = getattr(schema.TensorType, dtype.upper())

    return edit


def _numbers(operand: int, *values: int) -> Edit:
    """Other values of a constant."""

    def edit(model: Any) -> None:
        tensor = _tensor(model, operand)
        dtype = np.int64 if tensor.type == schema.TensorType.INT64 else np.int32
        data = np.array(values, dtype)
        model.buffers[tensor.buffer].data = np.frombuffer(data.tobytes(), np.uint8)
        if len(tensor.shape) == 1:
            tensor.shape = [len(values)]

    return edit


def _quantization(operand: int | None, **values: Any) -> Edit:
    def edit(model: Any) -> None:
        tensor = _result(model) if operand is None else _tensor(model, operand)
        if not values:
            tensor.quantization = None
        for name, value in values.items():
            if isinstance(value, list):
                value = np.array(value, np.float32 if name == "scale" else np.int64)
            setattr(tensor.quantization, name, value)

    return edit


def _a_variable(model: Any) -> None:
    model.subgraphs[0].tensors[0].isVariable = True


def _as_input(model: Any, index: int, side: str = "inputs") -> None:
    """One more input or output of the graph and its signature."""
    graph, signature = model.subgraphs[0], model.signatureDefs[0]
    setattr(graph, side, [*getattr(graph, side), index])
    entry = schema.TensorMapT()
    entry.name, entry.tensorIndex = f"more{index}", index
    getattr(signature, side).append(entry)


def _constant_as_input(model: Any) -> None:
    _as_input(model, _first(model).inputs[1])


def _constant_as_output(model: Any) -> None:
    _as_input(model, _first(model).inputs[1], "outputs")


def _computed_as_input(model: Any) -> None:
    _as_input(model, _first(model).outputs[0])


def _bool_as_output(model: Any) -> None:
    _as_input(model, _first(model).outputs[0], "outputs")


def _input_with_a_buffer(model: Any) -> None:
    tensor = model.subgraphs[0].tensors[model.subgraphs[0].inputs[0]]
    buffer = schema.BufferT()
    buffer.data = np.zeros(int(np.prod(tensor.shape)) * 4, np.uint8)
    tensor.buffer = len(model.buffers)
    model.buffers.append(buffer)


def _writes_to_a_constant(model: Any) -> None:
    _first(model).outputs = [_first(model).inputs[1]]


def _written_twice(model: Any) -> None:
    model.subgraphs[0].operators.append(_first(model))


def _output_is_an_operand(model: Any) -> None:
    _first(model).outputs = [_first(model).inputs[0]]


def _read_before_written(model: Any) -> None:
    _first(model).inputs = [_first(model).inputs[0], _first(model).outputs[0]]


def _nothing_computed(model: Any) -> None:
    graph, signature = model.subgraphs[0], model.signatureDefs[0]
    graph.operators = []
    graph.outputs, signature.outputs = graph.inputs, signature.inputs


def _no_inputs(model: Any) -> None:
    """They are constants now."""
    graph, signature = model.subgraphs[0], model.signatureDefs[0]
    for index in graph.inputs:
        graph.tensors[index].buffer = len(model.buffers)
        buffer = schema.BufferT()
        buffer.data = np.zeros(int(np.prod(graph.tensors[index].shape)) * 4, np.uint8)
        model.buffers.append(buffer)
    graph.inputs, signature.inputs = [], []


def _dequantized_as_output(model: Any) -> None:
    _as_input(model, _first(model).outputs[0], "outputs")


def _input_twice(model: Any) -> None:
    graph = model.subgraphs[0]
    graph.inputs = [*graph.inputs, graph.inputs[0]]


def _signature_of_less(place: int) -> Edit:
    def edit(model: Any) -> None:
        del model.signatureDefs[0].inputs[place]

    return edit


def _another_graph(model: Any) -> None:
    model.subgraphs.append(model.subgraphs[0])


def _no_graph(model: Any) -> None:
    model.subgraphs = []


def _operator_code(**values: int) -> Edit:
    def edit(model: Any) -> None:
        for name, value in values.items():
            setattr(model.operatorCodes[_first(model).opcodeIndex], name, value)

    return edit


def _old_code(model: Any) -> None:
    """As files were written before there were more than 127 operators."""
    code = model.operatorCodes[_first(model).opcodeIndex]
    code.deprecatedBuiltinCode, code.builtinCode = code.builtinCode, 0


def _of_operator(name: str, value: Any) -> Edit:
    return lambda model: setattr(_first(model), name, value)


def _of_tensor(name: str, value: Any) -> Edit:
    return lambda model: setattr(_result(model), name, value)


def _sparse(model: Any) -> None:
    _tensor(model, 1).sparsity = schema.SparsityParametersT()


def _blockwise(model: Any) -> None:
    quantization = _tensor(model, 1).quantization
    quantization.detailsType = schema.QuantizationDetails.CustomQuantization
    quantization.details = schema.CustomQuantizationT()


def _custom(model: Any) -> None:
    model.operatorCodes[0].customCode = "mine"


def _no_name(model: Any) -> None:
    _result(model).name = None


def _two_signatures(model: Any) -> None:
    model.signatureDefs = model.signatureDefs * 2


def _metadata_buffer(index: int) -> Edit:
    def edit(model: Any) -> None:
        model.metadataBuffer = [index]

    return edit


def _of_model(name: str, value: Any) -> Edit:
    return lambda model: setattr(model, name, value)


def _many_dimensions(model: Any) -> None:
    _result(model).shape = [1] * 6


def _chain(*edits: Edit) -> Edit:
    def edit(model: Any) -> None:
        for each in edits:
            each(model)

    return edit


def _field(table: Any, field: int) -> int:
    """Where a field lies in the file."""
    return int(table._tab.Pos + table._tab.Offset(4 + 2 * field))


def _put(code: str, value: int, find: Callable[[Any], int]) -> RawEdit:
    """Overwrites a number in the file."""
    return lambda data, model: struct.pack_into("<" + code, data, find(model), value)


def _graph(model: Any) -> Any:
    return model.Subgraphs(0)


def _no_zero(data: bytearray, model: Any) -> None:
    position = _field(_graph(model), 4)
    start = position + struct.unpack_from("<I", data, position)[0]
    data[start + 4 + struct.unpack_from("<I", data, start)[0]] = 65


def _no_text(data: bytearray, model: Any) -> None:
    position = _field(_graph(model), 4)
    data[position + struct.unpack_from("<I", data, position)[0] + 4] = 0xFF


def _odd_vector(data: bytearray, model: Any) -> None:
    position = _field(_graph(model).Tensors(0), 0)
    struct.pack_into("<I", data, position, struct.unpack_from("<I", data, position)[0] + 1)


def _vtable(model: Any) -> int:
    tab = _graph(model)._tab
    return int(tab.Pos - struct.unpack_from("<i", tab.Bytes, tab.Pos)[0])


def _sound() -> Iterator[Case]:
    for name, types in samples():
        yield Case(f"a sound {name} of {', '.join(types)}", (name, types), None)
    yield Case("an operator's code in the old field only", ADD, None, _old_code)
    yield Case("a shape that is told twice", ADD, None, _of_tensor("shapeSignature", [-1, 4, 6, 4]))


def _files() -> Iterator[Case]:
    """Tables, strings and vectors."""
    outside = "leads outside the file"
    for what, find in {
        "the graph's name": lambda m: _field(_graph(m), 4),
        "the description": lambda m: _field(m, 3),
        "a tensor's name": lambda m: _field(_graph(m).Tensors(0), 3),
        "the signature's key": lambda m: _field(m.SignatureDefs(0), 2),
        "a signature's tensor's name": lambda m: _field(m.SignatureDefs(0).Inputs(0), 0),
        "a shape": lambda m: _field(_graph(m).Tensors(0), 0),
        "an operator's operands": lambda m: _field(_graph(m).Operators(0), 1),
        "an operator's options": lambda m: _field(_graph(m).Operators(0), 4),
        "the buffers": lambda m: _field(m, 4),
        "the root table": lambda m: 0,
    }.items():
        yield Case(f"{what} outside the file", CONV, outside, raw=_put("I", 0x7FFFFFFC, find))
        yield Case(f"{what} at its own place", CONV, outside, raw=_put("I", 0, find))
    yield Case("a name without its zero", ADD, "does not end with a zero", raw=_no_zero)
    yield Case("a name that is no text", ADD, "is not UTF-8", raw=_no_text)
    yield Case("a vector at an odd place", ADD, "is not aligned", raw=_odd_vector)
    yield Case(
        "a vtable of three bytes", ADD, "is malformed", raw=_put("H", 3, lambda m: _vtable(m))
    )
    yield Case(
        "a vtable that ends behind the file",
        ADD,
        "is malformed",
        raw=_put("H", 0xFFFE, lambda m: _vtable(m)),
    )
    yield Case(
        "a table that ends behind the file",
        ADD,
        "ends behind the file",
        raw=_put("H", 0xFFFE, lambda m: _vtable(m) + 2),
    )
    yield Case(
        "a field behind its table",
        ADD,
        "outside itself",
        raw=_put("H", 0xFFF0, lambda m: _vtable(m) + 4),
    )
    yield Case(
        "a truth that is neither",
        ADD,
        "neither true nor false",
        _of_tensor("hasRank", True),
        _put("B", 2, lambda m: _field(_graph(m).Tensors(2), 8)),
    )
    for name, value in (
        ("customOptions", np.zeros(4, np.uint8)),
        ("mutatingVariableInputs", [True]),
        ("intermediates", [0]),
        ("largeCustomOptionsOffset", 1 << 40),
        ("largeCustomOptionsSize", 1 << 40),
        ("builtinOptions2Type", schema.BuiltinOptions2.StablehloConcatenateOptions),
    ):
        yield Case(
            f"an operator with {name}", ADD, "stream models do not need", _of_operator(name, value)
        )
    yield Case("a sparse kernel", CONV, "stream models do not need", _sparse)
    yield Case("another quantisation", CONV_INT8, "stream models do not need", _blockwise)
    yield Case("a custom operator", ADD, "stream models do not need", _custom)
    yield Case("a tensor without a name", ADD, "a name is missing", _no_name)
    yield Case(
        "a name that turns the direction of writing round",
        ADD,
        "too long or no text",
        _of_tensor("name", "\u202eresult".encode()),
    )
    yield Case(
        "another version of the schema", ADD, "version of the Model", _of_model("version", 4)
    )
    yield Case("metadata in no buffer", ADD, "metadata buffer 99", _metadata_buffer(99))
    yield Case("two signatures of one name", ADD, "two signatures", _two_signatures)
    yield Case("no graph", ADD, "it holds 0 graphs", _no_graph)
    yield Case("a graph without a signature", ADD, "no signature names", _another_graph)


def _graphs() -> Iterator[Case]:
    """Tensors and their order."""
    yield Case("a variable", ADD, "is a variable", _a_variable)
    yield Case("a constant as an input", CONV, "and a constant", _constant_as_input)
    yield Case("a constant as an output", CONV, "and a constant", _constant_as_output)
    yield Case("an input with a buffer", ADD, "and a constant", _input_with_a_buffer)
    yield Case("a constant as a result", CONV, "writes to a constant", _writes_to_a_constant)
    yield Case("an input that is computed", ADD, "has a value already", _computed_as_input)
    yield Case("a tensor written twice", ADD, "has a value already", _written_twice)
    yield Case("an operand as result", ADD, "has a value already", _output_is_an_operand)
    yield Case("an operand that comes later", ADD, "before it exists", _read_before_written)
    yield Case("a graph without operators", ADD, "computes nothing", _nothing_computed)
    yield Case("a graph without inputs", ADD, "takes nothing", _no_inputs)
    half = "DEQUANTIZE", ("float16", FLOAT)
    yield Case("a constant comes out dequantised", half, "dequantised", _dequantized_as_output)
    yield Case("one tensor as two inputs", ADD, "an input or an output twice", _input_twice)
    for what, place in (("first", 0), ("last", -1)):
        less = _signature_of_less(place)
        yield Case(f"a signature without its {what} input", ADD, "does not name each tensor", less)
    yield Case("an operand outside the graph", ADD, "outside the graph's", _operand(0, 99))
    yield Case("an operand below nothing", ADD, "outside the graph's", _operand(0, -2))
    yield Case(
        "a buffer that is not there", ADD, "buffer 99 does not exist", _of_tensor("buffer", 99)
    )
    yield Case(
        "a code that is not there",
        ADD,
        "operator code 9 does not exist",
        _of_operator("opcodeIndex", 9),
    )
    yield Case("a size of zero", ADD, "less than 1", _shape(None, 1, 0, 6, 4))
    yield Case("a negative size", ADD, "less than 1", _shape(None, 1, -4, 6, 4))
    yield Case("six dimensions", ADD, "more than 5", _many_dimensions)
    yield Case("sizes whose product overflows", ADD, "would take", _shape(None, *[1 << 20] * 4))
    yield Case(
        "two shapes", ADD, "two shapes that differ", _of_tensor("shapeSignature", [1, 4, 6, 5])
    )
    yield Case(
        "an unknown type", ADD, "a type that stream models do not have", _type(None, "complex64")
    )
    yield Case("text", ADD, "a type that stream models do not have", _type(None, "string"))
    yield Case(
        "truths as an output", ("LESS", (FLOAT, FLOAT, "bool")), "output of bool", _bool_as_output
    )
    yield Case(
        "two codes",
        ADD,
        "has two codes",
        _operator_code(builtinCode=18, deprecatedBuiltinCode=3),
    )
    yield Case(
        "an unknown operator",
        ADD,
        "do not need",
        _operator_code(builtinCode=119, deprecatedBuiltinCode=119),
    )
    yield Case("version 0 of an operator", ADD, "less than 1", _operator_code(version=0))


def _operands_and_options() -> Iterator[Case]:
    seen = set()
    for name, types in samples():
        if name in seen or name == "RANGE":
            continue
        seen.add(name)
        yield Case(f"a {name} without its first operand", (name, types), "missing", _operand(0, -1))
        yield Case(f"a {name} without operands", (name, types), "operands", _operands(0))
        yield Case(f"a {name} of ten operands", (name, types), "", _operands(10))
        yield Case(f"a {name} of a text", (name, types), "", _type(0, "string"))
        if name != "SOFTMAX":
            yield Case(f"a {name} with other options", (name, types), "", _other_options)
    for operator, needed in ((ADD, "second"), (CONV, "kernel"), (DEPTHWISE, "kernel")):
        yield Case(f"{operator[0]} without its {needed}", operator, "is missing", _operand(1, -1))
    for operator in (CONV, DEPTHWISE, CONV_INT8):
        yield Case(f"{operator[0]} without a bias", operator, "its bias is missing", _operands(2))
        yield Case(f"{operator[0]} of no bias", operator, "its bias is missing", _operand(2, -1))
        yield Case(f"{operator[0]} without options", operator, "options of type 0", _no_options)
        for name in ("strideW", "strideH", "dilationWFactor", "dilationHFactor"):
            for value in (0, -1, LOWEST, HIGHEST):
                edit = _options(**{name: value})
                yield Case(f"{operator[0]}: {name} {value}", operator, " than ", edit)
        yield Case(f"{operator[0]}: padding 7", operator, "more than 1", _options(padding=7))
        fused = _options(fusedActivationFunction=5)
        yield Case(f"{operator[0]}: activation 5", operator, "more than 3", fused)
    for name in ("filterWidth", "filterHeight", "strideH"):
        pool = "AVERAGE_POOL_2D", (FLOAT, FLOAT)
        yield Case(f"a pool: {name} 0", pool, "less than 1", _options(**{name: 0}))
    shuffled = _options(weightsFormat=1)
    dense = "FULLY_CONNECTED", (FLOAT, FLOAT, FLOAT, FLOAT)
    yield Case("shuffled weights", dense, "more than 0", shuffled)
    yield Case("a dense layer without bias", dense, None, _operands(2))
    yield Case("a dense layer of no bias", dense, None, _operand(2, -1))


def _shapes() -> Iterator[Case]:
    differs = "and the file says"
    for name, types in samples():
        if name in ("SPLIT", "UNPACK", "RANGE"):
            continue
        larger = _chain(_shape(None, 9, 9))
        yield Case(f"a result of {name} {types} that is too large", (name, types), "", larger)
    yield Case("a bias too short", CONV, "not one number a channel", _shape(2, 4))
    yield Case("a kernel of other channels", CONV, "channels meets", _shape(1, 8, 3, 3, 5))
    yield Case("groups of channels", CONV, "channels meets", _shape(1, 8, 3, 3, 2))
    yield Case("a depthwise kernel", DEPTHWISE, "channels meets", _shape(1, 1, 3, 3, 12))
    yield Case("a multiplier", DEPTHWISE, "channels meets", _options(depthMultiplier=3))
    yield Case("another stride", CONV, differs, _options(strideW=1))
    yield Case("a kernel over the edge", CONV, "pixels", _options(padding=1, dilationHFactor=3))
    half = "DEQUANTIZE", ("float16", FLOAT)
    yield Case("a float16 constant of another shape", half, differs, _shape(0, 1, 4, 6, 3))
    yield Case("sums that do not go together", ADD, "do not go together", _shape(1, 5, 1))
    yield Case("a sum repeated to more", ADD, differs, _shape(None, 2, 4, 6, 4))
    yield Case(
        "a flat dense input",
        ("FULLY_CONNECTED", (FLOAT, FLOAT, FLOAT, FLOAT)),
        "inputs meets",
        _shape(0, 2, 7),
    )
    joined = "CONCATENATION", (FLOAT, FLOAT)
    yield Case("parts that differ", joined, "do not go together", _shape(1, 1, 4, 5, 3))
    yield Case("parts of other rank", joined, "do not go together", _shape(1, 4, 6, 3))
    yield Case("an axis outside", joined, "no axis 4 of 4", _options(axis=4))
    yield Case("an axis far outside", joined, " than ", _options(axis=HIGHEST))
    mean = "MEAN", (FLOAT, INT, FLOAT)
    yield Case("a mean over axis 4", mean, "no axis 4 of 4", _numbers(1, 1, 4))
    yield Case("a mean over axis -5", mean, "no axis -5 of 4", _numbers(1, 1, -5))
    yield Case("a mean over one axis twice", mean, "an axis twice", _numbers(1, 1, -3))
    yield Case("a reshape of other size", RESHAPE, "do not fill", _numbers(1, 1, 5, 8))
    yield Case("a reshape to two unknowns", RESHAPE, "do not fill", _numbers(1, -1, -1, 8))
    yield Case("a reshape to nothing", RESHAPE, "do not fill", _numbers(1, -1, 0, 8))
    yield Case("a reshape that wraps", RESHAPE, "do not fill", _numbers(1, 65536, 65536, 96))
    yield Case("a reshape to -2", RESHAPE, "do not fill", _numbers(1, -2, -6, 8))
    yield Case("a reshape told twice", RESHAPE, "told two shapes", _options(newShape=[96]))
    yield Case("a reshape of no shape", RESHAPE, "its shape is missing", _missing_shape_and_option)
    yield Case("a kernel's steps unsaid", CONV, "are missing", _options_of_no_table)
    yield Case("a reshape told by nobody", RESHAPE, "do not fill", _operands(1))
    turned = "TRANSPOSE", (FLOAT, INT, FLOAT)
    yield Case("an axis twice", turned, "no permutation", _numbers(1, 0, 3, 1, 1))
    yield Case("an axis too many", turned, "no permutation", _numbers(1, 0, 3, 1, 2, 4))
    cut = "SLICE", (FLOAT, INT, INT, FLOAT)
    yield Case("a slice from outside", cut, "over an end", _numbers(1, 0, 5, 0, 0))
    yield Case("a slice from before", cut, "over an end", _numbers(1, 0, -1, 0, 0))
    yield Case("a slice too long", cut, "over an end", _numbers(2, 1, 4, -1, 4))
    yield Case("a slice of nothing", cut, "over an end", _numbers(2, 1, 0, -1, 4))
    yield Case("a slice that wraps", cut, "over an end", _numbers(2, 1, HIGHEST, -1, 4))
    yield Case("a slice of fewer axes", cut, "each axis", _numbers(1, 0, 1, 0))
    strided = "STRIDED_SLICE", (FLOAT, INT, INT, INT, FLOAT)
    yield Case("strides of 0", strided, "step forwards", _numbers(3, 1, 0, 2))
    yield Case("strides backwards", strided, "step forwards", _numbers(3, 1, -1, 2))
    yield Case("strides of the lowest", strided, "step forwards", _numbers(3, 1, LOWEST, 2))
    yield Case("limits of other length", strided, "other axes", _numbers(2, 0, 0))
    yield Case("nothing between limits", strided, "nothing is left", _numbers(1, 0, 4, 1))
    yield Case("a new axis", strided, "more than 0", _options(newAxisMask=1))
    yield Case("limits from the start", strided, "more than 0", _options(offset=True))
    yield Case("an ellipsis", strided, "more than 0", _options(ellipsisMask=1))
    yield Case(
        "an index outside",
        strided,
        "it is outside",
        _chain(_options(shrinkAxisMask=2), _numbers(1, 0, 4, 1)),
    )
    split = "SPLIT", (INT, FLOAT, FLOAT)
    yield Case("no parts", split, "less than 1", _options(numSplits=0))
    yield Case("parts that are no results", split, "do not make", _options(numSplits=4))
    yield Case("a split of axis 4", split, "no axis 4", _numbers(0, 4))
    gather = "GATHER", (FLOAT, INT, FLOAT)
    yield Case("an index too high", gather, "an index is outside", _numbers(1, 3, 1, 4))
    yield Case("an index too low", gather, "an index is outside", _numbers(1, 3, 1, -1))
    yield Case("a batch of gathers", gather, "more than 0", _options(batchDims=1))
    pad = "PAD", (FLOAT, INT, FLOAT)
    yield Case("a padding below zero", pad, "from 0 on", _numbers(1, 0, 0, -1, 2, 0, 1, 0, 0))
    yield Case("a padding of gigabytes", pad, differs, _numbers(1, 0, HIGHEST, 1, 2, 0, 1, 0, 0))
    tile = "TILE", (FLOAT, INT, FLOAT)
    yield Case("a tile of gigabytes", tile, differs, _numbers(1, 1, HIGHEST, HIGHEST, 3))
    yield Case("a tile of nothing", tile, "each axis", _numbers(1, 1, 0, 1, 3))
    repeated = "BROADCAST_TO", (FLOAT, "int64", FLOAT)
    yield Case("a broadcast of gigabytes", repeated, differs, _numbers(1, 2**40, 4, 6))
    yield Case(
        "a broadcast that does not fit", repeated, "cannot be repeated", _numbers(1, 2, 5, 6)
    )
    yield Case("a broadcast to fewer axes", repeated, "cannot be repeated", _numbers(1, 6))
    pack = "PACK", (FLOAT, FLOAT)
    yield Case("parts of another shape", pack, "parts differ", _shape(1, 4, 5))
    yield Case("another number of parts", pack, "number of parts", _options(valuesCount=3))
    yield Case(
        "results for each entry", ("UNPACK", (FLOAT, FLOAT)), "number of results", _options(num=3)
    )
    squeezed = "SQUEEZE", (FLOAT, FLOAT)
    yield Case("an axis that has entries", squeezed, "has entries", _options(squeezeDims=[1]))
    spread = "EXPAND_DIMS", (FLOAT, INT, FLOAT)
    yield Case("an axis behind the last", spread, "no axis 4 of 4", _numbers(1, 4))
    ranged = "RANGE", (INT, INT, INT, INT)
    yield Case("steps of 0", ranged, "gives no numbers", _numbers(2, 0))
    yield Case("a range of billions", ranged, differs, _numbers(1, HIGHEST))
    yield Case("the wrong way", ranged, "gives no numbers", _numbers(2, -1))
    for name, types, operand in (
        ("MEAN", (FLOAT, INT, FLOAT), 1),
        ("RESHAPE", (FLOAT, INT, FLOAT), 1),
        ("PAD", (FLOAT, INT, FLOAT), 1),
        ("TILE", (FLOAT, INT, FLOAT), 1),
        ("SLICE", (FLOAT, INT, INT, FLOAT), 2),
        ("STRIDED_SLICE", (FLOAT, INT, INT, INT, FLOAT), 3),
        ("BROADCAST_TO", (FLOAT, INT, FLOAT), 1),
        ("GATHER", (FLOAT, INT, FLOAT), 1),
        ("TRANSPOSE", (FLOAT, INT, FLOAT), 1),
        ("CONV_2D", (FLOAT, FLOAT, FLOAT, FLOAT), 1),
        ("CONV_2D", (FLOAT, FLOAT, FLOAT, FLOAT), 2),
    ):
        yield Case(
            f"operand {operand} of {name} that is computed",
            (name, types),
            "is not a constant",
            _chain(lambda model, operand=operand: _make_input(model, operand)),
        )


def _make_input(model: Any, operand: int) -> None:
    """Turns a constant operand into an input."""
    _tensor(model, operand).buffer = 0
    _as_input(model, _first(model).inputs[operand])


def _limits() -> Iterator[Case]:
    """What is sound, and more than a machine has."""
    large = _chain(*(_shape(operand, 1, 2048, 2048, 16) for operand in (0, 1, None)))
    yield Case("a step of gigabytes", ADD, "bytes of memory at once", large)
    product = "BATCH_MATMUL", (FLOAT, FLOAT, FLOAT)
    matrices = _chain(*(_shape(operand, 1, 4096, 4096) for operand in (0, 1, None)))
    yield Case("a step of minutes", product, "multiplications", matrices)
    window = _options(filterWidth=4096, filterHeight=4096)
    yield Case("a pool of gigabytes", ("MAX_POOL_2D", (FLOAT, FLOAT)), "of workspace", window)
    yield Case("a kernel read by many", CONV, "bytes of weights", _read_by_many)


def _read_by_many(model: Any) -> None:
    """The same kernel for many convolutions, of which engines pack a copy each."""
    graph = model.subgraphs[0]
    first = _first(model)
    _chain(
        _shape(0, 1, 1, 1, 512),
        _shape(1, 512, 1, 1, 512),
        _shape(2, 512),
        _options(strideW=1),
        _shape(None, 1, 1, 1, 512),
    )(model)
    for number in range(400):
        result = schema.TensorT()
        result.name, result.shape, result.hasRank = f"more{number}", [1, 1, 1, 512], True
        again = schema.OperatorT()
        again.opcodeIndex, again.inputs = first.opcodeIndex, first.inputs
        again.builtinOptions, again.builtinOptionsType = (
            first.builtinOptions,
            first.builtinOptionsType,
        )
        again.outputs = [len(graph.tensors)]
        graph.tensors.append(result)
        graph.operators.append(again)


def _quantizations() -> Iterator[Case]:
    unfit = "quantisation that does not fit"
    for value in (0.0, -1.0, float("nan"), float("inf")):
        yield Case(f"a scale of {value}", ADD_INT8, unfit, _quantization(0, scale=[value]))
    yield Case("two zero points", ADD_INT8, unfit, _quantization(0, zeroPoint=[3, 3]))
    yield Case("a huge zero point", ADD_INT8, unfit, _quantization(0, zeroPoint=[2**40]))
    yield Case("no quantisation", ADD_INT8, "does not take", _quantization(0))
    yield Case("a zero point of 128", ADD_INT8, "does not take", _quantization(0, zeroPoint=[128]))
    yield Case("a tiny scale", ADD_INT8, "does not take", _quantization(0, scale=[1e-12]))
    yield Case("a denormal scale", ADD_INT8, unfit, _quantization(0, scale=[1e-40]))
    coarse = _quantization(0, scale=[5000.0])
    yield Case("products far coarser", CONV_INT8, "far finer", coarse)
    yield Case("a far finer sum", ADD_INT8, "far finer", _quantization(None, scale=[1e-8]))
    for exponent in (-31, -30, 30, 31):
        scaled = _chain(*(_quantization(o, scale=[2.0**exponent]) for o in (0, 1, None)))
        refused = "does not take" if abs(exponent) > 30 else None
        yield Case(f"scales of two to the power of {exponent}", ADD_INT8, refused, scaled)
    # Each operand is 1, the coarsest channel of the kernel 0.5.
    for scale, refused in ((0.002, None), (0.00195, "far finer")):
        products = _chain(
            _quantization(0, scale=[1.0]),
            _quantization(1, scale=[0.001] * 7 + [0.5]),
            _quantization(None, scale=[scale]),
        )
        yield Case(f"products of 0.5 to {scale}", CONV_INT8, refused, products)
    shared = _quantization(1, scale=[0.01], zeroPoint=[0], quantizedDimension=0)
    yield Case("a depthwise kernel of one scale", DEPTHWISE_INT8, None, shared)
    per_channel = _quantization(0, scale=[1, 2, 3, 4], zeroPoint=[0] * 4, quantizedDimension=3)
    yield Case("an activation per channel", ADD_INT8, "does not take", per_channel)
    yield Case(
        "a kernel's zero points", CONV_INT8, "does not take", _quantization(1, zeroPoint=[1] * 8)
    )
    yield Case(
        "scales along another axis",
        CONV_INT8,
        "does not take",
        _quantization(1, scale=[1] * 3, zeroPoint=[0] * 3, quantizedDimension=1),
    )
    yield Case(
        "an axis that is not there", CONV_INT8, unfit, _quantization(1, quantizedDimension=4)
    )
    yield Case(
        "a bias of fewer scales",
        CONV_INT8,
        unfit,
        _quantization(2, scale=[1] * 4, zeroPoint=[0] * 4),
    )
    yield Case("a bias without scales", CONV_INT8, "does not take", _quantization(2))
    yield Case("a float kernel of int8", CONV_INT8, "does not take", _type(0, "float32"))
    kept = "RESHAPE", (INT8, INT, INT8)
    other = "another quantisation"
    yield Case("a reshape to another scale", kept, other, _quantization(None, scale=[0.06]))
    yield Case("a reshape to another zero", kept, other, _quantization(None, zeroPoint=[4]))
    yield Case(
        "a logistic's scale",
        ("LOGISTIC", (INT8, INT8)),
        "not its own",
        _quantization(None, scale=[0.05]),
    )


def cases() -> list[Case]:
    """All of them."""
    groups = (_sound, _files, _graphs, _operands_and_options, _shapes, _limits, _quantizations)
    return [case for group in groups for case in group()]


def write(folder: Path) -> None:
    """Writes the files, and what they are."""
    folder.mkdir(parents=True, exist_ok=True)
    listed = []
    for number, case in enumerate(cases()):
        name = f"{number}.tflite"
        (folder / name).write_bytes(case.data())
        listed.append({"file": name, "about": case.about, "refused": case.refused})
    (folder / "cases.json").write_text(json.dumps(listed, indent=1), encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
