"""What the models in the box are made of."""

from __future__ import annotations

import pytest

from movistream.demo.clip import PHOTOGRAPH
from movistream.demo.motion import LABELS
from movistream.file.activation_memory import activation_memory
from movistream.file.graph import read_model_file
from movistream.file.names import BUILT_IN_DIGESTS, find_model
from movistream_converters.formats import safetensors_file
from movistream_converters.formats.movinet_table import read_table
from movistream_converters.networks.movinet import build_movinet
from movistream_training.camera_motion.assets import MODELS, table_file, weights_file
from movistream_training.camera_motion.search import SPACE, TASK
from movistream_training.camera_motion.training import options_of
from movistream_training.footage.sources import PACKAGES, Use
from movistream_training.search.cost import price
from movistream_training.search.features import step_features
from movistream_training.search.members import misfit
from movistream_training.search.space import read_space

MOST_WEIGHTS_BYTES = 3_000_000


def test_what_the_runtime_has_in_its_box_is_made_here() -> None:
    assert set(MODELS) == set(BUILT_IN_DIGESTS)


@pytest.mark.parametrize("model", MODELS)
def test_the_weights_are_small_and_those_of_the_table(model: str) -> None:
    path = weights_file(model)
    assert path.stat().st_size < MOST_WEIGHTS_BYTES
    source, table = safetensors_file.read(path), read_table(table_file(model))
    assert source.labels == LABELS
    network = build_movinet(options_of(table))
    assert source.network.nodes == network.nodes
    assert source.network.image_size == network.image_size
    assert misfit(read_space(SPACE), table) is None


@pytest.mark.parametrize("model", MODELS)
def test_the_file_in_the_box_is_of_the_network(model: str) -> None:
    """A file that has learnt nothing has the operators and the size of the calibrated one."""
    data = find_model(model).read_bytes()
    found = price(read_table(table_file(model)), TASK)
    graph = read_model_file(data, model).graphs[0]
    assert found.features["cortex-a76"] == step_features(graph, "cortex-a76")
    assert found.peak_bytes == activation_memory(graph).floor_bytes
    assert found.file_bytes == pytest.approx(len(data), rel=0.01)


def test_nothing_is_judged_on_what_was_learnt() -> None:
    files = {
        use: {(p.name, name) for p in PACKAGES if p.use is use for name in p.files} for use in Use
    }
    assert not files[Use.TRAINING] & files[Use.JUDGING]
    assert ("scikit-image", f"{PHOTOGRAPH.stem}.png") in files[Use.JUDGING]
