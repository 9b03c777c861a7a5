"""A small network in every form that weights come in."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import tensorflow as tf
from safetensors.numpy import save_file

from movistream_converters.convert import convert
from movistream_converters.formats.model_garden.names import stored_kernel_shapes, variable_paths
from movistream_converters.formats.model_garden.writer import variable_tree, write_checkpoint
from movistream_converters.formats.movinet_options import options_of
from movistream_converters.formats.source import Source
from movistream_converters.ir.layers import Convolution
from tests.conftest import IMAGE_SIZE, small_checkpoint
from tests.converters.tflite_converter import converted

Arrays = dict[str, np.ndarray]

_PYTORCH_PARTS = {
    "_expansion": "expand",
    "_feature": "deep",
    "_projection": "project",
    "_attention/_se_reduce": "se.fc1",
    "_attention/_se_expand": "se.fc2",
    "_skip/_projection": "res.1",
}
_PYTORCH_NORMS = {
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}


def state_dict(source: Source, *, flat: bool = True) -> dict[str, np.ndarray]:
    """The weights as the port names and turns them: 2-D kernels, or 3-D ones."""
    blocks = list(dict.fromkeys(n.partition(".")[0] for n in source.weights if n[:5] == "block"))
    layers = {node.name: node.layer for node in source.network.nodes}
    found = {}
    for name, path in variable_paths(source.network).items():
        value = source.weights[name]
        index, _, rest = path.partition("/")
        if rest == "_mobile_bottleneck/_rezero/scale":
            found[_pytorch_block(blocks[int(index) - 1]) + ".alpha"] = value
            continue
        if not index.isdigit():
            place, rest = {"_head": "classifier.0", "_classifier": "classifier.3"}[index], rest
        elif rest.startswith("_stem/"):
            place, rest = "conv1", rest.removeprefix("_stem/")
        elif rest.startswith("_project/"):
            place, rest = "conv7", rest.removeprefix("_project/")
        else:
            part = next(key for key in _PYTORCH_PARTS if rest.startswith(key + "/"))
            place = f"{_pytorch_block(blocks[int(index) - 1])}.{_PYTORCH_PARTS[part]}"
            rest = rest.removeprefix(part + "/")
        module, _, weight = rest.partition("/")
        number = 2 if module.endswith("_temporal") else 1
        if module.startswith("_batch_norm"):
            found[f"{place}.conv_{number}.norm.{_PYTORCH_NORMS[weight]}"] = value
            found[f"{place}.conv_{number}.norm.num_batches_tracked"] = np.array(7)
            continue
        kind = "conv2d" if flat else "conv3d"
        if weight == "kernel":
            layer = layers[name.rpartition(".")[0]]
            assert isinstance(layer, Convolution)
            value = _pytorch_kernel(value, layer.depthwise, flat)
        key = "weight" if weight == "kernel" else weight
        found[f"{place}.conv_{number}.{kind}.{key}"] = np.ascontiguousarray(value)
    return found


def _pytorch_block(name: str) -> str:
    block, layer = re.findall(r"\d+", name)
    return f"blocks.b{block}_l{layer}"


def _pytorch_kernel(kernel: np.ndarray, depthwise: bool, flat: bool) -> np.ndarray:
    if depthwise:
        kernel = kernel[..., None]  # (time, height, width, channels, 1)
        turned = kernel.transpose(3, 4, 0, 1, 2)
    else:
        turned = kernel.transpose(4, 3, 0, 1, 2)
    if not flat:
        return turned
    # A temporal kernel lies along the height.
    return turned[:, :, 0] if turned.shape[2] == 1 else turned[..., 0]


def relu6_gate(x: tf.Tensor) -> tf.Tensor:
    return tf.nn.relu6(x + 3.0) * 0.16667


def keras_gate(x: tf.Tensor) -> tf.Tensor:
    return tf.clip_by_value(0.2 * x + 0.5, 0.0, 1.0)


def hard_swish(x: tf.Tensor) -> tf.Tensor:
    return x * tf.nn.relu6(x + 3.0) / 6.0


def write_saved_model(
    folder: Path,
    trunk: Callable[[tf.Tensor], tf.Tensor] = hard_swish,
    gate: Callable[[tf.Tensor], tf.Tensor] = relu6_gate,
    head: Callable[[tf.Tensor], tf.Tensor] = tf.nn.swish,
    state_name: str = "state_head_pool_buffer",
) -> Path:
    """Writes a SavedModel whose operators have the names of Model Garden's layers."""
    source = small_checkpoint()
    tree = variable_tree(source.network, source.weights, options_of(source).convolution_type)

    def predict(**inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        x = inputs["image"]
        for scope, function in (
            ("stem/stem/conv2d/activation/", trunk),
            ("block0_layer0/bneck/se/se_expand/conv2d/activation_2/", gate),
            ("classifier_head/head/conv2d/", head),
        ):
            with tf.name_scope(scope):
                x = function(x)
        return {"logits": x, state_name: inputs[state_name]}

    image = tf.TensorSpec((1, 1, IMAGE_SIZE, IMAGE_SIZE, 3), tf.float32)
    state = tf.TensorSpec((1, 1, 1, 1, 8), tf.float32)
    signature = tf.function(predict).get_concrete_function(image=image, **{state_name: state})
    tf.saved_model.save(tree.model, str(folder), signatures=signature)
    return folder


_KERAS_LAYERS = {
    "_stem": "stem",
    "_project": "project",
    "_head": "head",
    "_classifier": "classifier",
    "_expansion": "bneck/expansion",
    "_feature": "bneck/feature",
    "_projection": "bneck/projection",
    "_attention/_se_reduce": "bneck/se/se_reduce",
    "_attention/_se_expand": "bneck/se/se_expand",
    "_skip/_projection": "bneck/skip/skip_project",
}
_KERAS_NUMBERS = {
    **{"gamma": 0, "beta": 1, "moving_mean": 2, "moving_variance": 3},
    **{"kernel": 0, "bias": 1, "scale": 0},
}


def _stored(source: Source) -> dict[str, np.ndarray]:
    """Weights by normalised path, shaped as Model Garden stores them."""
    layers = {node.name: node.layer for node in source.network.nodes}
    found = {}
    for name, path in variable_paths(source.network).items():
        value, layer = source.weights[name], layers[name.rpartition(".")[0]]
        if isinstance(layer, Convolution) and name.endswith("kernel"):
            value = value.reshape(stored_kernel_shapes(layer, value.shape)[0])
        found[path] = value
    return found


def keras_by_layer(source: Source) -> Arrays:
    """As ``save_weights("weights.h5")`` of Keras 2 names them."""
    blocks = [name for name in source.weights if name.endswith("expansion.conv.kernel")]
    found = {}
    for path, value in _stored(source).items():
        *parts, module, weight = path.split("/")
        index = parts.pop(0) if parts[0].isdigit() else ""
        layer = "classifier_head"
        if index:
            number = int(index)
            middle = blocks[number - 1].partition(".")[0] if 1 <= number <= len(blocks) else "head"
            layer = f"movinet/{'stem' if number == 0 else middle}"
        if weight == "scale":
            found[f"{layer}/scale:0"] = value
            continue
        temporal = "_temporal" if module.endswith("_temporal") else ""
        kind = f"bn{temporal}" if module.startswith("_batch_norm") else "conv2d_3"
        if value.ndim == 4 and value.shape[-1] == 1:
            kind, weight = "depthwise_conv2d", "depthwise_kernel"
        part = _KERAS_LAYERS["/".join(parts)]
        found[f"{layer}/{part}/conv2d{temporal}/{kind}/{weight}:0"] = value
    return found


def keras_by_attribute(source: Source) -> Arrays:
    """As ``save_weights("x.weights.h5")`` names them."""
    last = max(int(path.partition("/")[0]) for path in _stored(source) if path[0].isdigit())
    found = {}
    for path, value in _stored(source).items():
        index, _, rest = path.partition("/")
        layer = "layers/classifier_head"
        if index.isdigit():
            number = int(index)
            block = "movinet_block" + (f"_{number - 1}" if number > 1 else "")
            layer = {0: "stem", last: "head"}.get(number, block)
            layer = f"layers/movinet/layers/{layer}"
        else:
            rest = path
        for part in ("_expansion", "_feature", "_attention"):
            rest = rest.replace(f"{part}/", f"_mobile_bottleneck/{part}_layer/")
        attributes, _, weight = rest.rpartition("/")
        temporal = "_temporal" if attributes.endswith("_temporal") else ""
        attributes = attributes.removesuffix(temporal)
        if attributes.endswith("_batch_norm"):
            stem = attributes.removesuffix("_batch_norm")
            attributes = f"{stem}_conv{temporal}/_batch_norm_op"
        elif attributes.endswith("_conv"):
            attributes = f"{attributes}{temporal}/_conv"
        found[f"{layer}/{attributes}/vars/{_KERAS_NUMBERS[weight]}"] = value
    return found


def hdf5(arrays: Arrays, config: object = None) -> bytes:
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        for name, value in arrays.items():
            file[name] = value
        if config is not None:
            file.attrs["model_config"] = json.dumps(config)
    return buffer.getvalue()


def checkpoint(folder: Path) -> Path:
    small = small_checkpoint()
    kind = options_of(small).convolution_type
    write_checkpoint(small.network, small.weights, folder / "ckpt", kind)
    return folder


def saved_model(folder: Path) -> Path:
    return write_saved_model(folder / "saved")


def pytorch_state_dict(folder: Path) -> Path:
    save_file(state_dict(small_checkpoint()), folder / "state.safetensors")
    return folder / "state.safetensors"


def keras(folder: Path) -> Path:
    (folder / "w.h5").write_bytes(hdf5(keras_by_attribute(small_checkpoint())))
    return folder / "w.h5"


def our_tflite(folder: Path) -> Path:
    labels = ("an", "event", "of", "five", "kinds")
    return convert(small_checkpoint(), folder / "ours.tflite", labels=labels, verified=False).path


def their_tflite(folder: Path) -> Path:
    (folder / "theirs.tflite").write_bytes(converted(small_checkpoint(), "dynamic"))
    return folder / "theirs.tflite"


SOURCES = (checkpoint, saved_model, keras, pytorch_state_dict, our_tflite, their_tflite)
"""Writers of all of them; each returns what is to be named."""
