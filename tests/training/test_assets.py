"""What the model in the box is made of."""

from __future__ import annotations

from movistream.demo.clip import PHOTOGRAPH
from movistream.demo.motion import LABELS
from movistream_converters.formats import safetensors_file
from movistream_converters.formats.movinet_options import options_of
from movistream_training.camera_motion.assets import WEIGHTS
from movistream_training.camera_motion.sources import PACKAGES, Use

MOST_WEIGHTS_BYTES = 3_000_000


def test_the_weights_are_small_and_say_what_they_are() -> None:
    assert WEIGHTS.stat().st_size < MOST_WEIGHTS_BYTES
    source = safetensors_file.read(WEIGHTS)
    assert source.labels == LABELS
    assert options_of(source).horizon_frames is not None


def test_nothing_is_judged_on_what_was_learnt() -> None:
    files = {
        use: {(p.name, name) for p in PACKAGES if p.use is use for name in p.files} for use in Use
    }
    assert not files[Use.TRAINING] & files[Use.JUDGING]
    assert ("scikit-image", f"{PHOTOGRAPH.stem}.png") in files[Use.JUDGING]
