"""What a program sees of the package: objects on a line, and as plain types."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import movistream
from movistream import ArraySource, Ended, Event, EventOptions, Model, Seen, Step, WatchOptions

RATE = 5


@pytest.fixture(scope="module")
def model(model_path: Path) -> Iterator[Model]:
    with movistream.load(model_path, threads=1) as loaded:
        yield loaded


def sure() -> WatchOptions:
    """Events that begin at once."""
    return WatchOptions(events=EventOptions(enter=0.01, leave=0.01, shortest_s=0.2))


def test_everything_is_on_a_line(model: Model, frames: np.ndarray) -> None:
    """Neither tensors nor pictures, nor hundreds of labels."""
    source = ArraySource(frames, RATE)
    with model.stream() as stream, movistream.StreamPool(model, [source], sure()) as pool:
        items = list(pool)
        things = [*items, stream, stream.snapshot(), model, model.manifest, source, pool]
        things += [
            movistream.Ensemble([model, model]),
            movistream.Ensemble([model, model]).stream(),
        ]
        assert {type(item).__name__ for item in items} >= {"Started", "Step", "Seen", "Ended"}
    for thing in things:
        assert len(repr(thing)) < 250, thing
        assert "array(" not in repr(thing)
    step = next(item for item in items if isinstance(item, Step))
    assert repr(step) == f"<Step of array, frame 0 at 0.00 s: {step.label} {step.score:.3f}>"
    assert repr(step.frame) == "<VideoFrame 0 at 0.00 s>"
    assert (step.label, step.score) == (step.top[0].label, step.top[0].score)


def test_what_happens_as_plain_types(model: Model, frames: np.ndarray) -> None:
    with movistream.StreamPool(model, [ArraySource(frames, RATE), "none.mp4"], sure()) as pool:
        items = [item for item in pool if not isinstance(item, movistream.Passed)]
    for item in items:
        found = item.to_dict()
        assert json.loads(json.dumps(found)) == found
        assert found["source"] == item.stream
    ends = {item.stream: item.to_dict() for item in items if isinstance(item, Ended)}
    assert ends["array"]["type"] == "end"
    assert (ends["array"]["steps"], ends["array"]["complete"]) == (len(frames), True)
    assert (ends["none.mp4"]["type"], ends["none.mp4"]["top"]) == ("error", [])
    assert "does not exist" in ends["none.mp4"]["reason"]
    seen = next(item for item in items if isinstance(item, Seen))
    assert seen.to_dict().items() >= seen.event.to_dict().items()
    assert {item.to_dict()["version"] for item in items} == {1}
    assert Event("pan", 2, 0.12345, 1, 0.5).to_dict() == {
        "phase": "end",
        "index": 2,
        "label": "pan",
        "start_s": 0.1235,
        "end_s": 1,
        "peak_score": 0.5,
    }
