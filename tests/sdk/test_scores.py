from __future__ import annotations

import json
import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from movistream.errors import LabelsError, MovistreamError
from movistream.file.manifest import EventDefaults
from movistream.stream.result import Result
from movistream.watch.scores import ScoreOptions, Scorer, scorer_of

LABELS = ("cat", "dog", "fox")


def result(logits: list[float], time_s: float = 0.0) -> Result:
    return Result(0, time_s, np.array(logits, np.float32), 0.0, 0.0, LABELS)


def scorer(**options: object) -> Scorer:
    return Scorer(ScoreOptions(**options), LABELS, 3)  # type: ignore[arg-type]


def test_by_default_they_are_the_softmax() -> None:
    found = result([1, 2, 4])
    np.testing.assert_array_equal(scorer().update(found), found.probabilities)


def test_temperature() -> None:
    # softmax of (0, ln 2, ln 4) / 2 = (1, √2, 2) / (3 + √2)
    scores = scorer(temperature=2.0).update(result([0, math.log(2), math.log(4)]))
    np.testing.assert_allclose(scores, np.array([1, 2**0.5, 2]) / (3 + 2**0.5), rtol=1e-6)


def test_smoothing_by_hand() -> None:
    smooth = scorer(smoothing_s=2.0)
    sure = 50.0
    np.testing.assert_allclose(smooth.update(result([sure, 0, 0], 0.0)), [1, 0, 0], atol=1e-6)
    # After 2 s, the time constant, the old weighs 1/e.
    expected = [1 / math.e, 1 - 1 / math.e, 0]
    np.testing.assert_allclose(smooth.update(result([0, sure, 0], 2.0)), expected, atol=1e-6)
    smooth.reset()
    np.testing.assert_allclose(smooth.update(result([0, 0, sure], 2.1)), [0, 0, 1], atol=1e-6)


def test_smoothing_does_not_depend_on_the_frame_rate() -> None:
    slow, fast = scorer(smoothing_s=1.0), scorer(smoothing_s=1.0)
    for one in (slow, fast):
        one.update(result([9, 0, 0], 0.0))
    for count in range(1, 11):
        quick = fast.update(result([0, 9, 0], count / 10))
    np.testing.assert_allclose(slow.update(result([0, 9, 0], 1.0)), quick, atol=1e-6)


def test_allowed_and_denied_labels() -> None:
    found = result([3, 2, 1])
    one = scorer(allow={"dog", "fox"})
    assert [entry.label for entry in one.top(one.update(found), 3)] == ["dog", "fox"]
    assert one.top(one.update(found), 1)[0].score == pytest.approx(found.probabilities[1])
    other = scorer(deny={"cat"})
    assert [entry.label for entry in other.top(other.update(found), 1)] == ["dog"]


def test_unnamed_classes() -> None:
    one = Scorer(ScoreOptions(deny={"class 0"}), (), 3)
    assert [entry.label for entry in one.top(one.update(result([3, 2, 1])), 2)] == [
        "class 1",
        "class 2",
    ]


def test_labels_that_are_not_there() -> None:
    with pytest.raises(LabelsError, match="no label 'do'; did you mean 'dog'"):
        scorer(allow={"do"})
    with pytest.raises(LabelsError, match="no label is left"):
        scorer(deny=set(LABELS))


@pytest.mark.parametrize(
    "options", [{"temperature": 0.0}, {"temperature": math.nan}, {"smoothing_s": -1.0}]
)
def test_bad_options(options: dict[str, float]) -> None:
    with pytest.raises(MovistreamError):
        ScoreOptions(**options)  # type: ignore[arg-type]


def test_several_classes_have_a_sigmoid_each() -> None:
    logits = np.array([-1e4, 0.0, np.log(3), 1e4], np.float32)
    found = Result(0, None, logits, 0, 0, activation="sigmoid")
    np.testing.assert_allclose(found.probabilities, [0, 0.5, 0.75, 1], atol=1e-6)
    assert found.probabilities.dtype == np.float32
    scorer = Scorer(ScoreOptions(temperature=2.0), (), 4, "sigmoid")
    root = 1 / (1 + 3**-0.5)
    np.testing.assert_allclose(scorer.update(found), [0, 0.5, root, 1], atol=1e-6)


def test_what_options_leave_open_the_model_says() -> None:
    said = EventDefaults((0.5,) * 3, (0.3,) * 3, 0.5, smoothing_s=1e9)
    model = SimpleNamespace(labels=LABELS, classes=3, activation="sigmoid", event_defaults=said)
    for options, smoothed in ((ScoreOptions(), True), (ScoreOptions(smoothing_s=0.0), False)):
        scorer = scorer_of(options, model)  # type: ignore[arg-type]
        scorer.update(result([5, 5, 5]))
        later = scorer.update(replace(result([-5, -5, -5]), time_s=9.0))
        assert (later > 0.9).all() == smoothed
    model.event_defaults = None
    scorer = scorer_of(ScoreOptions(), model)  # type: ignore[arg-type]
    scorer.update(result([5, 5, 5]))
    assert (scorer.update(replace(result([-5, -5, -5]), time_s=9.0)) < 0.1).all()


def test_a_result_shows_what_fits_on_a_line() -> None:
    """Not 600 logits, nor as many labels."""
    logits = np.zeros(600, np.float32)
    logits[7] = 9
    found = Result(3, 0.5, logits, 1.25, 2.5, ("thing",) * 600)
    assert repr(found) == "<Result frame 3 at 0.50 s: thing 0.931>"
    assert repr(Result(3, None, logits, 0, 0)) == "<Result frame 3: class 7 0.931>"
    assert repr(Result(3, None, logits, 0, 0, (), True)) == "<Result frame 3: warming up>"


def test_a_result_has_the_best_label_and_its_score() -> None:
    found = result([1, 3, 2])
    assert (found.label, found.score) == (LABELS[1], pytest.approx(found.probabilities[1]))
    assert Result(0, None, found.logits, 0, 0).label == "class 1"


def test_a_result_as_plain_types() -> None:
    logits = np.arange(8, dtype=np.float32)
    found = Result(3, 0.123456, logits, 1.25, 2.5).to_dict()
    assert json.loads(json.dumps(found)) == found
    assert list(found) == ["frame", "time_s", "preprocess_ms", "inference_ms", "top"]
    assert (found["frame"], found["time_s"]) == (3, 0.1235)
    assert [entry["index"] for entry in found["top"]] == [7, 6, 5, 4, 3]
    assert found["top"][0] == {"index": 7, "label": "class 7", "score": 0.632333}
    late = Result(3, None, logits, 1.25, 2.5, (), True).to_dict()
    assert (late["time_s"], late["warming_up"]) == (None, True)


def test_results_are_told_apart_by_what_they_are() -> None:
    """Arrays have no one answer to whether they are equal."""
    one, other = result([1, 2, 3]), result([1, 2, 3])
    assert one != other
    assert len({one, other, one}) == 2
