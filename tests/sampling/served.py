"""What the tests of the sampling server need: runs with something to sample, and refusals."""

import functools

import pytest

from gan_core import saved
from gan_core.config import make_config
from gan_core.runs import Run, create_run
from gan_core.sentences import UserError

Z_DIM = 16


def make_run(runs_dir, name="first", z_dim=Z_DIM) -> Run:
    return create_run(runs_dir / name, make_config("tutorial", {"z_dim": z_dim}), "", 0)


@functools.cache
def as_saved(run, step):
    return saved.load_generator(saved.snapshot_path(run, step), run.config())[0]


def refusal(call, *arguments):
    with pytest.raises(UserError) as caught:
        call(*arguments)
    assert caught.value.say("en")
    assert caught.value.say("zh")
    return caught.value.key
