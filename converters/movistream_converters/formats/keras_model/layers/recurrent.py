"""Keras' recurrent layers, whose state becomes explicit: a vector or two, from frame to frame.

Equations as in ``keras/src/layers/rnn`` (keras-team/keras, Apache-2.0): GRU after arXiv 1406.1078,
with the reset gate before or behind the recurrent matrix; LSTM after Hochreiter and Schmidhuber
(1997).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from movistream_converters.formats.keras_model.description import KerasLayer, refused
from movistream_converters.formats.keras_model.emitting import Emitter
from movistream_converters.formats.keras_model.fields import flag, integer
from movistream_converters.formats.keras_model.layers.pointwise import activated, scaled
from movistream_converters.formats.keras_model.values import Value
from movistream_converters.formats.keras_model.weights import shaped, weights_of
from movistream_converters.ir.layers import Add, Concatenate, Dense, Multiply, Slice

_FORWARD_ONLY = (
    (
        "stateful",
        "keeps its state from one clip to the next by itself; take stateful=False: a"
        " stream's state is explicit",
    ),
    ("go_backwards", "goes through a clip backwards, and sees all frames to come"),
    ("return_state", "returns its state besides; take return_state=False"),
)


@dataclass(frozen=True)
class _Cell:
    """A cell's numbers, and where its nodes go.

    Attributes:
        units: of its state.
        kernel: (inputs, gates · units).
        recurrent: (units, gates · units).
        bias: as Keras has it; None for none.
    """

    layer: KerasLayer
    emitter: Emitter
    units: int
    kernel: Any
    recurrent: Any
    bias: Any

    def linear(self, suffix: str, *terms: tuple[Value, Any], bias: Any = None) -> Value:
        """The sum of vectors times matrices (inputs, units), and a bias."""
        layer, emitter = self.layer, self.emitter
        units = terms[0][1].shape[1]
        values = [value for value, _ in terms]
        if len(terms) > 1 and all(value.is_vector for value in values):
            joined = emitter.add(layer, Concatenate(), *values, suffix=f"{suffix}.read")
            terms = ((joined, np.concatenate([matrix for _, matrix in terms])),)
        total: Value | None = None
        for number, (value, matrix) in enumerate(terms):
            is_last = number == len(terms) - 1
            weights = {"kernel": matrix.reshape(*value.shape, units)}
            has_bias = is_last and bias is not None
            if has_bias:
                weights["bias"] = bias
            name = suffix if len(terms) == 1 else f"{suffix}.{number}"
            y = emitter.add(
                layer, Dense(units, has_bias), value, weights=weights, suffix=name, dims=(units,)
            )
            total = y if total is None else emitter.add(layer, Add(), total, y, suffix=suffix)
        assert total is not None
        return total

    def part(self, value: Value, number: int, suffix: str) -> Value:
        """The units of one gate."""
        gate = Slice(number * self.units, (number + 1) * self.units)
        return self.emitter.add(self.layer, gate, value, suffix=suffix, dims=(self.units,))

    def gates(self, value: Value, suffix: str) -> Value:
        """Behind the gates' function."""
        return activated(
            self.layer, value, self.emitter, "recurrent_activation", f"{suffix}.opened"
        )

    def function(self, value: Value, suffix: str) -> Value:
        """Behind the candidates' function."""
        return activated(self.layer, value, self.emitter, suffix=suffix)

    def product(self, x: Value, y: Value, suffix: str) -> Value:
        """x · y."""
        return self.emitter.add(self.layer, Multiply(), x, y, suffix=suffix)

    def sum(self, x: Value, y: Value, suffix: str) -> Value:
        """x + y."""
        return self.emitter.add(self.layer, Add(), x, y, suffix=suffix)

    def before(self, like: Value, suffix: str = "before") -> Value:
        """A vector as it was for the frame before."""
        return self.emitter.previous(self.layer, like, self.units, suffix)

    def columns(self, array: Any, first: int, stop: int) -> Any:
        """A matrix's, or a bias's, of some gates."""
        return array[..., first * self.units : stop * self.units]


def _recurrent(
    layer: KerasLayer, inputs: tuple[Value, ...], emitter: Emitter, gates: int, step: Any
) -> Value:
    """The layer that a cell's step makes."""
    for field, reason in _FORWARD_ONLY:
        if flag(layer, field, False):
            raise refused(layer, reason)
    value = emitter.plain(layer, inputs[0])
    if not value.has_time or len(value.dims) != 1:
        raise refused(
            layer,
            f"reads frames of {list(value.dims)}"
            + ("" if value.has_time else " without time")
            + "; it can read (batch, time, channels)",
        )
    units, bias = integer(layer, "units"), flag(layer, "use_bias", True)
    arrays = weights_of(layer, 2 + bias)
    wide = gates * units
    kernel = shaped(layer, arrays[0], (value.dims[0], wide), (value.dims[0], wide))
    recurrent = shaped(layer, arrays[1], (units, wide), (units, wide))
    cell = _Cell(layer, emitter, units, kernel, recurrent, arrays[2] if bias else None)
    y: Value = step(cell, value)
    if flag(layer, "return_sequences", False):
        return y
    if y.late_frames:
        raise refused(
            layer,
            "gives the last frame's answer alone, behind a layer that pads behind the clip, where a"
            " stream has frames to come; take return_sequences=True",
        )
    if y.frames_behind:
        raise refused(layer, "gives the last of frames that are no clip's")
    # The last frame so far is what a stream asks about.
    return replace(y, has_time=False)


def _simple(cell: _Cell, value: Value) -> Value:
    bias = cell.bias
    if bias is not None:
        bias = shaped(cell.layer, bias, (cell.units,), (cell.units,))
    before = cell.before(value)
    y = cell.linear("sum", (value, cell.kernel), (before, cell.recurrent), bias=bias)
    y = cell.function(y, "")
    cell.emitter.remember(before, y)
    return y


def _gru(cell: _Cell, value: Value) -> Value:
    layer, units = cell.layer, cell.units
    reset_after = flag(layer, "reset_after", True)
    zeros = np.zeros(3 * units, np.float32)
    read_bias, recurrent_bias = zeros, zeros
    if cell.bias is not None:
        shape = (2, 3 * units) if reset_after else (3 * units,)
        bias = shaped(layer, cell.bias, shape, shape)
        read_bias, recurrent_bias = (bias[0], bias[1]) if reset_after else (bias, zeros)
    before = cell.before(value)
    columns = cell.columns
    both = cell.linear(
        "gates",
        (value, columns(cell.kernel, 0, 2)),
        (before, columns(cell.recurrent, 0, 2)),
        bias=columns(read_bias + recurrent_bias, 0, 2),
    )
    both = cell.gates(both, "gates")
    update, reset = cell.part(both, 0, "update"), cell.part(both, 1, "reset")
    kernel, recurrent = columns(cell.kernel, 2, 3), columns(cell.recurrent, 2, 3)
    if reset_after:
        seen = cell.linear("seen", (value, kernel), bias=columns(read_bias, 2, 3))
        known = cell.linear("known", (before, recurrent), bias=columns(recurrent_bias, 2, 3))
        candidate = cell.sum(seen, cell.product(reset, known, "reset_known"), "candidate")
    else:
        known = cell.product(reset, before, "known")
        candidate = cell.linear(
            "candidate", (value, kernel), (known, recurrent), bias=columns(read_bias, 2, 3)
        )
    candidate = cell.function(candidate, "candidate.act")
    # z · h + (1 − z) · c = c + z · (h − c)
    less = scaled(layer, candidate, cell.emitter, -1.0, "less")
    change = cell.product(update, cell.sum(before, less, "difference"), "change")
    y = cell.sum(candidate, change, "")
    cell.emitter.remember(before, y)
    return y


def _lstm(cell: _Cell, value: Value) -> Value:
    layer, emitter, units = cell.layer, cell.emitter, cell.units
    bias = cell.bias
    if bias is not None:
        bias = shaped(layer, bias, (4 * units,), (4 * units,))
    before = cell.before(value)
    carried = cell.before(value, "carry.before")
    four = cell.linear("gates", (value, cell.kernel), (before, cell.recurrent), bias=bias)
    opened = {
        gate: cell.gates(cell.part(four, number, gate), gate)
        for number, gate in ((0, "input"), (1, "forget"), (3, "output"))
    }
    candidate = cell.function(cell.part(four, 2, "candidate"), "candidate.act")
    kept = cell.product(opened["forget"], carried, "kept")
    taken = cell.product(opened["input"], candidate, "taken")
    carry = cell.sum(kept, taken, "carry")
    emitter.remember(carried, carry)
    shown = cell.function(carry, "shown")
    y = cell.product(opened["output"], shown, "")
    emitter.remember(before, y)
    return y


_STEPS = {"SimpleRNN": (1, _simple), "GRU": (3, _gru), "LSTM": (4, _lstm)}


def _layer(gates: int, step: Any) -> Any:
    def translate(layer: KerasLayer, inputs: tuple[Value, ...], emitter: Emitter) -> Value:
        return _recurrent(layer, inputs, emitter, gates, step)

    return translate


def _of_cell(layer: KerasLayer, inputs: tuple[Value, ...], emitter: Emitter) -> Value:
    """``RNN(cell)``: what the cell's own layer would be."""
    described = layer.config.get("cell")
    kind = described.get("class_name") if isinstance(described, dict) else None
    config = described.get("config") if isinstance(described, dict) else None
    own = str(kind).removesuffix("Cell")
    is_keras = isinstance(described, dict) and str(described.get("module")).startswith("keras.")
    if not is_keras or own not in _STEPS or own == kind or not isinstance(config, dict):
        known = ", ".join(f"{name}Cell" for name in _STEPS)
        raise refused(layer, f"has a cell that is none of {known}; take one of these")
    outer = {field: layer.config.get(field, False) for field, _ in _FORWARD_ONLY}
    outer["return_sequences"] = layer.config.get("return_sequences", False)
    return _recurrent(replace(layer, config={**config, **outer}), inputs, emitter, *_STEPS[own])


TABLE = {**{name: _layer(*step) for name, step in _STEPS.items()}, "RNN": _of_cell}
