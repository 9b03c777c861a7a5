"""Searches the toy space from ten seeds, and judges every member.

Prints a JSON line for each; the searches lie in the folder that is its argument.

In a process of its own, because TensorFlow has to compute in one thread from the beginning.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

from movistream_converters.networks.movinet import Architecture
from movistream_converters.reference.execution import run_clip
from movistream_converters.reference.images import seen
from movistream_training.batches import Batch
from movistream_training.fit import Evaluator
from movistream_training.one_shot.batches import FixedBatches, fixed_batches
from movistream_training.one_shot.choices import member_of
from movistream_training.one_shot.controller import Learning
from movistream_training.one_shot.course import Course, digest_of, resume
from movistream_training.one_shot.replica import recalibrated
from movistream_training.one_shot.search import Aim, one_shot_search
from movistream_training.one_shot.settings import Settings
from movistream_training.one_shot.shared_weights import SharedWeights
from movistream_training.one_shot.supernet import sliced, slim, supernet_of
from tests.training.moving_textures import (
    BEST,
    TARGET,
    TASK,
    all_decisions,
    batches,
    cost_of,
    toy_space,
)

SEEDS = range(1, 11)
SPACE = toy_space()


def settings(seed: int) -> Settings:
    return Settings(
        steps=160,
        replicas=4,
        seed=seed,
        beta=-1.0,
        warm_up_share=0.2,
        learning_rate=5e-3,
        controller=Learning(learning_rate=0.1),
    )


def search(seed: int, folder: Path, training: FixedBatches) -> Architecture:
    judging = fixed_batches(SPACE, batches(50, 16, seed=2), 2)
    aim = Aim(cost_of, TARGET)
    return one_shot_search(SPACE, TASK, training, judging, aim, settings(seed), folder)


def judged(folder: Path, training: FixedBatches, test: list[Batch]) -> None:
    """All members, with the weights of the first seed's search."""
    supernet = supernet_of(SPACE, TASK)
    shared = SharedWeights(supernet, settings(1).recipe, 1)
    course = resume(digest_of(SPACE, TASK, TARGET, settings(1)), shared, folder)
    assert isinstance(course, Course)
    for decisions in all_decisions():
        member = member_of(SPACE, decisions)
        found = slim(supernet, member)
        weights = sliced(found, shared.arrays())
        stored = recalibrated(found, weights, list(training.batches[:4]))
        _, accuracy = Evaluator(found.network)(stored, test)
        hits = []
        for batch in test:
            images = seen(batch.images, found.network.nodes[0].layer)
            logits = np.asarray(run_clip(found.network, weights, images, statistics={})[0])
            hits.append((logits.argmax(-1) == batch.targets)[batch.weights > 0].mean())
        tell(decisions=decisions, cost=cost_of(member), stored=accuracy, batch=float(np.mean(hits)))


def tell(**what: object) -> None:
    print(json.dumps(what), flush=True)


if __name__ == "__main__":
    root = Path(sys.argv[1])
    training = fixed_batches(SPACE, batches(200, 16, seed=1), 1)
    for seed in SEEDS:
        found = search(seed, root / str(seed), training)
        tell(seed=seed, found=found == member_of(SPACE, BEST))
    judged(root / "1", training, list(batches(4, 32, seed=5)))
