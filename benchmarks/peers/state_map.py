"""Writes which tensors of a step graph are its states, for runtimes that know no manifest.

python state_map.py MODEL.tflite OUTPUT.json
"""

from __future__ import annotations

import json
from pathlib import Path

import click

from movistream.file.binding import bind
from movistream.file.graph import map_file, read_model_file


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("output", type=click.Path(path_type=Path))
def main(model: Path, output: Path) -> None:
    """Write the map of MODEL, by names of its graph's tensors, to OUTPUT."""
    with map_file(model) as data:
        file = read_model_file(data, str(model))
        manifest = bind(file, data, str(model))
    signature = file.signatures[manifest.signature]
    states = [
        {
            "inputs": [signature.inputs[name].name for name in state.inputs],
            "output": signature.outputs[state.output].name,
            "shape": state.shape,
        }
        for state in manifest.states
    ]
    image = signature.inputs[manifest.input.tensor]
    logits = signature.outputs[manifest.logits.tensor]
    names = {"image": image.name, "shape": image.shape, "logits": logits.name, "states": states}
    output.write_text(json.dumps(names, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
