"""The libraries that are compared, one file each; imported only when asked for, since any may be missing."""

from __future__ import annotations

import importlib

from benchmarks.case import Peer

# name → (module, class); ours come last
PEERS = {
    "torch eager": ("benchmarks.peers.torch_peer", "TorchEager"),
    "torch.compile": ("benchmarks.peers.torch_peer", "TorchCompile"),
    "JAX": ("benchmarks.peers.jax_peer", "Jax"),
    "PyTensor": ("benchmarks.peers.pytensor_peer", "PyTensor"),
    "graphc": ("benchmarks.peers.graphc_peer", "Graphc"),
    "graphc cpp": ("benchmarks.peers.graphc_peer", "GraphcCpp"),
}
OURS = ("graphc", "graphc cpp")


def load_peer(name: str) -> Peer:
    """The peer of that name, ready to build cases. Raises ImportError where the library is missing."""
    module, attribute = PEERS[name]
    return getattr(importlib.import_module(module), attribute)()
