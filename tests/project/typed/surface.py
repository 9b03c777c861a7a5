"""Uses all of the public surface."""

import asyncio
from collections.abc import Iterator

import numpy as np

import movistream
from movistream import Event, Step


class Black(movistream.Source):
    """A source of one's own."""

    name = "black"

    def __iter__(self) -> Iterator[movistream.VideoFrame]:
        yield movistream.VideoFrame(0, 0.0, lambda: np.zeros((8, 8, 3), np.uint8))


def on_step(step: Step) -> None:
    print(step.label, step.score, step.time_s, step.top[0].label, step.scores.shape)


def on_event(event: Event) -> None:
    print(event.label, event.start_s, event.end_s, event.to_dict())


with movistream.load("a.tflite", threads=1, labels=["a", "b"]) as model:
    print(model.name, model.labels, model.classes, model.frames_per_second, model.horizon_frames)
    answer = movistream.classify("clip.mp4", model)
    print(answer.label, answer.score, answer.top[0].to_dict(), answer.to_dict())
    for entry in answer.timeline:
        print(entry.time_s, entry.label, entry.score)
    for event in answer.events:
        on_event(event)
    for step in model.watch("0", on_event=on_event):
        on_step(step)
    model.watch("rtsp://camera/1", on_step=on_step, on_event=lambda e: print(e.label)).run()
    frames = np.zeros((3, 8, 8, 3), np.uint8)
    for step in model.watch(movistream.ArraySource(frames, 5)):
        print(step.result.label, step.frame.image.shape, step.going_on)
    model.watch(movistream.ArraySource((frame for frame in frames), 5)).run()

    async def main() -> None:
        async for step in model.watch("clip.mp4"):
            print(step.to_dict())

    asyncio.run(main())
    region = movistream.Region(0, 0, 8, 8)
    with model.stream(view=movistream.View("crop", region)) as stream:
        result = stream.step(frames[0])
        print(result.label, result.score, result.top(3), result.probabilities, result.logits)
        snapshot = stream.snapshot()
        stream.restore(snapshot)
        movistream.write_snapshot(snapshot, "a.npz")
        stream.restore(movistream.read_snapshot("a.npz", model))
    model.watch(Black(), on_step=on_step).run()
    decode = movistream.DecodeOptions("fast", threads=1)
    sources = movistream.SourceOptions(timeout_s=2, decode=decode)
    with movistream.open_source("clip.mp4", sources) as source:
        print(next(iter(source)).time_s)
    both = movistream.Ensemble([model, model])
    for step in both.watch("clip.mp4"):
        print(step)
    options = movistream.WatchOptions(
        events=movistream.EventOptions(),
        scores=movistream.ScoreOptions(allow=["a"]),
        resets=movistream.ResetOptions(gap_s=5),
    )
    with movistream.StreamPool(model, ["a.mp4", "b.mp4"], options) as pool:
        for item in pool:
            if isinstance(item, movistream.Ended) and item.error:
                print(item.error, item.to_dict())
            elif isinstance(item, movistream.Seen):
                print(item.event.label)
try:
    movistream.load("x", labels="names.txt")
except movistream.LabelsError as error:
    print(error)
except (movistream.ModelError, movistream.EngineError, movistream.VideoError):
    pass
