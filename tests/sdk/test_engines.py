"""Which engine is taken on which machine."""

from __future__ import annotations

import platform
from pathlib import Path

import numpy as np
import pytest

import movistream
from movistream.errors import EngineUnavailableError
from movistream.system import cpu

RASPBERRY_PI_4 = "Features\t: fp asimd evtstrm crc32 cpuid\n"
RASPBERRY_PI_5 = "Features\t: fp asimd evtstrm aes crc32 atomics fphp asimdhp asimddp\n"


@pytest.fixture
def arm(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Makes this machine look like an ARM board whose description is in the returned file."""
    description = tmp_path / "cpuinfo"
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    monkeypatch.setattr(cpu, "_DESCRIPTION", description)
    return description


def test_old_arm_cores_take_the_interpreter(
    arm: Path, model_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """LiteRT's CompiledModel kills the process on them; the log tells what is taken instead."""
    caplog.set_level("INFO", "movistream")
    arm.write_text("processor: 0\n" + 4 * RASPBERRY_PI_4)
    with movistream.load(model_path) as model:
        assert model.engine == "interpreter"
    told = [text for text in caplog.messages if text.startswith("the engine")]
    assert len(told) == 1
    assert told[0].startswith(f"the engine compiled-model does not run {model_path}: ")
    assert "ARMv8.1" in told[0]
    with pytest.raises(EngineUnavailableError, match=r"ARMv8\.1"):
        movistream.load(model_path, engine="compiled-model")


@pytest.mark.parametrize("description", [RASPBERRY_PI_5, "processor: 0\n", None])
def test_other_cores_take_the_fastest(arm: Path, model_path: Path, description: str | None) -> None:
    if description is not None:
        arm.write_text(description)
    with movistream.load(model_path) as model:
        assert model.engine == "compiled-model"


def test_a_step_asks_litert_for_no_capsule(
    model_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its property takes a thousand instructions, for every tensor of a step."""
    from ai_edge_litert.tensor_buffer import TensorBuffer

    with movistream.load(model_path, engine="compiled-model") as model:
        stream = model.stream()
        image = np.zeros((32, 32, 3), np.uint8)
        expected = stream.step(image).logits
        stream.reset()
        monkeypatch.delattr(TensorBuffer, "capsule")
        np.testing.assert_array_equal(stream.step(image).logits, expected)
