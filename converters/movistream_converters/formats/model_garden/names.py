"""How TensorFlow Model Garden names and shapes a MoViNet's variables.

See :mod:`.checkpoint` for the form of a checkpoint. Paths here are normalised: the layer's number
in the backbone, then the attributes, with Conv2D's doubled ``_conv/_conv`` written once and
``depthwise_kernel`` as ``kernel``.
"""

from __future__ import annotations

from collections.abc import Mapping

from movistream_converters.ir.layers import Convolution
from movistream_converters.ir.network import Network, weight_shapes

_NODE_PATHS = {
    "stem": "_stem",
    "expansion": "_expansion",
    "feature": "_feature",
    "feature_temporal": "_feature",
    "se": "_attention",
    "projection": "_projection",
    "rezero": "_mobile_bottleneck/_rezero",
    "skip": "_skip/_projection",
}
BATCH_NORM_VARIABLES = {"mean": "moving_mean", "variance": "moving_variance"}
"""Those that are called otherwise than here."""


def variable_path(name: str, layer_count: int, layer_index: Mapping[str, int]) -> str:
    """The normalised checkpoint path of a canonical weight: ``LAYER/PATH``, ``_conv`` not doubled.

    The backbone's layers are numbered; the classifier's two convolutions have no number.
    """
    node, _, weight = name.rpartition(".")
    block, _, rest = node.partition(".")
    if block == "classifier":
        return f"{'_head' if rest == 'hidden' else '_classifier'}/_conv/{weight}"
    if block == "stem":
        index, rest, path = 0, node, "_stem"
    elif block == "head":
        index, path = layer_count - 1, "_project"
    else:
        index, path = layer_index[block], _NODE_PATHS[rest.partition(".")[0]]
    last = rest.rpartition(".")[2]
    temporal = "_temporal" if rest.startswith("feature_temporal") else ""
    match last:
        case "conv":
            return f"{index}/{path}/_conv{temporal}/{weight}"
        case "bn":
            variable = BATCH_NORM_VARIABLES.get(weight, weight)
            return f"{index}/{path}/_batch_norm{temporal}/{variable}"
        case "reduce" | "expand":
            return f"{index}/{path}/_se_{last}/_conv/{weight}"
        case "position":
            return f"{index}/{path}/_pos_encoding/_rezero/{weight}"
    return f"{index}/{path}/{weight}"


def variable_paths(network: Network) -> dict[str, str]:
    """Normalised checkpoint paths of all of a network's weights by canonical name."""
    names = list(weight_shapes(network))
    blocks = list(dict.fromkeys(n.partition(".")[0] for n in names if n.startswith("block")))
    layer_index = {block: i + 1 for i, block in enumerate(blocks)}
    return {name: variable_path(name, len(blocks) + 2, layer_index) for name in names}


def stored_kernel_shapes(layer: Convolution, shape: tuple[int, ...]) -> list[tuple[int, ...]]:
    """The shapes that a canonical kernel may have in a checkpoint, 2-D form first."""
    if not layer.depthwise:
        return [shape[1:], shape] if shape[0] == 1 else [shape]
    time, height, width, channels = shape
    forms: list[tuple[int, ...]] = []
    if time == 1:
        forms.append((height, width, channels, 1))
    elif (height, width) == (1, 1):
        forms.append((time, 1, channels, 1))
    return [*forms, (time, height, width, 1, channels)]
