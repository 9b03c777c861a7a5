"""Runs a model frame by frame inside the emulator, marking moments for the plugin.

Marks are NUMBER = 10 * frame + moment, with the moments below; frame 0 is for calibration.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import os
import sys

import numpy as np

MARKER = 7777
BEGIN, RUN, RAN, END = range(4)


# Through ctypes, because os.getpriority raises an exception, which costs more than the call. The
# kernel knows no such kind of priority and refuses; the plugin has seen the call by then.
_getpriority = ctypes.CDLL(None).getpriority


def mark(frame: int, moment: int) -> None:
    """Tells the plugin to note its count."""
    _getpriority(MARKER, 10 * frame + moment)


def movistream_step(path: str, arithmetic: str, engine_name: str):
    """The step as Stream._advance does it, counted from the written image to the logits."""
    import movistream.loading

    # The check in a child process cannot run here: the host cannot execute an ARM Python.
    movistream.loading.probe = lambda *_arguments: None
    model = movistream.load(path, threads=1, engine=engine_name, arithmetic=arithmetic)
    print(f"engine {model.engine}, {model.arithmetic}", file=sys.stderr)
    stream = model.stream()
    engine = model._engine
    write, run = engine.write, engine.run
    current = 0

    def marked_write(buffer, values) -> None:
        write(buffer, values)
        if current and buffer is model._image:
            mark(current, BEGIN)

    def marked_run(inputs, outputs) -> None:
        if current:
            mark(current, RUN)
        run(inputs, outputs)
        if current:
            mark(current, RAN)

    engine.write, engine.run = marked_write, marked_run

    def step(image: np.ndarray, frame: int) -> np.ndarray:
        nonlocal current
        values = stream._preprocess(image)
        current = frame
        logits = stream._advance(values)
        if frame:
            mark(frame, END)
        current = 0
        return logits

    size = model.manifest.input
    return step, (size.height, size.width)


def published_step(path: str):
    """The loop of the published samples: signature runner, outputs fed back by name."""
    from ai_edge_litert.interpreter import Interpreter

    runner = Interpreter(path, num_threads=1).get_signature_runner()
    details = runner.get_input_details()
    shape = details["image"]["shape"]
    states = {
        name: np.zeros(entry["shape"], entry["dtype"])
        for name, entry in details.items()
        if name != "image"
    }

    def step(frame_image: np.ndarray, frame: int) -> np.ndarray:
        nonlocal states
        image = (frame_image.astype(np.float32) / 255).reshape(shape)
        if frame:
            mark(frame, BEGIN)
        outputs = runner(**states, image=image)
        logits = outputs.pop("logits")
        states = outputs
        if frame:
            mark(frame, END)
        return logits

    return step, (int(shape[-3]), int(shape[-2]))


def main() -> None:
    """Steps a model, with marks around the counted frames."""
    gc.disable()  # A collection would fall into one frame of many.
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("--published", action="store_true")
    parser.add_argument("--engine", default="auto")
    parser.add_argument("--arithmetic", default="auto")
    parser.add_argument("--warm-up", type=int, default=12)
    parser.add_argument("--frames", type=int, default=5)
    arguments = parser.parse_args()
    if arguments.published:
        step, size = published_step(arguments.model)
    else:
        step, size = movistream_step(arguments.model, arguments.arithmetic, arguments.engine)
    images = np.random.default_rng(0).integers(0, 256, (8, *size, 3), np.uint8)
    for _ in range(64):  # Tell what a mark itself costs.
        mark(0, 0)
    total = arguments.warm_up + arguments.frames
    for index in range(total):
        counted = index - arguments.warm_up + 1
        logits = step(images[index % 8], max(counted, 0))
    logits = np.asarray(logits, np.float64).reshape(-1)
    print(
        f"logits: top {int(logits.argmax())}, max {logits.max():.6g}, sum {logits.sum():.6g}",
        file=sys.stderr,
        flush=True,
    )
    os._exit(0)  # Native libraries log at the exit.


if __name__ == "__main__":
    main()
