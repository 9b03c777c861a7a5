"""Goes on with a camera's stream after a restart: what the network remembers is in a file.

    python examples/snapshot_and_resume.py MODEL FRAMES.npy STATE.npz

FRAMES.npy holds uint8 RGB (frames, height, width, 3). Each call takes what is there and keeps the
state, so that two calls on halves of a video say the same as one on the whole.
"""

import sys
from pathlib import Path

import numpy as np

import movistream

if len(sys.argv) != 4:
    sys.exit(__doc__)
model_path, frames_path, state_path = sys.argv[1:]
with movistream.load(model_path) as model, model.stream() as stream:
    if Path(state_path).exists():
        stream.restore(movistream.read_snapshot(state_path, model))
        print(f"going on after {stream.frames_seen} frames")
    for frame in np.load(frames_path):
        result = stream.step(frame)
        print(f"frame {result.frame}: {result.label} {result.score:.4f}")
    movistream.write_snapshot(stream.snapshot(), state_path)
