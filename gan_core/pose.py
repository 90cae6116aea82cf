"""A pose: everything that makes one picture, as a short text to copy, paste and put into a link.

A text is "p1_" and the URL-safe base64 of a header, the run's id, z as 16-bit multiples of 1/4096, and a CRC-32: 193
characters for a z of 64 values without a run. The text of a blend of two digits begins with "p2_" and has both in its
header. A `Pose` holds its numbers rounded to what the text can say, so that a
pose read back equals the one that was written, bit for bit. Rounding moves no value of z by more than 1/8192.

This module does without torch: a page reads poses before torch is there.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gan_core.config import Config
from gan_core.networks import CLASSES
from gan_core.sentences import UserError

VERSIONS = (1, 2)
Z_LIMIT = 32767 / 4096  # the largest value of z that a text can say, just below 8: no normal draw comes near it
MAX_Z_DIM = 512  # as the setting z_dim has it
PSI_LIMIT = 2.0
MAX_STEP = 10**9
MAX_TEXT = 2000  # characters; the longest pose, of 512 values and a long run id, has 1477
_HEADER = struct.Struct("<BHIBH")  # digit, psi in thousandths, step, length of the run id, z_dim
_BLEND = struct.Struct("<BH")  # of a blend, after the header: the other digit, its share in thousandths
_NO_DIGIT, _NO_STEP = 0xFF, 0xFFFFFFFF
_RUN = re.compile(r"[A-Za-z0-9_-]{1,64}")
_TEXT = re.compile(r"p([1-9][0-9]?)_([A-Za-z0-9_-]*)")


@dataclass(frozen=True)
class Pose:
    """z, psi, and for a conditional G the digit; perhaps also where the picture was seen: a run, and its snapshot's step.

    With `to`, the picture is a blend: `share` of that digit, the rest of `digit`. `z` may be any sequence of numbers; it is
    kept as a tuple, rounded to 1/4096, and `psi` and `share` to 1/1000. A blend of nothing is none. Raises UserError for
    numbers that are not finite or out of range, and for a run id that cannot be one.
    """

    z: tuple[float, ...]
    psi: float = 1.0
    digit: int | None = None
    run: str | None = None
    step: int | None = None
    to: int | None = None
    share: float = 0.0

    def __post_init__(self) -> None:
        if not 1 <= len(self.z) <= MAX_Z_DIM:
            raise UserError("pose_length", got=len(self.z), low=1, high=MAX_Z_DIM)
        object.__setattr__(self, "z", _rounded(self.z))
        for name, number, limit in (("psi", float(self.psi), PSI_LIMIT), ("share", float(self.share), 1.0)):
            if not 0 <= number <= limit:  # NaN is not, either
                raise UserError("out_of_range", field=name, value=number, low=0, high=limit)
            object.__setattr__(self, name, round(number * 1000) / 1000)
        digits = (("digit", self.digit, CLASSES - 1), ("to", self.to, CLASSES - 1))
        for name, value, most in (*digits, ("step", self.step, MAX_STEP)):
            if value is not None and not 0 <= value <= most:
                raise UserError("out_of_range", field=name, value=value, low=0, high=most)
        if self.run is not None and not _RUN.fullmatch(self.run):
            raise UserError("unknown_run", run=self.run)
        if self.digit is None or self.to is None or not self.share:
            object.__setattr__(self, "to", None)
            object.__setattr__(self, "share", 0.0)

    def check(self, config: Config, run_id: str) -> None:
        """Raise UserError if the G of a run with these settings cannot draw this pose."""
        if len(self.z) != config.z_dim:
            raise UserError("pose_wrong_z_dim", got=len(self.z), run=run_id, want=config.z_dim)
        if self.digit is not None and not config.conditional:
            raise UserError("not_conditional", field="digit", run=run_id)


def to_text(pose: Pose) -> str:
    """The text of a pose: letters, digits, - and _ only."""
    run = (pose.run or "").encode()
    header = _HEADER.pack(
        _NO_DIGIT if pose.digit is None else pose.digit,
        round(pose.psi * 1000),
        _NO_STEP if pose.step is None else pose.step,
        len(run),
        len(pose.z),
    )
    version = 1
    if pose.to is not None:
        version = 2
        header += _BLEND.pack(pose.to, round(pose.share * 1000))
    body = header + run + struct.pack(f"<{len(pose.z)}h", *(round(value * 4096) for value in pose.z))
    return f"p{version}_" + base64.urlsafe_b64encode(body + _checksum(body, version)).decode().rstrip("=")


def from_text(text: str) -> Pose:
    """The pose of a text; white space, as a mail puts in, does not matter.

    Raises UserError for a text that is no pose, too long, of a newer version, incomplete or changed, and as `Pose` does.
    """
    if len(text) > MAX_TEXT:
        raise UserError("pose_too_long", length=len(text), limit=MAX_TEXT)
    text = "".join(text.split())
    found = _TEXT.fullmatch(text)
    if not found:
        known = text.startswith(tuple(f"p{version}_" for version in VERSIONS))
        raise UserError("pose_damaged" if known else "pose_foreign")
    version = int(found[1])
    if version not in VERSIONS:
        raise UserError("pose_newer", version=version, known=max(VERSIONS))
    try:
        pose = _unpack(base64.urlsafe_b64decode(found[2] + "=" * (-len(found[2]) % 4)), version)
    except (binascii.Error, struct.error, UnicodeDecodeError):
        raise UserError("pose_damaged") from None
    if to_text(pose) != text:  # so that no two texts say the same
        raise UserError("pose_damaged")
    return pose


def _unpack(data: bytes, version: int) -> Pose:
    body = data[:-4]
    if _checksum(body, version) != data[-4:]:
        raise UserError("pose_damaged")
    digit, psi, step, run_length, z_dim = _HEADER.unpack_from(body)
    run_at, to, share = _HEADER.size, None, 0
    if version == 2:
        to, share = _BLEND.unpack_from(body, run_at)
        run_at += _BLEND.size
    start = run_at + run_length
    return Pose(
        z=tuple(value / 4096 for value in struct.unpack(f"<{z_dim}h", body[start:])),
        psi=psi / 1000,
        digit=None if digit == _NO_DIGIT else digit,
        run=body[run_at:start].decode("ascii") or None,
        step=None if step == _NO_STEP else step,
        to=to,
        share=share / 1000,
    )


def _checksum(body: bytes, version: int) -> bytes:
    return struct.pack("<I", zlib.crc32(body, version))


def _rounded(z: Sequence[Any]) -> tuple[float, ...]:
    try:
        values = [float(value) for value in z]
    except (TypeError, ValueError, OverflowError):
        raise UserError("pose_not_finite") from None
    if not all(map(math.isfinite, values)):
        raise UserError("pose_not_finite")
    if max(map(abs, values)) > Z_LIMIT:
        raise UserError("pose_too_far", limit=8)
    return tuple(round(value * 4096) / 4096 for value in values)
