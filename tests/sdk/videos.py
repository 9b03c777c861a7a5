"""Videos that tests make, and servers that play them on this machine."""

from __future__ import annotations

import socket
import socketserver
import struct
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image

WIDTH, HEIGHT = 96, 64


def numbered_picture(number: int, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """A picture whose colour tells its number, 0 to 63, through lossy codecs."""
    picture = np.empty((height, width, 3), np.uint8)
    picture[:] = (number % 4 * 64 + 32, number // 4 % 4 * 64 + 32, number // 16 * 64 + 32)
    return picture


def number_of(picture: np.ndarray) -> int:
    """The number of a picture that was shown."""
    red, green, blue = (int(value) // 64 for value in picture.mean(axis=(0, 1)))
    return red + 4 * green + 16 * blue


def write_timed_video(path: Path, times_ms: Sequence[int], **size: int) -> None:
    """Numbered pictures, each shown from its time on."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30, options={"crf": "12", "g": "4"})
        stream.width, stream.height = size.get("width", WIDTH), size.get("height", HEIGHT)
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        for number, time_ms in enumerate(times_ms):
            picture = numbered_picture(number % 64, stream.width, stream.height)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = time_ms, Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def write_tracks(path: Path, sizes: Sequence[tuple[int, int]], seconds: float = 1.0) -> None:
    """One video a size (width, height), 20 frames per second, in one file."""
    with av.open(str(path), "w") as container:
        streams = []
        for width, height in sizes:
            stream = container.add_stream("libx264", rate=20, options={"g": "4"})
            stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
            streams.append(stream)
        for number in range(round(20 * seconds)):
            for stream in streams:
                picture = numbered_picture(number % 64, stream.width, stream.height)
                frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
                container.mux(stream.encode(frame))
        for stream in streams:
            container.mux(stream.encode(None))


def turned(video: bytes, quarters: int) -> bytes:
    """An .mp4 that says it has to be turned clockwise by quarters to be upright."""
    matrices = {
        0: (1, 0, 0, 1),
        1: (0, 1, -1, 0),
        2: (-1, 0, 0, -1),
        3: (0, -1, 1, 0),
    }
    a, b, c, d = (value * 0x10000 for value in matrices[quarters])
    changed = bytearray(video)
    header = video.index(b"tkhd")
    offset = header + 4 + 4 + (32 if video[header + 4] else 20) + 16
    changed[offset : offset + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 0x40000000)
    return bytes(changed)


class MjpegServer:
    """A camera as many sell it: endless JPEG pictures by HTTP, at a steady rate.

    Attributes:
        url: of the stream.
    """

    def __init__(self, port: int = 0, frames_per_second: float = 20) -> None:
        period_s = 1 / frames_per_second
        self._stopping = threading.Event()
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
                self.end_headers()
                number = 0
                try:
                    while not server._stopping.wait(period_s):
                        data = _jpeg(numbered_picture(number % 64))
                        head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(data)}"
                        self.wfile.write(head.encode() + b"\r\n\r\n" + data + b"\r\n")
                        number += 1
                except OSError:
                    pass

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/stream"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def close(self) -> None:
        """Breaks all connections and takes none any more."""
        self._stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> MjpegServer:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()


def _jpeg(picture: np.ndarray) -> bytes:
    data = BytesIO()
    Image.fromarray(picture).save(data, "JPEG", quality=90)
    return data.getvalue()


class RtspServer:
    """A small RTSP server (RFC 2326) that sends one H.264 video in a loop over TCP.

    Each client gets RTP packets of its own (RFC 6184, single units and FU-A fragments).
    """

    def __init__(
        self,
        port: int = 0,
        frames_per_second: float = 15,
        pictures: int = 60,
        stalls_after: int = 1_000_000,
    ) -> None:
        """Listens; each client gets so many pictures, then silence."""
        self._stalls_after = stalls_after
        self._units = _encoded(pictures)
        period_s = 1 / frames_per_second
        self._stopping = threading.Event()
        server = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                with suppress(OSError):
                    self._talk()

            def _talk(self) -> None:
                while request := self.rfile.readline().decode():
                    method = request.split(" ")[0]
                    headers = {}
                    while line := self.rfile.readline().decode().strip():
                        name, _, value = line.partition(":")
                        headers[name.lower()] = value.strip()
                    self._answer(method, headers.get("cseq", "0"))
                    if method == "PLAY":
                        server._play(self.wfile, period_s)
                        return

            def _answer(self, method: str, number: str) -> None:
                extra, body = "", ""
                if method == "OPTIONS":
                    extra = "Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN\r\n"
                elif method == "DESCRIBE":
                    body = (
                        "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=test\r\nt=0 0\r\n"
                        "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
                        "a=fmtp:96 packetization-mode=1\r\na=control:track\r\n"
                    )
                    extra = f"Content-Type: application/sdp\r\nContent-Length: {len(body)}\r\n"
                elif method == "SETUP":
                    extra = "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\nSession: 1\r\n"
                elif method == "PLAY":
                    extra = "Session: 1\r\n"
                self.wfile.write(f"RTSP/1.0 200 OK\r\nCSeq: {number}\r\n{extra}\r\n{body}".encode())

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True
            block_on_close = False

        self._server = Server(("127.0.0.1", port), Handler)
        self.port = self._server.server_address[1]
        self.url = f"rtsp://127.0.0.1:{self.port}/stream"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def _play(self, file: Any, period_s: float) -> None:
        sequence = 0
        start = time.monotonic()
        for number in range(self._stalls_after):
            units = self._units[number % len(self._units)]
            for place, unit in enumerate(units):
                for packet in _rtp_payloads(unit):
                    last = place == len(units) - 1 and packet[1]
                    header = struct.pack(
                        ">BBHII", 0x80, 96 | (0x80 if last else 0), sequence & 0xFFFF,
                        int(number * period_s * 90_000) & 0xFFFFFFFF, 7,
                    )  # fmt: skip
                    data = header + packet[0]
                    file.write(struct.pack(">cBH", b"$", 0, len(data)) + data)
                    sequence += 1
            if self._stopping.wait(max(0.0, start + (number + 1) * period_s - time.monotonic())):
                return
        self._stopping.wait()

    def close(self) -> None:
        """Breaks all connections and takes none any more."""
        self._stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> RtspServer:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()


def _encoded(pictures: int) -> list[list[bytes]]:
    """Each picture's H.264 units, without start codes."""
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    encoder.time_base = Fraction(1, 15)
    encoder.options = {"tune": "zerolatency", "g": "5", "crf": "12"}
    found = []
    for number in range(pictures):
        picture = av.VideoFrame.from_ndarray(numbered_picture(number), format="rgb24")
        picture.pts = number
        data = b"".join(bytes(packet) for packet in encoder.encode(picture))
        units = data.replace(b"\0\0\0\1", b"\0\0\1").split(b"\0\0\1")
        found.append([unit for unit in units if unit])
    return found


def _rtp_payloads(unit: bytes, most: int = 1400) -> Iterator[tuple[bytes, bool]]:
    """A unit in packets, and whether each is the last of it."""
    if len(unit) <= most:
        yield unit, True
        return
    kind, body = unit[0], unit[1:]
    for start in range(0, len(body), most):
        last = start + most >= len(body)
        flags = (0x80 if not start else 0) | (0x40 if last else 0) | (kind & 0x1F)
        yield bytes([(kind & 0xE0) | 28, flags]) + body[start : start + most], last


@contextmanager
def free_port() -> Iterator[int]:
    """A port of this machine that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    yield port
