"""Every operator that stream models may use, in a form that engines run: the fuzzer's seeds."""

from __future__ import annotations

from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tests.fuzz.sketch import IMAGE, Computed, Constant, Result, Row, Scales

X = Computed()
INT8 = Scales((0.02,), 3)
KERNEL_INT8 = Scales((0.01, 0.02), 0, 0)
FLOAT = np.float32
SAME, VALID = schema.Padding.SAME, schema.Padding.VALID


def ramp(*shape: int, dtype: Any = FLOAT) -> np.ndarray:
    """Small numbers that differ."""
    values = np.arange(1, 1 + int(np.prod(shape, dtype=int))) % 7
    return values.reshape(shape).astype(dtype)


def ints(*values: int) -> Constant:
    return Constant(np.array(values, np.int32))


def number(value: int) -> Constant:
    return Constant(np.array(value, np.int32))


def computed(*shape: int, dtype: str = "float32", scales: Scales | None = None) -> Computed:
    return Computed(shape, dtype, scales)


def result(*shape: int, dtype: str = "float32", scales: Scales | None = None) -> tuple[Result]:
    return (Result(shape, dtype, scales),)


def _unary() -> list[Row]:
    kinds = {
        "ABS": "AbsOptions",
        "COS": "CosOptions",
        "EXP": "ExpOptions",
        "GELU": "GeluOptions",
        "HARD_SWISH": "HardSwishOptions",
        "LEAKY_RELU": "LeakyReluOptions",
        "NEG": "NegOptions",
        "SOFTMAX": "SoftmaxOptions",
        "SQUARE": "SquareOptions",
    }
    plain = ["ELU", "FLOOR", "LOG", "LOGISTIC", "RELU", "RELU6", "RELU_0_TO_1", "RELU_N1_TO_1"]
    plain += ["ROUND", "RSQRT", "SIN", "SQRT", "TANH"]
    given: dict[str, dict[str, Any]] = {"SOFTMAX": {"beta": 1.0}, "LEAKY_RELU": {"alpha": 0.1}}
    rows = [
        Row(n, (X,), result(*IMAGE), given.get(n, {}), kinds.get(n, "")) for n in [*kinds, *plain]
    ]
    for name, scales in {
        "HARD_SWISH": INT8,
        "LEAKY_RELU": INT8,
        "LOGISTIC": Scales((1 / 256,), -128),
        "RELU": INT8,
        "RELU6": INT8,
        "SOFTMAX": Scales((1 / 256,), -128),
        "TANH": Scales((1 / 128,), 0),
    }.items():
        operands = (computed(*IMAGE, dtype="int8", scales=INT8),)
        results = result(*IMAGE, dtype="int8", scales=scales)
        options, kind = given.get(name, {}), kinds.get(name, "")
        version = 1 if name == "HARD_SWISH" else 2
        rows.append(Row(name, operands, results, options, kind, version, "int8"))
    return rows


def _binary() -> list[Row]:
    kinds = {
        "ADD": "AddOptions",
        "SUB": "SubOptions",
        "MUL": "MulOptions",
        "DIV": "DivOptions",
        "POW": "PowOptions",
        "MAXIMUM": "MaximumMinimumOptions",
        "MINIMUM": "MaximumMinimumOptions",
        "FLOOR_DIV": "FloorDivOptions",
        "FLOOR_MOD": "FloorModOptions",
        "SQUARED_DIFFERENCE": "SquaredDifferenceOptions",
    }
    rows: list[Row] = []
    for name, kind in kinds.items():
        channels = Constant(ramp(3) + 1)
        rows.append(Row(name, (X, channels), result(*IMAGE), {}, kind, label="broadcast"))
        rows.append(Row(name, (X, X), result(*IMAGE), {}, kind))
    for name in ("ADD", "SUB", "MUL", "MAXIMUM", "MINIMUM", "SQUARED_DIFFERENCE"):
        quantized = computed(*IMAGE, dtype="int8", scales=INT8)
        other = Constant(ramp(1, 1, 1, 3, dtype=np.int8), INT8)
        results = result(*IMAGE, dtype="int8", scales=INT8)
        rows.append(Row(name, (quantized, other), results, {}, kinds[name], 2, "int8"))
    for name in ("ADD", "SUB", "MUL", "FLOOR_DIV", "FLOOR_MOD", "MAXIMUM", "POW"):
        numbers = computed(2, 3, dtype="int32")
        results = result(2, 3, dtype="int32")
        operands = (numbers, Constant(ramp(3, dtype=np.int32) + 1))
        rows.append(Row(name, operands, results, {}, kinds[name], label="int32"))
    comparisons = {
        "EQUAL": "EqualOptions",
        "NOT_EQUAL": "NotEqualOptions",
        "GREATER": "GreaterOptions",
        "GREATER_EQUAL": "GreaterEqualOptions",
        "LESS": "LessOptions",
        "LESS_EQUAL": "LessEqualOptions",
    }
    for name, kind in comparisons.items():
        operands = (X, Constant(ramp(3)))
        rows.append(Row(name, operands, result(*IMAGE, dtype="bool"), {}, kind))
        numbers = (computed(2, 3, dtype="int32"), Constant(ramp(2, 3, dtype=np.int32)))
        rows.append(Row(name, numbers, result(2, 3, dtype="bool"), {}, kind, label="int32"))
    truth = computed(2, 3, dtype="bool")
    for name, kind in {
        "LOGICAL_AND": "LogicalAndOptions",
        "LOGICAL_OR": "LogicalOrOptions",
    }.items():
        operands = (truth, Constant(np.array([True, False, True])))
        rows.append(Row(name, operands, result(2, 3, dtype="bool"), {}, kind))
    rows.append(Row("LOGICAL_NOT", (truth,), result(2, 3, dtype="bool"), {}, "LogicalNotOptions"))
    rows.append(Row("ADD_N", (X, X, X), result(*IMAGE), {}, "AddNOptions"))
    rows.append(Row("PRELU", (X, Constant(ramp(1, 1, 3) / 9)), result(*IMAGE)))
    mask = computed(*IMAGE, dtype="bool")
    rows.append(
        Row("SELECT", (mask, X, Constant(ramp(*IMAGE))), result(*IMAGE), {}, "SelectOptions")
    )
    row_mask = computed(1, 4, 1, 1, dtype="bool")
    rows.append(Row("SELECT_V2", (row_mask, X, X), result(*IMAGE), {}, "SelectV2Options"))
    return rows


def _convolutions() -> list[Row]:
    conv = {"padding": SAME, "strideW": 1, "strideH": 1, "dilationWFactor": 1, "dilationHFactor": 1}
    depthwise = {**conv, "depthMultiplier": 1}
    bias = Constant(ramp(2))
    image8 = computed(*IMAGE, dtype="int8", scales=INT8)
    out8 = result(1, 4, 4, 2, dtype="int8", scales=INT8)
    bias32 = Constant(ramp(2, dtype=np.int32), Scales((0.0002, 0.0004)))
    kernel8 = Constant(ramp(2, 3, 3, 3, dtype=np.int8), KERNEL_INT8)
    three = Scales((0.01, 0.02, 0.03), 0, 3)
    depth8 = Constant(ramp(1, 3, 3, 3, dtype=np.int8), three)
    depth_bias32 = Constant(ramp(3, dtype=np.int32), Scales((0.0002, 0.0004, 0.0006)))
    depth_out8 = result(*IMAGE, dtype="int8", scales=INT8)
    vector8 = computed(1, 8, dtype="int8", scales=INT8)
    dense8 = Constant(ramp(2, 8, dtype=np.int8), KERNEL_INT8)
    dense4 = Constant(ramp(2, 8, dtype=np.int8), KERNEL_INT8, "int4")
    pool = {"padding": SAME, "strideW": 2, "strideH": 2, "filterWidth": 2, "filterHeight": 2}
    volume = {**conv, "strideD": 1, "dilationDFactor": 1}
    return [
        Row(
            "CONV_2D",
            (X, Constant(ramp(2, 3, 3, 3)), bias),
            result(1, 4, 4, 2),
            conv,
            "Conv2DOptions",
        ),
        Row(
            "CONV_2D",
            (X, Constant(ramp(2, 1, 1, 3)), bias),
            result(1, 2, 2, 2),
            {**conv, "padding": VALID, "strideW": 2, "strideH": 2, "fusedActivationFunction": 3},
            "Conv2DOptions",
            label="strided",
        ),
        Row("CONV_2D", (image8, kernel8, bias32), out8, conv, "Conv2DOptions", 3, "int8"),
        Row("CONV_2D", (X, kernel8, bias), result(1, 4, 4, 2), conv, "Conv2DOptions", 5, "hybrid"),
        Row(
            "CONV_2D",
            (computed(1, 4, 4, 4), Constant(ramp(4, 1, 1, 2)), Constant(ramp(4))),
            result(1, 4, 4, 4),
            conv,
            "Conv2DOptions",
            6,
            "grouped",
        ),
        Row(
            "DEPTHWISE_CONV_2D",
            (X, Constant(ramp(1, 3, 3, 3)), Constant(ramp(3))),
            result(*IMAGE),
            depthwise,
            "DepthwiseConv2DOptions",
        ),
        Row(
            "DEPTHWISE_CONV_2D",
            (X, Constant(ramp(1, 2, 2, 6)), Constant(ramp(6))),
            result(1, 3, 3, 6),
            {**depthwise, "padding": VALID, "depthMultiplier": 2, "fusedActivationFunction": 1},
            "DepthwiseConv2DOptions",
            label="multiplied",
        ),
        Row(
            "DEPTHWISE_CONV_2D",
            (X, Constant(ramp(1, 2, 1, 3)), Constant(ramp(3))),
            result(1, 2, 4, 3),
            {**depthwise, "padding": VALID, "dilationHFactor": 2},
            "DepthwiseConv2DOptions",
            2,
            "dilated",
        ),
        Row(
            "DEPTHWISE_CONV_2D",
            (image8, depth8, depth_bias32),
            depth_out8,
            depthwise,
            "DepthwiseConv2DOptions",
            3,
            "int8",
        ),
        Row(
            "DEPTHWISE_CONV_2D",
            (X, depth8, Constant(ramp(3))),
            result(*IMAGE),
            depthwise,
            "DepthwiseConv2DOptions",
            6,
            "hybrid",
        ),
        Row(
            "CONV_3D",
            (computed(1, 2, 4, 4, 2), Constant(ramp(2, 3, 3, 2, 2)), bias),
            result(1, 2, 4, 4, 2),
            volume,
            "Conv3DOptions",
        ),
        Row(
            "FULLY_CONNECTED",
            (computed(1, 8), Constant(ramp(2, 8)), bias),
            result(1, 2),
            {},
            "FullyConnectedOptions",
        ),
        Row(
            "FULLY_CONNECTED",
            (computed(1, 8), Constant(ramp(2, 8)), None),
            result(1, 2),
            {"fusedActivationFunction": 1},
            "FullyConnectedOptions",
            label="no-bias",
        ),
        Row(
            "FULLY_CONNECTED",
            (computed(1, 2, 8), Constant(ramp(2, 8)), bias),
            result(1, 2, 2),
            {"keepNumDims": True},
            "FullyConnectedOptions",
            5,
            "kept-rank",
        ),
        Row(
            "FULLY_CONNECTED",
            (vector8, dense8, bias32),
            result(1, 2, dtype="int8", scales=INT8),
            {},
            "FullyConnectedOptions",
            12,
            "int8",
        ),
        Row(
            "FULLY_CONNECTED",
            (computed(1, 8), dense8, bias),
            result(1, 2),
            {"asymmetricQuantizeInputs": True},
            "FullyConnectedOptions",
            12,
            "hybrid",
        ),
        Row(
            "FULLY_CONNECTED",
            (computed(1, 8), dense4, bias),
            result(1, 2),
            {},
            "FullyConnectedOptions",
            12,
            "int4",
        ),
        Row("AVERAGE_POOL_2D", (X,), result(1, 2, 2, 3), pool, "Pool2DOptions"),
        Row("MAX_POOL_2D", (X,), result(1, 2, 2, 3), pool, "Pool2DOptions"),
        Row(
            "AVERAGE_POOL_2D",
            (image8,),
            result(1, 2, 2, 3, dtype="int8", scales=INT8),
            pool,
            "Pool2DOptions",
            2,
            "int8",
        ),
        Row(
            "MAX_POOL_2D",
            (image8,),
            result(1, 2, 2, 3, dtype="int8", scales=INT8),
            pool,
            "Pool2DOptions",
            2,
            "int8",
        ),
        Row(
            "BATCH_MATMUL",
            (computed(2, 3, 4), computed(2, 4, 2)),
            result(2, 3, 2),
            {},
            "BatchMatMulOptions",
        ),
        Row(
            "BATCH_MATMUL",
            (computed(1, 3, 4), Constant(ramp(2, 4))),
            result(1, 3, 2),
            {"adjY": True},
            "BatchMatMulOptions",
            label="constant",
        ),
        Row(
            "BATCH_MATMUL",
            (
                computed(2, 3, 4, dtype="int8", scales=INT8),
                computed(2, 4, 2, dtype="int8", scales=INT8),
            ),
            result(2, 3, 2, dtype="int8", scales=INT8),
            {},
            "BatchMatMulOptions",
            2,
            "int8",
        ),
    ]


def _shapes() -> list[Row]:
    strided = {"beginMask": 0, "endMask": 0, "ellipsisMask": 0, "newAxisMask": 0}
    image8 = computed(*IMAGE, dtype="int8", scales=INT8)
    return [
        Row(
            "RESHAPE",
            (X, ints(1, 16, 3)),
            result(1, 16, 3),
            {"newShape": [1, 16, 3]},
            "ReshapeOptions",
        ),
        Row(
            "RESHAPE",
            (X,),
            result(1, 48),
            {"newShape": [1, 48]},
            "ReshapeOptions",
            label="by-option",
        ),
        Row("SQUEEZE", (X,), result(4, 4, 3), {"squeezeDims": [0]}, "SqueezeOptions"),
        Row("EXPAND_DIMS", (X, number(0)), result(1, *IMAGE), {}, "ExpandDimsOptions"),
        Row("TRANSPOSE", (X, ints(0, 2, 1, 3)), result(*IMAGE), {}, "TransposeOptions"),
        Row(
            "TRANSPOSE",
            (image8, ints(0, 3, 1, 2)),
            result(1, 3, 4, 4, dtype="int8", scales=INT8),
            {},
            "TransposeOptions",
            2,
            "int8",
        ),
        Row(
            "SLICE",
            (X, ints(0, 1, 0, 0), ints(1, 2, -1, 3)),
            result(1, 2, 4, 3),
            {},
            "SliceOptions",
        ),
        Row(
            "STRIDED_SLICE",
            (X, ints(0, 0, 0, 0), ints(1, 4, 4, 3), ints(1, 2, 2, 1)),
            result(1, 2, 2, 3),
            {**strided, "shrinkAxisMask": 0},
            "StridedSliceOptions",
        ),
        Row(
            "STRIDED_SLICE",
            (X, ints(0, 0, 0, 0), ints(1, 1, 4, 3), ints(1, 1, 1, 1)),
            result(4, 3),
            {**strided, "endMask": 12, "shrinkAxisMask": 3},
            "StridedSliceOptions",
            label="shrinking",
        ),
        Row("SPLIT", (number(3), X), (*result(1, 4, 4, 1),) * 3, {"numSplits": 3}, "SplitOptions"),
        Row(
            "SPLIT_V",
            (X, ints(1, 2), number(3)),
            (*result(1, 4, 4, 1), *result(1, 4, 4, 2)),
            {"numSplits": 2},
            "SplitVOptions",
        ),
        Row("PACK", (X, X), result(2, *IMAGE), {"valuesCount": 2, "axis": 0}, "PackOptions"),
        Row("UNPACK", (X,), (*result(4, 4, 3),), {"num": 1, "axis": 0}, "UnpackOptions"),
        Row("CONCATENATION", (X, X), result(1, 4, 4, 6), {"axis": 3}, "ConcatenationOptions"),
        Row(
            "CONCATENATION",
            (image8, Constant(ramp(1, 4, 4, 1, dtype=np.int8), INT8)),
            result(1, 4, 4, 4, dtype="int8", scales=INT8),
            {"axis": -1},
            "ConcatenationOptions",
            2,
            "int8",
        ),
        Row("TILE", (X, ints(1, 2, 1, 2)), result(1, 8, 4, 6), {}, "TileOptions"),
        Row("BROADCAST_TO", (X, ints(2, 4, 4, 3)), result(2, 4, 4, 3), {}, "BroadcastToOptions", 2),
        Row("FILL", (ints(2, 3), Constant(np.array(1.5, FLOAT))), result(2, 3), {}, "FillOptions"),
        Row(
            "PAD",
            (X, Constant(np.array([[0, 0], [1, 1], [0, 2], [0, 1]], np.int32))),
            result(1, 6, 6, 4),
            {},
            "PadOptions",
        ),
        Row(
            "PADV2",
            (
                X,
                Constant(np.array([[0, 0], [1, 1], [0, 2], [0, 0]], np.int32)),
                Constant(np.array([2], FLOAT)),
            ),
            result(1, 6, 6, 3),
            {},
            "PadV2Options",
        ),
        Row(
            "PAD",
            (image8, Constant(np.array([[0, 0], [1, 1], [1, 1], [0, 0]], np.int32))),
            result(1, 6, 6, 3, dtype="int8", scales=INT8),
            {},
            "PadOptions",
            2,
            "int8",
        ),
        Row(
            "MIRROR_PAD",
            (X, Constant(np.array([[0, 0], [1, 1], [1, 2], [0, 0]], np.int32))),
            result(1, 6, 7, 3),
            {"mode": 0},
            "MirrorPadOptions",
        ),
        Row(
            "GATHER",
            (X, ints(2, 0)),
            result(1, 2, 4, 3),
            {"axis": 1, "batchDims": 0},
            "GatherOptions",
        ),
        Row(
            "GATHER",
            (X, computed(2, dtype="int32")),
            result(1, 4, 2, 3),
            {"axis": 2},
            "GatherOptions",
            label="computed",
        ),
        Row(
            "SHAPE",
            (X,),
            result(4, dtype="int32"),
            {"outType": schema.TensorType.INT32},
            "ShapeOptions",
        ),
        Row(
            "RANGE",
            (number(0), number(6), number(2)),
            result(3, dtype="int32"),
            {},
            "RangeOptions",
        ),
        Row(
            "CUMSUM",
            (X, number(1)),
            result(*IMAGE),
            {"exclusive": False, "reverse": True},
            "CumsumOptions",
        ),
    ]


def _reductions_and_types() -> list[Row]:
    image8 = computed(*IMAGE, dtype="int8", scales=INT8)
    rows = [
        Row(name, (X, ints(1, 2)), result(1, 1, 1, 3), {"keepDims": True}, "ReducerOptions")
        for name in ("MEAN", "SUM", "REDUCE_MAX")
    ]
    rows += [
        Row(
            name,
            (image8, ints(1, 2)),
            result(1, 3, dtype="int8", scales=INT8),
            {"keepDims": False},
            "ReducerOptions",
            2,
            "int8",
        )
        for name in ("MEAN", "SUM", "REDUCE_MAX")
    ]
    rows += [
        Row(
            "MEAN",
            (X, ints(-1)),
            result(1, 4, 4),
            {"keepDims": False},
            "ReducerOptions",
            label="last",
        ),
        Row(
            "SUM",
            (computed(2, 3, dtype="int32"), ints(0)),
            result(3, dtype="int32"),
            {},
            "ReducerOptions",
            label="int32",
        ),
        Row("QUANTIZE", (X,), result(*IMAGE, dtype="int8", scales=INT8), {}, "QuantizeOptions"),
        Row(
            "QUANTIZE",
            (image8,),
            result(*IMAGE, dtype="int8", scales=Scales((0.5,), -7)),
            {},
            "QuantizeOptions",
            2,
            "again",
        ),
        Row("DEQUANTIZE", (image8,), result(*IMAGE), {}, "DequantizeOptions", 2),
        Row(
            "DEQUANTIZE",
            (Constant(ramp(2, 3, dtype=np.float16)),),
            result(2, 3),
            {},
            "DequantizeOptions",
            3,
            "float16",
        ),
        Row(
            "DEQUANTIZE",
            (Constant(ramp(2, 3, dtype=np.int8), Scales((0.1, 0.2))),),
            result(2, 3),
            {},
            "DequantizeOptions",
            5,
            "per-channel",
        ),
    ]
    for name in ("int32", "bool", "int64", "uint8", "int8", "int16", "float16"):
        kinds = {"inDataType": 0, "outDataType": schema.TensorType.__dict__[name.upper()]}
        rows.append(Row("CAST", (X,), result(*IMAGE, dtype=name), kinds, "CastOptions", label=name))
    return rows


ROWS = (*_unary(), *_binary(), *_convolutions(), *_shapes(), *_reductions_and_types())
"""At least one for each operator."""
