"""Xet, the Hub's newer way of storing large files, beside the stand-in, with the real `hf_xet` on the other side.

`hf_xet` takes a folder as its storage if the Hub names `local://FOLDER`. What it leaves there says which of its own
hashes belongs to which SHA-256, and that is what a Hub needs to know.
"""

from __future__ import annotations

import hashlib
import struct
from pathlib import Path

import hf_xet

RECORD = 48  # bytes of each part of a shard file
END = b"\xff" * 32


class Xet:
    """A storage in a folder, which must exist for as long as this process: `hf_xet` keeps its connection to it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = f"local://{folder}"
        self.names: dict[str, str] = {}  # SHA-256 to Xet's hash

    def arrived(self) -> dict[str, bytes]:
        """What has been uploaded since the last call, by SHA-256."""
        found = {}
        for path in self.folder.glob("xet/xorbs/shards/*.mdb"):
            for name, size, sha256 in _files_of(path.read_bytes()):
                if sha256 not in self.names:
                    group = hf_xet.XetSession().new_download_stream_group(endpoint=self.url)
                    data = b"".join(group.download_stream(hf_xet.XetFileInfo(name, size)))
                    assert hashlib.sha256(data).hexdigest() == sha256
                    found[sha256], self.names[sha256] = data, name
        return found

    def headers(self, sha256: str, token_url: str) -> dict[str, str]:
        """What the Hub adds to an answer about a file that Xet knows."""
        if sha256 not in self.names:
            return {}
        return {"X-Xet-Hash": self.names[sha256], "Link": f'<{token_url}>; rel="xet-auth"'}


def _files_of(shard: bytes) -> list[tuple[str, int, str]]:
    """Xet's hash, the size and the SHA-256 of each file in a shard."""
    found, at = [], RECORD
    while shard[at : at + 32] != END:
        name = _hex(shard[at : at + 32])
        flags, parts = struct.unpack_from("<II", shard, at + 32)
        size = sum(struct.unpack_from("<I", shard, at + RECORD * (part + 1) + 36)[0] for part in range(parts))
        at += RECORD * (1 + parts * (2 if flags >> 31 else 1))
        if flags >> 30 & 1:
            found.append((name, size, _hex(shard[at : at + 32])))
            at += RECORD
    return found


def _hex(digest: bytes) -> str:
    return "".join(digest[at : at + 8][::-1].hex() for at in range(0, 32, 8))  # four little-endian words
