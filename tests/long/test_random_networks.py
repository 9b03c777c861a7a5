"""A thousand random networks of the whole vocabulary, in every form and precision."""

from __future__ import annotations

import random

import pytest

from tests.converters.faithful import check_network
from tests.networks import random_network


@pytest.mark.parametrize("seed", range(1000))
def test_all_forms_compute_the_same(seed: int) -> None:
    check_network(random_network(random.Random(seed)), seed)
