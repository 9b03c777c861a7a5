"""Programs of torch.export are run by PyTorch's operators, and streams are held against them."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from movistream_converters import from_torch
from movistream_converters.errors import ConversionError, NotRunError, UnfaithfulError
from movistream_converters.formats.exported_program.running import run
from movistream_converters.formats.isolated import read_isolated
from movistream_converters.formats.registry import read_source
from movistream_converters.formats.source import Source
from movistream_converters.reference.execution import run_clip
from movistream_converters.reference.source_program import compare_program, compared_frames
from movistream_converters.reference.verification import synthetic_frames
from tests.conftest import REFERENCE_DATA
from tests.converters.exported_programs import Recorded, Ref, write_causal_program
from tests.converters.proving import fails, figures
from tests.converters.test_exported_random import CAUSAL, Block, composed, lists_of
from tests.converters.test_from_torch import clip, network

torch = pytest.importorskip("torch")
GOLDENS = REFERENCE_DATA / "goldens" / "causal_torch"
golden = pytest.mark.skipif(not GOLDENS.exists(), reason="no reference data")
NAMES = ("tsm_shift", "tcn_dilated", "r2plus1d_se")
RANGE: Any = {"value_range": (0.0, 1.0)}


def changed(source: Source) -> Source:
    """The source with one kernel read a little wrongly."""
    name = next(name for name in source.weights if name.endswith("kernel"))
    weights = {**source.weights, name: source.weights[name] * np.float32(1.01)}
    return replace(source, weights=weights)


def told(name: str) -> dict[str, Any]:
    about = json.loads((GOLDENS / name / "meta.json").read_text())["input"]
    return {**RANGE, "mean": tuple(about["mean"]), "std": tuple(about["std"])}


@golden
@pytest.mark.parametrize("file", ["model_t16.pt2", "model_dynamic_t.pt2"])
@pytest.mark.parametrize("name", NAMES)
def test_reference_programs(name: str, file: str, tmp_path: Path) -> None:
    """They give what PyTorch gave when they were exported, and their streams the same."""
    with np.load(GOLDENS / name / "stream.npz") as stream:
        frames, expected = stream["frames"][:16], stream["logits_t16"]
    numbers = told(name)
    seen = (frames / 255 - numbers["mean"]) / numbers["std"]
    order = (0, 3, 1, 2) if name == "tsm_shift" else (3, 0, 1, 2)
    given = np.ascontiguousarray(seen.transpose(order)[None], np.float32)
    (found,) = run(GOLDENS / name / file, [given])
    np.testing.assert_allclose(found[0], expected, atol=1e-5 * np.abs(expected).max())
    source = read_isolated(GOLDENS / name / file, None, None, numbers)
    compared = figures(source, tmp_path)
    assert compared.runner == f"PyTorch {torch.__version__.partition('+')[0]}"
    assert compared.frames >= 32
    assert 0 < compared.max_logit_error < 5e-5
    assert "run by PyTorch" in fails(changed(source), tmp_path)


@settings(max_examples=60, deadline=None)
@given(data=st.data(), blocks=lists_of(CAUSAL, 5))
def test_programs_give_what_was_recorded(
    data: st.DataObject, blocks: list[Block], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """What numpy computed of each operator when a program was put together, PyTorch computes."""
    p, result = composed(data, blocks, [data.draw(st.booleans()) for _ in blocks])
    path = p.save(tmp_path_factory.mktemp("random") / "model.pt2", result)
    (found,) = run(path, [p.clip])
    expected = p.value(result)
    limit = 1e-4 * max(np.abs(expected).max(), 1e-3)
    np.testing.assert_allclose(found, expected, atol=limit, rtol=0)


@settings(max_examples=200, deadline=None)
@given(data=st.data(), blocks=lists_of(CAUSAL, 5))
def test_streams_of_random_programs_are_proven(
    data: st.DataObject, blocks: list[Block], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Whole, in beginnings, and begun later; and a kernel that is a little off is found."""
    p, result = composed(data, blocks, [data.draw(st.booleans()) for _ in blocks])
    path = p.save(tmp_path_factory.mktemp("random") / "model.pt2", result)
    source = read_source(path, None, None, RANGE)
    assert source.program is not None
    program = replace(source.program, path=None, live=lambda clip: run(path, [clip])[0])
    frames = np.stack(synthetic_frames(source.network, compared_frames(program, source.network)))

    def stream_of(weights: Any) -> Callable[[np.ndarray], np.ndarray]:
        return lambda seen: np.asarray(run_clip(source.network, weights, seen[None] / 255)[0])[0]

    found = compare_program(program, source.network, [frames], stream_of(source.weights))
    assert found.frames >= 18
    off = {**source.weights}
    off |= {name: 1.01 * weight for name, weight in off.items() if name.startswith("linear")}
    with pytest.raises(UnfaithfulError):
        compare_program(program, source.network, [frames], stream_of(off))


def test_programs_of_any_number_of_frames(tmp_path: Path) -> None:
    path = write_causal_program(tmp_path / "net.pt2")
    clips = [np.zeros((1, 3, frames, 32, 32), np.float32) for frames in (2, 5, 9)]
    assert [each.shape for each in run(path, clips)] == [(1, n, 5) for n in (2, 5, 9)]


def test_what_a_clip_changes_does_not_stay(tmp_path: Path) -> None:
    """Neither in the next clip nor in what is handed over: operators may work in place."""
    module = network(torch)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Of parts of PyTorch that are to change.
        program = torch.export.export(module, (clip(torch),))
        torch.export.save(program, tmp_path / "net.pt2")
    x = np.random.default_rng(1).random((1, 3, 8, 32, 32), np.float32)
    first, second = run(tmp_path / "net.pt2", [x, x])
    np.testing.assert_array_equal(first, second)
    with torch.no_grad():
        expected = module(torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(first, expected, atol=1e-6)


def recorded(path: Path, record: Callable[[Recorded], Ref]) -> Path:
    p = Recorded(np.zeros((1, 3, 4, 8, 8), np.float32))
    return p.save(path, record(p))


def added(p: Recorded, operator: str, arguments: dict[str, Any], namespace: str = "aten") -> Ref:
    output = [{"as_tensor": {"name": "added"}}]
    p.record(operator, arguments, output, f"torch.ops.{namespace}")
    return Ref("added")


@pytest.mark.parametrize(
    ("operator", "namespace"),
    [
        ("from_file.default", "aten"),
        ("relu.nothing", "aten"),
        ("exotic.default", "aten"),
        ("load.default", "mine"),
        ("__class__", "aten"),
    ],
)
def test_operators_that_are_not_called(operator: str, namespace: str, tmp_path: Path) -> None:
    """Nothing but what the reader knows, whatever the file is by now."""
    path = recorded(tmp_path / "m.pt2", lambda p: added(p, operator, {"self": p.x}, namespace))
    with pytest.raises(NotRunError, match="has no "):
        run(path, [np.zeros((1, 3, 4, 8, 8), np.float32)])


def test_an_operator_that_fails_is_named_with_its_line(tmp_path: Path) -> None:
    weight = np.zeros((4, 7, 1, 1, 1), np.float32)
    path = recorded(
        tmp_path / "m.pt2",
        lambda p: added(p, "conv3d.default", {"input": p.x, "weight": p.weight("w", weight)}),
    )
    with pytest.raises(
        ConversionError, match=r"conv3d at /src/model\.py:1 .* is not run by PyTorch: .* 7"
    ) as caught:
        run(path, [np.zeros((1, 3, 4, 8, 8), np.float32)])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("dtype", [6, 13, 8])
def test_numbers_of_other_sizes_are_float32(dtype: int, tmp_path: Path) -> None:
    """As in the network."""
    path = recorded(
        tmp_path / "m.pt2", lambda p: added(p, "to.dtype", {"self": p.x, "dtype": dtype})
    )
    x = np.full((1, 3, 4, 8, 8), 1 / 3, np.float32)
    np.testing.assert_array_equal(run(path, [x])[0], x)


def test_a_module_at_hand(tmp_path: Path) -> None:
    """It is run itself, here."""
    module = network(torch)
    source = from_torch(module, clip(torch), **RANGE)
    assert (source.name, source.format) == ("Net", "torch-export")
    assert figures(source, tmp_path).frames == 16
    assert "run by PyTorch" in fails(changed(source), tmp_path)
    with torch.no_grad():
        module.head.weight[0, 0] += 0.1
    assert figures(from_torch(module, clip(torch), **RANGE), tmp_path).max_logit_error < 1e-5


def test_a_module_at_hand_that_has_changed(tmp_path: Path) -> None:
    module = network(torch)
    source = from_torch(module, clip(torch), **RANGE)
    with torch.no_grad():
        module.head.weight[0, 0] += 0.1
    assert "run by PyTorch" in fails(source, tmp_path)


def test_a_module_of_smaller_numbers(tmp_path: Path) -> None:
    source = from_torch(network(torch).bfloat16(), clip(torch).bfloat16(), **RANGE)
    found = figures(source, tmp_path)
    assert (found.frames, found.not_run) == (0, "it computes in torch.bfloat16")


def test_a_symmetric_range_told_wrongly_is_the_users(tmp_path: Path) -> None:
    """Whole numbers are given as they are; a range that is told besides is held against that."""
    p = Recorded(np.zeros((1, 3, 4, 8, 8), np.uint8))
    y = p("mean", self=p("to", self=p.x, dtype=7), dim=[3, 4])
    weight = p.weight("w", np.random.default_rng(1).normal(0, 1, (5, 3)).astype(np.float32))
    y = p("linear", input=p("transpose", self=y, dim0=1, dim1=2), weight=weight)
    path = p.save(tmp_path / "m.pt2", y)
    assert figures(read_source(path), tmp_path).max_logit_error < 1e-5
    assert "frame 1 of 4" in fails(read_source(path, None, None, RANGE), tmp_path)
