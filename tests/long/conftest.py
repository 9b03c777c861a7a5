"""What tests of the pages share."""

from __future__ import annotations

from tests.long.desk import desk, done, things

__all__ = ["desk", "done", "things"]
