"""``nn.GRU``, written out as a recurrent cell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np

from movistream_converters.formats.exported_program.call import Call, Rule, Value
from movistream_converters.formats.exported_program.constants import is_zero
from movistream_converters.formats.exported_program.time import whole
from movistream_converters.formats.exported_program.values import Frames
from movistream_converters.ir.layers import (
    Activation,
    ActivationFunction,
    Add,
    Dense,
    Multiply,
    Previous,
    Scale,
)

_GATES = 3


def _gru(call: Call) -> Value:
    """Its layers: r and z are gates, n is new, and h becomes n + z · (h − n).

    Source: PyTorch's documentation of ``torch.nn.GRU``.
    """
    value = whole(call, call.frames("input"))
    if call.get("bidirectional", False):
        call.sees_all()
    if call.get("train", False) and call.get("dropout", 0.0):
        call.refuse("is in training: call model.eval() before torch.export.export")
    begin: Any = call.get("hx")
    if isinstance(begin, Frames) or not is_zero(call, begin):
        call.refuse("begins with a state that is not 0, which the vocabulary lacks")
    order = (("T",), ()) if not call.get("batch_first", False) else ((), ("T",))
    if value.dimensions[:-1] != order or not value.is_vector or value.is_last:
        call.refuse(f"reads {list(value.sizes)}, which are no vectors of frames")
    parameters, layers = list(call.get("params")), call.integer("num_layers")
    each = 4 if call.get("has_biases", True) else 2
    if len(parameters) != each * layers or any(isinstance(p, Frames) for p in parameters):
        call.refuse(f"has {len(parameters)} weights for {layers} layers")
    for layer in range(layers):
        part = f"layer_{layer}" if layers > 1 else "cell"
        value = _cell(call, value, parameters[layer * each : (layer + 1) * each], part)
    last = replace(value, is_last=True, length=1, lead=0, dimensions=((), (), ("C",)))
    return [value, last]


def _cell(call: Call, value: Frames, parameters: list[Any], part: str) -> Frames:
    inputs, states = parameters[:2]
    units = states.shape[-1]
    if inputs.shape != (_GATES * units, value.shape[2]) or states.shape != (_GATES * units, units):
        call.refuse(f"has weights of {list(inputs.shape)} and {list(states.shape)}")
    biases = parameters[2:] or [np.zeros(_GATES * units, np.float32)] * 2
    writing = call.run.writing
    # The node whose value of the frame before is read here has to have the name that it will get.
    result = writing.free_name(f"{call.name}.{part}.state")
    first = max(-value.lead, 0)
    before = call.add(Previous((1, 1, units)), result, part=f"{part}.before", begins=first)

    def products(name: str, source: str, weight: Any, bias: Any) -> list[str]:
        weights = {"kernel": weight.T[None, None], "bias": bias}
        layer = Dense(_GATES * units)
        node = call.add(layer, source, weights=weights, part=f"{part}.{name}")
        return [writing.sliced(node, gate * units, (gate + 1) * units) for gate in range(_GATES)]

    def made(name: str, layer: Any, *sources: str) -> str:
        return call.add(layer, *sources, part=f"{part}.{name}")

    seen = products("input", value.node, inputs, biases[0])
    kept = products("kept", before, states, biases[1])
    sigmoid, tanh = (Activation(f) for f in (ActivationFunction.SIGMOID, ActivationFunction.TANH))
    reset, update = (
        made(name, sigmoid, made(f"{name}.sum", Add(), seen[gate], kept[gate]))
        for gate, name in enumerate(("reset", "update"))
    )
    gated = made("gated", Multiply(), reset, kept[2])
    new = made("new", tanh, made("new.sum", Add(), seen[2], gated))
    minus = call.add(Scale(), new, weights={"scale": np.float32(-1)}, part=f"{part}.minus")
    change = made("change", Multiply(), update, made("difference", Add(), before, minus))
    last = made("state", Add(), new, change)
    if last != result:
        raise AssertionError(f"{last} should be {result}")
    dimensions = (*value.dimensions[:-1], ("C",) if units > 1 else ())
    return replace(value, node=last, shape=writing.shapes[last], dimensions=dimensions)


RULES: Mapping[str, Rule] = MappingProxyType({"gru": _gru})
