"""Writes small models of both layouts, frames, and the logits that LiteRT's engines give for them.

python -m tests.tflite_runtime.write_expected FOLDER
"""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

import numpy as np

import movistream
import tests.conftest  # noqa: F401 (imports TensorFlow quietly, so it comes first)
from demo.render_clip import render_frame
from movistream_converters.conversion import convert_source
from movistream_converters.ir.layers import ActivationFunction
from movistream_converters.networks.movinet import SqueezeExciteType
from movistream_converters.tflite.layouts import StateLayout
from movistream_converters.tflite.precision import Precision
from tests.conftest import small_checkpoint

VARIANTS = {
    "plain": {},
    "positional": {"positional_encoding": True},
    "no-gate": {"se_type": SqueezeExciteType.NONE, "activation": ActivationFunction.RELU6},
    "keras-gate": {"gating": ActivationFunction.HARD_SIGMOID_KERAS},
}

# Int8 needs videos, and tflite-runtime refuses its dense layers as it refuses those of dynamic.
PRECISIONS = (Precision.FLOAT32, Precision.FLOAT16, Precision.DYNAMIC)


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    frames = np.stack([render_frame(index / 5)[..., ::-1] for index in range(6)])
    np.save(folder / "frames.npy", frames)
    for stale in folder.glob("*.tflite"):
        stale.unlink()
    for variant, options in VARIANTS.items():
        for layout, precision in itertools.product(StateLayout, PRECISIONS):
            path = folder / f"{variant}-{layout.value}-{precision.value}.tflite"
            checkpoint = small_checkpoint(**options)
            convert_source(checkpoint, path, layout=layout, precision=precision)
            for engine in ("compiled-model", "interpreter"):
                with movistream.load(path, engine=engine, threads=1, arithmetic="float32") as model:
                    stream = model.stream()
                    logits = np.stack([stream.step(frame).logits for frame in frames])
                np.save(path.with_suffix(f".{engine}.npy"), logits)
    print(f"wrote {len(list(folder.glob('*.tflite')))} models to {folder}")


if __name__ == "__main__":
    main()
