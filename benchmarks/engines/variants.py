"""The engines that are compared, and the ways to run each that were tried."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Precision = Literal["float32", "float16", "int8"]
Machine = Literal["x86", "arm"]

BOTH: tuple[Machine, ...] = ("x86", "arm")

LEAST_COSINE: dict[Precision, float] = {"float32": 0.99999, "float16": 0.998, "int8": 0.9}
"""Of the logits to every frame, to the float32 reference's: below, an engine computes something
else, and gets no figure."""


@dataclass(frozen=True)
class Variant:
    """A way to run an engine.

    Attributes:
        name: as the engine's module takes it.
        precision: of what it computes in.
        machines: that it was tried on.
    """

    name: str
    precision: Precision
    machines: tuple[Machine, ...] = BOTH


@dataclass(frozen=True)
class Engine:
    """A program that runs networks.

    Attributes:
        name: for people.
        module: in this folder, which speaks as :mod:`engines.serving` says.
        environment: where it is installed, of ``requirements_ENVIRONMENT.txt``; empty: this
            project's own.
        variants: that were tried, the plain one first.
    """

    name: str
    module: str
    environment: str
    variants: tuple[Variant, ...]


ENGINES: tuple[Engine, ...] = (
    Engine(
        "movistream",
        "movistream_engine",
        "",
        (
            Variant("float32", "float32"),
            Variant("float16", "float16", ("arm",)),
            Variant("dynamic", "int8"),
            Variant("int8", "int8"),
        ),
    ),
    Engine(
        "ncnn",
        "ncnn_engine",
        "ncnn",
        (
            Variant("float32", "float32"),
            Variant("products", "float32"),
            Variant("products-unpacked", "float32"),
            Variant("products-nowinograd", "float32"),
            Variant("products-nosgemm", "float32"),
            Variant("float32-bfloat16", "float16"),
            Variant("float32-float16", "float16", ("arm",)),
            Variant("products-float16", "float16", ("arm",)),
            Variant("int8", "int8"),
            Variant("int8.dense", "int8"),
            Variant("int8.pointwise", "int8"),
            Variant("int8.dense-float16", "int8", ("arm",)),
            Variant("int8.pointwise-float16", "int8", ("arm",)),
        ),
    ),
    Engine(
        "ONNX Runtime",
        "onnxruntime_engine",
        "onnxruntime",
        (
            Variant("float32-all", "float32"),
            Variant("float32-extended", "float32"),
            Variant("float32-basic", "float32"),
            Variant("float32-none", "float32"),
            Variant("u8s8-all", "int8"),
            Variant("s8s8-all", "int8"),
            Variant("u8s8.convolutions-all", "int8"),
            Variant("s8s8.convolutions-all", "int8"),
        ),
    ),
    Engine(
        "MNN, Session",
        "mnn_engine",
        "mnn",
        (Variant("float32", "float32"), Variant("low", "float16", ("arm",))),
    ),
    Engine("OpenVINO", "openvino_engine", "openvino", (Variant("f32", "float32"),)),
    Engine(
        "ExecuTorch",
        "executorch_engine",
        "executorch",
        (Variant("float32", "float32", ("x86",)),),
    ),
)
