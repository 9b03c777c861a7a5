"""What a conversion says of the program that its network was read from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from movistream.file.manifest import ProgramComparison
from movistream_converters.conversion import convert_source
from movistream_converters.errors import UnfaithfulError
from movistream_converters.formats.source import Source


def figures(source: Source, folder: Path, **options: Any) -> ProgramComparison:
    conversion = convert_source(source, folder / "m.tflite", **options)
    assert conversion.manifest.provenance is not None
    verification = conversion.manifest.provenance.verification
    assert verification is not None
    assert isinstance(verification.source_program, ProgramComparison)
    return verification.source_program


def fails(source: Source, folder: Path) -> str:
    empty = folder / "empty"
    empty.mkdir()
    with pytest.raises(UnfaithfulError) as caught:
        convert_source(source, empty / "m.tflite")
    assert not list(empty.iterdir())
    return str(caught.value)
