"""ncnn on a step written as its own files; states stay packed, in numbers that it computes in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ncnn
import numpy as np

from engines.ncnn_model import Int8, write
from engines.serving import FloatArray, serve
from engines.step import Step, read_step

_AS_COMPUTED = 1
"""How a blob is given: packed, and in float16 where that is what it holds."""

FILES: dict[str, dict[str, Any]] = {
    "float32": {},
    "products": {"products": True},
    "int8": {"int8": Int8()},
    "int8.dense": {"int8": Int8(depthwise=False)},
    "int8.pointwise": {"int8": Int8(depthwise=False, dense=False)},
}
"""What is written, by the first word of a variant."""
SWITCHES = {
    "unpacked": "use_packing_layout",
    "nowinograd": "use_winograd_convolution",
    "nosgemm": "use_sgemm_convolution",
}


class NcnnRunner:
    """A net, and the blobs that a step hands to the next."""

    def __init__(self, step: Step, model: Path, words: list[str]) -> None:
        self._step = step
        self._net = net = ncnn.Net()
        options = net.opt
        options.num_threads = 1
        half = "float16" in words
        options.use_fp16_packed = options.use_fp16_storage = options.use_fp16_arithmetic = half
        options.use_bf16_packed = options.use_bf16_storage = "bfloat16" in words
        for word in words:
            if word in SWITCHES:
                setattr(options, SWITCHES[word], False)
        if net.load_param(f"{model}.param"):
            raise RuntimeError(f"ncnn refuses {model}.param")
        if net.load_model(f"{model}.bin"):
            raise RuntimeError(f"ncnn refuses {model}.bin")
        self.reset()

    def reset(self) -> None:
        self._frames_seen = 0
        self._values: dict[str, Any] = {
            name: _owned(np.zeros(self._step.shapes[name], np.float32))
            for state in self._step.states
            for name in state.inputs
        }

    def prepare(self, _frame: object, image: FloatArray) -> Any:
        return _owned(np.ascontiguousarray(image.transpose(2, 0, 1)))

    def step(self, image: Any) -> FloatArray:
        step, values = self._step, self._values
        self._frames_seen += 1
        extractor = self._net.create_extractor()
        extractor.input(step.image, image)
        if step.frame_weight:
            weight = ncnn.Mat(1)
            weight.fill(1 / self._frames_seen)
            extractor.input(step.frame_weight, weight)
        for name, value in values.items():
            extractor.input(name, value)
        _, logits = extractor.extract(f"{step.logits}.out")
        for state in step.states:
            for name, successor in zip(state.inputs, state.inputs[1:], strict=False):
                values[name] = values[successor]
            _, values[state.inputs[-1]] = extractor.extract(f"{state.output}.out", _AS_COMPUTED)
        return np.array(logits)


def _owned(values: FloatArray) -> Any:
    """A copy of an array; a Mat that is made of one does not keep it alive."""
    return ncnn.Mat(values).clone()


def build(folder: Path, variant: str) -> None:
    """Writes the files of a variant, ``FILE[-float16|-bfloat16][-SWITCHED_OFF…]``."""
    file = variant.split("-")[0]
    write(read_step(folder), folder / f"ncnn.{file}", **FILES[file])


def load(folder: Path, variant: str) -> NcnnRunner:
    """Opens a variant."""
    file, *words = variant.split("-")
    return NcnnRunner(read_step(folder), folder / f"ncnn.{file}", words)


if __name__ == "__main__":
    serve("ncnn", ncnn.__version__, build, load)
