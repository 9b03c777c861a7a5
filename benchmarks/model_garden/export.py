"""Exports a MoViNet stream model as TensorFlow Model Garden's own tools do, to compare with.

    python export.py a2 FOLDER

Writes a checkpoint with random weights, and beside it what Google's recipe makes of the same model:
a SavedModel of one frame with states, converted by TFLiteConverter to float32, and to int8 with
float fallback. Runs in an environment of its own (``make bench-model-garden``).
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from pathlib import Path

os.environ["TF_USE_LEGACY_KERAS"] = "1"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import numpy as np
import tensorflow as tf
import tf_keras
from official.projects.movinet.modeling import movinet, movinet_model
from official.projects.movinet.tools.export_saved_model import export_saved_model

IMAGE_SIZES = {"a0": 172, "a1": 172, "a2": 224, "a3": 256, "a4": 290, "a5": 320}
HARD_SWISH_HEADS = ("a1", "a4")
WITH_POSITIONS = ("a3", "a4", "a5")
CLASSES = 600
CALIBRATION_FRAMES = 8
SEED = 11


def build(name: str) -> tf_keras.Model:
    """The released stream model of that name, with random weights and statistics."""
    tf_keras.utils.set_random_seed(SEED)
    size = IMAGE_SIZES[name]
    shape = (1, 1, size, size, 3)
    backbone = movinet.Movinet(
        model_id=name,
        causal=True,
        conv_type="2plus1d",
        se_type="2plus3d",
        activation="hard_swish",
        gating_activation="hard_sigmoid",
        use_positional_encoding=name in WITH_POSITIONS,
        use_external_states=True,
        input_specs=tf_keras.layers.InputSpec(shape=shape),
    )
    head = "hard_swish" if name in HARD_SWISH_HEADS else "simple_swish"
    model = movinet_model.MovinetClassifier(
        backbone,
        num_classes=CLASSES,
        output_states=True,
        activation=head,
        input_specs={"image": tf_keras.layers.InputSpec(shape=shape)},
    )
    model.build(shape)
    generator = np.random.default_rng(SEED)
    for variable in model.weights:
        kind = variable.name.rpartition("/")[2]
        if kind.startswith(("gamma", "moving_variance")):
            variable.assign(generator.uniform(0.7, 1.3, variable.shape))
        elif kind.startswith(("beta", "moving_mean")):
            variable.assign(generator.normal(0.0, 0.1, variable.shape))
    return model


def convert(saved_model: Path, states: dict[str, tf.Tensor], size: int, *, int8: bool) -> bytes:
    """TFLiteConverter's file; int8 is calibrated on noise from the start of a stream."""
    converter = tf.lite.TFLiteConverter.from_saved_model(str(saved_model))

    def samples() -> Iterator[dict[str, tf.Tensor]]:
        generator = np.random.default_rng(SEED)
        for _ in range(CALIBRATION_FRAMES):
            image = generator.random((1, 1, size, size, 3), np.float32)
            yield {**states, "image": tf.constant(image)}

    if int8:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = samples
    return converter.convert()


def main() -> None:
    """Writes NAME/ckpt-1, NAME/saved_model, NAME_f32.tflite and NAME_int8.tflite."""
    parser = argparse.ArgumentParser()
    parser.add_argument("name", choices=sorted(IMAGE_SIZES))
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    name, folder = arguments.name, arguments.folder
    size = IMAGE_SIZES[name]
    shape = (1, 1, size, size, 3)
    model = build(name)
    tf.train.Checkpoint(model=model).write(str(folder / name / "ckpt-1"))
    saved_model = folder / name / "saved_model"
    export_saved_model(
        model, shape, str(saved_model), causal=True, bundle_input_init_states_fn=False
    )
    states = model.init_states(shape)
    for precision in ("f32", "int8"):
        data = convert(saved_model, states, size, int8=precision == "int8")
        path = folder / f"{name}_{precision}.tflite"
        path.write_bytes(data)
        print(f"wrote {path}, {len(data) / 1e6:.2f} MB", flush=True)


if __name__ == "__main__":
    main()
