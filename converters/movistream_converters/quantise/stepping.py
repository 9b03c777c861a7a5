"""Runs a lowered step on videos before it becomes a file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from ai_edge_litert.interpreter import Interpreter

from movistream.file.graph import read_model_file
from movistream.file.inspection import multiply_adds
from movistream.file.manifest import SIGNATURE_KEY
from movistream.stream.preprocess import Preprocessor
from movistream.system.native_stderr import native_stderr_captured
from movistream_converters.quantise.videos import Clip, Frame
from movistream_converters.tflite.lowering import LayerStep, StepGraph

FloatArray = npt.NDArray[np.float32]


class StepRunner:
    """A step in an engine, ready for any number of videos."""

    def __init__(self, step: StepGraph) -> None:
        with native_stderr_captured():
            interpreter = Interpreter(model_content=step.graph.pack(SIGNATURE_KEY, {}))
            interpreter.allocate_tensors()
            self._runner: Any = interpreter.get_signature_runner(SIGNATURE_KEY)
        self._states = step.states
        self._horizon_frames = step.horizon_frames
        self._details = self._runner.get_output_details()
        self._preprocess = Preprocessor(step.image)

    def stream(self, frames: Iterable[Frame]) -> Iterator[dict[str, FloatArray]]:
        """Streams a video from a reset; yields every output as float32, by name, frame by frame.

        Args:
            frames: uint8 (height, width, channels), of the network's size.
        """
        states: dict[str, Any] = {
            name: np.full(state.shape, state.initial, state.dtype)
            for state in self._states
            for name in state.inputs
        }
        for index, frame in enumerate(frames):
            if self._horizon_frames is not None:
                self._hold_clocks(states, index, self._horizon_frames)
            outputs = self._runner(image=self._preprocess(frame), **states)
            for state in self._states:
                if index < state.delay_frames:
                    continue
                kept = [states[name] for name in state.inputs[1:]] + [outputs[state.output]]
                states.update(zip(state.inputs, kept, strict=True))
            yield {
                name: _as_float(values, self._details[name]["quantization"])
                for name, values in outputs.items()
            }

    def _hold_clocks(self, states: dict[str, Any], index: int, horizon_frames: int) -> None:
        for state in self._states:
            if state.role == "clock" and index >= state.delay_frames + horizon_frames:
                states[state.inputs[0]] = np.full(state.shape, horizon_frames - 1, state.dtype)


def layer_values(
    layers: LayerStep, videos: Iterable[Iterable[Frame]]
) -> Iterator[Iterator[dict[str, FloatArray]]]:
    """For each video, streamed from a reset, frame by frame: every node's output, by name."""
    runner = StepRunner(layers.step)
    for video in videos:
        yield (
            {node: outputs[name] for node, name in layers.outputs.items()}
            for outputs in runner.stream(video)
        )


def clip_logits(step: StepGraph, clips: Iterable[Clip]) -> list[FloatArray]:
    """(frames, classes) of each clip."""
    runner = StepRunner(step)
    return [
        np.concatenate([outputs["logits"] for outputs in runner.stream(clip.frames)])
        for clip in clips
    ]


def partitions(step: StepGraph) -> int:
    """Parts that an engine runs a step in: XNNPACK's, and one more for what it leaves over."""
    with native_stderr_captured():
        interpreter: Any = Interpreter(model_content=step.graph.pack(SIGNATURE_KEY, {}))
        interpreter.allocate_tensors()
    delegated = [
        operator for operator in interpreter._get_ops_details() if operator["op_name"] == "DELEGATE"
    ]
    given = {int(index) for operator in delegated for index in operator["outputs"]}
    wanted = {int(entry["index"]) for entry in interpreter.get_output_details()}
    return len(delegated) + (given != wanted)


def step_multiply_adds(step: StepGraph) -> int:
    """Of all convolutions and dense layers for a frame, as ``movistream inspect`` counts them."""
    file = read_model_file(step.graph.pack(SIGNATURE_KEY, {}), "the step")
    graph = file.signatures[SIGNATURE_KEY].graph
    return sum(multiply_adds(graph, operator) for operator in graph.operators)


def _as_float(stored: npt.NDArray[Any], quantization: tuple[float, int]) -> FloatArray:
    scale, zero_point = quantization
    values = stored.astype(np.float32, copy=False)
    if stored.dtype == np.int8:
        values = (values - np.float32(zero_point)) * np.float32(scale)
    return values
