"""A pose is a text: what goes in comes out, and whatever else somebody pastes gets a sentence."""

from __future__ import annotations

import base64
import math
import string
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gan_core.config import Config
from gan_core.fields import FIELD
from gan_core.latent import generate, sample_z, weights_of, z_of
from gan_core.pose import _HEADER, MAX_TEXT, MAX_Z_DIM, Z_LIMIT, Pose, _checksum, from_text, to_text
from gan_core.render import to_uint8
from gan_core.runs import Run, pretrained
from gan_core.saved import load_generator, snapshot_path
from gan_core.sentences import UserError

URL_SAFE = set(string.ascii_letters + string.digits + "-_")
z_values = st.floats(-Z_LIMIT, Z_LIMIT)
poses = st.builds(
    Pose,
    z=st.lists(z_values, min_size=1, max_size=512),
    psi=st.floats(0, 2),
    digit=st.none() | st.integers(0, 9),
    run=st.none() | st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", fullmatch=True),
    step=st.none() | st.integers(0, 10**9),
    to=st.none() | st.integers(0, 9),
    share=st.floats(0, 1),
)


def refused(text: str) -> str:
    with pytest.raises(UserError) as error:
        from_text(text)
    assert error.value.say("zh") != error.value.say("en")
    return error.value.key


@given(poses)
def test_a_pose_comes_back_as_it_was(pose: Pose) -> None:
    text = to_text(pose)
    assert from_text(text) == pose
    assert set(text) <= URL_SAFE
    assert len(text) <= MAX_TEXT
    assert from_text(" " + text[:40] + "\r\n  " + text[40:] + "\n") == pose, "as a mail wraps it"


@given(st.lists(z_values, min_size=1, max_size=99), st.floats(0, 2))
def test_rounding_moves_z_and_psi_as_little_as_promised(z: list[float], psi: float) -> None:
    pose = Pose(tuple(z), psi)
    assert max(abs(a - b) for a, b in zip(pose.z, z, strict=True)) <= 1 / 8192
    assert abs(pose.psi - psi) <= 0.0005 + 1e-12
    assert Pose(pose.z, pose.psi) == pose, "a rounded pose is not rounded again"
    assert torch.equal(torch.tensor(pose.z, dtype=torch.float64), torch.tensor(pose.z).double()), "float32 holds it"


@pytest.mark.parametrize("run", pretrained(), ids=lambda run: run.id)
def test_the_picture_is_the_same(run: Run) -> None:
    """Of the 784 grey levels of a picture, a few at the edge of rounding move by one of 255; none by more."""
    G, _ = load_generator(snapshot_path(run, None), run.config())
    z = sample_z(4, 200, run.config().z_dim)
    digits = torch.arange(200) % 10 if run.config().network == "conditional" else None
    rounded = torch.stack([z_of(from_text(to_text(Pose(tuple(one.tolist()))))) for one in z])
    levels = (to_uint8(generate(G, z, digits)).int() - to_uint8(generate(G, rounded, digits)).int()).abs()
    assert levels.max() <= 1
    assert levels.double().mean() < 0.02


def test_psi_and_what_is_not_said() -> None:
    pose = Pose((1.0, -2.0), 0.7)
    assert torch.equal(z_of(pose), torch.tensor([1.0, -2.0]) * 0.7)
    assert from_text(to_text(pose)) == Pose((1.0, -2.0), 0.7, None, None, None)
    assert len(to_text(Pose(tuple(sample_z(0, 1, 64)[0].tolist())))) == 193


@given(poses, st.data())
def test_a_changed_text_is_refused(pose: Pose, data: st.DataObject) -> None:
    text = to_text(pose)
    place = data.draw(st.integers(3, len(text) - 1))
    other = data.draw(st.sampled_from(sorted(URL_SAFE - {text[place]})))
    assert refused(text[:place] + other + text[place + 1 :]) == "pose_damaged"
    assert refused(text[:place]) == "pose_damaged"
    assert refused(text + other) == "pose_damaged"


@given(st.text(max_size=60))
def test_any_other_text_is_refused(text: str) -> None:
    assert refused(text) in ("pose_foreign", "pose_damaged", "pose_newer")


def test_each_text_has_its_sentence() -> None:
    text = to_text(Pose((0.5,) * 64))
    assert refused("") == "pose_foreign"
    assert refused("https://example.org/") == "pose_foreign"
    assert refused("p3_" + text[3:]) == "pose_newer"
    assert refused("p2_" + text[3:]) == "pose_damaged", "the checksum knows the format"
    assert refused("p1_") == "pose_damaged"
    assert refused("p1_!") == "pose_damaged"
    assert refused("p1_" + "A" * MAX_TEXT) == "pose_too_long"
    assert refused("\N{FULLWIDTH LATIN SMALL LETTER P}" + text[1:]) == "pose_foreign"


def packed(*header: int, rest: bytes) -> str:
    body = _HEADER.pack(*header) + rest
    return "p1_" + base64.urlsafe_b64encode(body + _checksum(body, 1)).decode().rstrip("=")


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (packed(255, 1000, 0, 0, 0, rest=b""), "pose_length"),
        (packed(255, 1000, 0, 0, 513, rest=bytes(1026)), "pose_length"),
        (packed(255, 1000, 0, 0, 3, rest=bytes(4)), "pose_damaged"),
        (packed(255, 1000, 0, 200, 1, rest=bytes(2)), "pose_damaged"),
        (packed(255, 1000, 0, 2, 1, rest=b"\xff\xff\0\0"), "pose_damaged"),
        (packed(255, 1000, 0, 2, 1, rest=b"..\0\0"), "unknown_run"),
        (packed(255, 2001, 0, 0, 1, rest=bytes(2)), "out_of_range"),
        (packed(10, 1000, 0, 0, 1, rest=bytes(2)), "out_of_range"),
        (packed(255, 1000, 2 * 10**9, 0, 1, rest=bytes(2)), "out_of_range"),
        (packed(255, 1000, 0, 0, 1, rest=b"\0\x80"), "pose_too_far"),
    ],
)
def test_a_text_made_up_with_a_right_checksum_is_refused(text: str, key: str) -> None:
    assert refused(text) == key


@pytest.mark.parametrize(
    ("z", "psi", "key"),
    [
        ((math.nan, 0.0), 1, "pose_not_finite"),
        ((0.0, -math.inf), 1, "pose_not_finite"),
        ((10**400,), 1, "pose_not_finite"),
        ((1e308,), 1, "pose_too_far"),
        ((8.0,), 1, "pose_too_far"),
        ((), 1, "pose_length"),
        ((0.0,) * 513, 1, "pose_length"),
        ((0.0,), math.nan, "out_of_range"),
        ((0.0,), 2.1, "out_of_range"),
    ],
)
def test_numbers_that_are_no_pose(z: tuple[float, ...], psi: float, key: str) -> None:
    with pytest.raises(UserError) as error:
        Pose(z, psi)
    assert error.value.key == key


def test_a_pose_for_another_g_is_refused() -> None:
    pose = Pose((0.0,) * 8, digit=3)
    pose.check(Config(z_dim=8, network="conditional"), "mine")
    for config, key in (
        (Config(z_dim=64, network="conditional"), "pose_wrong_z_dim"),
        (Config(z_dim=8), "not_conditional"),
    ):
        with pytest.raises(UserError, match="mine") as error:
            pose.check(config, "mine")
        assert error.value.key == key


def test_a_blend_goes_from_one_digit_to_the_other() -> None:
    run = next(run for run in pretrained() if run.id == "conditional")
    G, _ = load_generator(snapshot_path(run, None), run.config())
    z = tuple(sample_z(4, 1, 64)[0].tolist())

    def picture(**blend: Any) -> torch.Tensor:
        pose = from_text(to_text(Pose(z, digit=3, **blend)))
        weights = weights_of(pose)
        assert weights is not None
        assert weights.sum() == 1
        return generate(G, z_of(pose)[None], weights[None])

    assert torch.allclose(picture(), generate(G, z_of(Pose(z))[None], torch.tensor([3])), atol=1e-5)
    assert torch.equal(picture(to=8, share=0), picture()), "a blend of nothing is none"
    assert torch.allclose(picture(to=8, share=1), generate(G, z_of(Pose(z))[None], torch.tensor([8])), atol=1e-5)
    far = (picture(to=8, share=1) - picture()).norm()
    assert 0 < (picture(to=8, share=0.5) - picture()).norm() < far
    assert Pose(z, to=8, share=0.5) == Pose(z), "without a digit there is nothing to blend"


def test_every_z_dim_there_is_fits() -> None:
    assert FIELD["z_dim"].maximum == MAX_Z_DIM


def test_poses_are_read_without_torch() -> None:
    code = "import sys, gan_core.pose; print('torch' in sys.modules)"
    root = Path(__file__).parent.parent
    assert subprocess.check_output([sys.executable, "-c", code], cwd=root, text=True).strip() == "False"
