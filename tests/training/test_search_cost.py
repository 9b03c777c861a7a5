"""What members cost: priced, predicted, counted by a stand-in for the emulator."""

from __future__ import annotations

import stat
import sys
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from movistream.file.graph import Graph, Operator, read_model_file
from movistream.file.tensors import Tensor
from movistream_converters.networks.movinet import ARCHITECTURES
from movistream_training.errors import SearchError
from movistream_training.search import counting
from movistream_training.search.cost import (
    Accuracy,
    accuracy,
    file_of,
    fit,
    price,
)
from movistream_training.search.counting import count_instructions
from movistream_training.search.features import CPUS, STEP, step_features
from movistream_training.search.least_squares import non_negative_least_squares
from movistream_training.search.members import Task, sample
from movistream_training.search.space import built_in_space

N0 = built_in_space("n0")


@settings(max_examples=60, deadline=None)
@given(
    rows=st.integers(1, 12),
    columns=st.integers(1, 6),
    seed=st.integers(0, 2**32 - 1),
    rank=st.integers(1, 6),
)
def test_least_squares_are_the_best_of_all_subsets(
    rows: int, columns: int, seed: int, rank: int
) -> None:
    """Against every choice of columns that may be above zero, of dependent columns too."""
    generator = np.random.default_rng(seed)
    matrix = generator.normal(size=(rows, rank)) @ generator.normal(size=(rank, columns))
    matrix *= 10.0 ** generator.integers(-4, 5, columns)
    values = generator.normal(size=rows)
    found = non_negative_least_squares(matrix, values)
    assert (found >= 0).all()
    best = float(np.linalg.norm(values))
    for size in range(1, columns + 1):
        for subset in combinations(range(columns), size):
            part = matrix[:, subset]
            norms = np.linalg.norm(part, axis=0)
            solution = np.linalg.lstsq(part / np.where(norms > 0, norms, 1), values, rcond=None)[0]
            if (solution >= 0).all():
                best = min(best, float(np.linalg.norm(part / norms @ solution - values)))
    assert np.linalg.norm(matrix @ found - values) <= best + 1e-7


def test_least_squares_by_hand() -> None:
    """Without the bound, the second coefficient would be −1."""
    matrix = np.array([[1.0, 0.0], [1.0, 1.0]])
    found = non_negative_least_squares(matrix, np.array([2.0, 1.0]))
    assert found == pytest.approx([1.5, 0.0])
    assert non_negative_least_squares(np.zeros((2, 1)), np.ones(2)) == pytest.approx([0.0])
    assert non_negative_least_squares(np.zeros((2, 0)), np.ones(2)).shape == (0,)
    with pytest.raises(ValueError, match="not finite"):
        non_negative_least_squares(np.array([[np.nan]]), np.ones(1))


def graph_of(name: str, shapes: list[tuple[tuple[int, ...], str]]) -> Graph:
    """One operator; the last of the tensors is what it writes."""
    tensors = tuple(
        Tensor(index, "", shape, dtype, 0, None, None)
        for index, (shape, dtype) in enumerate(shapes)
    )
    last = len(tensors) - 1
    options = {"filter_width": 3, "filter_height": 3}
    operator = Operator(name, tuple(range(last)), (last,), 1, options)
    return Graph(tensors, (0,), (last,), (operator,))


def test_features_by_hand() -> None:
    """Tiles of 4 pixels and 16 channels, 4 inputs at a time; float ones of 6, 8 and 1."""
    window = graph_of(
        "CONV_2D", [((1, 9, 9, 5), "int8"), ((17, 3, 3, 5), "int8"), ((1, 3, 3, 17), "int8")]
    )
    assert step_features(window, "cortex-a76") == {
        STEP: 1,
        "CONV_2D int8, int8, window: operators": 1,
        "CONV_2D int8, int8, window: rows": 3,
        "CONV_2D int8, int8, window: tiles": 3 * 2,
        "CONV_2D int8, int8, window: tiles by inputs": 3 * 2 * 9 * 2,
    }
    narrow = graph_of(
        "CONV_2D", [((1, 1, 2, 4), "int8"), ((1, 1, 2, 4), "int8"), ((1, 1, 1, 1), "int8")]
    )
    assert step_features(narrow, "cortex-a76")["CONV_2D int8, int8, window: tiles by inputs"] == 2
    # Without dot products: 2 pixels, 8 channels, 8 inputs.
    assert step_features(window, "cortex-a72") == {
        STEP: 1,
        "CONV_2D int8, int8, window: operators": 1,
        "CONV_2D int8, int8, window: rows": 5,
        "CONV_2D int8, int8, window: tiles": 5 * 3,
        "CONV_2D int8, int8, window: tiles by inputs": 5 * 3 * 9,
        "CONV_2D int8, int8, window: tiles by odd inputs": 5 * 3 * 9,
    }
    dense = graph_of(
        "FULLY_CONNECTED", [((1, 33), "float32"), ((9, 33), "int8"), ((1, 9), "float32")]
    )
    assert step_features(dense, "cortex-a76") == {
        STEP: 1,
        "FULLY_CONNECTED float32, int8: operators": 1,
        "FULLY_CONNECTED float32, int8: tiles": 1,
        "FULLY_CONNECTED float32, int8: rows": 1,
        "FULLY_CONNECTED float32, int8: tiles by inputs": 9,
        "FULLY_CONNECTED float32, int8: tiles by odd inputs": 1,
        "FULLY_CONNECTED float32, int8: inputs": 3,
    }
    point = graph_of(
        "CONV_2D",
        [((1, 2, 5, 7), "float32"), ((9, 1, 1, 7), "float32"), ((1, 2, 5, 9), "float32")],
    )
    assert (
        step_features(point, "cortex-a76")["CONV_2D float32, float32: tiles by inputs"] == 2 * 2 * 7
    )
    depthwise = graph_of(
        "DEPTHWISE_CONV_2D",
        [((1, 8, 8, 24), "int8"), ((1, 3, 5, 24), "int8"), ((1, 4, 4, 24), "int8")],
    )
    assert step_features(depthwise, "cortex-a76") == {
        STEP: 1,
        "DEPTHWISE_CONV_2D int8, 15 taps: pixels": 16,
        "DEPTHWISE_CONV_2D int8, 15 taps: pixels by channels": 16 * 2,
    }
    pool = graph_of("AVERAGE_POOL_2D", [((1, 8, 8, 6), "float32"), ((1, 4, 4, 6), "float32")])
    assert step_features(pool, "cortex-a76")["AVERAGE_POOL_2D: pixels by channels"] == 16 * 2
    mean = graph_of("MEAN", [((1, 5, 5, 3), "int8"), ((1, 3), "int8")])
    assert step_features(mean, "cortex-a76")["MEAN int8: values"] == 5
    added = graph_of("ADD", [((1, 17), "float32"), ((1, 17), "float32"), ((1, 17), "float32")])
    assert step_features(added, "cortex-a76") == {
        STEP: 1,
        "ADD float32: operators": 1,
        "ADD float32: values": 2,
    }


def test_a_price() -> None:
    """N0 with the gates of a MoViNet, 600 classes: what its description says of it elsewhere."""
    found = price(ARCHITECTURES["n0"], Task(600))
    smaller = price(replace(ARCHITECTURES["n0"], image_size=48), Task(600))
    data = file_of(ARCHITECTURES["n0"], Task(600))
    assert found.file_bytes == len(data)
    graph = read_model_file(data, "n0").graphs[0]
    assert found.features == {cpu: step_features(graph, cpu) for cpu in CPUS}
    # The widest tensor and what it is made of: 24 × 24 × 72 and 48 × 48 × 16 numbers, at least.
    assert 24 * 24 * 72 + 48 * 48 * 16 < found.peak_bytes < 4 * 48 * 48 * 64
    assert 3 < found.multiply_adds / smaller.multiply_adds < 4
    assert found.peak_bytes > 3 * smaller.peak_bytes
    assert abs(found.file_bytes - smaller.file_bytes) < 2000


def test_a_model_of_a_world_that_is_linear() -> None:
    """Costs that are sums of features are learnt from some members and hold for others."""
    generator = np.random.default_rng(3)
    found = [price(sample(N0, generator), Task(6)).features["cortex-a76"] for _ in range(60)]
    names = sorted(set().union(*found))
    truth = dict(zip(names, generator.integers(1, 1000, len(names)), strict=True))
    counted = [int(sum(truth[name] * each[name] for name in each)) for each in found]
    model = fit(found[:45], counted[:45])
    assert min(model.instructions.values()) >= 0
    seen = [index for index in range(45, 60) if found[index].keys() <= model.instructions.keys()]
    judged = accuracy(model, [found[i] for i in seen], [counted[i] for i in seen])
    assert len(seen) > 10
    assert judged.worst_error < 0.03
    assert judged.r_squared > 0.999


def test_accuracy_by_hand() -> None:
    model = fit([{"a": 1.0}, {"a": 2.0}], [10, 20])
    found = accuracy(model, [{"a": 1.0}, {"a": 3.0}], [8, 40])
    assert found == Accuracy(
        r_squared=pytest.approx(1 - (4 + 100) / (2 * 16**2)),
        mean_error=pytest.approx((0.25 + 0.25) / 2),
        worst_error=pytest.approx(0.25),
    )


def test_what_no_model_can_tell() -> None:
    model = fit([{"a": 1.0}], [10])
    assert model.predict({}) == 0
    with pytest.raises(SearchError, match="the cost of 'b' is not known"):
        model.predict({"a": 1.0, "b": 2.0})
    for features, counted in (([], []), ([{"a": 1.0}] * 2, [10]), ([{"a": 1.0}], [10, 20])):
        with pytest.raises(SearchError, match="needs networks that were counted"):
            fit(features, counted)


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Python that counts 1000 for a file called 1, and writes down what it was asked."""
    program = tmp_path / "python"
    program.write_text(
        f"#!{sys.executable}\n"
        "import json, sys\n"
        f"open({str(tmp_path / 'asked')!r}, 'w').write(json.dumps(sys.argv[1:]))\n"
        "for path in sys.argv[sys.argv.index('--folder') + 2:]:\n"
        "    name = path.rpartition('/')[2]\n"
        "    if name == 'bad':\n"
        "        sys.exit('movistream: error: no such core\\x1b')\n"
        "    print(json.dumps({'median': 1000 * int(name)}), flush=True)\n"
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(counting.sys, "executable", str(program))
    return tmp_path


def test_counts_come_in_order(stand_in: Path) -> None:
    files = [stand_in / "3", stand_in / "1", stand_in / "2"]
    assert list(count_instructions(files, "cortex-a72", stand_in)) == [3000, 1000, 2000]
    asked = (stand_in / "asked").read_text()
    assert '"bench-arm", "--json", "--cpu", "cortex-a72", "--folder"' in asked
    assert list(count_instructions([], "cortex-a72")) == []


def test_counting_that_fails(stand_in: Path) -> None:
    found = count_instructions([stand_in / "1", stand_in / "bad"], "cortex-a76", stand_in)
    assert next(found) == 1000
    with pytest.raises(SearchError, match=r"counting instructions failed: .*no such core") as error:
        next(found)
    assert "\x1b" not in str(error.value)


def test_counting_that_is_given_up(stand_in: Path) -> None:
    found = count_instructions([stand_in / "1", stand_in / "2"], "cortex-a76", stand_in)
    assert next(found) == 1000
    found.close()
