"""The command that writes the videos that camera-health models in int8 take their ranges from.

python -m movistream_training.camera_health.calibration FOLDER
"""

from __future__ import annotations

from movistream_training.camera_health.curriculum import CURRICULUM
from movistream_training.footage.calibration import calibration_command

main = calibration_command(CURRICULUM)

if __name__ == "__main__":
    main()
