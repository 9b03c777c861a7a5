"""``python -m tests.fuzz.make_corpus``: one small hostile file of each kind, for the repository.

Of some dozen files that a kind of mutation makes, the one is kept that crashes an engine which gets
it unchecked, if there is one. ``corpus/index.json`` says which seed and which number made each:
``Random(number)`` is all that a mutation draws from.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from movistream.engines import open_engine
from movistream.engines.options import EngineOptions
from movistream.errors import MovistreamError
from movistream.file.manifest import SIGNATURE_KEY
from tests.fuzz.mutation import MUTATIONS
from tests.fuzz.raw import RAW_MUTATIONS
from tests.fuzz.seeds import read_seeds
from tests.fuzz.supervisor import supervise
from tests.fuzz.tree import put_together, seal
from tests.fuzz.trial import ENGINES, STEPS
from tests.fuzz.variants import NOT_THERE, Seeds

CORPUS = Path(__file__).with_name("corpus")
_FILES_OF_A_KIND = 16
_NUMBERS = 600
_SMALL, _LARGEST = 12_000, 64_000
_KNOWN = {
    "operand-missing": (
        "add conv_2d conv_2d-int8 depthwise_conv_2d fully_connected dequantize quantize abs mean"
        " logistic-int8 concatenation reshape transpose strided_slice pad split gather"
    ),
    "operand-dropped": "conv_2d depthwise_conv_2d depthwise_conv_2d-int8 select_v2",
    "shape-with-content": "dequantize-float16 conv_2d fully_connected-int8",
    "small-constant-values": "tile pad broadcast_to strided_slice range transpose split mean-int8",
    "option": "conv_2d average_pool_2d max_pool_2d-int8 split unpack pack",
    "scale-far-from-others": "add-int8 mul-int8 conv_2d-int8 concatenation-int8 quantize-again",
    "quantization-removed": "squared_difference-int8 add-int8 softmax-int8 fully_connected-int4",
}
"""What has crashed engines more than once: kinds, and files to do them to."""


def _candidates(seeds: Seeds) -> Iterator[tuple[str, str, str, int, bytes]]:
    """(name, seed, kind, number, content)."""
    wanted = [(kind, "") for kind in (*MUTATIONS, *RAW_MUTATIONS)]
    wanted += [(kind, seed) for kind, names in _KNOWN.items() for seed in names.split()]
    for kind, given in wanted:
        found = 0
        for number in range(_NUMBERS):
            if found == _FILES_OF_A_KIND:
                break
            random = Random(number)
            seed = given or seeds.draw(random)
            data = _made(seeds, kind, seed, random)
            if data is not None and data != seeds.files[seed] and len(data) <= _LARGEST:
                found += len(data) <= _SMALL
                yield f"{kind}{'--' if given else ''}{given}", seed, kind, number, data


def _made(seeds: Seeds, kind: str, seed: str, random: Random) -> bytes | None:
    try:
        if kind in RAW_MUTATIONS:
            edited = bytearray(seeds.files[seed])
            RAW_MUTATIONS[kind](edited, random)
            return seal(bytes(edited))
        tree = seeds.tree(seed)
        MUTATIONS[kind].edit(tree, random)
        return put_together(tree)
    except NOT_THERE:
        return None


def _unchecked(path: Path) -> str:
    """What engines make of a file that nobody has looked at."""
    found: list[str] = []
    for name in ENGINES:
        try:
            _, engine = open_engine(name, path, SIGNATURE_KEY, EngineOptions(threads=1))
            inputs = [engine.create_input(name) for name in engine.input_names]
            outputs = [engine.create_output(name) for name in engine.output_names]
            for buffer in inputs:
                engine.write(buffer, np.zeros_like(engine.read(buffer)))
            for _ in range(STEPS):
                engine.run(inputs, outputs)
        except (MovistreamError, Exception) as error:
            found.append(type(error).__name__)
    return ", ".join(found)


def main() -> None:
    """Writes the corpus anew."""
    candidates = list(_candidates(Seeds(read_seeds())))
    with tempfile.TemporaryDirectory() as folder:

        def case(index: int) -> dict[str, Any]:
            path = Path(folder) / f"{index}.tflite"
            path.write_bytes(candidates[index][-1])
            found = _unchecked(path)
            path.unlink()
            return {"found": found}

        def wanted(index: int) -> bool:
            return index < len(candidates)

        best: dict[str, tuple[bool, int, int, str]] = {}
        for ending in supervise(case, start=0, workers=2, wanted=wanted):
            name, *_, data = candidates[ending.index]
            unchecked = ending.failure or (ending.report or {})["found"] or "runs"
            score = 0 if ending.failure else 1 if unchecked != "runs" else 2
            ranked = (len(data) > _SMALL, score, ending.index, unchecked)
            best[name] = min(best.get(name, ranked), ranked)
    for old in CORPUS.glob("*"):
        old.unlink()
    CORPUS.mkdir(exist_ok=True)
    index: dict[str, dict[str, Any]] = {}
    for name, (*_, place, unchecked) in sorted(best.items()):
        _, seed, kind, number, data = candidates[place]
        (CORPUS / f"{name}.tflite").write_bytes(data)
        index[name] = {"seed": seed, "mutation": kind, "number": number, "unchecked": unchecked}
    (CORPUS / "index.json").write_text(json.dumps(index, indent=1) + "\n")
    size = sum(path.stat().st_size for path in CORPUS.iterdir())
    crashes = sum(entry["unchecked"].startswith(("crash", "hang")) for entry in index.values())
    print(f"{len(index)} files, {size / 1e3:.0f} kB; {crashes} crash an engine that is not warned")


if __name__ == "__main__":
    main()
