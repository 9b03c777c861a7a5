"""A stream on numpy and LiteRT alone, from docs/manifest.md; logits are movistream's, bit by bit.

python examples/numpy_loop.py MODEL.tflite FRAMES.npy LOGITS.npy   # uint8 RGB frames
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter


def _manifest(file: bytes) -> Any:
    model = schema.Model.GetRootAs(file)
    entries = {e.Name(): e.Buffer() for e in map(model.Metadata, range(model.MetadataLength()))}
    return json.loads(model.Buffers(entries[b"movistream.manifest"]).DataAsNumpy().tobytes())


def neighbours(size: int, target: int, scale: float) -> tuple[np.ndarray, ...]:
    """Of each row or column of the image, two of the frame, and the weight of the second."""
    place = (size - target * scale) / 2 + (np.arange(target) + 0.5) * scale - 0.5
    first = np.floor(place := np.clip(place, 0, size - 1)).astype(int)
    return first, np.minimum(first + 1, size - 1), np.float32(place - first)[:, None]


def tensor_of(frame: np.ndarray, image: dict[str, Any]) -> Any:
    """The image tensor; of a frame of its own size, all that is mixed here is a pixel and 0."""
    (height, width), int8 = image["shape"][-3:-1], image["dtype"] == "int8"
    low, high = (0, 255) if int8 else image["value_range"]
    scale = min(frame.shape[0] / height, frame.shape[1] / width)
    top, bottom, f = neighbours(frame.shape[0], height, scale)
    left, right, g = neighbours(frame.shape[1], width, scale)
    p, f, factor = frame.astype(np.float32), f[..., None], np.float32((high - low) / 255)
    rows = p[top] * ((1 - f) * factor) + p[bottom] * (f * factor)
    seen = rows[:, left] * (1 - g) + rows[:, right] * g
    seen = np.rint(seen) - 128 if int8 else seen + np.float32(low)
    return seen.astype(image["dtype"]).reshape(image["shape"])


path, frames_path, logits_path = sys.argv[1:] or sys.exit(__doc__)
about, answers = _manifest(Path(path).read_bytes()), []
assert about["schema_version"] == 1, "this file needs more of docs/manifest.md than is here"
image, states, horizon = about["input"], about["states"], about["horizon_frames"]
fresh = {s["name"]: np.full(s["shape"], s["initial"], s["dtype"]) for s in states}
tensors: dict[str, np.ndarray] = {name: fresh[s["name"]] for s in states for name in s["inputs"]}
step = Interpreter(path).get_signature_runner(about["signature"])
for index, frame in enumerate(np.load(frames_path)):
    outputs = step(**tensors, **{image["tensor"]: tensor_of(frame, image)})
    for names, output in ((s["inputs"], s["output"]) for s in states):
        values = [*(tensors[name] for name in names), outputs[output]]
        tensors |= dict(zip(names, values[1:], strict=True))  # "replace" is "shift" of one tensor.
    for name in (s["inputs"][0] for s in states if horizon and s["role"] == "clock"):
        tensors[name] = np.minimum(tensors[name], np.float32(horizon - 1))
    answers.append(outputs[about["logits"]["tensor"]][0])
    print(index, (about["labels"] or range(len(answers[-1])))[answers[-1].argmax()])
np.save(logits_path, answers)
