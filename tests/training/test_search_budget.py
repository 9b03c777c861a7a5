"""What people write as a budget."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from movistream_training.errors import SearchError
from movistream_training.search.budget import (
    Budget,
    Measure,
    amount,
    check_budgets,
    parse_budget,
)


@pytest.mark.parametrize(
    ("text", "budget"),
    [
        (
            "1.4 M instructions on cortex-a76",
            Budget(Measure.INSTRUCTIONS, 1.4e6, "cortex-a76"),
        ),
        ("900k instructions on cortex-a72", Budget(Measure.INSTRUCTIONS, 9e5, "cortex-a72")),
        ("0.5 ms on this machine", Budget(Measure.MILLISECONDS, 0.5)),
        ("4 M multiply-adds", Budget(Measure.MULTIPLY_ADDS, 4e6)),
        ("2000000 multiply-adds", Budget(Measure.MULTIPLY_ADDS, 2e6)),
        ("200 kB peak", Budget(Measure.PEAK_BYTES, 2e5)),
        ("200 peak kB", Budget(Measure.PEAK_BYTES, 2e5)),
        (" 1.5 MB file ", Budget(Measure.FILE_BYTES, 1.5e6)),
        ("150 file kB", Budget(Measure.FILE_BYTES, 1.5e5)),
    ],
)
def test_what_is_understood(text: str, budget: Budget) -> None:
    assert parse_budget(text) == budget


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is no budget; write '1.4 M instructions on cortex-a76'"),
        ("1.4 M instructions", "is no budget"),
        ("1.4 M instructions on cortex-a99", "no core cortex-a99; there are cortex-a76"),
        ("-1 ms on this machine", "is no budget"),
        ("0 multiply-adds", "leaves nothing to search"),
        ("nan multiply-adds", "is no budget"),
        ("1e6 multiply-adds", "is no budget"),
        ("9" * 400 + " multiply-adds", "leaves nothing to search"),
        ("5 m multiply-adds", "is no budget"),
    ],
)
def test_what_is_refused(text: str, message: str) -> None:
    with pytest.raises(SearchError, match=message):
        parse_budget(text)


@given(text=st.text(max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(SearchError):
        assert parse_budget(text).limit > 0


def test_budgets_side_by_side() -> None:
    same = [parse_budget("1 M multiply-adds"), parse_budget("2 M multiply-adds")]
    with pytest.raises(SearchError, match="two budgets of multiply-adds"):
        check_budgets(same)
    with pytest.raises(SearchError, match="needs a budget"):
        check_budgets([])
    cores = [parse_budget(f"1 M instructions on {cpu}") for cpu in ("cortex-a76", "cortex-a72")]
    check_budgets([*cores, same[0]])


def test_amounts() -> None:
    assert [amount(value) for value in (0.1234567, 12, 1234.4, 1_763_117, 2e9)] == [
        "0.1235",
        "12",
        "1.234 k",
        "1.763 M",
        "2 G",
    ]
    text = "1.4 M instructions on cortex-a76"
    assert str(parse_budget(text)) == text
