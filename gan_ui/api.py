"""The named endpoints for gradio_client: everything the Train tab can do, and sampling, as plain functions."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import json
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any, get_type_hints

import gradio as gr
from gradio.events import api

from gan_core.config import make_config, to_json
from gan_core.presets import DEFAULT_PRESET, PRESETS
from gan_core.runner import Runner
from gan_core.runs import Run, list_runs
from gan_core.sentences import UserError
from gan_ui.acting import Acting
from gan_ui.live import error_sentences
from gan_ui.queries import number
from gan_ui.sampling import SampleServer
from gan_ui.who import Who, new_secret

# What an agent is offered (MCP): these and no other, however much more the page and other programs may do.
TOOLS = ("start", "status", "metrics", "sample")

# The values of pixels to four places: one number each for all pictures, which are a third of the size with these.
_LEVELS = [level / 10_000 for level in range(10_001)]


def endpoints(runner: Runner, samples: SampleServer, who: Who, *, only_tools: bool = False) -> None:
    """Add the endpoints to the current Blocks. What a caller can mend comes back as one English sentence.

    All can always be called; `only_tools` leaves but `TOOLS` in what describes them, and so in MCP.
    """

    def acting(request: gr.Request, run: str = "") -> tuple[Acting, str]:
        """Who asks, and the id in what /start returned: that of a program ends with a colon and the run's key."""
        run_id, _, key = str(run).partition(":")
        return Acting(runner, who, request, key), run_id

    def begun(request: gr.Request, begin: Callable[[Acting], Run]) -> str:
        key = new_secret()
        person = Acting(runner, who, request, key)
        run = begin(person)
        return f"{run.id}:{key}" if run.visitor() and person.person.key else run.id

    def presets() -> list[dict[str, Any]]:
        """The presets: name, a sentence about it, the seconds it takes on one core, and all its settings.

        A preset with a `cure` fails on purpose; those settings mend it, given to /branch with `cure_step` as the step.
        """
        return [
            {
                "preset": preset.name,
                "about": preset.about[0],
                "seconds": preset.seconds,
                "settings": to_json(make_config(preset.name)),
                "cure": dict(preset.cure),
                "cure_step": -1 if preset.cure_step is None else preset.cure_step,
            }
            for preset in PRESETS.values()
        ]

    def start(
        request: gr.Request,
        preset: str = DEFAULT_PRESET,
        steps: int = 0,
        seed: int = 0,
        overrides_json: str = "{}",
    ) -> str:
        """Start a training, or queue it if another is at work.

        Args:
            preset: a name from /presets.
            steps: how many steps to train, however long that takes; 0 takes the preset's number of steps or seconds.
            seed: the random seed.
            overrides_json: other settings as a JSON object, for example {"lr_g": 0.0002}.

        Returns:
            The id of the new run. Where visitors may train, a program's ends with the run's key: give it to the others as
            it is, and to nobody else.
        """
        overrides = _object(overrides_json) | {"seed": seed}
        if steps:
            overrides = {"seconds": 0, **overrides, "steps": steps}
        config = make_config(preset, overrides)
        return begun(request, lambda person: person.start(config))

    def status(request: gr.Request, run: str) -> dict[str, Any]:
        """The state of a run: status, step, target, speed in steps/s, eta in seconds, error and allowed actions.

        Args:
            run: the run's id, as /start returned it.
        """
        person, run_id = acting(request, run)
        return _describe(person, runner.find(run_id))

    def pause(request: gr.Request, run: str) -> dict[str, Any]:
        """Pause a running training: it is saved, and resume continues it exactly."""
        person, run_id = acting(request, run)
        return _describe(person, person.pause(run_id))

    def resume(request: gr.Request, run: str, more_steps: int = 0) -> dict[str, Any]:
        """Resume a paused, stopped or failed run; more_steps > 0 trains that many more, which also works on a finished one."""
        person, run_id = acting(request, run)
        return _describe(person, person.resume(run_id, more_steps or None))

    def stop(request: gr.Request, run: str) -> dict[str, Any]:
        """Stop a training for good, or take it out of the queue; it is saved and can still be resumed."""
        person, run_id = acting(request, run)
        return _describe(person, person.stop(run_id))

    def change(request: gr.Request, run: str, settings_json: str) -> dict[str, Any]:
        """Change settings of a running training: a JSON object of lr_g, lr_d, n_critic, r1_gamma, r2_gamma, ema_decay."""
        person, run_id = acting(request, run)
        return _describe(person, person.change(run_id, _object(settings_json)))

    def branch(request: gr.Request, run: str, settings_json: str, step: int = -1) -> str:
        """Begin a new run where another one was, with some settings changed.

        Args:
            run: the run to branch from.
            settings_json: the settings that differ, as a JSON object, for example {"lr_d": 0.0002}.
            step: begin at the checkpoint (exact) or snapshot (weights only) nearest before this step; -1 takes the
                last checkpoint.

        Returns:
            The id of the new run.
        """
        settings, run_id = _object(settings_json), acting(request, run)[1]
        return begun(request, lambda person: person.branch(run_id, settings, None if step < 0 else step))

    def delete(request: gr.Request, run: str) -> str:
        """Delete a run that is not active, for good; returns its id."""
        person, run_id = acting(request, run)
        person.delete(run_id)
        return run_id

    def metrics(request: gr.Request, run: str) -> list[dict[str, Any]]:
        """All that was measured of a run's fakes, oldest first; digit_fid is not comparable with Inception FID.

        Args:
            run: the run's id, or the name of one that ships.
        """
        return samples.find(acting(request, run)[1]).metrics()[0]

    def runs(request: gr.Request) -> list[dict[str, Any]]:
        """All runs, the newest first, each as /status describes it."""
        person, _ = acting(request)
        return [_describe(person, run) for run in list_runs(runner.runs_dir)]

    def sample(
        request: gr.Request, run: str, step: int = -1, seed: int = 0, n: int = 1, digit: int = -1
    ) -> dict[str, Any]:
        """Generate images.

        Args:
            run: the run's id, or the name of one that ships.
            step: a snapshot's step; -1 takes the newest generator, which follows a running training.
            seed: which z are drawn.
            n: how many images, 1 to 64.
            digit: what to draw, 0 to 9, if the run is conditional; -1 takes the digits in turn.

        Returns:
            step: the step of the generator used. images: n lists of 28 rows of 28 numbers from 0 (black) to 1.
        """
        run_id = acting(request, run)[1]
        images, at_step = samples.sample(run_id, None if step < 0 else step, seed, n, None if digit < 0 else digit)
        levels = images.clamp(0, 1).mul(10_000).round().int().tolist()
        return {
            "run": run_id,
            "step": at_step,
            "seed": seed,
            "images": [[[_LEVELS[level] for level in row] for row in image] for image in levels],
        }

    for function in (presets, start, status, pause, resume, stop, change, branch, delete, metrics, runs, sample):
        shown = not only_tools or function.__name__ in TOOLS
        api(
            _plainly(function),
            api_name=function.__name__,
            api_visibility="public" if shown else "undocumented",
            queue=False,
        )


def check_mcp() -> None:
    """Raise UserError if agents cannot be served because Gradio's extra for it is not installed."""
    if find_spec("mcp") is None:
        raise UserError("mcp_missing")


def _plainly(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, given only what its signature promises, and with UserErrors as gradio's own kind, which reaches the
    client as a sentence and no traceback."""
    signature, kinds = inspect.signature(function), get_type_hints(function)

    @functools.wraps(function)
    def plain(*args: Any, **kwargs: Any) -> Any:
        given = signature.bind(*args, **kwargs)
        try:
            checked = {name: _checked(name, value, kinds[name]) for name, value in given.arguments.items()}
            return function(**checked)
        except UserError as error:
            raise gr.Error(str(error), print_exception=False) from None

    return plain


def _checked(name: str, value: Any, kind: type) -> Any:
    """An argument of that kind. Raises UserError."""
    if kind is int:
        return int(number(name, value, -(2**53), 2**53, whole=True))
    if kind is str and not isinstance(value, str):
        raise UserError("not_text", field=name, value=value)
    return value


def _object(text: str) -> dict[str, Any]:
    try:
        values = json.loads(text or "{}")
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict):
        raise UserError("overrides_not_json", text=text)
    return values


def _describe(acting: Acting, run: Run) -> dict[str, Any]:
    state = acting.runner.state(run)
    values = dataclasses.asdict(state)
    del values["error"]
    said = error_sentences(state)
    return {
        "run": run.id,
        **values,
        "eta": state.eta_seconds,
        "error": said["en"] if said else None,
        "allowed": acting.allowed(run),
        "waiting_for": acting.runner.waiting_for(run),
    }
