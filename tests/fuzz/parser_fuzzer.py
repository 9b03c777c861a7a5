"""``python -m tests.fuzz.parser_fuzzer NAME FOLDER …``: one parser under atheris (libFuzzer)."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

NO_ATHERIS = 3
"""Exit code where atheris is not installed."""


def main(name: str, folder: Path, *options: str) -> int:
    """Fuzzes a parser until libFuzzer's options say stop; what it finds goes to the folder.

    Files among the options are inputs to try alone.
    """
    if importlib.util.find_spec("atheris") is None:
        return NO_ATHERIS
    import atheris

    from tests.fuzz import parsers

    parser = parsers.PARSERS[name]
    examples = folder / "examples"
    examples.mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(parser.examples()):
        (examples / f"{number}").write_bytes(data)
    with tempfile.TemporaryDirectory(prefix="fuzz-") as work:
        # Later imports see branches only where they are told to.
        loaded = [m for m in sys.modules if m.partition(".")[0].startswith("movistream")]
        for module in loaded:
            del sys.modules[module]
        with atheris.instrument_imports(include=list(parser.modules)):
            importlib.reload(parsers)
            parse = parsers.prepared(parsers.PARSERS[name], Path(work))
        inputs = [] if any(Path(option).is_file() for option in options) else [str(examples)]
        arguments = [sys.argv[0], f"-artifact_prefix={folder}/", *options, *inputs]
        atheris.Setup(arguments, parse)
        atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2]), *sys.argv[3:]))
