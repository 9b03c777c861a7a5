"""How promising an untrained network is: whether it answers differently to different clips.

The score is that of Mellor et al. (arXiv 2006.04647, "neural architecture search without
training"): each clip gives a code of which activations are above zero, and the score is the
logarithm of the determinant of how alike the codes are. Here the codes are those after the last
frame of each clip, so that what a network remembers counts.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from movistream_converters.ir.layers import Activation
from movistream_converters.ir.network import image_of
from movistream_converters.networks.movinet import Architecture
from movistream_converters.reference.execution import run_nodes
from movistream_converters.reference.images import seen
from movistream_training.batches import Batch
from movistream_training.initial import initial_weights
from movistream_training.search.members import Task, source_of

_SEED = 1
NO_SCORE = -1e9
"""Of a network for which two clips are the same."""


def screen(member: Architecture, task: Task, batch: Batch) -> float:
    """The score of a member with random weights: the higher, the more promising.

    Args:
        batch: at least two clips; the larger, the better.
    """
    network = source_of(member, task).network
    images = seen(batch.images, image_of(network))
    # Normalised by the clips' own statistics: untrained, a network has no others.
    values, _ = run_nodes(network, initial_weights(network, _SEED), images, statistics={})
    codes = [
        np.asarray(values[node.name])[:, -1].reshape(len(batch.images), -1) > 0
        for node in network.nodes
        if isinstance(node.layer, Activation) and values[node.name].shape[2] > 1
    ]
    return likeness_score(np.concatenate(codes, axis=1))


def likeness_score(codes: npt.NDArray[np.bool_]) -> float:
    """The logarithm of the determinant of how many places of each two codes are equal.

    Args:
        codes: (clips, activations).
    """
    ones = codes.astype(np.float32)
    alike = ones @ ones.T + (1 - ones) @ (1 - ones).T
    sign, logarithm = np.linalg.slogdet(alike.astype(np.float64))
    return float(logarithm) if sign > 0 else NO_SCORE
