"""ONNX Runtime on a step written as ONNX, its buffers handed over: nothing is copied."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from engines.serving import FloatArray, serve
from engines.step import Step, read_step

LEVELS = {
    "none": onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL,
    "basic": onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC,
    "extended": onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED,
    "all": onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL,
}


class OnnxRunner:
    """A session whose inputs and outputs swap places."""

    def __init__(self, step: Step, model: Path, level: str) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.graph_optimization_level = LEVELS[level]
        self._session = onnxruntime.InferenceSession(
            str(model), options, providers=["CPUExecutionProvider"]
        )
        self._step = step
        self._shapes = {
            each.name: each.shape
            for each in (*self._session.get_inputs(), *self._session.get_outputs())
        }
        self.reset()

    def reset(self) -> None:
        self._frames_seen = 0
        self._values = {
            name: onnxruntime.OrtValue.ortvalue_from_numpy(np.zeros(shape, np.float32))
            for name, shape in self._shapes.items()
        }

    def prepare(self, _frame: object, image: FloatArray) -> FloatArray:
        return np.ascontiguousarray(image.transpose(2, 0, 1)[None])

    def step(self, image: FloatArray) -> FloatArray:
        step, values = self._step, self._values
        binding = self._session.io_binding()
        self._frames_seen += 1
        values[step.image].update_inplace(image)
        if step.frame_weight:
            weight = np.full((1, 1), 1 / self._frames_seen, np.float32)
            values[step.frame_weight].update_inplace(weight)
        for name in step.inputs:
            binding.bind_ortvalue_input(name, values[name])
        for name in step.outputs:
            binding.bind_ortvalue_output(name, values[name])
        self._session.run_with_iobinding(binding)
        for state in step.states:
            cycle = [*state.inputs, state.output]
            first = values[cycle[0]]
            for name, successor in itertools.pairwise(cycle):
                values[name] = values[successor]
            values[cycle[-1]] = first
        return values[step.logits].numpy()


def build(folder: Path, variant: str) -> None:
    """Writes the ONNX file of a variant, ``KIND-LEVEL``."""
    from engines.onnx_model import write_float, write_int8

    kind = variant.split("-")[0]
    step, model = read_step(folder), folder / "float32.onnx"
    if kind == "float32":
        write_float(step, model)
    else:
        write_int8(step, model, folder / f"{kind}.onnx", np.load(folder / "calibration.npy"))


def load(folder: Path, variant: str) -> Any:
    """Opens a variant."""
    kind, level = variant.split("-")
    return OnnxRunner(read_step(folder), folder / f"{kind}.onnx", level)


if __name__ == "__main__":
    serve("ONNX Runtime", onnxruntime.__version__, build, load)
