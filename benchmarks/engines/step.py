"""One step of a stream network as a list of operators, for engines that know no manifest.

Written by :mod:`engines.export` in this project's environment, read in those of the engines, which
have numpy and little else. A frame is (channels, height, width), a vector (channels,). The batch,
and how an engine lays out channels, are left to the engine.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]

Kind = Literal[
    "convolution",
    "temporal",
    "dense",
    "activation",
    "add",
    "multiply",
    "concatenate",
    "slice",
    "average_pool",
    "spatial_mean",
    "running_mean",
]
"""What an operator computes:

- ``convolution``: kernel (filters, channels / groups, height, width) and bias; ``stride``,
  ``pads`` (top, bottom, left, right) and ``groups``.
- ``temporal``: over frames, the oldest first; kernel (frames, channels) and bias.
- ``dense``: of a vector; kernel (units, channels) and bias.
- ``activation``: ``function`` is relu, relu6, hard_swish, swish or sigmoid.
- ``add``, ``multiply``: of two; a vector goes with every pixel of a frame.
- ``concatenate``: of vectors, or of frames by their channels.
- ``slice``: the channels from ``start`` to before ``end``.
- ``average_pool``: of what is inside the frame; ``size``, ``stride`` and ``pads``.
- ``spatial_mean``: a vector.
- ``running_mean``: of a vector and the mean before: mean + (vector − mean) · frame weight.
"""


@dataclass(frozen=True)
class Operator:
    """One operator; its weights are called ``OUTPUT.kernel`` and ``OUTPUT.bias``."""

    kind: Kind
    output: str
    inputs: tuple[str, ...]
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class State:
    """What a step remembers: its output becomes the newest of its inputs, the oldest is dropped."""

    inputs: tuple[str, ...]
    output: str


@dataclass(frozen=True, eq=False)
class Step:
    """A step.

    Attributes:
        image: the input's name.
        frame_weight: the name of an input of one number, 1 / frames seen, this one included; empty
            if nothing is a running mean.
        operators: in execution order; the last gives the logits.
        shapes: of every tensor.
        ranges: (lowest, highest) of every tensor on the videos of the calibration.
        weights: by name.
    """

    image: str
    frame_weight: str
    operators: tuple[Operator, ...]
    states: tuple[State, ...]
    shapes: dict[str, tuple[int, ...]]
    ranges: dict[str, tuple[float, float]]
    weights: dict[str, FloatArray]

    @property
    def logits(self) -> str:
        """Their name."""
        return self.operators[-1].output

    @property
    def inputs(self) -> tuple[str, ...]:
        """All of them: the image, the weight of a frame, the states."""
        states = (name for state in self.states for name in state.inputs)
        return (self.image, *filter(None, (self.frame_weight,)), *states)

    @property
    def outputs(self) -> tuple[str, ...]:
        """All of them: the logits, then the states."""
        return (self.logits, *(state.output for state in self.states))


def write_step(step: Step, folder: Path) -> None:
    """Writes ``step.json`` and ``weights.npz``."""
    document = {**asdict(step)}
    weights = document.pop("weights")
    (folder / "step.json").write_text(json.dumps(document, indent=1), encoding="utf-8")
    np.savez(folder / "weights.npz", **weights)


def read_step(folder: Path) -> Step:
    """What :func:`write_step` wrote."""
    document = json.loads((folder / "step.json").read_text(encoding="utf-8"))
    with np.load(folder / "weights.npz", allow_pickle=False) as file:
        weights = {name: file[name] for name in file.files}
    return Step(
        image=document["image"],
        frame_weight=document["frame_weight"],
        operators=tuple(
            Operator(entry["kind"], entry["output"], tuple(entry["inputs"]), entry["options"])
            for entry in document["operators"]
        ),
        states=tuple(State(tuple(each["inputs"]), each["output"]) for each in document["states"]),
        shapes={name: tuple(shape) for name, shape in document["shapes"].items()},
        ranges={name: (low, high) for name, (low, high) in document["ranges"].items()},
        weights=weights,
    )


def fused_activations(step: Step, functions: frozenset[str]) -> dict[str, Operator]:
    """The activations that the layers before them may apply, by the output of those.

    Args:
        functions: that an engine's layers with weights can apply.
    """
    readers = Counter(name for op in step.operators for name in op.inputs)
    weighted = {
        op.output for op in step.operators if op.kind in ("convolution", "temporal", "dense")
    }
    return {
        op.inputs[0]: op
        for op in step.operators
        if op.kind == "activation"
        and op.options["function"] in functions
        and op.inputs[0] in weighted
        and readers[op.inputs[0]] == 1
        and op.inputs[0] not in step.outputs
    }
