"""What a clip shows: the answer, what was said on the way, and events.

python examples/one_clip.py MODEL CLIP.mp4
"""

import sys

import movistream

if len(sys.argv) != 3:
    sys.exit(__doc__)
model_path, clip = sys.argv[1:]
with movistream.load(model_path) as model:
    answer = movistream.classify(clip, model)
print(f"{answer.label} {answer.score:.2f}")
for entry in answer.timeline:
    print(f"  {entry.time_s:6.2f} s  {entry.label} {entry.score:.2f}")
for event in answer.events:
    print(f"  {event.label} from {event.start_s:.1f} s to {event.end_s:.1f} s")
