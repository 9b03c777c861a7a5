"""Published files, whose frame rates are told by their states."""

from __future__ import annotations

from pathlib import Path

import pytest

import movistream
from movistream.cli import main
from movistream.file.manifest import State
from movistream.file.published import PUBLISHED, published_rate
from movistream_converters.formats.network_file import untrained_source
from movistream_converters.ir.states import network_states
from tests.conftest import REFERENCE_DATA


def states_of(architecture: str) -> tuple[float | None, list[State]]:
    """The rate of an architecture, and its states as published files have them."""
    source = untrained_source(architecture)
    states = [
        State(
            name=state.name,
            role=state.role,
            inputs=(state.name,),
            output=state.name,
            advance="replace",
            shape=(1, state.frames, *state.shape),
            dtype="float32",
        )
        for state in network_states(source.network)
        if state.role != "clock"
    ]
    return source.frames_per_second, states


@pytest.mark.parametrize("name", ["a0", "a1", "a2", "a3", "a4", "a5"])
def test_each_network_is_told_from_the_others(name: str) -> None:
    rate, states = states_of(name)
    found = published_rate(states)
    assert found is not None
    assert found.network == f"MoViNet-{name.upper()}"
    assert found.frames_per_second == rate
    # One buffer less is another network.
    last = max(index for index, state in enumerate(states) if state.shape[1] > 1)
    assert published_rate(states[:last] + states[last + 1 :]) is None


def test_all_are_known() -> None:
    assert len(PUBLISHED) == len({rate.network for rate in PUBLISHED.values()}) == 6


@pytest.mark.parametrize("name", ["t0", "n0"])
def test_others_are_not_recognised(name: str) -> None:
    """Their files say their rates themselves."""
    assert published_rate(states_of(name)[1]) is None


PEERS = sorted((REFERENCE_DATA / "peers").glob("*.tflite"))


@pytest.mark.skipif(not PEERS, reason="no published files")
@pytest.mark.parametrize("path", PEERS, ids=lambda path: path.stem)
def test_published_files(path: Path, clip: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """At its own rate, as without a word before: 5 frames a second, not all."""
    with movistream.load(path, trust="always") as model:
        assert model.frames_per_second == 5
        assert len(movistream.classify(clip, model).timeline) == 15
    main(["inspect", str(path)])
    assert "guessed           the frame rate: the states are those of MoViNet-A0" in (
        capsys.readouterr().out
    )


@pytest.mark.skipif(not PEERS, reason="no published files")
def test_run_says_what_it_takes(clip: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["run", str(PEERS[0]), str(clip)])
    said = capsys.readouterr().err
    assert "does not say its frame rate; its states are those of MoViNet-A0" in said
    assert "15 frames" in said
