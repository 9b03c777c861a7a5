"""Which model files need no trial: those that were converted here, and those that have passed one.

Nor do those that come with this package: their digests are in its code (:mod:`.file.names`).

An edited file can be sealed again, so neither a manifest nor its digest says who made a file. What
this machine knows of one is a *verdict*: an empty file in the user's cache whose name is an
HMAC-SHA-256 of the model's fingerprint and of how it is run, under a key that only this user can
read. Nobody else can make such a name, and there is nothing in a verdict to be read wrong.

Without a place for the key nothing is remembered, and each load tries the file again.
"""

from __future__ import annotations

import hmac
import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path

from movistream.file.names import BUILT_IN_DIGESTS
from movistream.system.leftovers import temporary_file
from movistream.system.portable import READ_FLAGS, is_private
from movistream.system.user_folders import cache_folder, config_folder

CONVERTED_HERE = "converted here"
"""How a file is run of which we chose every operator: any way."""
_KEY_BYTES = 32


def is_known(fingerprint: str, how: str) -> bool:
    """Whether a model may be run in this process without a trial.

    Args:
        fingerprint: of the model's content, see :attr:`.model.Model.fingerprint`.
        how: all that a trial's outcome depends on besides, such as the engine and its version.
    """
    if fingerprint in BUILT_IN_DIGESTS.values():
        return True
    key = _read_key()
    if key is None:
        return False
    verdicts = (_verdict(key, fingerprint, kind) for kind in (CONVERTED_HERE, how))
    return any(verdict is not None and verdict.is_file() for verdict in verdicts)


def remember(fingerprint: str, how: str) -> bool:
    """Writes down a good verdict; returns whether this user has a place for it."""
    key = _read_key() or _make_key()
    verdict = None if key is None else _verdict(key, fingerprint, how)
    if verdict is not None:
        with suppress(OSError):
            verdict.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            verdict.touch(mode=0o600)
            return True
    return False


def _verdict(key: bytes, fingerprint: str, how: str) -> Path | None:
    folder = cache_folder()
    message = f"{fingerprint}\n{how}".encode()
    return (
        None if folder is None else folder / "verdicts" / hmac.digest(key, message, "sha256").hex()
    )


def _key_path() -> Path | None:
    folder = config_folder()
    return None if folder is None else folder / "key"


def _read_key() -> bytes | None:
    """The key, if there is one that nobody else can read or have written."""
    path = _key_path()
    if path is None:
        return None
    try:
        descriptor = os.open(path, READ_FLAGS)
    except OSError:
        return None
    try:
        about = os.fstat(descriptor)
        is_key = stat.S_ISREG(about.st_mode) and about.st_size == _KEY_BYTES
        return os.read(descriptor, _KEY_BYTES) if is_private(about) and is_key else None
    finally:
        os.close(descriptor)


def _make_key() -> bytes | None:
    """A new key in place of what is there, which is none; verdicts under an older one are void."""
    path = _key_path()
    if path is None:
        return None
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Only this user can read it from the start on.
        with temporary_file(path.parent, path.name) as part:
            os.write(part.descriptor, secrets.token_bytes(_KEY_BYTES))
            part.become(path)
    except OSError:
        return None
    return _read_key()
