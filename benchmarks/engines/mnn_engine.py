"""MNN's Session API on a step written as its own file; states are copied in and out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import MNN
import numpy as np

from engines.serving import FloatArray, serve
from engines.step import Step, read_step

_PACKED = MNN.Tensor_DimensionType_Caffe_C4
"""As a session has frames, so that copying a state rearranges nothing."""

PRECISIONS = {"float32": "normal", "high": "high", "low": "low"}


class MnnRunner:
    """A session, which owns its inputs and writes over them, and states outside of it."""

    def __init__(self, step: Step, model: Path, precision: str) -> None:
        self._step = step
        self._interpreter = MNN.Interpreter(str(model))
        self._session = self._interpreter.createSession(
            {
                "backend": "CPU",
                "numThread": 1,
                "precision": PRECISIONS[precision],
                "saveTensors": step.outputs,
            }
        )
        self._inputs = {
            name: self._interpreter.getSessionInput(self._session, name) for name in step.inputs
        }
        self._outputs = {
            name: self._interpreter.getSessionOutput(self._session, name) for name in step.outputs
        }
        self._logits = _tensor(np.zeros(self._outputs[step.logits].getShape(), np.float32))
        self.reset()

    def reset(self) -> None:
        self._frames_seen = 0
        self._values = {
            name: _tensor(np.zeros(self._inputs[name].getShape(), np.float32), _PACKED)
            for state in self._step.states
            for name in state.inputs
        }

    def prepare(self, _frame: object, image: FloatArray) -> Any:
        return _tensor(np.ascontiguousarray(image.transpose(2, 0, 1)[None]))

    def step(self, image: Any) -> FloatArray:
        step, inputs, outputs, values = self._step, self._inputs, self._outputs, self._values
        self._frames_seen += 1
        inputs[step.image].copyFrom(image)
        if step.frame_weight:
            weight = np.full((1, 1, 1, 1), 1 / self._frames_seen, np.float32)
            inputs[step.frame_weight].copyFrom(_tensor(weight))
        for name, value in values.items():
            inputs[name].copyFrom(value)
        self._interpreter.runSession(self._session)
        for state in step.states:
            oldest = values[state.inputs[0]]
            for name, successor in zip(state.inputs, state.inputs[1:], strict=False):
                values[name] = values[successor]
            outputs[state.output].copyToHostTensor(oldest)
            values[state.inputs[-1]] = oldest
        outputs[step.logits].copyToHostTensor(self._logits)
        logits: FloatArray = np.array(self._logits.getNumpyData())
        return logits


def _tensor(values: FloatArray, layout: int = MNN.Tensor_DimensionType_Caffe) -> Any:
    """Numbers outside of a session."""
    return MNN.Tensor(tuple(values.shape), MNN.Halide_Type_Float, values, layout)


def build(folder: Path, _variant: str) -> None:
    """Writes the file; all variants read the same."""
    from engines.mnn_model import write

    write(read_step(folder), folder / "mnn.mnn")


def load(folder: Path, variant: str) -> MnnRunner:
    """Opens a variant: ``float32``, or ``low``, which is float16 where a core has it."""
    return MnnRunner(read_step(folder), folder / "mnn.mnn", variant)


if __name__ == "__main__":
    serve("MNN", MNN.version(), build, load)
