"""The commands and programs of the pages about training, as :mod:`.test_documents` has others."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.documents import PAGES
from tests.long.desk import follow
from tests.long.test_documents import OF_TRAINING


@pytest.mark.parametrize(
    "page", [page for page in PAGES if page.name in OF_TRAINING], ids=lambda page: page.name
)
def test_a_page(page: Path, desk: Path, done: set[str]) -> None:
    follow(page, desk, done)
