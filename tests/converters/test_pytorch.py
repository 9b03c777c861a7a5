"""State dicts of MoViNet-pytorch: renamed, turned, and never run."""

from __future__ import annotations

import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from movistream.errors import MissingExtraError, MovistreamError
from movistream_converters.conversion import convert_source
from movistream_converters.errors import ConversionError
from movistream_converters.formats.isolated import read_isolated
from movistream_converters.formats.movinet_options import options_of
from movistream_converters.formats.registry import read_source
from movistream_converters.ir.layers import ActivationFunction
from movistream_converters.networks.movinet import ConvolutionType, SqueezeExciteType
from tests.conftest import small_checkpoint
from tests.converters.sources import state_dict

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(
        edit: Callable[[dict[str, np.ndarray]], object] = lambda _: None, **options: object
    ) -> Path:
        tensors = state_dict(small_checkpoint(), **options)  # type: ignore[arg-type]
        edit(tensors)
        save_file(tensors, tmp_path / "w.safetensors")
        return tmp_path / "w.safetensors"

    return write


@pytest.mark.parametrize("flat", [True, False])
def test_weights_and_options(flat: bool, write: Write) -> None:
    source, expected = read_source(write(flat=flat)), small_checkpoint()
    assert source.format == "pytorch"
    for name, value in expected.weights.items():
        np.testing.assert_array_equal(source.weights[name], value, err_msg=name, strict=True)
    options = options_of(source)
    assert (options.architecture, options.num_classes) == ("n0", 5)
    assert options.se_type is SqueezeExciteType.BOTH
    assert options.gating is ActivationFunction.HARD_SIGMOID_KERAS
    gating = next(finding for finding in source.findings if finding.option == "gating")
    assert gating.guessed
    assert all(name.endswith("num_batches_tracked") for name in source.unused)


def test_the_gate_may_be_said(write: Write) -> None:
    gating = {"gating": ActivationFunction.HARD_SIGMOID}
    assert options_of(read_source(write(), None, None, gating)).gating is gating["gating"]


def test_a_wrapped_model(write: Write) -> None:
    def wrap(tensors: dict[str, np.ndarray]) -> None:
        for name in list(tensors):
            tensors[f"module.{name}"] = tensors.pop(name)
        tensors["ema.decay"] = np.ones(1, np.float32)

    source = read_source(write(wrap))
    assert source.weights.keys() == small_checkpoint().weights.keys()
    assert "ema.decay" in source.unused


def _rename(tensors: dict[str, np.ndarray]) -> None:
    name = "blocks.b0_l0.expand.conv_1.conv2d.weight"
    tensors[name + "s"] = tensors.pop(name)


@pytest.mark.parametrize(
    ("edit", "messages"),
    [
        (
            lambda tensors: tensors.pop("blocks.b1_l0.se.fc2.conv_1.conv2d.bias"),
            ("missing: block1_layer0.se.expand: bias",),
        ),
        (
            _rename,
            (
                "missing: block0_layer0.expansion.conv: kernel",
                "unexpected: blocks.b0_l0.expand.conv_1.conv2d: weights",
            ),
        ),
        (
            lambda tensors: tensors.update({"conv1.conv_1.norm.bias": np.ones(9, np.float32)}),
            ("wrong shape: stem.bn.beta: expected [8], found [9]",),
        ),
        (
            lambda tensors: tensors.update({"conv1.conv_1.norm.bias": np.ones(8, np.int64)}),
            ("holds int64 numbers",),
        ),
        (
            lambda tensors: [tensors.pop(n) for n in list(tensors) if n.startswith("conv1")],
            ("is of no known kind",),
        ),
    ],
)
def test_what_does_not_fit(
    edit: Callable[[dict[str, np.ndarray]], object], messages: tuple[str, ...], write: Write
) -> None:
    with pytest.raises(ConversionError) as caught:
        read_source(write(edit))
    assert all(message in str(caught.value) for message in messages), str(caught.value)


def test_a_base_model(tmp_path: Path) -> None:
    """Joint kernels, and gates over space and time."""
    base = small_checkpoint(
        convolution_type=ConvolutionType.JOINT, se_type=SqueezeExciteType.SPACE_TIME
    )
    save_file(state_dict(base, flat=False), tmp_path / "base.safetensors")
    with pytest.raises(ConversionError, match=r"looks like movinet-n0-base: .* future frames"):
        read_source(tmp_path / "base.safetensors")


def test_another_network(tmp_path: Path) -> None:
    save_file({"fc.weight": np.ones(3, np.float32)}, tmp_path / "w.safetensors")
    with pytest.raises(ConversionError, match="holds no MoViNet"):
        read_source(tmp_path / "w.safetensors", "pytorch")


@pytest.mark.parametrize("length", [0, 4, 200, -500])
def test_a_truncated_file(length: int, write: Write) -> None:
    path = write()
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(ConversionError, match="damaged or no state dict"):
        read_source(path, "pytorch")


class _Malicious:
    """Makes a folder when it is unpickled without care."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("name", ["m.pt", "m.pth"])
def test_a_pickle_with_code_is_not_run(name: str, tmp_path: Path) -> None:
    made = tmp_path / "made"
    (tmp_path / name).write_bytes(pickle.dumps({"conv1": _Malicious(made)}))
    with pytest.raises((ConversionError, MissingExtraError)):
        read_source(tmp_path / name)
    assert not made.exists()


def test_without_pytorch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "torch", None)
    (tmp_path / "m.pt").write_bytes(b"anything")
    with pytest.raises(MovistreamError, match=r"movistream\[torch\]"):
        read_source(tmp_path / "m.pt")


def test_pickled_state_dicts(tmp_path: Path, write: Write) -> None:
    torch = pytest.importorskip("torch")
    tensors = {name: torch.tensor(value) for name, value in state_dict(small_checkpoint()).items()}
    expected = read_source(write())
    for index, content in enumerate((tensors, {"epoch": 3, "state_dict": tensors})):
        torch.save(content, tmp_path / f"{index}.pt")
        source = read_source(tmp_path / f"{index}.pt")
        for name, value in expected.weights.items():
            np.testing.assert_array_equal(source.weights[name], value, strict=True)
    (tmp_path / "0.pt").write_bytes((tmp_path / "0.pt").read_bytes()[:-2000])
    with pytest.raises(ConversionError, match="damaged or no state dict"):
        read_source(tmp_path / "0.pt")
    for index, content in enumerate(([1, 2], {1: torch.zeros(2)})):
        torch.save(content, tmp_path / f"odd{index}.pt")
        with pytest.raises(ConversionError, match="holds no tensors by name"):
            read_source(tmp_path / f"odd{index}.pt")


def test_a_file_of_it_runs(write: Write, tmp_path: Path) -> None:
    conversion = convert_source(read_source(write()), tmp_path / "m.tflite")
    verification = conversion.manifest.provenance.verification  # type: ignore[union-attr]
    assert verification is not None
    assert verification.max_logit_error < 1e-5


@pytest.mark.parametrize("suffix", [".pt", ".pth", ".bin", ".anything"])
def test_a_saved_object_is_refused_unread(suffix: str, tmp_path: Path) -> None:
    """As torch.save writes it, whatever the file is called."""
    torch = pytest.importorskip("torch")
    made, path = tmp_path / "made", tmp_path / f"model{suffix}"
    torch.save({"conv1": _Malicious(made)}, path)
    with pytest.raises(ConversionError, match=r"holds Python objects, .* could run code"):
        read_source(path)
    assert not made.exists()


def test_half_precision_is_read_as_float32(tmp_path: Path, write: Write) -> None:
    torch = pytest.importorskip("torch")
    expected = read_source(write()).weights
    tensors = {
        name: torch.tensor(value).half() if value.dtype == np.float32 else torch.tensor(value)
        for name, value in state_dict(small_checkpoint()).items()
    }
    torch.save(tensors, tmp_path / "half.pt")
    found = read_source(tmp_path / "half.pt").weights
    for name, value in expected.items():
        assert found[name].dtype == np.float32
        np.testing.assert_array_equal(found[name], value.astype(np.float16).astype(np.float32))


def test_a_header_nested_without_end(tmp_path: Path) -> None:
    """It is no state dict, and no crash."""
    header = b"[" * 100_000
    (tmp_path / "w.safetensors").write_bytes(len(header).to_bytes(8, "little") + header)
    with pytest.raises(ConversionError):
        read_source(tmp_path / "w.safetensors")


def test_small_files_that_claim_much(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    path = tmp_path / "w.pt"
    tensors = {name: torch.tensor(value) for name, value in state_dict(small_checkpoint()).items()}
    torch.save(tensors, path)
    assert options_of(read_isolated(path)).num_classes == 5
    name = next(name for name, value in tensors.items() if value.shape[:1] == (5,))
    # One number, six million times.
    torch.save(tensors | {name: torch.zeros(1, 1).expand(6_000_000, 128)}, path)
    assert path.stat().st_size < 20_000_000
    with pytest.raises(ConversionError, match=r"w.pt says that it has 30\d\d MB of weights; more"):
        read_isolated(path)
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("w/data.pkl", "w") as member,
    ):
        for _ in range(600):
            member.write(bytes(1_000_000))
    with pytest.raises(ConversionError, match=r"w.pt holds 600 MB; more than 537 MB are not read"):
        read_isolated(path)
