"""Training shows a network what every runtime shows it, whatever its image."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import movistream
from movistream.file.manifest import ImageInput
from movistream_converters.conversion import convert_source
from movistream_converters.formats.source import Source
from movistream_converters.ir.builder import NetworkBuilder
from movistream_converters.ir.layers import (
    BatchNormalization,
    Convolution,
    Dense,
    Image,
    SpatialMean,
)
from movistream_converters.ir.network import Network
from movistream_converters.ir.weights import random_weights
from movistream_converters.quantise.videos import image_input
from movistream_training.batches import Batch
from movistream_training.decoding import ClipReader
from movistream_training.examples import Example
from movistream_training.fit import Evaluator
from movistream_training.learner import Learner
from movistream_training.recipe import Recipe
from movistream_training.videos import Probed
from tests.training.clips import write_data

SIZE, CLASSES = 32, 2
IMAGES = [
    Image(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)),
    Image(1, (-1, 1), (0.2,), (0.4,)),
    Image(2, (0, 255), (3, 4), (5, 6)),
]


def network_of(image: Image) -> Network:
    builder = NetworkBuilder("n", (SIZE, SIZE), image)
    around = (1, 1, 1, 1)
    builder.add("stem", Convolution(4, (1, 3, 3), (2, 2), padding=around))
    builder.add("norm", BatchNormalization())
    builder.add("pool", SpatialMean())
    builder.add("classifier", Dense(CLASSES))
    return builder.build()


def batch_of(channels: int) -> Batch:
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (2, 5, SIZE, SIZE, channels), np.uint8)
    labels = np.array([[0] * 5, [1] * 5], np.int32)
    return Batch(images, labels, np.ones((2, 5), np.float32))


@pytest.mark.parametrize("image", IMAGES, ids=str)
def test_batch_norms_learn_from_normalised_frames(image: Image) -> None:
    network, batch = network_of(image), batch_of(image.channels)
    before = random_weights(network, 1)
    recipe = Recipe(epochs=1, steps_per_epoch=1, learning_rate=1e-3, statistics_momentum=0.0)
    learner = Learner(network, before, recipe)
    learner.learn(batch)
    low, high = image.value_range
    values = (low + batch.images / 255 * (high - low) - np.array(image.mean)) / np.array(image.std)
    padded = np.pad(
        values.reshape(-1, SIZE, SIZE, image.channels), ((0, 0), (1, 1), (1, 1), (0, 0))
    )
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), (1, 2))[:, ::2, ::2]
    y = np.einsum("bhwcij,ijcf->bhwf", windows, before["stem.kernel"][0])
    after = learner.weights()
    np.testing.assert_allclose(after["norm.mean"], y.mean((0, 1, 2)), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(after["norm.variance"], y.var((0, 1, 2)), rtol=1e-3)


@pytest.mark.parametrize("image", IMAGES, ids=str)
def test_judging_in_training_is_what_the_file_says(image: Image, tmp_path: Path) -> None:
    network, batch = network_of(image), batch_of(image.channels)
    weights = random_weights(network, 1)
    path = tmp_path / "m.tflite"
    convert_source(Source(network, weights), path)
    losses = []
    with movistream.load(path, arithmetic="float32") as model, model.stream() as stream:
        for frames, labels in zip(batch.images, batch.targets, strict=True):
            stream.reset()
            for frame, label in zip(frames, labels, strict=True):
                logits = stream.step(frame).logits.astype(np.float64)
                losses.append(np.log(np.exp(logits).sum()) - logits[label])
    loss, _ = Evaluator(network)(weights, [batch])
    assert loss == pytest.approx(np.mean(losses), rel=1e-4)


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> list[Probed]:
    folder = write_data(tmp_path_factory.mktemp("data") / "videos", ["static", "pan left"], 1)
    videos = sorted(folder.glob("*/*.mp4"))
    return [Probed(Example(video, video.parent.name), 0.8) for video in videos]


def clips(image: ImageInput, examples: list[Probed], *, changed: bool) -> np.ndarray:
    reader = ClipReader(("pan left", "static"), image, frames=4, flips=False)
    batches = (
        list(reader.training(examples, 2, seed=1, epoch=0))
        if changed
        else reader.validation(examples, 2)
    )
    assert not reader.skipped
    return np.concatenate([batch.images for batch in batches])


@pytest.mark.parametrize("changed", [False, True])
def test_clips_of_grey_networks_are_grey(examples: list[Probed], changed: bool) -> None:
    grey = clips(image_input(network_of(Image(1)), 10.0), examples, changed=changed)
    colored = clips(image_input(network_of(Image()), 10.0), examples, changed=changed)
    assert (grey.dtype, grey.shape) == (np.uint8, (2, 4, SIZE, SIZE, 1))
    assert colored.shape == (2, 4, SIZE, SIZE, 3)
    expected = colored @ [0.299, 0.587, 0.114]
    # Both are rounded to bytes.
    assert np.abs(grey[..., 0] - expected).max() <= 1.0
    assert np.ptp(grey) > 50
