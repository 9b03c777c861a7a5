"""See the package."""

from __future__ import annotations

from tests.case_writers.files import FOLDER, all_files

for name, content in all_files().items():
    path = FOLDER / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    print(f"wrote {path}")
