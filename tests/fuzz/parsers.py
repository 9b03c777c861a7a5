"""Every parser of files and texts from outside, as a function of bytes.

Each may raise a MovistreamError, and nothing else. What is read by native code of other projects
(HDF5, TensorFlow's tables) is built from the bytes with that code, so that it is our reading of odd
but valid content that is tried; the commands read such files in a child process.
"""

from __future__ import annotations

import io
import json
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import msgspec
import numpy as np

from movistream.errors import MovistreamError
from tests.fuzz.tree import seal

Parse = Callable[[bytes], None]

_SHAPES: tuple[tuple[int, ...], ...] = (
    (),
    (0,),
    (1,),
    (8,),
    (16,),
    (3, 3, 3, 8),
    (1, 3, 3, 3, 8),
    (1, 1, 8, 16),
    (8, 1),
    (5, 5, 16, 1),
    (2, 2, 2, 2, 2, 2),
    (1_000_000, 1),
)
_LAYERS: tuple[tuple[dict[str, Any], ...], ...] = (
    (
        {"layer": "convolution", "filters": 4, "kernel": [2, 3, 3], "padding": [1, 1, 1, 1]},
        {"layer": "batch_normalization"},
        {"layer": "pool", "kind": "max", "size": [2, 2]},
        {"layer": "delay", "frames": 2},
        {"layer": "spatial_mean"},
        {"layer": "dense", "units": 2},
    ),
    (
        {"layer": "spatial_mean"},
        {"layer": "temporal_mean", "horizon_frames": 9},
        {"layer": "slice", "start": 0, "stop": 2},
        {"layer": "previous", "shape": [1, 1, 2]},
        {"layer": "positional_encoding"},
        {"layer": "window_mean", "frames": 3},
    ),
)
_TYPES = ("float32", "float16", "float64", "int32", "int8", "bool", "complex64")


@dataclass(frozen=True)
class Parser:
    """One parser.

    Attributes:
        name: of the target.
        prepare: imports what it takes, and returns it.
        examples: inputs to begin with.
        modules: of ours, whose branches the fuzzer follows.
    """

    name: str
    prepare: Callable[[Path], Parse]
    examples: Callable[[], Iterator[bytes]]
    modules: tuple[str, ...]


def _file(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def _only_ours(parse: Parse) -> Parse:
    def parsed(data: bytes) -> None:
        with suppress(MovistreamError):
            parse(data)

    return parsed


def _model_file(folder: Path) -> Parse:
    from movistream.file.binding import bind
    from movistream.file.graph import read_model_file

    def parse(data: bytes) -> None:
        data = seal(data)
        bind(read_model_file(data, "m.tflite"), data, "m.tflite")

    return parse


def _manifest(folder: Path) -> Parse:
    from movistream.file.manifest import decode

    return lambda data: _ignored(decode(data))


def _state(folder: Path) -> Parse:
    from movistream.stream.snapshot_file import read_snapshot

    return lambda data: _ignored(read_snapshot(_file(folder, "state.npz", data)))


def _weights(folder: Path) -> Parse:
    from movistream_converters.formats.safetensors_file import read, sniff

    def parse(data: bytes) -> None:
        path = _file(folder, "w.safetensors", data)
        sniff(path)
        read(path)

    return parse


def _described_weights(folder: Path) -> Parse:
    """The same with a file that is whole: the bytes are what it says of its network."""
    from safetensors.numpy import save

    from movistream_converters.formats.safetensors_file import read

    arrays = {"stem.conv.kernel": np.zeros((1, 3, 3, 3, 8), np.float32)}

    def parse(data: bytes) -> None:
        metadata = {"movistream.checkpoint": data.decode(errors="replace")}
        read(_file(folder, "w.safetensors", save(arrays, metadata)))

    return parse


def _arrays(data: bytes, names: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Arrays of some names, shapes and types: three bytes choose each."""
    found: dict[str, np.ndarray] = {}
    for start in range(0, min(len(data), 600) - 2, 3):
        name, shape, kind = data[start : start + 3]
        chosen = names[name % len(names)]
        if name >= 250:
            chosen = data[start : start + 40].decode("latin-1").replace("\0", "?").strip("/.")
        array = np.zeros(_SHAPES[shape % len(_SHAPES)], _TYPES[kind % len(_TYPES)])
        found[chosen or "x"] = array
    return found


def _pytorch(folder: Path) -> Parse:
    from safetensors.numpy import save

    from movistream_converters.formats.pytorch import read, sniff

    names = (
        "conv1.conv_1.conv2d.weight",
        "conv1.conv_1.conv3d.weight",
        "model.conv1.conv_1.conv2d.weight",
        "conv1.conv_1.norm.running_mean",
        "blocks.b0_l0.expand.conv_1.conv2d.weight",
        "blocks.b0_l0.deep.conv_1.conv2d.weight",
        "blocks.b0_l0.deep.conv_2.conv2d.weight",
        "blocks.b1_l0.se.fc1.conv_1.conv2d.bias",
        "blocks.b0_l0.alpha",
        "blocks.b99_l99.alpha",
        "blocks.b0_l0.res.0.conv_1.norm.num_batches_tracked",
        "conv7.conv_1.conv2d.weight",
        "classifier.0.conv_1.conv3d.weight",
        "classifier.3.conv_1.conv3d.bias",
    )

    def parse(data: bytes) -> None:
        if data[:1] == b"{":
            path = _file(folder, "p.safetensors", len(data).to_bytes(8, "little") + data)
        else:
            kept = {n: a for n, a in _arrays(data, names).items() if a.dtype != "complex64"}
            path = _file(folder, "p.safetensors", save(kept))
        if sniff(path):
            read(path)

    return parse


def _keras(folder: Path) -> Parse:
    import h5py

    from movistream_converters.formats.keras_file import read, sniff

    names = (
        "stem/stem/conv3d/conv/kernel:0",
        "movinet/stem/conv2d/conv2d/kernel:0",
        "movinet/stem/conv2d/bn/gamma:0",
        "movinet/block0_layer0/bneck/expansion/conv2d/conv2d/kernel:0",
        "movinet/block0_layer0/bneck/feature/conv2d/depthwise_conv2d/depthwise_kernel:0",
        "movinet/block0_layer0/scale:0",
        "classifier_head/head/conv2d/conv2d/kernel:0",
        "classifier_head/classifier/conv2d/conv2d/bias:0",
        "layers/stem/_stem/_conv/vars/0",
        "layers/movinet_block_3/_expansion_layer/_conv/_conv/vars/0",
        "layers/movinet_block/_mobile_bottleneck/_rezero/vars/9",
    )

    def parse(data: bytes) -> None:
        description, _, rest = data.partition(b"\0")
        with io.BytesIO() as buffer:
            with h5py.File(buffer, "w") as file:
                file.attrs["model_config"] = description.decode(errors="replace").strip("\0")
                for name, array in _arrays(rest, names).items():
                    try:
                        file[name] = array
                    except (ValueError, OSError, RuntimeError, KeyError, TypeError):
                        continue  # One of the names is a folder already.
            path = _file(folder, "k.h5", buffer.getvalue())
        assert sniff(path)
        read(path)

    return parse


def _tflite_source(folder: Path) -> Parse:
    from movistream_converters.formats.tflite.reader import read

    return lambda data: _ignored(read(_file(folder, "m.tflite", seal(data))))


class _Reader:
    """In place of TensorFlow's reader of checkpoints."""

    def __init__(self, arrays: Mapping[str, np.ndarray], objects: bytes = b"") -> None:
        self._arrays = arrays
        self._objects = objects

    def get_tensor(self, key: str) -> Any:
        return self._objects if key == "_CHECKPOINTABLE_OBJECT_GRAPH" else self._arrays[key]

    def get_variable_to_shape_map(self) -> dict[str, tuple[int, ...]]:
        return {name: array.shape for name, array in self._arrays.items()}


_VARIABLES = (
    "model/layer_with_weights-0/layer_with_weights-0/_stem/_conv/_conv/kernel",
    "model/layer_with_weights-0/layer_with_weights-0/_stem/_batch_norm/gamma",
    "model/layer_with_weights-0/layer_with_weights-1/_expansion/_conv/_conv/kernel",
    "model/layer_with_weights-0/layer_with_weights-1/_feature/_conv_temporal/_conv/kernel",
    "model/layer_with_weights-0/layer_with_weights-99999999999/_project/_conv/_conv/kernel",
    "model/layer_with_weights-1/_head/_conv/_conv/kernel",
    "other/layer_with_weights-0/_head/_conv/_conv/kernel",
    "model/layer_with_weights-1/_classifier/_conv/_conv/bias",
    "optimizer/x/.OPTIMIZER_SLOT/y",
)


def _checkpoint(folder: Path) -> Parse:
    import tensorflow as tf

    from movistream_converters.formats.model_garden.checkpoint import read

    def parse(data: bytes) -> None:
        arrays = {
            f"{n}/.ATTRIBUTES/VARIABLE_VALUE": a for n, a in _arrays(data, _VARIABLES).items()
        }
        with patch.object(tf.train, "load_checkpoint", lambda prefix: _Reader(arrays)):
            read(_file(folder, "ckpt-1.index", b""))

    return parse


def _saved_model(folder: Path) -> Parse:
    import tensorflow as tf

    from movistream_converters.formats.saved_model import read

    def parse(data: bytes) -> None:
        graph, _, rest = data.partition(b"\xff\xff")
        objects, _, chosen = rest.partition(b"\xff\xff")
        reader = _Reader(_arrays(chosen, ("a", "b", "c")), objects)
        _file(folder, "saved_model.pb", graph)
        with patch.object(tf.train, "load_checkpoint", lambda prefix: reader):
            read(folder)

    return parse


def _picture(folder: Path) -> Parse:
    from movistream.sources.pictures import read_image

    return lambda data: _ignored(read_image(_file(folder, "picture.png", data)))


def _video(folder: Path) -> Parse:
    from movistream.sources.video_file import VideoFile

    def parse(data: bytes) -> None:
        with VideoFile(_file(folder, "video.avi", data)) as video:
            for _, frame in zip(range(3), video, strict=False):
                frame.decode()

    return parse


def _address(folder: Path) -> Parse:
    from movistream.sources.address import (
        is_address,
        is_like_an_address,
        public_name,
        short_name,
        without_addresses,
    )

    def parse(data: bytes) -> None:
        text = data.decode(errors="replace")
        is_address(text)
        name = public_name(text)
        assert is_like_an_address(text) or name == text
        short_name(text)
        without_addresses(text, [text])
        secret = "hunter2secret"
        for address in (f"rtsp://{text}:{secret}@host/", f"rtsp://u:{secret}@{text}"):
            assert secret not in public_name(address), address

    return parse


def _labels(folder: Path) -> Parse:
    from movistream.file.labels import read_labels

    return lambda data: _ignored(read_labels(_file(folder, "labels.txt", data)))


def _table_footer(folder: Path) -> Parse:
    """As what is done with the footer of an archive's shard, whatever pyarrow found it in."""
    from movistream.archive.folder import Archive, Written, check_run, standing
    from movistream.archive.plan import Video
    from movistream.archive.status import status_of
    from movistream.archive.store import LocalStore
    from movistream.parquet.footer import decoded, run_of

    def parse(data: bytes) -> None:
        footer = decoded(data)
        if footer is not None:
            archive = Archive((Written("shard-a-1.parquet", footer),), ())
            _ignored((status_of(archive), standing(archive, footer.run, [Video("a", "1-1")])))
            check_run(archive, LocalStore(folder), run_of({"model": "a"}))

    return parse


def _table_footers() -> Iterator[bytes]:
    from movistream.parquet.footer import Footer, Run, VideoOutcome, encoded
    from movistream.parquet.schema import VERSION

    for status in ("done", "error"):
        video = VideoOutcome("a", "1-2", status, None, 1, 3, 2.5, 1.0)
        yield encoded(Footer(VERSION, Run("a", {"model": "b", "fps": 5}), (video, video)))


def _table(folder: Path) -> Parse:
    from movistream_training.examples import find_examples

    return lambda data: _ignored(find_examples(_file(folder, "data.csv", data)))


def _annotations(folder: Path) -> Parse:
    """Of any format, by the first byte; behind a zero stands what names the classes."""
    from movistream_training.annotations.published import Options
    from movistream_training.annotations.registry import FORMATS, read_annotations
    from movistream_training.recordings.table_file import write_table

    _file(folder, "a.mp4", b"")

    def parse(data: bytes) -> None:
        form = sorted(FORMATS)[(data[0] if data else 0) % len(FORMATS)]
        text, _, names = data[1:].partition(b"\0")
        path = _file(folder, "annotations", text)
        classes = _file(folder, "classes", names) if names else None
        found = read_annotations(form, path, folder, Options(classes), skip_bad=len(data) % 2 == 0)
        write_table(found.recordings, folder / "table.csv", one_label=FORMATS[form].one_label)

    return parse


def _block_table(folder: Path) -> Parse:
    from movistream_converters.formats.network_file import untrained_source

    return lambda data: _ignored(untrained_source(str(_file(folder, "arch.txt", data))))


def _search_space(folder: Path) -> Parse:
    from movistream_training.search.space import read_space

    return lambda data: _ignored(read_space(_file(folder, "space.toml", data)))


def _requests(folder: Path) -> Parse:
    from movistream.serve import schema

    def parse(data: bytes) -> None:
        for kind in (schema.Settings, schema.Acknowledgement):
            try:
                msgspec.json.decode(data, type=kind)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                continue  # As the server has it.

    return parse


def _finished_result(folder: Path) -> Parse:
    from movistream.cli.archive import Job, is_finished

    video = _file(folder, "video.mp4", b"x")
    return lambda data: _ignored(is_finished(Job(video, _file(folder, "r.jsonl", data)), {}))


def _run_settings(folder: Path) -> Parse:
    from movistream_training.run_folder import RunFolder, _read_settings

    run = RunFolder(folder)

    def parse(data: bytes) -> None:
        run.settings.write_bytes(data)
        _read_settings(run)

    return parse


def _ignored(result: object) -> None:
    """What a parser has found does not matter here."""


def _no_examples() -> Iterator[bytes]:
    yield b""


def _files() -> Iterator[bytes]:
    from tests.fuzz.seeds import read_seeds

    yield from (data for data in read_seeds().values() if len(data) < 30_000)


def _manifests() -> Iterator[bytes]:
    from tests.fuzz.seeds import read_seeds
    from tests.fuzz.tree import taken_apart

    for name, data in read_seeds().items():
        described = taken_apart(data).manifest if name.startswith("network-ours") else None
        if described is not None:
            yield json.dumps(described).encode()


def _states() -> Iterator[bytes]:
    from movistream.stream.model import Snapshot
    from movistream.stream.snapshot_file import write_snapshot

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "s.npz"
        tensors = {"a": np.zeros((1, 3), np.float32), "b": np.ones((1, 2), np.int8)}
        write_snapshot(Snapshot("0" * 64, 3, tensors), path)
        yield path.read_bytes()


def _descriptions() -> Iterator[bytes]:
    from movistream_converters.formats.safetensors_file import Header, OldHeader
    from movistream_converters.ir.document import encode_network
    from movistream_converters.networks.movinet import build_movinet, default_options

    options = default_options("t0")
    yield msgspec.json.encode(OldHeader(options, (), "x", "keras"))
    movinet = msgspec.Raw(encode_network(build_movinet(default_options("n0"))))
    yield msgspec.json.encode(Header(movinet, "x", "keras", (), 5.0, default_options("n0")))
    for layers in _LAYERS:
        nodes = [{"name": "image", "layer": {"layer": "image"}}]
        for index, layer in enumerate(layers):
            nodes.append({"name": f"n{index}", "layer": layer, "inputs": [nodes[-1]["name"]]})
        network = {"name": "n", "image_size": [8, 8], "nodes": nodes}
        document = msgspec.Raw(json.dumps({"version": 1, "network": network}).encode())
        yield msgspec.json.encode(Header(document, "x", "movistream"))


def _safetensors() -> Iterator[bytes]:
    from safetensors.numpy import save

    metadata = {"movistream.checkpoint": next(_descriptions()).decode()}
    yield save({"stem.conv.kernel": np.zeros((1, 3, 3, 3, 8), np.float32)}, metadata)


def _array_choices() -> Iterator[bytes]:
    yield bytes(range(60))
    yield b'{"config":{"backbone":{"config":{"activation":"swish","causal":true}}}}\0' + bytes(30)
    yield b'{"conv1.conv_1.conv2d.weight":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'


def _graphs() -> Iterator[bytes]:
    # A SavedModel with one graph, empty; then a graph of objects with one node.
    yield b"\x12\x00" + b"\xff\xff" + b"\x0a\x00" + b"\xff\xff" + bytes(9)


def _pictures() -> Iterator[bytes]:
    from PIL import Image

    for kind in ("PNG", "JPEG", "BMP", "GIF"):
        with io.BytesIO() as buffer:
            Image.new("RGB", (4, 3), "red").save(buffer, kind)
            yield buffer.getvalue()


def _videos() -> Iterator[bytes]:
    import cv2

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "v.avi"
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 5, (16, 16))
        for value in (0, 128):
            writer.write(np.full((16, 16, 3), value, np.uint8))
        writer.release()
        yield path.read_bytes()


def _addresses() -> Iterator[bytes]:
    yield from (b"rtsp://u:p@host:554/a?b=c", b"http://[::1]:80/", b"admin:x@y", b"/dev/video0")


def _tables() -> Iterator[bytes]:
    yield b"path,label,start,end,split\na.mp4,x,0,1,training\nb.mp4,y,,,validation\n"


def _annotated() -> Iterator[bytes]:
    """Each format's, in the order of their names."""
    video = b'{"subset":"test","annotations":[{"label":"x","segment":[1,2.5]}]}'
    yield b'\0{"database":{"a":' + video + b"}}\0x\n"
    yield b"\1a,902,0,0,1,1,3,0\na,903\n" + b'\0label { name: "x" label_id: 3 }'
    yield b"\2id,actions\na,c001 1.0 2.0;c000 0 9\n" + b"\0c000 x\nc001 y\n"
    yield b"\3label,youtube_id,time_start,time_end,split\nx,a,0,10,val\n"
    yield b"\4a.mp4,x,3,1\n\0x,0\n"


def _block_tables() -> Iterator[bytes]:
    from movistream_converters.formats.movinet_table import table_text
    from movistream_converters.networks.movinet import ARCHITECTURES

    yield table_text(ARCHITECTURES["n0"]).encode()
    yield table_text(ARCHITECTURES["a3"]).encode()


def _search_spaces() -> Iterator[bytes]:
    import movistream_training.search

    folder = Path(movistream_training.search.__file__).parent / "spaces"
    yield from (path.read_bytes() for path in sorted(folder.glob("*.toml")))


def _bodies() -> Iterator[bytes]:
    yield b'{"enter":0.5,"leave":0.3,"smoothing_s":0,"horizon_s":null,"allow":["x"]}'
    yield b'{"shown":3}'


def _results() -> Iterator[bytes]:
    yield b'{"run":{},"sha256":"x"}\n{"end":{"steps":3}}\n'


PARSERS = {
    parser.name: parser
    for parser in (
        Parser("model-file", _model_file, _files, ("movistream",)),
        Parser("manifest", _manifest, _manifests, ("movistream",)),
        Parser("saved-state", _state, _states, ("movistream", "zipfile")),
        Parser("weights-file", _weights, _safetensors, ("movistream_converters",)),
        Parser("weights-header", _described_weights, _descriptions, ("movistream_converters",)),
        Parser("pytorch", _pytorch, _array_choices, ("movistream_converters",)),
        Parser("keras", _keras, _array_choices, ("movistream_converters",)),
        Parser("tflite-source", _tflite_source, _files, ("movistream_converters",)),
        Parser("checkpoint", _checkpoint, _array_choices, ("movistream_converters",)),
        Parser("saved-model", _saved_model, _graphs, ("movistream_converters",)),
        Parser("picture", _picture, _pictures, ("movistream", "PIL")),
        Parser("video", _video, _videos, ("movistream",)),
        Parser("address", _address, _addresses, ("movistream", "urllib")),
        Parser("labels", _labels, _tables, ("movistream",)),
        Parser("data-table", _table, _tables, ("movistream_training", "csv")),
        Parser("annotations", _annotations, _annotated, ("movistream_training", "csv", "json")),
        Parser("block-table", _block_table, _block_tables, ("movistream_converters", "tomllib")),
        Parser("search-space", _search_space, _search_spaces, ("movistream_training", "tomllib")),
        Parser("requests", _requests, _bodies, ("movistream",)),
        Parser("finished-result", _finished_result, _results, ("movistream",)),
        Parser("table-footer", _table_footer, _table_footers, ("movistream",)),
        Parser("run-settings", _run_settings, _bodies, ("movistream_training",)),
    )
}


def prepared(parser: Parser, folder: Path) -> Parse:
    """A parser that is ready, and lets only foreign errors out."""
    return _only_ours(parser.prepare(folder))
