"""What no weight shows is a guess, and everybody who reads the file is told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import movistream
from movistream.cli import main
from movistream_converters.conversion import convert_source
from movistream_converters.formats.model_garden.writer import write_checkpoint
from movistream_converters.formats.movinet_options import options_of, unseen_guesses
from movistream_converters.formats.registry import read_source
from movistream_converters.ir.layers import ActivationFunction
from movistream_converters.ir.weights import random_weights
from movistream_converters.networks.movinet import (
    SqueezeExciteType,
    build_movinet,
    default_options,
)


def checkpoint(folder: Path, architecture: str, se_type: SqueezeExciteType) -> Path:
    options = replace(default_options(architecture), num_classes=3, se_type=se_type)
    network = build_movinet(options)
    weights = random_weights(network, seed=1)
    write_checkpoint(network, weights, folder / "ckpt", options.convolution_type)
    return folder


@pytest.mark.parametrize("architecture", ["a0", "t0"])
@pytest.mark.parametrize("se_type", [SqueezeExciteType.NONE, SqueezeExciteType.BOTH])
def test_published_models_without_gates_are_recognised(
    architecture: str, se_type: SqueezeExciteType, tmp_path: Path
) -> None:
    """They were trained for int8, with relu6; T0 was never published."""
    source = read_source(checkpoint(tmp_path, architecture, se_type))
    options, usual = options_of(source), default_options(architecture)
    published = architecture == "a0" and se_type is SqueezeExciteType.NONE
    relu6 = (ActivationFunction.RELU6,) * 2
    assert (options.activation, options.head_activation) == (
        relu6 if published else (usual.activation, usual.head_activation)
    )
    assert {"activation", "head_activation"} <= set(unseen_guesses(source))


def test_the_file_says_what_was_guessed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = checkpoint(tmp_path, "n0", SqueezeExciteType.BOTH)
    path = tmp_path / "m.tflite"
    main(["convert", str(folder), "--image-size", "48", "-o", str(path)])
    last = capsys.readouterr().err.splitlines()[-1]
    guess = "activation hard_swish, gating hard_sigmoid, head activation swish"
    assert f"so it is a guess: {guess}. Where" in last
    assert last.endswith("say so with --activation and --gating and --head-activation")
    with movistream.load(path) as model:
        assert model.manifest.network["guessed"] == "activation gating head_activation"
    main(["inspect", str(path)])
    assert "activation, gating, head_activation: nothing told" in capsys.readouterr().out
    # Who converts the file again has not been told either.
    again = read_source(path)
    assert unseen_guesses(again) == ("activation", "gating", "head_activation")
    convert_source(again, tmp_path / "again.tflite")
    assert (tmp_path / "again.tflite").exists()


def test_what_is_told_is_no_guess(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = checkpoint(tmp_path, "n0", SqueezeExciteType.BOTH)
    path = tmp_path / "m.tflite"
    told = ("--activation", "relu6", "--gating", "sigmoid", "--head-activation", "relu6")
    main(["convert", str(folder), "--image-size", "48", *told, "-o", str(path)])
    assert "guess" not in capsys.readouterr().err
    with movistream.load(path) as model:
        assert "guessed" not in model.manifest.network
