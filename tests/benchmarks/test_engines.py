"""``make bench-engines``: what other engines are given, and that only right answers get figures."""

from __future__ import annotations

import struct
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import flatbuffers
import numpy as np
import pytest
from flatbuffers.table import Table

from engines import mnn_model, ncnn_model
from engines.compare import Figure, Likeness, WrongAnswerError, check, likeness, renewed
from engines.export import step_of
from engines.ncnn_model import Int8
from engines.page import BEGIN, END, tables, write_tables
from engines.step import Step, fused_activations, read_step, write_step
from engines.variants import ENGINES
from movistream_converters.ir.builder import NetworkBuilder
from movistream_converters.ir.layers import (
    Activation,
    ActivationFunction,
    Add,
    Concatenate,
    Convolution,
    Delay,
    Dense,
    Multiply,
    Pool,
    PositionalEncoding,
    Slice,
    SpatialMean,
    TemporalMean,
)
from movistream_converters.ir.network import Network
from movistream_converters.ir.weights import Weights, random_weights
from movistream_converters.reference.execution import run_clip
from peers.compare import Peer

ROOT = Path(__file__).parents[2]


def small_network() -> Network:
    """Every kind of operator once or twice, on frames of 9 × 7 pixels."""
    builder = NetworkBuilder("small", (9, 7))
    x = builder.add("stem", Convolution(4, (1, 3, 3), (2, 2), bias=True))
    x = stem = builder.add("stem.act", Activation(ActivationFunction.HARD_SWISH), x)
    x = builder.add("wide", Convolution(6, bias=True), x)
    x = builder.add("wide.act", Activation(ActivationFunction.RELU6), x)
    x = builder.add("space", Convolution(6, (1, 3, 3), (2, 2), depthwise=True, bias=True), x)
    x = builder.add("space.act", Activation(ActivationFunction.RELU6), x)
    x = builder.add("time", Convolution(6, (3, 1, 1), depthwise=True, bias=True), x)
    x = builder.add("time.act", Activation(ActivationFunction.HARD_SWISH), x)
    mean = builder.add("mean", SpatialMean(), x)
    before = builder.add("pool", TemporalMean(), mean)
    gate = builder.add("both", Concatenate(), before, mean)
    gate = builder.add("gate", Convolution(6, bias=True), gate)
    gate = builder.add("gate.act", Activation(ActivationFunction.SIGMOID), gate)
    x = builder.add("gated", Multiply(), x, gate)
    x = builder.add("narrow", Convolution(4, bias=True), x)
    x = builder.add("sum", Add(), x, builder.add("skip", Pool(), stem))
    x = builder.add("head", SpatialMean(), x)
    x = builder.add("hidden", Convolution(5), x)
    x = builder.add("hidden.act", Activation(ActivationFunction.SWISH), x)
    builder.add("logits", Convolution(3, bias=True), x)
    return builder.build()


def shifting_network() -> Network:
    """Some channels come from earlier frames, and are put beside the others."""
    builder = NetworkBuilder("shifting", (9, 7))
    x = stem = builder.add("stem", Convolution(6, (1, 3, 3), padding=(1, 1, 1, 1)))
    first = builder.add("first", Slice(0, 2), x)
    late = builder.add("late", Delay(2), first)
    x = builder.add("both", Concatenate(), late, builder.add("rest", Slice(2, 6), stem))
    x = builder.add("sum", Add(), x, stem)
    builder.add("logits", Dense(3), builder.add("head", SpatialMean(), x))
    return builder.build()


def small_step() -> tuple[Network, Weights, Step]:
    network = small_network()
    weights = random_weights(network, 0)
    ranges = {node.name: (-1.0, 2.0) for node in network.nodes}
    return network, weights, step_of(network, weights, ranges)


FUNCTIONS: dict[str, Any] = {
    "relu6": lambda x: np.clip(x, 0, 6),
    "hard_swish": lambda x: x * np.clip(x + 3, 0, 6) / 6,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "swish": lambda x: x / (1 + np.exp(-x)),
}


def windows(x: np.ndarray, size: tuple[int, int], options: dict[str, Any]) -> np.ndarray:
    """(channels, rows, columns, height, width)."""
    top, bottom, left, right = options["pads"]
    padded = np.pad(x, ((0, 0), (top, bottom), (left, right)))
    view = np.lib.stride_tricks.sliding_window_view(padded, size, (1, 2))
    return view[:, :: options["stride"][0], :: options["stride"][1]]


def run(step: Step, values: dict[str, np.ndarray]) -> None:
    """What the operators' descriptions say, done plainly."""
    for op in step.operators:
        inputs = [values[name] for name in op.inputs]
        kernel = step.weights.get(f"{op.output}.kernel", np.zeros(0))
        bias = step.weights.get(f"{op.output}.bias", np.zeros(0))
        x = inputs[0]
        match op.kind:
            case "convolution" if op.options["groups"] > 1:
                seen = windows(x, kernel.shape[2:], op.options)
                y = np.einsum("cyxhw,chw->cyx", seen, kernel[:, 0]) + bias[:, None, None]
            case "convolution":
                seen = windows(x, kernel.shape[2:], op.options)
                y = np.einsum("cyxhw,fchw->fyx", seen, kernel) + bias[:, None, None]
            case "temporal":
                y = np.einsum("tcyx,tc->cyx", np.stack(inputs), kernel) + bias[:, None, None]
            case "dense":
                y = kernel @ x + bias
            case "activation":
                y = FUNCTIONS[op.options["function"]](x)
            case "add" | "multiply":
                other = inputs[1] if inputs[1].ndim == x.ndim else inputs[1][:, None, None]
                y = x + other if op.kind == "add" else x * other
            case "slice":
                y = x[op.options["start"] : op.options["end"]]
            case "concatenate":
                y = np.concatenate(inputs)
            case "average_pool":
                size = tuple(op.options["size"])
                inside = windows(np.ones_like(x), size, op.options).sum((3, 4))
                y = windows(x, size, op.options).sum((3, 4)) / inside
            case "spatial_mean":
                y = x.mean((1, 2))
            case "running_mean":
                y = inputs[1] + (x - inputs[1]) * values[step.frame_weight]
        assert y.shape == step.shapes[op.output]
        values[op.output] = y


@pytest.mark.parametrize("build", [small_network, shifting_network])
def test_a_step_is_the_network(build: Callable[[], Network], tmp_path: Path) -> None:
    """Frame by frame, its states handed over, it says what the reference says to the clip."""
    network = build()
    weights = random_weights(network, 0)
    ranges = {node.name: (-1.0, 2.0) for node in network.nodes}
    write_step(step_of(network, weights, ranges), tmp_path)
    step = read_step(tmp_path)
    frames = np.random.default_rng(1).random((5, 9, 7, 3), np.float32)
    expected = np.asarray(run_clip(network, weights, frames[None])[0])[0]
    values: dict[str, np.ndarray] = {name: np.zeros(step.shapes[name]) for name in step.inputs}
    for index, frame in enumerate(frames):
        values[step.image] = frame.transpose(2, 0, 1)
        if step.frame_weight:
            values[step.frame_weight] = np.full(1, 1 / (index + 1))
        run(step, values)
        assert np.allclose(values[step.logits], expected[index], atol=1e-5)
        for state in step.states:
            kept = [*(values[name] for name in state.inputs[1:]), values[state.output]]
            values.update(zip(state.inputs, kept, strict=True))
    assert step.ranges[step.states[0].inputs[0]] == (-1.0, 2.0)


def test_layers_that_other_engines_are_not_given() -> None:
    builder = NetworkBuilder("odd", (4, 4))
    x = builder.add("mean", SpatialMean())
    x = builder.add("wide", Convolution(4), x)
    builder.add("logits", Convolution(2), builder.add("when", PositionalEncoding(), x))
    network = builder.build()
    with pytest.raises(click.ClickException, match="when is a PositionalEncoding"):
        step_of(network, random_weights(network, 0))


def ncnn_layers(path: Path) -> list[list[str]]:
    """The lines of layers, after a check of the first two."""
    magic, counts, *lines = path.read_text(encoding="utf-8").splitlines()
    assert magic == "7767517"
    layers = [line.split() for line in lines]
    produced = [name for line in layers for name in places(line)[1]]
    assert counts == f"{len(layers)} {len(produced)}"
    return layers


def places(line: list[str]) -> tuple[list[str], list[str]]:
    """What a layer reads and gives."""
    read, given = int(line[2]), int(line[3])
    return line[4 : 4 + read], line[4 + read : 4 + read + given]


@pytest.mark.parametrize("products", [False, True])
def test_files_of_ncnn(tmp_path: Path, products: bool) -> None:
    """Every blob is given once, before it is read, and read once at most; outputs are left over."""
    _, _, step = small_step()
    ncnn_model.write(step, tmp_path / "net.x", products=products)
    layers = ncnn_layers(tmp_path / "net.x.param")
    given: set[str] = set()
    reads: Counter[str] = Counter()
    for line in layers:
        inputs, outputs = places(line)
        assert given >= set(inputs)
        assert not given & set(outputs)
        reads.update(inputs)
        given.update(outputs)
    assert max(reads.values()) == 1
    assert {f"{name}.out" for name in step.outputs} <= given - set(reads)
    kinds = Counter(line[0] for line in layers)
    assert kinds["Input"] == len(step.inputs)
    assert kinds["ConvolutionDepthWise"] == (2 if products else 3)
    # Nothing but numbers of four bytes, and a word before each kernel.
    kernels = sum(kinds[kind] for kind in ("Convolution", "ConvolutionDepthWise", "InnerProduct"))
    numbers = sum(value.size for value in step.weights.values())
    pool = 4 * 9 + 3 * 2
    assert (tmp_path / "net.x.bin").stat().st_size == 4 * (numbers + pool + kernels)


def test_activations_that_ncnn_applies_itself(tmp_path: Path) -> None:
    """Their parameters are read as what they look like: a whole number is no float."""
    _, _, step = small_step()
    ncnn_model.write(step, tmp_path / "net")
    layers = {line[1]: line for line in ncnn_layers(tmp_path / "net.param")}
    assert layers["wide.act"][-1] == "-23310=2,0.00000000e+00,6.00000000e+00"
    assert layers["stem.act"][-2] == "9=6"
    assert layers["hidden.act"][0] == "Swish"
    assert "stem" not in layers


def test_what_a_state_keeps_is_not_hidden_in_a_layer() -> None:
    """The temporal kernel remembers ``space.act``: it is an output, and fused all the same, but its
    input would not be."""
    _, _, step = small_step()
    fused = fused_activations(step, frozenset(("relu6", "hard_swish")))
    assert fused["space"].output == "space.act"
    assert step.states[0].output == "space.act"
    assert "hidden" not in fused


def test_int8_of_ncnn(tmp_path: Path) -> None:
    """Kernels in bytes, of their channel's own scale; a chain hands int8 to the next layer."""
    _, _, step = small_step()
    ncnn_model.write(step, tmp_path / "net", Int8(depthwise=False, dense=False))
    layers = {line[1]: line for line in ncnn_layers(tmp_path / "net.param")}
    assert "8=2" in layers["stem.act"]
    assert not any(each.startswith("8=") for each in (*layers["time.pixels"], *layers["gate.act"]))
    kernel = step.weights["stem.kernel"]
    data = (tmp_path / "net.bin").read_bytes()
    assert struct.unpack_from("<I", data) == (0x000D4B38,)
    stored = np.frombuffer(data, np.int8, kernel.size, 4).reshape(kernel.shape)
    scales = 127 / np.abs(kernel).max((1, 2, 3))
    assert np.abs(stored / scales[:, None, None, None] - kernel).max() <= 0.5 / scales.min() + 1e-7
    after = 4 + kernel.size + 16
    assert np.allclose(np.frombuffer(data, "<f4", 5, after), [*scales, 127 / 2])
    ncnn_model.write(step, tmp_path / "chain", Int8())
    layers = {line[1]: line for line in ncnn_layers(tmp_path / "chain.param")}
    assert "8=102" in layers["wide.act"]


def test_files_of_mnn(tmp_path: Path) -> None:
    """The tables that its schema names: operators, tensors, and which of them are given."""
    _, _, step = small_step()
    mnn_model.write(step, tmp_path / "net.mnn")
    data = bytearray((tmp_path / "net.mnn").read_bytes())
    net = Table(data, flatbuffers.encode.Get(flatbuffers.packer.uoffset, data, 0))

    def vector(table: Table, place: int) -> tuple[int, int]:
        offset = table.Offset(4 + 2 * place)
        return table.VectorLen(offset), table.Vector(offset)

    def texts(place: int) -> list[str]:
        count, start = vector(net, place)
        return [net.String(start + 4 * index).decode() for index in range(count)]

    assert texts(4) == list(step.outputs)
    names = texts(7)
    assert set(step.inputs) | set(step.outputs) <= set(names)
    count, start = vector(net, 3)
    known: set[int] = set()
    for index in range(count):
        op = Table(data, net.Indirect(start + 4 * index))
        for place in (0, 4):
            size, first = vector(op, place)
            numbers = {
                op.Get(flatbuffers.number_types.Int32Flags, first + 4 * i) for i in range(size)
            }
            assert place == 4 or numbers <= known
            known |= numbers
    assert known == set(range(len(names)))


REFERENCE = np.random.default_rng(0).normal(size=(4, 10)).astype(np.float32)


def test_a_right_engine_passes() -> None:
    assert check(REFERENCE.tolist(), REFERENCE, "float32") == Likeness(pytest.approx(1.0), 0.0)
    noise = np.random.default_rng(1).normal(0, 0.01, REFERENCE.shape)
    found = check((REFERENCE + noise).tolist(), REFERENCE, "float16")
    assert 0.998 < found.cosine < 1
    assert 0 < found.difference < 0.05


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (REFERENCE[::-1], "computes something else"),
        (REFERENCE[:, :9], r"answers \(4, 9\)"),
        (np.where(REFERENCE > 1, np.nan, REFERENCE), "no number"),
        (np.vstack((REFERENCE[:3], -REFERENCE[3:])), "computes something else"),
        (np.zeros_like(REFERENCE), "computes something else"),
    ],
)
def test_a_wrong_engine_is_refused(wrong: np.ndarray, reason: str) -> None:
    with pytest.raises(WrongAnswerError, match=reason):
        check(wrong.tolist(), REFERENCE, "int8")


def test_the_lowest_cosine_counts() -> None:
    wrong = np.vstack((REFERENCE[:3], REFERENCE[3:] + 1))
    expected = REFERENCE[3] @ wrong[3] / np.linalg.norm(REFERENCE[3]) / np.linalg.norm(wrong[3])
    assert likeness(wrong.tolist(), REFERENCE).cosine == pytest.approx(expected, rel=1e-5)


def figures() -> list[dict[str, Any]]:
    alike = Likeness(0.99999, 1e-6)
    rows = [
        Figure("a0", "ours", "1", "float32", "float32", "", 1.0, 2.0, 26_900_000, alike, alike),
        Figure("a0", "theirs", "2", "slow", "float32", "", 1.5, 3.0, 31_000_000, alike, alike),
        Figure("a0", "theirs", "2", "fast", "float32", "", 1.7, 3.4, 28_000_000, alike, alike),
        Figure("a0", "theirs", "2", "int8", "int8", "arm: it | lies", 0.1, 0.2, 1_000, None, None),
    ]
    return [asdict(row) for row in rows]


def test_the_best_that_is_right_is_shown() -> None:
    lines = tables(figures()).splitlines()
    assert lines[2] == "| ours 1 | 26.9 / – / – | 1.00 / – |"
    assert lines[3] == "| theirs 2 | 28.0 / – / – | 1.50 / – |"
    assert lines[-1] == "| theirs | int8 |  |  |  | arm: it / lies |  |"


def test_one_engine_is_renewed() -> None:
    """Others keep their figures and their places; what was is gone."""
    rows = [{"network": n, "engine": e, "variant": 1} for n in "xy" for e in ("movistream", "ncnn")]
    new = [{"network": n, "engine": "ncnn", "variant": 2} for n in "xy"]
    found = renewed([rows[0], rows[1], rows[2], rows[3]], new)
    assert found == [rows[0], new[0], rows[2], new[1]]
    openvino = [{"network": "x", "engine": "OpenVINO", "variant": 3}]
    assert renewed(found, openvino) == [rows[0], new[0], openvino[0], rows[2], new[1]]


def test_tables_go_between_the_marks(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n", encoding="utf-8")
    write_tables(figures(), page)
    once = page.read_text(encoding="utf-8")
    write_tables(figures(), page)
    assert page.read_text(encoding="utf-8") == once
    assert once.startswith("before\n")
    assert once.endswith("\nafter\n")
    assert "old" not in once
    page.write_text("no marks\n", encoding="utf-8")
    with pytest.raises(ValueError, match="has no line"):
        write_tables(figures(), page)
    assert page.read_text(encoding="utf-8") == "no marks\n"


def test_a_peer_that_greets_and_one_that_fails() -> None:
    """What a library prints is no answer; what a peer says last is the error."""
    script = "print('hello'); print('{\"name\": 1}', flush=True); n = input(); print([float(n)])"
    peer = Peer([sys.executable, "-c", script])
    assert peer.about == {"name": 1}
    peer.ask(3)
    assert peer.rounds == [[3.0]]
    peer.close()
    with pytest.raises(click.ClickException, match="no such engine"):
        Peer([sys.executable, "-c", "raise SystemExit('no such engine')"])


def test_every_engine_has_its_module_and_its_environment() -> None:
    room = ROOT / "benchmarks/engines"
    for engine in ENGINES:
        assert (room / f"{engine.module}.py").is_file()
        assert len({variant.name for variant in engine.variants}) == len(engine.variants)
        if engine.environment:
            pinned = (room / f"requirements_{engine.environment}.txt").read_text().splitlines()
            assert all("==" in line for line in pinned)
    # The first variant is the measure of all.
    assert ENGINES[0].variants[0].machines == ("x86", "arm")
