"""Calls functions instead of looping: one for each step, one for what becomes of events.

python examples/callbacks.py MODEL CLIP.mp4
"""

import sys

import movistream

if len(sys.argv) != 3:
    sys.exit(__doc__)
model_path, source = sys.argv[1:]
seen: dict[str, float] = {}


def note(event: movistream.Event) -> None:
    """Adds up for how long each class was seen."""
    if event.phase == "begin":
        print(f"{event.label} from {event.start_s:.1f} s on")
        return
    seen[event.label] = seen.get(event.label, 0.0) + event.end_s - event.start_s
    print(f"{event.label} until {event.end_s:.1f} s, at most {event.peak_score:.2f}")


def show(step: movistream.Step) -> None:
    """Says what is going on, at one frame in 25."""
    if step.frame.index % 25 == 0:
        print(f"{step.time_s:.1f} s: {[event.label for event in step.going_on]}")


options = movistream.WatchOptions(
    events=movistream.EventOptions(enter=0.5, leave=0.3, shortest_s=0.4)
)
with movistream.load(model_path) as model:
    model.watch(source, options, on_step=show, on_event=note).run()
for label, seconds in sorted(seen.items()):
    print(f"{label}: {seconds:.1f} s in all")
