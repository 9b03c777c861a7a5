"""Two videos, frame by frame in turn, over one set of weights; frames come from anywhere.

python examples/two_streams.py MODEL A.mp4 B.mp4
"""

import sys

import movistream
from movistream import open_source

if len(sys.argv) != 4:
    sys.exit(__doc__)
model_path, first, second = sys.argv[1:]
with (
    movistream.load(model_path) as model,
    model.stream() as one,
    model.stream() as other,
    open_source(first) as left,
    open_source(second) as right,
):
    # A source gives all its frames; a stream takes those that it is given.
    every = round((left.frames_per_second or 30) / (model.frames_per_second or 30)) or 1
    for a, b in zip(left, right, strict=False):
        if a.index % every == 0:
            said = [stream.step(frame.image) for stream, frame in ((one, a), (other, b))]
            print(f"{a.time_s:6.2f} s  {said[0].label:24} {said[1].label}")
