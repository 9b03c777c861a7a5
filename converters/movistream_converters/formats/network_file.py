"""Networks without weights: a file of one's own, a table of blocks, or a name."""

from __future__ import annotations

from pathlib import Path

from movistream.system.output import replaced_when_done
from movistream.system.text import printable
from movistream_converters.errors import ConversionError
from movistream_converters.formats.described import read_document
from movistream_converters.formats.movinet_options import movinet_source
from movistream_converters.formats.movinet_table import is_table, read_table
from movistream_converters.formats.recognition import architecture_key
from movistream_converters.formats.source import Source
from movistream_converters.ir.document import MOST_DOCUMENT_BYTES, encode_network
from movistream_converters.ir.network import Network, NetworkError
from movistream_converters.networks.movinet import CUSTOM, default_options


def write_network(network: Network, path: Path | str) -> None:
    """Writes a network's document (docs/network.md), which ``train --arch`` reads.

    Args:
        path: of the file, which is called ``NAME.json``; an existing one is replaced.

    Raises:
        ConversionError: if the file is called otherwise.
        OutputError: if it cannot be written.
    """
    path = Path(path)
    if path.suffix != ".json":
        raise ConversionError(f"{path} would hold JSON: call it {path.with_suffix('.json')}")
    with replaced_when_done(path) as part:
        part.write_bytes(encode_network(network))


def read_network(path: Path | str) -> Network:
    """Reads what :func:`write_network` wrote.

    Raises:
        ConversionError: if it cannot be read, or describes no network.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            data = file.read(MOST_DOCUMENT_BYTES + 1)
    except OSError as error:
        raise ConversionError(f"cannot read {path}: {error.strerror}") from None
    return read_document(path, data)


def untrained_source(architecture: str) -> Source:
    """A network to train from nothing.

    Args:
        architecture: ``a0`` or ``movinet-a0-stream`` and the like; a table of blocks, ``FILE.toml``
            or ``FILE.txt`` (docs/convert.md); or any network, ``FILE.json``.

    Raises:
        ConversionError: if there is none of that name, or the file describes none.
    """
    path = Path(architecture)
    if path.suffix == ".json":
        return Source(read_network(path), {}, name=path.name)
    if is_table(architecture):
        options = default_options(CUSTOM, table=read_table(path))
        try:
            return movinet_source(options, {})
        except NetworkError as error:
            raise ConversionError(f"{path} describes no network: {printable(str(error))}") from None
    return movinet_source(default_options(architecture_key(architecture)), {})
