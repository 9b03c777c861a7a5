"""A thousand damaged model files through the command line."""

from __future__ import annotations

from pathlib import Path

from tests.sdk.test_corrupted_files import files_to_damage, run_damaged


def test_a_thousand_damaged_files(model_path: Path, clip: Path, tmp_path: Path) -> None:
    run_damaged(files_to_damage(model_path), clip, tmp_path, 1000, 12)
