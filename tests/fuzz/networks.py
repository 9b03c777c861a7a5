"""Writes small networks in every precision and layout, and as other programs export them."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import cv2
import numpy as np

from movistream_converters.conversion import convert_source
from movistream_converters.formats.movinet_options import movinet_source
from movistream_converters.formats.source import Source
from movistream_converters.ir.builder import NetworkBuilder
from movistream_converters.ir.layers import (
    ActivationFunction,
    Convolution,
    Dense,
    Image,
    SpatialMean,
)
from movistream_converters.ir.passes import fold
from movistream_converters.ir.weights import random_weights
from movistream_converters.networks.movinet import (
    ARCHITECTURES,
    Architecture,
    LayerSpec,
    SqueezeExciteType,
    Stage,
    build_movinet,
    default_options,
)
from movistream_converters.tensorflow_import import quiet_tensorflow
from movistream_converters.tflite.layouts import StateLayout
from movistream_converters.tflite.lowering import lower
from movistream_converters.tflite.precision import Precision

_NAME = "fuzz"
_TINY = Architecture(
    stem_filters=8,
    stages=(
        Stage(8, 2, (LayerSpec(1, 5, 16),)),
        Stage(8, 1, (LayerSpec(3, 3, 16),)),
    ),
    head_filters=16,
    hidden_filters=16,
    image_size=16,
    frames_per_second=5,
    clip_frames=50,
)
_VARIANTS: dict[str, dict[str, Any]] = {
    "": {},
    "no-gates": {
        "se_type": SqueezeExciteType.NONE,
        "activation": ActivationFunction.RELU6,
        "head_activation": ActivationFunction.RELU6,
    },
    "positions": {"positional_encoding": True, "se_type": SqueezeExciteType.SPACE_TIME},
    "sigmoid-gates": {
        "gating": ActivationFunction.SIGMOID,
        "activation": ActivationFunction.SWISH,
        "horizon_frames": 9,
    },
}


def network(**options: Any) -> Source:
    """A network of two blocks with random weights."""
    chosen = replace(default_options(_NAME), image_size=16, num_classes=5, **options)
    return movinet_source(chosen, random_weights(build_movinet(chosen), seed=7), "fuzz")


def files() -> Iterator[tuple[str, bytes]]:
    """Names and contents."""
    ARCHITECTURES[_NAME] = _TINY
    quiet_tensorflow()
    from tests.converters.clip_networks import small_x3d
    from tests.converters.own_networks import own_source
    from tests.converters.tflite_converter import converted

    with tempfile.TemporaryDirectory() as folder:
        clip, path = _clip(Path(folder)), Path(folder) / "m.tflite"
        for variant, options in _VARIANTS.items():
            source = network(**options)
            for precision in Precision:
                videos = (clip,) if precision is Precision.INT8 else ()
                convert_source(
                    source,
                    path,
                    precision=precision,
                    calibration_videos=videos,
                    verified=False,
                    labels=list("abcde") if precision is Precision.FLOAT32 else (),
                )
                yield "-".join(filter(None, ("ours", variant, precision.value))), path.read_bytes()
            if "horizon_frames" not in options:
                layout = StateLayout.MODEL_GARDEN
                convert_source(source, path, layout=layout, verified=False)
                yield "-".join(filter(None, ("model-garden", variant))), path.read_bytes()
        step = lower(*fold(source.network, source.weights), StateLayout.FRAMES)
        yield "foreign-ours", step.graph.pack("serving_default", {})
        # Images and delays that the manifest's second version is for, and every kind of state.
        own = {
            "convolutional": own_source("convolutional"),
            "temporal": own_source("temporal"),
            "grey": _grey(),
            "late": small_x3d(),
        }
        for name, source in own.items():
            convert_source(source, path, verified=False)
            yield f"own-{name}", path.read_bytes()
        for name in ("grey", "late"):
            convert_source(
                own[name],
                path,
                precision=Precision.INT8,
                calibration_videos=(clip,),
                verified=False,
            )
            yield f"own-{name}-int8", path.read_bytes()
        for precision in ("float32", "float16", "dynamic", "int8"):
            yield f"foreign-{precision}", converted(network(), precision)
            yield (
                f"foreign-positions-{precision}",
                converted(network(positional_encoding=True), precision),
            )


def _grey() -> Source:
    """A network of grey images that are normalised, padded so that no kernel takes that in."""
    builder = NetworkBuilder("grey", (16, 16), Image(1, mean=(0.4,), std=(0.2,)))
    builder.add("conv", Convolution(4, (2, 3, 3), (2, 2), bias=True))
    builder.add("mean", SpatialMean())
    builder.add("logits", Dense(3))
    network = builder.build()
    return Source(network, random_weights(network, seed=1), frames_per_second=5.0)


def _clip(folder: Path) -> Path:
    """A video to calibrate on."""
    path = folder / "clip.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 5, (32, 32))
    generator = np.random.default_rng(0)
    for _ in range(12):
        writer.write(generator.integers(0, 256, (32, 32, 3), np.uint8))
    writer.release()
    return path


def main(output: Path) -> None:
    """Writes all files to a folder, which appears when it is whole."""
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=output.parent) as folder:
        part = Path(folder) / "seeds"
        part.mkdir()
        for name, data in files():
            (part / f"{name}.tflite").write_bytes(data)
        part.replace(output)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
