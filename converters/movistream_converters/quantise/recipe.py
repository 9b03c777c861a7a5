"""Which layers int8 files compute in which numbers: rules that are data.

The residual stream, shortcuts, pools, gates' dense layers and the classifier stay float: they are
cheap, or what errors hurt most. docs/lowering.md has the figures behind each rule.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from movistream_converters.ir.layers import Convolution, Layer, Multiply, Shape, SpatialMean
from movistream_converters.ir.network import Node
from movistream_converters.ir.tags import SKIP, SQUEEZE_EXCITE
from movistream_converters.tflite.int8_operators import has_int4_kernel, has_int8_operator

Numbers: TypeAlias = Literal["int8", "int4", "float"]
"""``int8``: operands and result; ``int4``: the kernel alone, between float operands."""


@dataclass(frozen=True)
class Rule:
    """What a layer is computed in, where all that is said here holds.

    Attributes:
        layer: its kind.
        numbers: if operators can do that.
        tag: a regular expression that one of the node's tags matches as a whole; empty for any.
        of_vectors: whether it reads a vector; None for either.
    """

    layer: type[Layer]
    numbers: Numbers
    tag: str = ""
    of_vectors: bool | None = None


RECIPE: tuple[Rule, ...] = (
    Rule(Convolution, "int4", tag=SQUEEZE_EXCITE, of_vectors=True),
    Rule(Convolution, "float", of_vectors=True),
    Rule(Convolution, "float", tag=SKIP),
    Rule(Convolution, "int8"),
    Rule(SpatialMean, "int8", tag=SQUEEZE_EXCITE),
    Rule(Multiply, "int8", tag=SQUEEZE_EXCITE),
)
"""The first rule that holds decides; what none names stays float."""


def numbers_of(
    node: Node, shapes: Mapping[str, Shape], recipe: tuple[Rule, ...] = RECIPE
) -> Numbers:
    """What a node is computed in, where a stage is int8."""
    rules = (rule.numbers for rule in recipe if _holds(rule, node, shapes))
    wanted: Numbers = next(rules, "float")
    inputs = tuple(shapes[name] for name in node.inputs)
    if wanted == "int8" and not has_int8_operator(node.layer, inputs):
        return "float"
    if wanted == "int4" and not has_int4_kernel(node.layer, inputs):
        return "float"
    return wanted


def _holds(rule: Rule, node: Node, shapes: Mapping[str, Shape]) -> bool:
    return (
        type(node.layer) is rule.layer
        and (not rule.tag or any(re.fullmatch(rule.tag, tag) for tag in node.tags))
        and (rule.of_vectors is None or rule.of_vectors == (shapes[node.inputs[0]][:2] == (1, 1)))
    )
