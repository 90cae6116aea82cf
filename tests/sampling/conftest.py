"""A run with two snapshots, and a server of its folder."""

import pytest

from gan_core import saved
from gan_ui.sampling import SampleServer
from tests.lively import lively
from tests.sampling.served import make_run


@pytest.fixture
def run(tmp_path):
    run = make_run(tmp_path)
    for step in (0, 500):
        saved.save_snapshot(run, step, lively(step), b"")
    return run


@pytest.fixture
def server(tmp_path, run):
    return SampleServer(tmp_path)
