"""Writes weights as TensorFlow Model Garden would, see :mod:`.names`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import tensorflow as tf

from movistream_converters.formats.model_garden.names import stored_kernel_shapes, variable_paths
from movistream_converters.ir.layers import Convolution
from movistream_converters.ir.network import Network
from movistream_converters.ir.weights import Weights
from movistream_converters.networks.movinet import ConvolutionType


def variable_tree(
    network: Network, weights: Weights, convolution_type: ConvolutionType
) -> tf.train.Checkpoint:
    """Weights as variables at the attributes where Model Garden's code keeps them.

    Args:
        convolution_type: that the network was built with, or its other separate form.
    """
    layers = {node.name: node.layer for node in network.nodes}
    root = tf.train.Checkpoint()
    for name, path in variable_paths(network).items():
        value = weights[name]
        node, _, weight = name.rpartition(".")
        layer = layers[node]
        if isinstance(layer, Convolution):
            flat = convolution_type is ConvolutionType.SEPARATE_2D
            if weight == "kernel":
                forms = stored_kernel_shapes(layer, value.shape)
                value = value.reshape(forms[0] if flat else forms[-1])
            if flat:
                variable = "depthwise_kernel" if layer.depthwise else weight
                path = f"{path.rpartition('/')[0]}/_conv/{variable}"
        _attach(root, _attributes(path), tf.Variable(value, dtype=tf.float32))
    return root


def write_checkpoint(
    network: Network, weights: Weights, prefix: Path, convolution_type: ConvolutionType
) -> None:
    """Writes weights as Model Garden would (``tf.train.Checkpoint(model=…)``).

    The folder also gets a ``checkpoint`` file, so that it can be named in place of the prefix.

    Args:
        prefix: of the checkpoint's files; its folder must exist.
        convolution_type: see :func:`variable_tree`.
    """
    variable_tree(network, weights, convolution_type).write(str(prefix))
    pointer = f'model_checkpoint_path: "{prefix.name}"\n'
    (prefix.parent / "checkpoint").write_text(pointer, encoding="utf-8")


def _attributes(path: str) -> list[str]:
    index, _, rest = path.partition("/")
    if not index.isdigit():
        return ["model", "layer_with_weights-1", *path.split("/")]
    return ["model", "layer_with_weights-0", f"layer_with_weights-{index}", *rest.split("/")]


def _attach(parent: Any, attributes: list[str], variable: Any) -> None:
    *parents, last = attributes
    for attribute in parents:
        if not hasattr(parent, attribute):
            setattr(parent, attribute, tf.Module())
        parent = getattr(parent, attribute)
    setattr(parent, last, variable)
