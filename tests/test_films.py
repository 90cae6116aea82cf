"""Films decode, have as many frames as they should, show what they should, and can be called off."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gan_core import film, films, saved
from gan_core.film import Cancelled, check_film, encode, enlarged
from gan_core.latent import generate, sample_z
from gan_core.networks import build_pair
from gan_core.pose import Pose
from gan_core.render import encode as encode_picture
from gan_core.render import grid, to_uint8
from gan_core.runs import Run, pretrained
from gan_core.sentences import UserError

MakeRun = Callable[..., Run]
KINDS = tuple(film.KINDS)


def decoded(content: bytes, kind: str) -> list[np.ndarray]:
    if kind == "mp4":
        import av

        with av.open(io.BytesIO(content), "r") as container:
            return [frame.to_ndarray(format="gray") for frame in container.decode(video=0)]
    with Image.open(io.BytesIO(content)) as image:
        frames = []
        for number in range(getattr(image, "n_frames", 1)):
            image.seek(number)
            frames.append(np.asarray(image.convert("L")))
        return frames


def poses(count: int, z_dim: int = 64, **more: object) -> list[Pose]:
    return [Pose(tuple(z.tolist()), **more) for z in sample_z(3, count, z_dim)]  # type: ignore[arg-type]


def best() -> Run:
    return next(run for run in pretrained() if run.id == "best")


@pytest.mark.parametrize("kind", KINDS)
def test_every_frame_is_there_and_looks_as_it_should(kind: str) -> None:
    pictures = [np.full((28, 28), shade, np.uint8) for shade in (0, 80, 160, 240)]
    content = encode([enlarged(picture, 64) for picture in pictures], 4, 10, kind)
    frames = decoded(content, kind)
    assert [frame.shape for frame in frames] == [(64, 64)] * 4
    assert all(abs(int(frame[32, 32]) - shade) < 8 for frame, shade in zip(frames, (0, 80, 160, 240), strict=True))


@pytest.mark.parametrize("kind", ["webp", "gif"])
def test_pictures_loop_for_ever_at_their_pace(kind: str) -> None:
    content = encode([np.full((56, 56), 9 * n, np.uint8) for n in range(5)], 5, 20, kind)
    with Image.open(io.BytesIO(content)) as image:
        assert image.info["loop"] == 0
        image.seek(1)
        image.load()
        assert image.info["duration"] == 50


def test_an_mp4_starts_before_it_is_all_there() -> None:
    content = encode([np.full((56, 56), 9 * n, np.uint8) for n in range(5)], 5, 20, "mp4")
    assert 0 < content.index(b"moov") < content.index(b"mdat")


def test_pixels_are_enlarged_whole() -> None:
    picture = np.arange(28 * 28, dtype=np.int64).reshape(28, 28).astype(np.uint8)
    large = enlarged(picture, 100)
    assert large.shape == (100, 100)
    assert np.array_equal(large[8:92:3, 8:92:3], picture)
    assert not large[:8].any()
    assert not large[92:].any()


def test_a_walk_begins_with_its_first_pose_and_has_every_frame() -> None:
    run = best()
    told: list[float] = []
    content = films.walk_film(run, None, poses(3), kind="gif", size=56, seconds=1, fps=30, report=told.append)
    frames = decoded(content, "gif")
    assert len(frames) == 30
    G, _ = saved.load_generator(saved.snapshot_path(run, None), run.config())
    first = to_uint8(generate(G, sample_z(3, 1, 64)))[0, 0].numpy().astype(int)
    assert abs(frames[0][::2, ::2].astype(int) - first).max() <= 2
    assert abs(frames[10].astype(int) - frames[0]).max() > 50
    assert told == sorted(told)
    assert 0 <= told[0] < told[-1] < 1


def test_a_conditional_walk_needs_digits() -> None:
    run = next(run for run in pretrained() if run.id == "conditional")
    assert decoded(films.walk_film(run, None, poses(2, digit=3), kind="gif", size=56, seconds=1, fps=4), "gif")
    with pytest.raises(UserError, match="choose a digit"):
        films.walk_film(run, None, poses(2), kind="gif", size=56, seconds=1)


@pytest.mark.parametrize(
    ("asked", "key"),
    [
        ({"poses": []}, "film_poses"),
        ({"poses": poses(25)}, "film_poses"),
        ({"poses": poses(2, 9)}, "pose_wrong_z_dim"),
        ({"kind": "avi"}, "not_a_choice"),
        ({"size": 40}, "out_of_range"),
        ({"seconds": 61}, "out_of_range"),
        ({"seconds": float("nan")}, "out_of_range"),
        ({"size": 1120, "seconds": 60}, "film_too_large"),
    ],
)
def test_walks_that_cannot_be_made_are_refused(asked: dict[str, object], key: str) -> None:
    wanted = {"poses": poses(2), "kind": "mp4", "size": 112, "seconds": 2.0, **asked}
    given = wanted.pop("poses")
    with pytest.raises(UserError) as error:
        films.walk_film(best(), None, given, **wanted)  # type: ignore[arg-type]
    assert error.value.key == key


def test_bounds_leave_room_for_what_the_page_offers() -> None:
    assert check_film("mp4", 560, 20, 30) == 600


@pytest.fixture
def trained(make_run: MakeRun) -> Run:
    run = make_run()
    for step in (0, 10, 20, 40, 80):
        G = build_pair(run.config())[0]
        picture = encode_picture(grid(generate(G, sample_z(step, 25, 8))))
        saved.save_snapshot(run, step, G, picture)
    lines = [
        f'{{"step": {step}, "seconds": 1, "d_loss": {1 / (1 + step)}, "g_loss": 2}}\n' for step in range(0, 81, 10)
    ]
    (run.folder / "history.jsonl").write_text("".join(lines))
    return run


@pytest.mark.parametrize("pose", [None, Pose((0.5,) * 8)])
def test_a_training_goes_through_all_snapshots_with_its_curve(trained: Run, pose: Pose | None) -> None:
    content = films.training_film(trained, pose, kind="gif", size=112, seconds=3)
    frames = decoded(content, "gif")
    assert frames[0].shape == (152, 112)
    assert abs(frames[-1][112:].astype(int) - frames[0][112:]).max() > 100, "the curve grows"
    with Image.open(io.BytesIO(content)) as image:
        total = 0
        for number in range(image.n_frames):  # type: ignore[attr-defined]
            image.seek(number)
            total += image.info["duration"]
    assert 2500 <= total <= 3500


def test_a_thinned_snapshot_is_left_out_and_one_alone_is_no_film(trained: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(films, "snapshot_steps", lambda _: [0, 10, 30, 80])
    assert decoded(films.training_film(trained, Pose((0.5,) * 8), kind="mp4", size=56, seconds=2), "mp4")
    for path in trained.folder.glob("snapshots/*.webp"):
        if path.stem != "000000":
            path.unlink()
    with pytest.raises(UserError, match="at least two snapshots"):
        films.training_film(trained, None, kind="mp4", size=56, seconds=2)


@pytest.mark.parametrize("kind", KINDS)
def test_a_film_that_is_called_off_leaves_nothing(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    shares: list[float] = []
    with pytest.raises(Cancelled):
        films.walk_film(
            best(),
            None,
            poses(2),
            kind=kind,
            size=112,
            seconds=2,
            report=shares.append,
            cancelled=lambda: len(shares) > 20,
        )
    assert len(shares) == 21
    assert list(tmp_path.iterdir()) == []
