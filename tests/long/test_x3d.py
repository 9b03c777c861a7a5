"""The published X3D in int8: calibrated, judged and written, whatever untrained weights magnify."""

from __future__ import annotations

from pathlib import Path

import pytest

from movistream_converters.conversion import convert_source
from movistream_converters.formats.isolated import read_isolated
from movistream_converters.tflite.precision import Precision
from tests.conftest import REFERENCE_DATA

CHECKPOINT = REFERENCE_DATA / "goldens" / "x3d_xs_pytorchvideo" / "X3D_XS.pyth"
VIDEO = REFERENCE_DATA / "clips" / "carving_ice.mp4"


@pytest.mark.skipif(not CHECKPOINT.exists(), reason="no reference data")
def test_int8(tmp_path: Path) -> None:
    source = read_isolated(CHECKPOINT, overrides={"window_frames": 4})
    conversion = convert_source(
        source, tmp_path / "m.tflite", precision=Precision.INT8, calibration_videos=(VIDEO,)
    )
    report = conversion.report
    assert report is not None
    assert report.partitions == 1
    # A video of 11 frames at this rate shows a warm-up of 31 frames, and as many answers.
    assert report.calibration_frames == 62
    assert report.judged is not None
    assert report.judged.frames == 31
    assert report.judged.mean_cosine > 0.97
