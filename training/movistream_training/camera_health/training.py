"""The command that trains camera-health models.

    python -m movistream_training.camera_health.training FOOTAGE RUN

FOOTAGE is what :mod:`.footage.fetching` filled. A run that was interrupted is gone on with.
"""

from __future__ import annotations

from movistream_training.camera_health.curriculum import CURRICULUM
from movistream_training.footage.training import training_command

main = training_command(CURRICULUM)

if __name__ == "__main__":
    main()
