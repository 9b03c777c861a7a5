"""What the models in the box are made of."""

from __future__ import annotations

import pytest

from movistream.demo.clip import PHOTOGRAPH
from movistream.file.activation_memory import activation_memory
from movistream.file.graph import read_model_file
from movistream.file.names import BUILT_IN_DIGESTS, find_model
from movistream_converters.formats import safetensors_file
from movistream_converters.formats.movinet_table import read_table
from movistream_converters.networks.movinet import build_movinet
from movistream_training.assets import ROOMS, table_file, weights_file
from movistream_training.camera_health import curriculum as camera_health
from movistream_training.camera_motion import curriculum as camera_motion
from movistream_training.camera_motion.search import SPACE
from movistream_training.footage.sources import PACKAGES, Use
from movistream_training.search.cost import price
from movistream_training.search.features import step_features
from movistream_training.search.members import Task, misfit
from movistream_training.search.space import read_space

MOST_WEIGHTS_BYTES = 3_000_000


CURRICULA = {"camera_motion": camera_motion.CURRICULUM, "camera_health": camera_health.CURRICULUM}


def test_what_the_runtime_has_in_its_box_is_made_here() -> None:
    assert set(BUILT_IN_DIGESTS) == set(ROOMS)


@pytest.mark.parametrize("model", BUILT_IN_DIGESTS)
def test_the_weights_are_small_and_those_of_the_table(model: str) -> None:
    path = weights_file(model)
    assert path.stat().st_size < MOST_WEIGHTS_BYTES
    source, table = safetensors_file.read(path), read_table(table_file(model))
    curriculum = CURRICULA[ROOMS[model]]
    assert source.labels == curriculum.labels
    assert source.activation == curriculum.activation
    network = build_movinet(curriculum.options(table))
    assert source.network.nodes == network.nodes
    assert source.network.image_size == network.image_size
    if curriculum is camera_motion.CURRICULUM:
        assert misfit(read_space(SPACE), table) is None


@pytest.mark.parametrize("model", BUILT_IN_DIGESTS)
def test_the_file_in_the_box_is_of_the_network(model: str) -> None:
    """A file that has learnt nothing has the operators and the size of the calibrated one."""
    data = find_model(model).read_bytes()
    curriculum = CURRICULA[ROOMS[model]]
    task = Task(len(curriculum.labels), curriculum.horizon_frames)
    found = price(read_table(table_file(model)), task)
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
