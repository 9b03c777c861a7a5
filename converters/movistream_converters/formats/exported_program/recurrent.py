"""Recurrent cells, written out: ``nn.GRU``, ``nn.LSTM``, ``nn.RNN``, and those of one frame."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np

from movistream_converters.formats.exported_program.call import Call, Rule, Value
from movistream_converters.formats.exported_program.constants import is_zero
from movistream_converters.formats.exported_program.parts import Side
from movistream_converters.formats.exported_program.time import whole
from movistream_converters.formats.exported_program.values import Frames
from movistream_converters.formats.exported_program.writing import IMAGE
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
    """

    call: Call
    units: int
    gates: int
    part: str

    def made(self, name: str, layer: AnyLayer, *sources: str) -> str:
        """A node."""
        return self.call.add(layer, *sources, part=f"{self.part}.{name}")

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


Step = Callable[[_Cell, str, list[str], list[Any]], list[str]]
"""Writes a cell that reads a node and its states of the frame before, with weights of inputs and
states and two biases; gives the new states, the first of which it shows."""


def _gru(cell: _Cell, source: str, states: list[str], weights: list[Any]) -> list[str]:
    """r and z are gates, n is new, and h becomes n + z · (h − n)."""
    (before,) = states
    seen = cell.products("input", source, weights[0], weights[2])
    kept = cell.products("kept", before, weights[1], weights[3])
    reset = cell.gate("reset", _SIGMOID, seen[0], kept[0])
    update = cell.gate("update", _SIGMOID, seen[1], kept[1])
    new = cell.gate("new", _TANH, seen[2], cell.made("gated", Multiply(), reset, kept[2]))
    minus = {"scale": np.asarray(-1.0)}
    less = cell.call.add(Scale(), new, weights=minus, part=f"{cell.part}.minus")
    change = cell.made("change", Multiply(), update, cell.made("difference", Add(), before, less))
    return [cell.made("state", Add(), new, change)]


def _lstm(cell: _Cell, source: str, states: list[str], weights: list[Any]) -> list[str]:
    """i, f and o are gates, g is new, c becomes f · c + i · g, and h is o · tanh(c)."""
    state, memory = states
    seen = cell.products("input", source, weights[0], weights[2])
    kept = cell.products("kept", state, weights[1], weights[3])
    names = (("take", _SIGMOID), ("keep", _SIGMOID), ("new", _TANH), ("give", _SIGMOID))
    take, keep, new, give = (
        cell.gate(name, function, seen[gate], kept[gate])
        for gate, (name, function) in enumerate(names)
    )
    old = cell.made("kept_memory", Multiply(), keep, memory)
    memory = cell.made("memory", Add(), old, cell.made("new_memory", Multiply(), take, new))
    shown = cell.made("shown", _TANH, memory)
    return [cell.made("state", Multiply(), give, shown), memory]


def _rnn(function: ActivationFunction) -> Step:
    def step(cell: _Cell, source: str, states: list[str], weights: list[Any]) -> list[str]:
        (seen,) = cell.products("input", source, weights[0], weights[2])
        (kept,) = cell.products("kept", states[0], weights[1], weights[3])
        return [cell.gate("state", Activation(function), seen, kept)]

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
        lasts = []
        for layer in range(count):
            part = f"layer_{layer}" if count > 1 else "cell"
            weights = parameters[layer * each : (layer + 1) * each]
            value = _layer(call, step, (gates, states), value, weights, part)
            lasts.append(replace(value, is_last=True, length=1, lead=0, dimensions=((), ("C",))))
        one = replace(lasts[0], dimensions=((), (), ("C",)))
        return [value, one if count == 1 else Side(tuple(lasts), 0), None][: 1 + states]

    return rule


def _layer(
    call: Call,
    step: Step,
    counts: tuple[int, int],
    value: Frames,
    parameters: list[Any],
    part: str,
) -> Frames:
    """One layer over all frames, of so many gates and states."""
    cell, weights = _cell(call, counts[0], value, parameters, part)
    writing, layer = call.run.writing, Previous((1, 1, cell.units))
    first = max(-value.lead, 0)
    names = ("state", "memory")[: counts[1]]
    # What they read is told when that is known.
    before = [call.add(layer, IMAGE, part=f"{part}.{n}.before", begins=first) for n in names]
    states = step(cell, value.node, before, weights)
    for previous, state in zip(before, states, strict=True):
        writing.remember(previous, state)
    return _vector(value, states[0], cell.units)


def _single(step: Step, gates: int, states: int = 1) -> Rule:
    """A cell for one frame, in a loop over them."""

    def rule(call: Call) -> Value:
        value, given = call.frames("input"), call.get("hx")
        kept = [call.plain(state) for state in (given if isinstance(given, list) else [given])]
        met = call.met([value, *kept])
        names = ("w_ih", "w_hh", "b_ih", "b_hh")
        parameters = [array for name in names if (array := call.array(name)) is not None]
        if len(kept) != states or len(parameters) not in (2, 4):
            call.refuse(f"has {len(kept)} states and {len(parameters)} weights")
        if any(not each.is_vector or each.has("T") for each in met):
            call.refuse(f"reads {list(value.sizes)}, which is no vector of one frame")
        cell, weights = _cell(call, gates, met[0], parameters, "cell")
        nodes = step(cell, met[0].node, [each.node for each in met[1:]], weights)
        results = [_vector(met[0], node, cell.units) for node in nodes]
        return results if states > 1 else results[0]

    return rule


def _cell(
    call: Call, gates: int, value: Frames, parameters: list[Any], part: str
) -> tuple[_Cell, list[Any]]:
    inputs, states = parameters[:2]
    units = states.shape[-1]
    shapes = (gates * units, value.shape[2]), (gates * units, units)
    if (inputs.shape, states.shape) != shapes:
        call.refuse(f"has weights of {list(inputs.shape)} and {list(states.shape)}")
    biases = parameters[2:] or [np.zeros(gates * units, np.float32)] * 2
    return _Cell(call, units, gates, part), [inputs, states, *biases]


def _vector(value: Frames, node: str, units: int) -> Frames:
    dimensions = (*value.dimensions[:-1], ("C",) if units > 1 else ())
    return replace(value, node=node, shape=(1, 1, units), dimensions=dimensions)


RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "gru": _layers(_gru, 3),
        "lstm": _layers(_lstm, 4, states=2),
        "rnn_tanh": _layers(_rnn(ActivationFunction.TANH), 1),
        "rnn_relu": _layers(_rnn(ActivationFunction.RELU), 1),
        "gru_cell": _single(_gru, 3),
        "lstm_cell": _single(_lstm, 4, states=2),
        "rnn_tanh_cell": _single(_rnn(ActivationFunction.TANH), 1),
        "rnn_relu_cell": _single(_rnn(ActivationFunction.RELU), 1),
    }
)
