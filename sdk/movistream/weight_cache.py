"""Where packed weights are kept between processes.

Engines bring weights into the layout that the CPU wants, a copy of nearly the whole file in every
process. Kept in a file, the copy is mapped: it is made once, and processes share its pages.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from movistream.engines.identity import engine_identity
from movistream.errors import EngineError


def weight_cache_file(folder: str | os.PathLike[str], fingerprint: str) -> Path:
    """The cache of one model in a folder, which is made if it is missing.

    Its name holds all that the packed layout depends on: the model, the engine's version and the
    CPU's features. What it does not fit is never read.

    Raises:
        EngineError: if the folder cannot be made or written.
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EngineError(f"cannot keep weights in {folder}: {error.strerror}") from None
    if not os.access(folder, os.W_OK):
        raise EngineError(f"cannot keep weights in {folder}: no permission to write there")
    key = "\n".join([fingerprint, engine_identity()])
    return folder / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.xnnpack-weights"
