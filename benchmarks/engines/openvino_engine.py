"""OpenVINO's CPU plugin on the step's ONNX file; states go from output to input as they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import openvino

from engines.serving import FloatArray, serve
from engines.step import Step, read_step


class OpenvinoRunner:
    """An infer request whose tensors swap places."""

    def __init__(self, step: Step, model: Path, precision: str) -> None:
        core = openvino.Core()
        compiled = core.compile_model(
            core.read_model(model),
            "CPU",
            {
                "INFERENCE_NUM_THREADS": 1,
                "NUM_STREAMS": 1,
                "PERFORMANCE_HINT": "LATENCY",
                "INFERENCE_PRECISION_HINT": precision,
            },
        )
        self._request = compiled.create_infer_request()
        self._step = step
        self.reset()

    def reset(self) -> None:
        step = self._step
        self._frames_seen = 0
        self._values = {
            name: openvino.Tensor(np.zeros((1, *step.shapes[name]), np.float32))
            for name in (*step.inputs, *step.outputs)
        }

    def prepare(self, _frame: object, image: FloatArray) -> FloatArray:
        return np.ascontiguousarray(image.transpose(2, 0, 1)[None])

    def step(self, image: FloatArray) -> FloatArray:
        step, values, request = self._step, self._values, self._request
        self._frames_seen += 1
        values[step.image].data[:] = image
        if step.frame_weight:
            values[step.frame_weight].data[:] = 1 / self._frames_seen
        for name in (*step.inputs, *step.outputs):
            request.set_tensor(name, values[name])
        request.infer()
        for state in step.states:
            cycle = [*state.inputs, state.output]
            rotated = [*(values[name] for name in cycle[1:]), values[cycle[0]]]
            values.update(zip(cycle, rotated, strict=True))
        logits: FloatArray = values[step.logits].data
        return logits


def build(_folder: Path, _variant: str) -> None:
    """ONNX Runtime's environment has written the file."""


def load(folder: Path, variant: str) -> OpenvinoRunner:
    """Opens a variant: the precision that OpenVINO may compute in, ``f32`` or ``f16``."""
    return OpenvinoRunner(read_step(folder), folder / "float32.onnx", variant)


if __name__ == "__main__":
    serve("OpenVINO", openvino.__version__.partition("-")[0], build, load)
