"""Small model files, sound and hostile, which runtimes in other languages are tested with too."""

from __future__ import annotations

import pytest

from movistream.errors import ModelError
from movistream.file.graph import read_model_file
from tests.model_cases import Case, cases


@pytest.mark.parametrize("case", [pytest.param(case, id=case.about) for case in cases()])
def test_model(case: Case) -> None:
    data = case.data()
    if case.refused is None:
        assert read_model_file(data, "case").graphs
        return
    with pytest.raises(ModelError) as caught:
        read_model_file(data, "case")
    message = str(caught.value)
    assert case.refused in message
    assert "\n" not in message


def test_there_are_many_of_both_kinds() -> None:
    """Runtimes in other languages are judged by how they judge these."""
    sound = [case for case in cases() if case.refused is None]
    assert len(sound) > 60
    assert len(cases()) - len(sound) > 600
