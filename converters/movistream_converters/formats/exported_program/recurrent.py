"""Recurrent cells, written out: ``nn.GRU``, ``nn.LSTM``, ``nn.RNN``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
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
    AnyLayer,
    Dense,
    Multiply,
    Previous,
    Scale,
)

_SIGMOID, _TANH = (Activation(f) for f in (ActivationFunction.SIGMOID, ActivationFunction.TANH))


@dataclass
class _Cell:
    """One layer of recurrent units, while it is written.

    Attributes:
        gates: parts of its products.
        part: what its nodes are called behind the module.
        begins: the first frame that it remembers.
    """

    call: Call
    units: int
    gates: int
    part: str
    begins: int

    def made(self, name: str, layer: AnyLayer, *sources: str) -> str:
        """A node."""
        return self.call.add(layer, *sources, part=f"{self.part}.{name}")

    def before(self, name: str) -> str:
        """What the node of a name, which is still to come, gave for the frame before."""
        # The name has to be the one that the node will get.
        result = self.call.run.writing.free_name(f"{self.call.name}.{self.part}.{name}")
        layer, part = Previous((1, 1, self.units)), f"{self.part}.{name}.before"
        return self.call.add(layer, result, part=part, begins=self.begins)

    def products(self, name: str, source: str, weight: Any, bias: Any) -> list[str]:
        """What goes into each gate."""
        weights = {"kernel": weight.T[None, None], "bias": bias}
        layer = Dense(self.gates * self.units)
        node = self.call.add(layer, source, weights=weights, part=f"{self.part}.{name}")
        return [
            self.call.run.writing.sliced(node, gate * self.units, (gate + 1) * self.units)
            for gate in range(self.gates)
        ]

    def gate(self, name: str, function: AnyLayer, seen: str, kept: str) -> str:
        """A function of what comes in and what is kept."""
        return self.made(name, function, self.made(f"{name}.sum", Add(), seen, kept))


Step = Callable[[_Cell, str, list[Any]], str]
"""Writes a cell that reads a node, with weights of inputs and states and two biases."""


def _gru(cell: _Cell, source: str, weights: list[Any]) -> str:
    """r and z are gates, n is new, and h becomes n + z · (h − n)."""
    before = cell.before("state")
    seen = cell.products("input", source, weights[0], weights[2])
    kept = cell.products("kept", before, weights[1], weights[3])
    reset = cell.gate("reset", _SIGMOID, seen[0], kept[0])
    update = cell.gate("update", _SIGMOID, seen[1], kept[1])
    new = cell.gate("new", _TANH, seen[2], cell.made("gated", Multiply(), reset, kept[2]))
    minus = {"scale": np.asarray(-1.0)}
    less = cell.call.add(Scale(), new, weights=minus, part=f"{cell.part}.minus")
    change = cell.made("change", Multiply(), update, cell.made("difference", Add(), before, less))
    return cell.made("state", Add(), new, change)


def _lstm(cell: _Cell, source: str, weights: list[Any]) -> str:
    """i, f and o are gates, g is new, c becomes f · c + i · g, and h is o · tanh(c)."""
    state, memory = cell.before("state"), cell.before("memory")
    seen = cell.products("input", source, weights[0], weights[2])
    kept = cell.products("kept", state, weights[1], weights[3])
    names = (("take", _SIGMOID), ("keep", _SIGMOID), ("new", _TANH), ("give", _SIGMOID))
    take, keep, new, give = (
        cell.gate(name, function, seen[gate], kept[gate])
        for gate, (name, function) in enumerate(names)
    )
    old = cell.made("kept_memory", Multiply(), keep, memory)
    memory = cell.made("memory", Add(), old, cell.made("new_memory", Multiply(), take, new))
    return cell.made("state", Multiply(), give, cell.made("shown", _TANH, memory))


def _rnn(function: ActivationFunction) -> Step:
    def step(cell: _Cell, source: str, weights: list[Any]) -> str:
        (seen,) = cell.products("input", source, weights[0], weights[2])
        (kept,) = cell.products("kept", cell.before("state"), weights[1], weights[3])
        return cell.gate("state", Activation(function), seen, kept)

    return step


def _layers(step: Step, gates: int, states: int = 1) -> Rule:
    """All layers of a module, one over the other.

    Source: PyTorch's documentation of ``torch.nn.GRU``, ``LSTM`` and ``RNN``.
    """

    def rule(call: Call) -> Value:
        value = whole(call, call.frames("input"))
        if call.get("bidirectional", False):
            call.sees_all()
        if call.get("train", False) and call.get("dropout", 0.0):
            call.refuse("is in training: call model.eval() before torch.export.export")
        begin: Any = call.get("hx")
        for state in begin if isinstance(begin, list) else [begin]:
            if isinstance(state, Frames) or not is_zero(call, state):
                call.refuse("begins with a state that is not 0, which the vocabulary lacks")
        order = (("T",), ()) if not call.get("batch_first", False) else ((), ("T",))
        if value.dimensions[:-1] != order or not value.is_vector or value.is_last:
            call.refuse(f"reads {list(value.sizes)}, which are no vectors of frames")
        parameters, count = list(call.get("params")), call.integer("num_layers")
        each = 4 if call.get("has_biases", True) else 2
        if len(parameters) != each * count or any(isinstance(p, Frames) for p in parameters):
            call.refuse(
                f"has {len(parameters)} weights for {count} layers, and {each * count} are read"
                " (projections of states are not)"
            )
        for layer in range(count):
            part = f"layer_{layer}" if count > 1 else "cell"
            weights = parameters[layer * each : (layer + 1) * each]
            value = _written(call, step, gates, value, weights, part)
        last = replace(value, is_last=True, length=1, lead=0, dimensions=((), (), ("C",)))
        return [value, last, None][: 1 + states]

    return rule


def _written(
    call: Call, step: Step, gates: int, value: Frames, parameters: list[Any], part: str
) -> Frames:
    inputs, states = parameters[:2]
    units = states.shape[-1]
    if (inputs.shape, states.shape) != (
        (gates * units, value.shape[2]),
        (gates * units, units),
    ):
        call.refuse(f"has weights of {list(inputs.shape)} and {list(states.shape)}")
    biases = parameters[2:] or [np.zeros(gates * units, np.float32)] * 2
    cell = _Cell(call, units, gates, part, max(-value.lead, 0))
    node = step(cell, value.node, [inputs, states, *biases])
    dimensions = (*value.dimensions[:-1], ("C",) if units > 1 else ())
    return replace(value, node=node, shape=call.run.writing.shapes[node], dimensions=dimensions)


RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "gru": _layers(_gru, 3),
        "lstm": _layers(_lstm, 4, states=2),
        "rnn_tanh": _layers(_rnn(ActivationFunction.TANH), 1),
        "rnn_relu": _layers(_rnn(ActivationFunction.RELU), 1),
    }
)
