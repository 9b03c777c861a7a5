"""Cases of scores and events, which runtimes in other languages are tested with too."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from movistream.stream.result import Result

scores = pytest.importorskip("movistream.watch.scores")
events = pytest.importorskip("movistream.watch.events")

WALK = json.loads((Path(__file__).parents[1] / "score_cases" / "walk.json").read_text())


def ends(found: Any) -> list[list[float]]:
    return [
        [event.index, event.start_s, event.end_s, pytest.approx(event.peak_score, abs=1e-6)]
        for event in found
        if event.phase == "end"
    ]


@pytest.mark.parametrize("case", WALK["cases"])
def test_scores_and_events(case: dict[str, Any]) -> None:
    options = scores.ScoreOptions(case["temperature"], case["smoothing_s"])
    scorer = scores.Scorer(options, (), len(WALK["logits"][0]))
    wanted = events.EventOptions(case["enter"], case["leave"], case["shortest_s"])
    detector = events.EventDetector(events.rules_of(wanted, len(WALK["logits"][0])))
    for index, (time_s, logits) in enumerate(zip(WALK["times_s"], WALK["logits"], strict=True)):
        result = Result(index, time_s, np.array(logits, np.float32), 0, 0)
        found = scorer.update(result)
        np.testing.assert_allclose(found, case["scores"][index], atol=1e-6)
        assert [each.index for each in scorer.top(found, 3)] == case["top"][index]
        assert case["events"][index] == ends(detector.update(time_s, found))
        going_on = sorted(event.index for event in detector.going_on)
        assert going_on == case["going_on"][index]
    assert case["finish"] == ends(detector.finish())
