"""X3D in PyTorchVideo's layout: the table from the shapes, the stream, the published numbers."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

import movistream
from movistream.cli import main
from movistream_converters.conversion import convert_source
from movistream_converters.errors import ConversionError
from movistream_converters.formats.isolated import read_isolated
from movistream_converters.formats.pytorchvideo import read, read_clip
from movistream_converters.formats.registry import read_source
from movistream_converters.formats.source import Source
from movistream_converters.ir.layers import SpatialMean
from movistream_converters.ir.network import classes_of, image_of
from movistream_converters.ir.weights import random_weights
from movistream_converters.networks.x3d import IMAGE, Table, build_x3d, table_of
from movistream_converters.quantise.stepping import partitions
from movistream_converters.reference.execution import run_clip
from movistream_converters.tflite.layouts import StateLayout
from movistream_converters.tflite.lowering import lower
from movistream_converters.tflite.precision import Precision
from tests.conftest import REFERENCE_DATA
from tests.converters.clip_networks import TABLE
from tests.converters.torch_files import ordered, save

GOLDEN = REFERENCE_DATA / "goldens" / "x3d_xs_pytorchvideo"
golden = pytest.mark.skipif(not GOLDEN.exists(), reason="no reference data")
NORM = {"weight": "gamma", "bias": "beta", "running_mean": "mean", "running_var": "variance"}


def state_dict(table: Table, seed: int = 0, root: str = "") -> dict[str, np.ndarray]:
    """Random weights in PyTorchVideo's names and axes, written down here once more by hand."""
    weights = random_weights(build_x3d("x3d", table, 64), seed)
    found: dict[str, np.ndarray] = {}

    def add(node: str, name: str) -> None:
        kernel = weights[f"{node}.kernel"]
        if kernel.ndim == 4:
            kernel = kernel[:, :, :, None]
        kernel = kernel.transpose(4, 3, 0, 1, 2)
        found[f"{name}.weight"] = kernel[:, :, 0, 0, 0] if name.endswith("proj") else kernel
        if f"{node}.bias" in weights:
            found[f"{name}.bias"] = weights[f"{node}.bias"]

    def norm(node: str, name: str) -> None:
        for theirs, ours in NORM.items():
            found[f"{name}.{theirs}"] = weights[f"{node}.bn.{ours}"]
        found[f"{name}.num_batches_tracked"] = np.array(9)

    add("stem.space", "blocks.0.conv.conv_t")
    add("stem.time", "blocks.0.conv.conv_xy")
    norm("stem", "blocks.0.norm")
    for i, blocks in enumerate(table.stages):
        for j, block in enumerate(blocks):
            node, name = f"block{i}_layer{j}", f"blocks.{i + 1}.res_blocks.{j}"
            for part, letter in (("expansion", "a"), ("feature", "b"), ("projection", "c")):
                add(f"{node}.{part}", f"{name}.branch2.conv_{letter}")
                index = ".0" if letter == "b" else ""
                norm(f"{node}.{part}", f"{name}.branch2.norm_{letter}{index}")
            if block.squeeze:
                add(f"{node}.se.reduce", f"{name}.branch2.norm_b.1.block.0")
                add(f"{node}.se.expand", f"{name}.branch2.norm_b.1.block.2")
            if block.projects:
                add(f"{node}.skip", f"{name}.branch1_conv")
            if block.projects and block.normalises_shortcut:
                norm(f"{node}.skip", f"{name}.branch1_norm")
    head = f"blocks.{len(table.stages) + 1}"
    add("head.project", f"{head}.pool.pre_conv")
    norm("head", f"{head}.pool.pre_norm")
    add("classifier.hidden", f"{head}.pool.post_conv")
    add("classifier.logits", f"{head}.proj")
    return {root + name: np.ascontiguousarray(value) for name, value in found.items()}


def write(tensors: dict[str, np.ndarray], path: Path) -> Path:
    if path.suffix == ".safetensors":
        save_file(tensors, path)
    else:
        save({"model_state": ordered(tensors), "epoch": 5}, path)
    return path


@pytest.mark.parametrize("root", ["", "module."])
@pytest.mark.parametrize("name", ["m.safetensors", "m.pyth", "m.pt", "m.anything"])
def test_any_table(name: str, root: str, tmp_path: Path) -> None:
    path = write(state_dict(TABLE, root=root), tmp_path / name)
    source = read_source(path, None, None, {"image_size": 64, "window_frames": 3})
    assert source.format == "pytorchvideo"
    expected = random_weights(build_x3d("x3d", TABLE, 64), 0)
    assert source.weights.keys() == expected.keys()
    for key, value in expected.items():
        np.testing.assert_array_equal(source.weights[key], value, strict=True)
    assert source.network.causal
    assert source.network.delay_frames == 5
    assert image_of(source.network) == IMAGE
    assert source.unused
    assert all(key.startswith(root) for key in source.unused)
    assert all(key.endswith("num_batches_tracked") for key in source.unused)


@pytest.mark.parametrize(
    ("key", "name", "architecture", "size", "rate", "told"),
    [
        ("s", "m", None, 160, 2.5, "a guess: x3d-s and x3d-m have the same shapes"),
        ("s", "X3D_M", None, 224, 6.0, "a guess: the file's name"),
        ("s", "X3D_M", "x3d-s", 160, 5.0, "the command"),
        ("l", "X3D_S", None, 312, 6.0, "the state dict"),
    ],
)
def test_members_of_the_family(
    key: str, name: str, architecture: str | None, size: int, rate: float, told: str, tmp_path: Path
) -> None:
    path = write(state_dict(published(key)), tmp_path / f"{name}.safetensors")
    source = read_source(path, None, architecture)
    assert source.network.image_size == (size, size)
    assert source.frames_per_second == rate
    assert source.findings[0].source == told
    found = {finding.option: finding for finding in source.findings}
    assert found["window_frames"].guessed
    assert "does not show a window" in found["window_frames"].source


def test_a_folder_with_a_checkpoint(tmp_path: Path) -> None:
    """And with other things; where there are two, the user says which one."""
    write(state_dict(TABLE), tmp_path / "m.pyth")
    (tmp_path / "meta.json").write_text("{}")
    (tmp_path / "other.pt").write_bytes(b"no zip file")
    overrides = {"image_size": 64}
    source = read_source(tmp_path, None, None, overrides)
    assert source.format == "pytorchvideo"
    assert source.network == read_source(tmp_path / "m.pyth", None, None, overrides).network
    write(state_dict(TABLE), tmp_path / "n.pyth")
    with pytest.raises(ConversionError, match=r"holds m\.pyth, n\.pyth as X3D's checkpoints; name"):
        read_source(tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConversionError, match="holds none as X3D's checkpoints"):
        read_source(tmp_path / "empty", "pytorchvideo")


def published(key: str) -> Table:
    """With the shortcuts as PyTorchVideo builds them: no norm where channels stay."""
    table = table_of(key, 3)
    first = replace(table.stages[0][0], normalises_shortcut=False)
    return replace(table, stages=((first, *table.stages[0][1:]), *table.stages[1:]))


@pytest.mark.parametrize(
    ("architecture", "overrides", "reason"),
    [
        ("x3d-m", {}, "is not x3d-m: by its shapes it is none that is known"),
        ("movinet-a0-stream", {}, "is an X3D, and movinet-a0-stream is none; there are x3d-xs"),
        (None, {"gating": "sigmoid"}, "an X3D, in which a gating has no place"),
        (None, {"num_classes": 6}, "has num classes 5, not 6"),
    ],
)
def test_what_the_user_says_has_to_fit(
    architecture: str | None, overrides: dict[str, Any], reason: str, tmp_path: Path
) -> None:
    path = write(state_dict(TABLE), tmp_path / "m.pt")
    with pytest.raises(ConversionError, match=reason):
        read(path, architecture, overrides)


def _changed(tensors: dict[str, Any], change: str) -> dict[str, Any]:
    name = "blocks.1.res_blocks.1.branch2.conv_b.weight"
    match change:
        case "missing":
            del tensors[name]
        case "shape":
            tensors[name] = tensors[name][:, :, :1]
        case "nan":
            tensors[name] = tensors[name] * np.float32("nan")
        case "scalar":
            tensors["blocks.0.conv.conv_t.weight"] = np.array(1.0, np.float32)
        case "head":
            del tensors["blocks.3.proj.weight"]
        case "name":
            tensors["first"] = tensors.pop("blocks.0.conv.conv_t.weight")
    return tensors


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("missing", r"does not fit x3d:\nmissing: blocks.1.res_blocks.1.branch2.conv_b: weight"),
        ("shape", r"wrong shape: .*conv_b.weight: expected \[3, 3, 3, 12\], found \[1, 3, 3, 12\]"),
        ("nan", r"holds NaN or infinite weights, first in blocks.1.res_blocks.1.branch2.conv_b"),
        ("scalar", "is no whole X3D: it has no blocks.0.conv.conv_t.weight"),
        ("head", "is no whole X3D: it has no blocks.3.proj.weight"),
        ("name", "holds no X3D: none of its .* tensors is named like the first layer"),
    ],
)
def test_checkpoints_that_are_not_whole(change: str, reason: str, tmp_path: Path) -> None:
    path = write(_changed(state_dict(TABLE), change), tmp_path / "m.pt")
    with pytest.raises(ConversionError, match=reason):
        read_source(path, "pytorchvideo")


def test_images_larger_than_in_training(tmp_path: Path) -> None:
    """The mean over space then slides, and logits are averaged, as published test crops are."""
    path = write(state_dict(published("s")), tmp_path / "X3D_S.pt")
    clip = read_clip(path, None, {"image_size": 182})
    assert isinstance(clip.network.nodes[-1].layer, SpatialMean)
    images = np.random.default_rng(0).normal(size=(1, 2, 182, 182, 3)).astype(np.float32)
    found = np.asarray(run_clip(clip.network, clip.weights, images)[0])[0, 0]
    # By hand: what the head gives for each of the four windows of 5 × 5 of 6 × 6 features.
    from movistream_converters.reference.execution import run_nodes

    values = run_nodes(clip.network, clip.weights, images)[0]
    features = np.asarray(values["head.act"])[0].mean(axis=0)
    assert features.shape[:2] == (6, 6)
    w, logits = clip.weights, []
    for row in range(2):
        for column in range(2):
            mean = features[row : row + 5, column : column + 5].mean(axis=(0, 1))
            hidden = np.maximum(mean @ w["classifier.hidden.kernel"][0, 0, 0], 0)
            kernel, bias = w["classifier.logits.kernel"][0, 0, 0], w["classifier.logits.bias"]
            logits.append(hidden @ kernel + bias)
    wanted = np.mean(logits, axis=0)
    np.testing.assert_allclose(found, wanted, atol=1e-4 * np.abs(wanted).max())
    smaller = read_clip(path, None, {"image_size": 96})
    assert smaller.network.nodes[-1].name == "classifier.logits"


def test_a_window_is_for_clips(tmp_path: Path) -> None:
    from tests.conftest import small_checkpoint
    from tests.converters.test_pytorch import state_dict as movinet_state_dict

    save_file(movinet_state_dict(small_checkpoint()), tmp_path / "m.safetensors")
    with pytest.raises(ConversionError, match="holds a stream, whose means are what they are"):
        read_source(tmp_path / "m.safetensors", overrides={"window_frames": 4})


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """From a checkpoint to a file that says how late it answers, in a child and all."""
    path = write(state_dict(TABLE), tmp_path / "m.pyth")
    output = tmp_path / "m.tflite"
    arguments = ["convert", str(path), "--image-size", "64", "-o", str(output), "--force"]

    def printed(*command: str) -> str:
        main(list(command))
        return capsys.readouterr().out

    told = printed(*arguments, "--window", "3")
    assert "window frames        3                    from the command" in told
    shown = printed("inspect", str(output))
    assert "answers are about the frame 5 before, and begin after 7 frames" in shown
    facts = json.loads(printed("inspect", str(output), "--json"))
    assert facts["manifest"]["delay_frames"] == 5
    assert facts["manifest"]["warm_up_frames"] == 7
    assert facts["manifest"]["schema_version"] == 2
    assert "the checkpoint does not show a window" in printed(*arguments)
    with pytest.raises(SystemExit):
        main([*arguments, "--state-layout", "model-garden"])
    assert "layout 'model-garden' has no place for a delay" in capsys.readouterr().err


@golden
def test_the_network_as_it_was_trained() -> None:
    clip = read_clip(GOLDEN / "X3D_XS.pyth")
    data = np.load(GOLDEN / "clips.npz")
    logits = np.asarray(run_clip(clip.network, clip.weights, _seen(data["frames"]))[0])[:, 0]
    expected = data["logits"]
    np.testing.assert_allclose(logits, expected, rtol=0, atol=1e-4 * np.abs(expected).max())


def _seen(frames: np.ndarray) -> np.ndarray:
    return np.asarray((frames.astype(np.float32) / 255 - 0.45) / np.float32(0.225), np.float32)


@pytest.fixture(scope="module")
def published_stream() -> Source:
    return read_isolated(GOLDEN / "X3D_XS.pyth", overrides={"window_frames": 4})


@golden
def test_the_stream_is_that_of_its_authors(published_stream: Source, tmp_path: Path) -> None:
    data = np.load(GOLDEN / "stream.npz")
    first, expected = int(data["first_valid"]), data["logits"]
    network = published_stream.network
    assert network.delay_frames == 28
    assert classes_of(network) == 400
    path = tmp_path / "x3d.tflite"
    manifest = convert_source(published_stream, path).manifest
    assert (manifest.delay_frames, manifest.warm_up_frames) == (28, first)
    clip = _seen(data["frames"])[None]
    logits = np.asarray(run_clip(network, published_stream.weights, clip)[0])[0]
    bound = 1e-4 * np.nanmax(np.abs(expected))
    np.testing.assert_allclose(logits[first:], expected[first:], rtol=0, atol=bound)
    with movistream.load(path) as model, model.stream() as stream:
        for index, frame in enumerate(data["frames"]):
            result = stream.step(frame)
            assert result.warming_up == (index < first)
            if not result.warming_up:
                assert result.frame == index - 28
                assert np.abs(result.logits - expected[index]).max() <= bound


@golden
@pytest.mark.parametrize("precision", [Precision.FLOAT32, Precision.FLOAT16, Precision.DYNAMIC])
def test_the_stream_is_one_partition(published_stream: Source, precision: Precision) -> None:
    from movistream_converters.ir.passes import fold

    network, weights = fold(published_stream.network, published_stream.weights)
    assert partitions(lower(network, weights, StateLayout.FRAMES, precision)) == 1
