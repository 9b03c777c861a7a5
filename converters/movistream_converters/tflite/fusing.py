"""Activations that an operator applies to its own output."""

from __future__ import annotations

from movistream_converters.ir.layers import Activation, ActivationFunction, Add, Convolution, Dense
from movistream_converters.ir.network import Network, consumers
from movistream_converters.tflite.operators import Fused

FUSED: dict[ActivationFunction, Fused] = {
    ActivationFunction.RELU: "RELU",
    ActivationFunction.RELU6: "RELU6",
}


def fused_activations(network: Network) -> dict[str, Fused]:
    """Nodes that can apply the activation behind them, by name."""
    readers = consumers(network)
    layers = {node.name: node.layer for node in network.nodes}
    fused: dict[str, Fused] = {}
    for node in network.nodes:
        if isinstance(node.layer, Activation) and node.layer.function in FUSED:
            before = node.inputs[0]
            if isinstance(layers[before], Convolution | Dense | Add) and len(readers[before]) == 1:
                fused[before] = FUSED[node.layer.function]
    return fused
