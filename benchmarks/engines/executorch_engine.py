"""ExecuTorch's runtime with XNNPACK; its outputs become the inputs of the next step."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from executorch.runtime import Runtime

from engines.serving import FloatArray, serve
from engines.step import Step, read_step


class ExecutorchRunner:
    """A method of a program."""

    def __init__(self, step: Step, model: Path) -> None:
        self._step = step
        self._program = Runtime.get().load_program(model)
        self._method = self._program.load_method("forward")
        self.reset()

    def reset(self) -> None:
        self._frames_seen = 0
        self._values: dict[str, Any] = {
            name: torch.zeros(1, *self._step.shapes[name]) for name in self._step.inputs
        }

    def prepare(self, _frame: object, image: FloatArray) -> Any:
        return torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)[None]))

    def step(self, image: Any) -> FloatArray:
        step, values = self._step, self._values
        self._frames_seen += 1
        values[step.image] = image
        if step.frame_weight:
            values[step.frame_weight] = torch.full((1, 1), 1 / self._frames_seen)
        given = self._method.execute([values[name] for name in step.inputs])
        outputs = dict(zip(step.outputs, given, strict=True))
        for state in step.states:
            # The next call writes over what this one gave.
            kept = [*(values[name] for name in state.inputs[1:]), outputs[state.output].clone()]
            values.update(zip(state.inputs, kept, strict=True))
        logits: FloatArray = outputs[step.logits].numpy()
        return logits


def build(folder: Path, _variant: str) -> None:
    """Exports the step."""
    from engines.executorch_model import write

    write(read_step(folder), folder / "executorch.pte")


def load(folder: Path, _variant: str) -> ExecutorchRunner:
    """Opens the program; it is run by the thread that asks."""
    torch.set_num_threads(1)
    return ExecutorchRunner(read_step(folder), folder / "executorch.pte")


if __name__ == "__main__":
    serve("ExecuTorch", version("executorch"), build, load)
