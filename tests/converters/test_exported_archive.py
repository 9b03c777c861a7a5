"""Archives of programs that are wrong: one line, no crash, nothing unpickled."""

from __future__ import annotations

import copy
import json
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from movistream_converters.errors import ConversionError
from movistream_converters.formats.exported_program.reader import sniff
from movistream_converters.formats.isolated import read_isolated
from movistream_converters.formats.registry import read_source
from tests.converters.exported_programs import Recorded, Ref, archive

RANGE = {"value_range": (0.0, 1.0)}


def program() -> tuple[Recorded, Ref]:
    """A small program, and its result."""
    p = Recorded(np.zeros((1, 3, 5, 4, 4), np.float32), time_axis=2)
    weight = p.weight("w", np.full((4, 3, 2, 3, 3), 0.1, np.float32))
    y = p("conv3d", input=p("pad", self=p.x, pad=[0, 0, 0, 0, 1, 0]), weight=weight)
    y = p("transpose", self=p("mean", self=y, dim=[3, 4]), dim0=1, dim1=2)
    return p, p("relu6", self=y)


def parts() -> tuple[dict[str, Any], dict[str, Any], dict[str, bytes]]:
    p, result = program()
    files = {"data/weights/weight_0": p.weights["w"].tobytes()}
    return p.document(result), p.config(), files


def read(path: Path) -> Any:
    return read_source(path, None, None, RANGE)


def refused(path: Path) -> str:
    with pytest.raises(ConversionError) as caught:
        read(path)
    text = str(caught.value)
    assert "\n" not in text
    assert text.isprintable()
    return text


def test_what_is_right_is_read(tmp_path: Path) -> None:
    p, result = program()
    path = p.save(tmp_path / "m.pt2", result)
    assert sniff(path)
    assert read(path).format == "torch-export"
    assert read_isolated(path, overrides=RANGE).network == read(path).network
    document, config, files = parts()
    assert read(archive(tmp_path / "n.pt2", document, config, files, root="")).network


def _of_graph(document: dict[str, Any]) -> dict[str, Any]:
    graph: dict[str, Any] = document["graph_module"]["graph"]
    return graph


def _meta(config: dict[str, Any]) -> dict[str, Any]:
    meta: dict[str, Any] = config["config"]["w"]["tensor_meta"]
    return meta


Change = Callable[[dict[str, Any], dict[str, Any], dict[str, bytes]], Any]

CHANGES: dict[str, tuple[Change, str]] = {
    "a pickle": (lambda d, c, f: c["config"]["w"].update(use_pickle=True), "as a pickle"),
    "no meta": (lambda d, c, f: c["config"]["w"].update(tensor_meta=None), "as a pickle"),
    "an unknown type": (lambda d, c, f: _meta(c).update(dtype=10), "unknown type 10"),
    "a larger size": (
        lambda d, c, f: _meta(c)["sizes"].__setitem__(0, {"as_int": 5}),
        "reaches outside its storage",
    ),
    "an enormous size": (
        lambda d, c, f: _meta(c)["sizes"].__setitem__(0, {"as_int": 2**33}),
        "of weights; more than",
    ),
    "an impossible size": (
        lambda d, c, f: _meta(c)["sizes"].__setitem__(0, {"as_int": 2**62}),
        "impossible size",
    ),
    "a negative stride": (
        lambda d, c, f: _meta(c)["strides"].__setitem__(0, {"as_int": -54}),
        "impossible size",
    ),
    "an open size": (
        lambda d, c, f: _meta(c)["sizes"].__setitem__(0, {"as_expr": {}}),
        "damaged",
    ),
    "a larger offset": (
        lambda d, c, f: _meta(c).update(storage_offset={"as_int": 1}),
        "reaches outside its storage",
    ),
    "many dimensions": (
        lambda d, c, f: _meta(c).update(sizes=[{"as_int": 1}] * 9, strides=[{"as_int": 1}] * 9),
        "impossible shape",
    ),
    "cut off": (lambda d, c, f: f.update({"data/weights/weight_0": b"1234"}), "reaches outside"),
    "half a number": (lambda d, c, f: f.update({"data/weights/weight_0": b"123"}), "damaged"),
    "no numbers": (lambda d, c, f: f.clear(), "damaged"),
    "another file": (
        lambda d, c, f: c["config"]["w"].update(path_name="../../../etc/passwd"),
        "damaged",
    ),
    "no weight": (lambda d, c, f: c["config"].clear(), "it has no w"),
    "NaN": (
        lambda d, c, f: f.update(
            {"data/weights/weight_0": np.full(216, np.nan, np.float32).tobytes()}
        ),
        "NaN or infinite weights, first in conv3d.kernel",
    ),
    "an unknown version": (
        lambda d, c, f: d["schema_version"].update(major=99),
        "version 99 of the format",
    ),
    "a cycle": (
        lambda d, c, f: _of_graph(d)["nodes"][1]["inputs"][0].update(
            arg={"as_tensor": {"name": "relu6"}}
        ),
        "reads relu6 before it is computed",
    ),
    "a name of nothing": (
        lambda d, c, f: _of_graph(d)["nodes"][2]["inputs"][0].update(
            arg={"as_tensor": {"name": "\x1b[2J"}}
        ),
        r"'\x1b[2J' before it is computed",
    ),
    "an argument of another type": (
        lambda d, c, f: _of_graph(d)["nodes"][1]["inputs"][1].update(arg={"as_string": "two"}),
        "pad at /src/model.py:2",
    ),
    "an argument of two kinds": (
        lambda d, c, f: _of_graph(d)["nodes"][1]["inputs"][1].update(
            arg={"as_string": "two", "as_int": 2}
        ),
        "damaged",
    ),
    "frames without end": (
        lambda d, c, f: d["range_constraints"].update(s7={"min_val": 10**9, "max_val": None}),
        "which are too few",
    ),
    "no frames": (
        lambda d, c, f: d["range_constraints"].update(s7={"min_val": 0, "max_val": 1}),
        "takes clips of 2 to 1 frames",
    ),
    "a huge clip": (
        lambda d, c, f: _of_graph(d)["tensor_values"]["x"]["sizes"].__setitem__(
            3, {"as_int": 10**9}
        ),
        "which is impossible",
    ),
    "a size that is computed": (
        lambda d, c, f: _of_graph(d)["tensor_values"]["x"]["sizes"][2]["as_expr"].update(
            expr_str="__import__('os').system('true')"
        ),
        "no number by itself",
    ),
    "two results": (
        lambda d, c, f: d["graph_module"]["signature"].update(
            output_specs=d["graph_module"]["signature"]["output_specs"] * 2
        ),
        "gives 2 tensors",
    ),
    "two clips": (
        lambda d, c, f: d["graph_module"]["signature"]["input_specs"].append(
            {"user_input": {"arg": {"as_tensor": {"name": "y"}}}}
        ),
        "takes 2 tensors",
    ),
    "an object": (
        lambda d, c, f: d["graph_module"]["signature"]["input_specs"].append(
            {"custom_obj": {"arg": {"name": "y"}}}
        ),
        "takes a custom obj besides its clip",
    ),
    "a result of nothing": (
        lambda d, c, f: d["graph_module"]["signature"]["output_specs"][0]["user_output"].update(
            arg={"as_tensor": {"name": "nothing"}}
        ),
        "does not come from the frames of its clip",
    ),
    "no graph": (lambda d, c, f: d["graph_module"].pop("graph"), "damaged"),
    "a line of a million digits": (
        lambda d, c, f: _of_graph(d)["nodes"][1].update(
            target="torch.ops.mine.own",
            metadata={"stack_trace": f'File "a\x07", line {"9" * 10**6}, in f\n  code'},
        ),
        "mine.own at",
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_archives_that_are_wrong(name: str, tmp_path: Path) -> None:
    change, reason = CHANGES[name]
    document, config, files = parts()
    change(document, config, files)
    assert reason in refused(archive(tmp_path / "m.pt2", document, config, files))


def test_json_that_is_none(tmp_path: Path) -> None:
    _, config, files = parts()
    for text in ("", "{", "[" * 200_000, "null", '{"graph_module": 1}'):
        assert "damaged" in refused(archive(tmp_path / "m.pt2", text, config, files))


def test_archives_of_other_kinds(tmp_path: Path) -> None:
    document, config, files = parts()
    path = archive(tmp_path / "m.pt2", document, config, files)
    with zipfile.ZipFile(path, "a") as written:
        written.writestr("model/models/other.json", "{}")
    assert "several programs, model, other" in refused(path)
    old = tmp_path / "old.pt2"
    with zipfile.ZipFile(old, "w") as written:
        written.writestr("serialized_exported_program.json", "{}")
        written.writestr("serialized_state_dict.pt", b"")
    assert "old version of PyTorch" in refused(old)
    big = archive(tmp_path / "big.pt2", document, config, files)
    data = big.read_bytes().replace(b"little", b"big   ")
    big.write_bytes(data)
    assert "damaged" in refused(big)


def test_cut_off_archives(tmp_path: Path) -> None:
    document, config, files = parts()
    path = archive(tmp_path / "m.pt2", document, config, files)
    data = path.read_bytes()
    for kept in range(0, len(data), 97):
        path.write_bytes(data[:kept])
        assert not sniff(path)
        with pytest.raises(ConversionError):
            read_source(path, "torch-export", None, RANGE)


def test_small_files_ask_for_little_memory(tmp_path: Path) -> None:
    """Zeros, ones and counts of any size; what has to be computed is bounded."""
    for operator, arguments, reason in (
        ("zeros.default", {"size": [2**20, 2**20]}, "relu6"),
        ("arange.default", {"end": 2**40}, "too far"),
        ("arange.default", {"end": 10, "step": 1e-9}, "too far"),
    ):
        p, result = program()
        p.record(operator, arguments, [{"as_tensor": {"name": "large"}}])
        p.record("add.Tensor", {"self": result, "other": Ref("large")}, [_given("sum")])
        path = p.save(tmp_path / "m.pt2", Ref("sum"))
        tracemalloc.start()
        text = refused(path)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert reason in text or "brings together" in text
        assert peak < 2**27


def _given(name: str) -> dict[str, Any]:
    return {"as_tensor": {"name": name}}


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=4,
)


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_a_program_with_junk_in_any_place(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """It is read, or refused in one line."""
    document, config, files = parts()
    whole = {"document": copy.deepcopy(document), "config": copy.deepcopy(config)}
    at: Any = whole
    while True:
        keys = list(at) if isinstance(at, dict) else list(range(len(at)))
        key = data.draw(st.sampled_from(keys))
        inside = at[key]
        if not isinstance(inside, dict | list) or not inside or data.draw(st.integers(0, 5)) == 0:
            break
        at = inside
    at[key] = data.draw(JUNK)
    path = tmp_path_factory.mktemp("junk") / "m.pt2"
    text = json.dumps(whole["document"])
    refusal = ""
    try:
        read(archive(path, text, whole["config"], files))
    except ConversionError as error:
        refusal = str(error)
    assert "\n" not in refusal
