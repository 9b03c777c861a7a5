"""Compares every form of a network with every other, frame by frame: logits and states."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter
from msgspec.structs import replace

from movistream.file.binding import bind
from movistream.file.graph import read_model_file
from movistream.file.manifest import (
    METADATA_NAME,
    SIGNATURE_KEY,
    Logits,
    Manifest,
    encode,
    schema_version_of,
    seal,
)
from movistream.stream.preprocess import Preprocessor
from movistream.system.native_stderr import native_stderr_captured
from movistream_converters.ir.layers import WindowMean
from movistream_converters.ir.network import (
    Network,
    classes_of,
    horizon_of,
    image_of,
    receptive_field_frames,
)
from movistream_converters.ir.passes import fold, unfold
from movistream_converters.ir.weights import Weights, node_and_weight
from movistream_converters.quantise.observation import Observed
from movistream_converters.quantise.plan import int8_stages, plan_int8
from movistream_converters.reference.execution import run_clip
from movistream_converters.reference.verification import state_values
from movistream_converters.tflite.layouts import StateLayout
from movistream_converters.tflite.lowering import LayerStep, StepGraph, lower, lower_layers
from movistream_converters.tflite.precision import ERROR_LIMITS, ErrorLimits, Precision
from movistream_converters.tflite.quantization import NOTHING_INT8, QuantizationPlan
from movistream_training.fake_quantization import as_in_int8
from tests.networks import as_seen, pixels, well_conditioned_weights

FRAMES = 6

TIGHT = 1e-4
"""Of float32, relative to the largest number of a value over all frames."""

INT8_LIMITS = (0.1, 2.0)
"""Int8 logits are off by no more than the first, and the second times what rounding the reference
to the numbers of the plan takes from it (docs/quantise.md)."""

Values = dict[str, np.ndarray]
"""Logits and states by name in the manifest, (frames, …) each."""


Step = tuple[np.ndarray, Values]
"""Logits of a frame, and the states behind it by node."""


@dataclass(frozen=True)
class File:
    """A model file in memory, checked as the runtime checks it.

    Attributes:
        data: its bytes.
        manifest: that it carries.
    """

    data: bytes
    manifest: Manifest


def written(network: Network, step: StepGraph, precision: Precision, layout: StateLayout) -> File:
    """Packs a step as a conversion does, and reads it as the runtime does."""
    manifest = Manifest(
        name=network.name,
        input=step.image,
        logits=Logits(tensor="logits", classes=classes_of(network), dtype="float32"),
        states=step.states,
        state_layout=layout.value,
        receptive_field_frames=receptive_field_frames(network),
        horizon_frames=horizon_of(network),
        quantization=precision.value,
    )
    manifest = replace(manifest, schema_version=schema_version_of(manifest))
    data = seal(step.graph.pack(SIGNATURE_KEY, {METADATA_NAME: encode(manifest)}))
    file = read_model_file(data, "random")
    bind(file, data, "random")
    return File(data, manifest)


def clip_values(network: Network, weights: Weights, video: np.ndarray) -> tuple[Values, Values]:
    """What the network gives, all frames at once: the logits, and the states by node at the end."""
    images = as_seen(image_of(network), video)[None]
    logits, states = run_clip(network, weights, images)
    return {"logits": logits.numpy()[0]}, {name: value.numpy() for name, value in states.items()}


def step_values(network: Network, weights: Weights, video: np.ndarray) -> list[Step]:
    """What the network gives, frame by frame: the logits, and the states by node."""
    images = as_seen(image_of(network), video)[None]
    states: Any = None
    steps: list[Step] = []
    for index in range(len(video)):
        logits, states = run_clip(network, weights, images[:, index : index + 1], states)
        steps.append((logits.numpy()[0], {name: value.numpy() for name, value in states.items()}))
    return steps


def as_in_file(network: Network, steps: list[Step], layout: StateLayout) -> Values:
    """The same by the names that a file has for them."""
    return _stacked(
        {"logits": logits, **{n: np.asarray(v) for n, v in named.items()}}
        for logits, states in steps
        for named in [state_values(layout, network, states)]
    )


def file_values(file: File, video: np.ndarray, replays: int = 2) -> list[Values]:
    """What a file gives, frame by frame, each time from a reset."""
    runner = _Runner(file.data)
    return [_stacked(_stream(runner, file.manifest, video)) for _ in range(replays)]


def layer_values(layers: LayerStep, network: Network, video: np.ndarray) -> Values:
    """What each node of a float32 step gives, (frames, …) each."""
    runner = _Runner(layers.step.graph.pack(SIGNATURE_KEY, {}))
    states: dict[str, Any] = {
        name: np.full(state.shape, state.initial, state.dtype)
        for state in layers.step.states
        for name in state.inputs
    }
    horizon = layers.step.horizon_frames
    each: list[Values] = []
    for index, image in enumerate(as_seen(image_of(network), video)):
        _hold_clock(states, layers.step.states, index, horizon)
        outputs = runner(image=image[None], **states)
        _advance(states, layers.step.states, outputs)
        each.append({node: outputs[name] for node, name in layers.outputs.items()})
    return _stacked(each)


def int8_plan(network: Network, weights: Weights, video: np.ndarray) -> QuantizationPlan:
    """A plan by the ranges of the network's own frames, all stages in int8."""
    values = layer_values(lower_layers(network, weights, StateLayout.FRAMES), network, video)
    observed = {
        name: Observed(float(value.min()), float(value.max()), value.reshape(-1))
        for name, value in values.items()
    }
    return plan_int8(network, observed, frozenset().union(*int8_stages(network).values()))


def lowered(
    network: Network,
    weights: Weights,
    precision: Precision,
    video: np.ndarray,
    layout: StateLayout = StateLayout.FRAMES,
) -> tuple[Network, StepGraph]:
    """The folded network, and its step."""
    network, weights = fold(network, weights)
    if precision is not Precision.INT8:
        return network, lower(network, weights, layout, precision)
    plan = int8_plan(network, weights, video)
    return network, lower(network, weights, layout, precision, plan)


def errors(found: Values, expected: Values) -> dict[str, float]:
    """The largest difference of each value, over the largest number that it ever has."""
    assert found.keys() == expected.keys()
    return {
        name: float(
            np.abs(found[name].astype(np.float64).reshape(-1) - value.reshape(-1)).max()
            / (np.abs(value).max() or 1.0)
        )
        for name, value in expected.items()
    }


def check_network(network: Network, seed: int) -> None:
    """Checks that all forms of a network compute the same, on frames of its own.

    Clip, step by step, and files of both layouts, folded or not, in every precision.
    """
    video = pixels(network, FRAMES, seed)
    weights = well_conditioned_weights(network, seed, video)
    clip, at_the_end = clip_values(network, weights, video)
    steps = step_values(network, weights, video)
    expected = as_in_file(network, steps, StateLayout.FRAMES)
    _check(errors(clip, {"logits": expected["logits"]}), TIGHT, TIGHT)
    _check(errors(at_the_end, steps[-1][1]), TIGHT, TIGHT)
    _check_folding(network, weights, video, expected)
    for precision in Precision:
        _check_precision(network, weights, precision, video, expected)
    _check_model_garden(network, weights, video, steps)


def check_float32(network: Network, seed: int) -> None:
    """Checks that the float32 file of a network computes what the network says."""
    video = pixels(network, 3, seed)
    weights = well_conditioned_weights(network, seed, video)
    steps = step_values(network, weights, video)
    expected = as_in_file(network, steps, StateLayout.FRAMES)
    _check_precision(network, weights, Precision.FLOAT32, video, expected)


def _check_precision(
    network: Network, weights: Weights, precision: Precision, video: np.ndarray, expected: Values
) -> None:
    """Within the limits of the precision, and the same after a reset."""
    folded, folded_weights = fold(network, weights)
    plan = int8_plan(folded, folded_weights, video) if precision is Precision.INT8 else NOTHING_INT8
    step = lower(folded, folded_weights, StateLayout.FRAMES, precision, plan)
    file = written(folded, step, precision, StateLayout.FRAMES)
    found, again = file_values(file, video)
    assert max(errors(again, found).values()) == 0
    limits = ERROR_LIMITS[precision]
    if precision is Precision.FLOAT16:
        # Kernels are rounded, and nothing else.
        rounded = {
            name: weight.astype(np.float16).astype(np.float32)
            if node_and_weight(name)[1] == "kernel"
            else weight
            for name, weight in folded_weights.items()
        }
        steps = step_values(folded, rounded, video)
        expected = as_in_file(folded, steps, StateLayout.FRAMES)
    if precision is Precision.INT8:
        least, times = INT8_LIMITS
        limit = least + times * _taken_by_rounding(folded, folded_weights, plan, video, expected)
        limits = ErrorLimits(limit, limits.states)
    _check(errors(found, expected), limits.logits, limits.states)


def _is_kernel(name: str) -> bool:
    return node_and_weight(name)[1] == "kernel"


def _taken_by_rounding(
    network: Network, weights: Weights, plan: QuantizationPlan, video: np.ndarray, expected: Values
) -> float:
    """The error of the reference's logits where it rounds as a plan says."""
    tensors = {name: tf.constant(weight) for name, weight in weights.items()}
    kernels, rounding = as_in_int8(network, tensors, plan)
    images = as_seen(image_of(network), video)[None]
    logits, _ = run_clip(network, kernels, images, rounded=rounding)
    return errors({"logits": logits.numpy()[0]}, {"logits": expected["logits"]})["logits"]


def _check_folding(network: Network, weights: Weights, video: np.ndarray, expected: Values) -> None:
    """What folding changes is the layers alone, and it can be undone."""
    step = lower(network, weights, StateLayout.FRAMES)
    plain = written(network, step, Precision.FLOAT32, StateLayout.FRAMES)
    _check(errors(file_values(plain, video, 1)[0], expected), TIGHT, TIGHT)
    _, folded = fold(network, weights)
    unfolded = unfold(network, folded)
    assert unfolded.keys() == weights.keys()
    logits, _ = clip_values(network, unfolded, video)
    _check(errors(logits, {"logits": expected["logits"]}), TIGHT, TIGHT)


def _check_model_garden(
    network: Network, weights: Weights, video: np.ndarray, steps: list[Step]
) -> None:
    """In the other layout too, if that has a place for its states."""
    layout = StateLayout.MODEL_GARDEN
    if any(isinstance(n.layer, WindowMean) and n.layer.frames > 1 for n in network.nodes):
        with pytest.raises(ValueError, match="no place for a mean over a window"):
            lowered(network, weights, Precision.FLOAT32, video, layout)
        return
    if horizon_of(network) is not None:
        return
    folded, step = lowered(network, weights, Precision.FLOAT32, video, layout)
    file = written(folded, step, Precision.FLOAT32, layout)
    expected = as_in_file(network, steps, layout)
    _check(errors(file_values(file, video, 1)[0], expected), TIGHT, TIGHT)


def _check(found: dict[str, float], logits: float, states: float) -> None:
    for name, error in found.items():
        assert error <= (logits if name == "logits" else states), (name, error)


class _Runner:
    """A file in an engine, its outputs by name as float32."""

    def __init__(self, data: bytes) -> None:
        with native_stderr_captured():
            self._interpreter = Interpreter(model_content=data)
            self._interpreter.allocate_tensors()
            self._run: Any = self._interpreter.get_signature_runner(SIGNATURE_KEY)

    def __call__(self, **inputs: np.ndarray) -> dict[str, np.ndarray]:
        outputs: dict[str, np.ndarray] = self._run(**inputs)
        return outputs


def _stream(runner: _Runner, manifest: Manifest, video: np.ndarray) -> Iterator[Values]:
    states: dict[str, Any] = {
        name: np.full(state.shape, state.initial, state.dtype)
        for state in manifest.states
        for name in state.inputs
    }
    preprocess = Preprocessor(manifest.input)
    for index, frame in enumerate(video):
        _hold_clock(states, manifest.states, index, manifest.horizon_frames)
        outputs = runner(image=preprocess(frame), **states)
        _advance(states, manifest.states, outputs)
        values = {"logits": outputs["logits"]}
        for state in manifest.states:
            if state.role != "remainder":
                stored = np.stack([states[name] for name in state.inputs]).astype(np.float64)
                int8 = state.dtype == "int8"
                values[state.name] = (stored - state.initial) * state.scale if int8 else stored
        yield values


def _hold_clock(states: dict[str, Any], known: tuple[Any, ...], index: int, horizon: Any) -> None:
    if horizon is not None and index >= horizon:
        for state in known:
            if state.role == "clock":
                states[state.inputs[0]] = np.full(state.shape, horizon - 1, state.dtype)


def _advance(states: dict[str, Any], known: tuple[Any, ...], outputs: Mapping[str, Any]) -> None:
    for state in known:
        kept = [states[name] for name in state.inputs[1:]] + [outputs[state.output]]
        states.update(zip(state.inputs, kept, strict=True))


def _stacked(each: Any) -> Values:
    each = list(each)
    return {name: np.stack([values[name] for values in each]) for name in each[0]}
