"""When a training ends."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from movistream_converters.formats.safetensors_file import weights_bytes
from movistream_converters.ir.layers import Image, SpatialMean
from movistream_converters.ir.network import Network, Node
from movistream_training import fit as module
from movistream_training.batches import Batch
from movistream_training.errors import TrainingError
from movistream_training.fit import Evaluator, fit
from movistream_training.recipe import Recipe

BATCH = Batch(np.zeros((1, 1, 4, 4, 3), np.uint8), np.zeros((1, 1)), np.ones((1, 1)))


class Scripted:
    """Learns nothing; says what it was told to say."""

    network = plan = None

    def __init__(self, epochs: int, patience_epochs: int | None, losses: list[float]) -> None:
        self.recipe = Recipe(epochs, 2, 1e-3, patience_epochs=patience_epochs)
        self.step = 0
        self._losses = losses

    def learn(self, batch: Batch) -> tuple[float, float]:
        self.step += 1
        return self._losses[(self.step - 1) % len(self._losses)], 0.25 * self.step

    def weights(self) -> dict[str, np.ndarray]:
        return {"step": np.array([self.step])}

    def memory(self) -> dict[str, np.ndarray]:
        return {"step": np.array([self.step], np.float32)}


def run(
    path: Path,
    monkeypatch: pytest.MonkeyPatch,
    judged: list[tuple[float, float]],
    patience_epochs: int | None,
    losses: list[float],
) -> tuple[Any, list[tuple[int, float]]]:
    """The history of a training whose epochs are judged so: (accuracy, loss)."""
    answers = iter([(loss, accuracy) for accuracy, loss in judged])
    monkeypatch.setattr(module, "Evaluator", lambda *_: lambda *_: next(answers))
    learner: Any = Scripted(len(judged), patience_epochs, losses)
    steps: list[tuple[int, float]] = []
    history = fit(
        learner,
        lambda epoch: [BATCH, BATCH],
        [],
        path / "checkpoint.safetensors",
        lambda step, loss: steps.append((step, loss)),
        lambda history, weights: None,
    )
    return history, steps


@pytest.mark.parametrize(
    ("judged", "patience_epochs", "epochs"),
    [
        # The best is the second; two worse ones later patience is over.
        ([(0.5, 1.0), (0.6, 1.0), (0.5, 1.0), (0.4, 1.0), (0.9, 1.0)], 2, 4),
        ([(0.5, 1.0), (0.6, 1.0), (0.5, 1.0), (0.4, 1.0), (0.9, 1.0)], 1, 3),
        ([(0.5, 1.0), (0.6, 1.0), (0.5, 1.0), (0.4, 1.0), (0.9, 1.0)], 3, 5),
        ([(0.5, 1.0), (0.6, 1.0), (0.5, 1.0), (0.4, 1.0), (0.3, 1.0)], None, 5),
        # As many right, at a lower loss, is better; at a higher one it is not.
        ([(0.5, 1.0), (0.5, 0.9), (0.5, 0.8), (0.5, 0.7)], 1, 4),
        ([(0.5, 1.0), (0.5, 1.1), (0.5, 1.2), (0.5, 1.3)], 1, 2),
        ([(0.5, 1.0)], 1, 1),
    ],
)
def test_patience(
    judged: list[tuple[float, float]],
    patience_epochs: int | None,
    epochs: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    history, _ = run(tmp_path, monkeypatch, judged, patience_epochs, [0.5])
    assert [epoch.number for epoch in history] == list(range(1, epochs + 1))


def test_an_epoch_by_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two steps each, of losses 0.5 and 0.3 in turns, and 0.25 more right in each step."""
    history, steps = run(tmp_path, monkeypatch, [(0.5, 1.0), (0.75, 0.8)], None, [0.5, 0.3])
    assert steps == [(1, 0.5), (2, 0.3), (3, 0.5), (4, 0.3)]
    first, second = history
    assert (first.loss, first.accuracy) == pytest.approx((0.4, 0.375))
    assert (second.loss, second.accuracy) == pytest.approx((0.4, 0.875))
    assert (first.validation_accuracy, first.validation_loss) == (0.5, 1.0)
    assert (second.validation_accuracy, second.validation_loss) == (0.75, 0.8)
    # One step to rise, then a cosine over the three others: 0.5 · (1 + cos 0) and (1 + cos 120°).
    assert first.learning_rate == pytest.approx(1e-3)
    assert second.learning_rate == pytest.approx(0.25e-3)
    assert min(first.seconds, second.seconds) >= 0


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_a_loss_that_is_no_number_ends_it(
    loss: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(TrainingError, match="in step 2; a lower --learning-rate"):
        run(tmp_path, monkeypatch, [(0.5, 1.0)], None, [0.5, loss])
    assert list(tmp_path.iterdir()) == []


def test_a_checkpoint_remembers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run of more epochs goes on behind those that are done."""
    run(tmp_path, monkeypatch, [(0.5, 1.0), (0.6, 1.0)], None, [0.5])
    restored: list[int] = []
    monkeypatch.setattr(Scripted, "memory_names", lambda self: ["step"], raising=False)
    monkeypatch.setattr(
        Scripted, "restore", lambda self, memory, step: restored.append(step), raising=False
    )
    judged = [(0.7, 1.0), (0.8, 1.0), (0.9, 1.0)]
    history, steps = run(tmp_path, monkeypatch, judged, None, [0.5])
    assert restored == [4]
    assert [epoch.validation_accuracy for epoch in history] == [0.5, 0.6, 0.7]
    assert len(steps) == 2
    assert history[-1].number == 3


def test_a_checkpoint_of_more_epochs_than_are_wanted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(tmp_path, monkeypatch, [(0.5, 1.0), (0.6, 1.0), (0.7, 1.0)], None, [0.5])
    monkeypatch.setattr(Scripted, "memory_names", lambda self: ["step"], raising=False)
    monkeypatch.setattr(Scripted, "restore", lambda *_: None, raising=False)
    history, steps = run(tmp_path, monkeypatch, [(0.8, 1.0)], None, [0.5])
    assert [epoch.validation_accuracy for epoch in history] == [0.5, 0.6, 0.7]
    assert steps == []


def test_judging_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """The frames of a clip weigh 1, 0 and 3; of the two that count, the second is right.

    Probabilities of the right classes are 1/4 and 1/2.
    """
    logits = np.log(np.array([[[3.0, 1.0], [1.0, 1.0], [0.5, 0.5]]], np.float32))
    logits[0, 2] += [1e-6, 0.0]
    monkeypatch.setattr(module, "run_clip", lambda *_, **__: (tf.constant(logits), {}))
    batch = Batch(
        np.zeros((1, 3, 4, 4, 3), np.uint8),
        np.array([[1, 0, 0]], np.int32),
        np.array([[1, 0, 3]], np.float32),
    )
    nodes = Node("image", Image()), Node("mean", SpatialMean(), ("image",))
    network = Network("means", nodes, (4, 4))
    loss, accuracy = Evaluator(network)({}, [batch, batch])
    assert accuracy == pytest.approx(3 / 4)
    assert loss == pytest.approx((np.log(4) + 3 * np.log(2)) / 4, rel=1e-5)


def test_how_long_an_epoch_took_by_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a clock that says 10 s and 12.5 s, 20 s and 21 s; and in between when batches came."""
    first = [10.0, 10.0, 10.5, 11.0, 11.25, 12.0, 12.5]
    second = [20.0, 20.0, 20.0, 20.5, 20.5, 21.0, 21.0]
    clock = SimpleNamespace(perf_counter=iter([*first, *second]).__next__)
    monkeypatch.setattr(module, "time", clock)
    history, _ = run(tmp_path, monkeypatch, [(0.5, 1.0), (0.6, 0.9)], None, [1.0, 1.0])
    assert [epoch.seconds for epoch in history] == [2.5, 1.0]
    assert [epoch.waited_seconds for epoch in history] == [0.75, 0.0]


def test_a_learning_rate_rises_and_falls() -> None:
    """A twentieth of 200 steps is 10; half of the other 190 is 95."""
    recipe = Recipe(10, 20, 8.0)
    rates = [recipe.learning_rate_at(step) for step in range(200)]
    assert rates[:10] == pytest.approx([0.8 * step for step in range(1, 11)])
    assert rates[10] == pytest.approx(8.0)
    assert rates[105] == pytest.approx(4.0)
    assert rates[199] < 0.001
    assert rates[10:] == sorted(rates[10:], reverse=True)


def test_defaults_are_the_shares_that_they_are_called() -> None:
    recipe = Recipe(10, 20, 1e-3)
    for share in (recipe.weight_decay, recipe.label_smoothing, recipe.warm_up_share):
        assert 0 < share < 0.2
    for share in (recipe.average_decay, recipe.statistics_momentum):
        assert 0.9 < share < 1


@pytest.mark.parametrize(("level", "value"), [(0, 0.0), (51, 0.2), (255, 1.0)])
def test_what_a_network_is_shown(level: int, value: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Levels of 0 to 255 as 0 to 1; the answer here is the picture's own brightness."""

    def run_clip(network: object, weights: object, images: Any, **_: object) -> Any:
        brightness = tf.reduce_mean(images, axis=(2, 3, 4))
        return tf.stack([brightness, tf.zeros_like(brightness)], axis=-1), {}

    monkeypatch.setattr(module, "run_clip", run_clip)
    images = np.full((1, 2, 4, 4, 3), level, np.uint8)
    batch = Batch(images, np.zeros((1, 2), np.int32), np.ones((1, 2), np.float32))
    nodes = Node("image", Image()), Node("mean", SpatialMean(), ("image",))
    loss, _ = Evaluator(Network("n", nodes, (4, 4)))({}, [batch])
    assert loss == pytest.approx(np.log(1 + np.exp(-value)), rel=1e-5)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no checkpoint at all",
        weights_bytes({"step": np.ones(1, np.float32)}, {}),
        weights_bytes({"step": np.ones(1, np.float32)}, {"history": "[]"}),
        weights_bytes({"step": np.ones(1, np.float32)}, {"history": "[1]", "step": "4"}),
        weights_bytes({"step": np.ones(1, np.float32)}, {"history": "[]", "step": "soon"}),
        weights_bytes({"other": np.ones(1, np.float32)}, {"history": "[]", "step": "4"}),
    ],
)
def test_a_checkpoint_that_is_none(
    content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Scripted, "memory_names", lambda self: ["step"], raising=False)
    monkeypatch.setattr(Scripted, "restore", lambda *_: None, raising=False)
    (tmp_path / "checkpoint.safetensors").write_bytes(content)
    with pytest.raises(TrainingError, match=r"cannot be gone on from: .*Begin anew in another"):
        run(tmp_path, monkeypatch, [(0.5, 1.0)], None, [0.5])
    assert (tmp_path / "checkpoint.safetensors").read_bytes() == content
