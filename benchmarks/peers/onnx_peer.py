"""ONNX Runtime on this project's own step graph: its buffers handed over, nothing copied.

python onnx_peer.py MODEL.onnx MODEL.states.json
"""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
from line_protocol import serve


def load(model: Path, states: Path) -> Callable[[], None]:
    """Opens the model with one thread."""
    names = json.loads(states.read_text(encoding="utf-8"))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    shapes = {each.name: each.shape for each in (*session.get_inputs(), *session.get_outputs())}
    values = {
        name: onnxruntime.OrtValue.ortvalue_from_numpy(np.zeros(shape, np.float32))
        for name, shape in shapes.items()
    }
    inputs = [each.name for each in session.get_inputs()]
    outputs = [each.name for each in session.get_outputs()]
    image = np.random.default_rng(0).random(names["shape"], np.float32)

    def step() -> None:
        binding = session.io_binding()
        values[names["image"]].update_inplace(image)
        for name in inputs:
            binding.bind_ortvalue_input(name, values[name])
        for name in outputs:
            binding.bind_ortvalue_output(name, values[name])
        session.run_with_iobinding(binding)
        for state in names["states"]:
            cycle = [*state["inputs"], state["output"]]
            first = values[cycle[0]]
            for name, successor in itertools.pairwise(cycle):
                values[name] = values[successor]
            values[cycle[-1]] = first

    return step


if __name__ == "__main__":
    path = Path(sys.argv[1])
    serve(f"{path.stem}, ONNX Runtime", lambda: load(path, Path(sys.argv[2])))
