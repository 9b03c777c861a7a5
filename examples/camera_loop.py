"""Says when something else comes before a camera; connects again where that can be done.

python examples/camera_loop.py MODEL 0
"""

import sys
import time

import movistream

WAIT_S = 5

if len(sys.argv) != 3:
    sys.exit(__doc__)
model_path, source = sys.argv[1:]
with movistream.load(model_path) as model:
    before = None
    while True:
        try:
            for step in model.watch(source):
                if step.label != before:
                    print(f"{step.time_s:8.1f} s  {step.label} {step.score:.2f}", flush=True)
                    before = step.label
            break  # A recording has come to its end.
        except movistream.VideoError as error:
            if before is None:
                sys.exit(f"{error}")
            print(f"{error}; trying again in {WAIT_S} s", file=sys.stderr)
            time.sleep(WAIT_S)
