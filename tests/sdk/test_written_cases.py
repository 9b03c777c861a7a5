"""Cases that runtimes in other languages are tested with are what Python answers now."""

from __future__ import annotations

import json
from typing import Any

import pytest

pytest.importorskip("movistream.serve")

from tests.case_writers.files import FOLDER, all_files

FILES = all_files()


def alike(one: Any, other: Any) -> bool:
    """Whether two values are the same, scores but for what another processor rounds otherwise."""
    if isinstance(one, dict) and isinstance(other, dict):
        return list(one) == list(other) and all(alike(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        pairs = zip(one, other, strict=False)
        return len(one) == len(other) and all(alike(*pair) for pair in pairs)
    if isinstance(one, float) and isinstance(other, float):
        return one == other or abs(one - other) < 2e-5 * min(1.0, abs(one))
    return type(one) is type(other) and one == other


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_what_would_be_written(name: str) -> None:
    path = FOLDER / name
    # Only what is computed with exp may differ, in its last digits.
    same = (
        alike(json.loads(path.read_bytes()), json.loads(FILES[name]))
        if name == "score_cases/watch.json"
        else path.read_bytes() == FILES[name]
    )
    assert same, f"{name} is not up to date: python -m tests.case_writers"


def test_no_other_case_is_left_over() -> None:
    """Beside those that are written by hand."""
    by_hand = {
        *(f"manifest_cases/{name}.json" for name in ("accepted", "base", "fit", "schema")),
        "score_cases/walk.json",
    }
    found = {str(path.relative_to(FOLDER)) for path in FOLDER.glob("*_cases/*.json")}
    assert found == by_hand | {name for name in FILES if "/" in name}


def test_the_cases_hold_what_they_are_about() -> None:
    """So that nothing is compared that is always the same."""
    live = json.loads(FILES["pacing_cases/live.json"])
    assert {about["about"] for about in live if about["picked"] == []} == {"none"}
    (thirty,) = (case for case in live if (case["about"], case["rate"]) == ("30 a second", 5))
    assert [round(thirty["times_s"][index], 3) for index in thirty["picked"][:3]] == [0, 0.2, 0.4]
    back = [case for case in live if "set back" in case["about"]]
    for case in back:
        assert case["times_s"] == sorted(case["times_s"])
        # A clock that goes back costs a frame at most.
        assert len(case["picked"]) >= int(case["times_s"][-1] * case["rate"])
    reasons = {
        reason
        for case in json.loads(FILES["reset_cases/policy.json"])
        for reason in case["reasons"]
    }
    assert reasons == {None, "gap", "interval"}
    found = [len(case["cuts"]) for case in json.loads(FILES["reset_cases/cuts.json"])]
    assert set(found) == {0, 1, 3}
    texts = json.loads(FILES["json_cases/texts.json"])
    assert sum("value" in text for text in texts) > 15
    assert sum("value" not in text for text in texts) > 40
