"""Prints the memory that a base MoViNet takes for one clip, in bytes, weights included.

python clip_torch.py a0 FRAMES
"""

from __future__ import annotations

import sys

import torch
from process_peak import peak_bytes_of
from torch_network import ClipNetwork

from movistream_converters.networks.movinet import build_movinet, default_options


def main() -> None:
    """Build the network and run one clip."""
    architecture, frames = sys.argv[1], int(sys.argv[2])
    torch.set_num_threads(1)
    network = build_movinet(default_options(architecture, causal=False))

    def clip() -> None:
        model = ClipNetwork(network).eval()
        with torch.inference_mode():
            model(torch.rand(1, 3, frames, *network.image_size))

    print(peak_bytes_of(clip))


if __name__ == "__main__":
    main()
