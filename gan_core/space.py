"""The app as a Space of one's own: what would be uploaded, whether the account may, the upload, and the wait until it runs.

plan = look(repo, token=token)     # asks the Hub, changes nothing
publish(plan, token=token)
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from huggingface_hub import HfApi, SpaceHardware
from huggingface_hub.errors import HfHubHTTPError, RepositoryNotFoundError

from gan_core import space_files
from gan_core.hub_errors import check_name, connect, hub_errors
from gan_core.hub_send import Cancelled, Report, send
from gan_core.runs import Run
from gan_core.sentences import Language, UserError, sentence
from gan_core.space_files import ZERO, ZERO_PYTHON, ZERO_VERSIONS
from gan_core.space_hardware import FREE, HARDWARE, SLEEP_SECONDS, price_per_hour

VARIABLES = {"GRADIO_SSR_MODE": "false"}  # its proxy would add half a second to the first picture
OWNER_TOKEN = "GAN_OWNER_TOKEN"
MAY_BE_SET = ("GAN_VISITORS", "GAN_PUSH_REPO", "GAN_RUNS_DIR")
WAIT_SECONDS, LOOK_EVERY = 900.0, 3.0
STALE_SECONDS = 20.0  # for so long after the commit the stage may still be that of the program before
UPLOADED = 0.5  # share of the work
BUILT = {"BUILDING": 0.6, "RUNNING_BUILDING": 0.6, "APP_STARTING": 0.9, "RUNNING_APP_STARTING": 0.9}
BROKEN = ("BUILD_ERROR", "CONFIG_ERROR", "RUNTIME_ERROR", "NO_APP_FILE")
ASLEEP = ("PAUSED", "SLEEPING", "STOPPED")
_OURS = {"app.py", "gan_core/__init__.py", "gan_ui/__init__.py"}
_EMPTY = {".gitattributes", "README.md"}  # what the Hub itself puts into a new Space


@dataclass(frozen=True)
class Plan:
    """What publishing would do. `new`: the Space does not exist yet; an old one keeps all but its program.

    `account` is empty if the Hub was not asked, for want of a token. `price` is in dollars per hour, None if it is not
    known or nothing. `sleep`: seconds without visitors until it sleeps, 0 for never, None to leave that as it is.
    """

    repo: str
    account: str
    hardware: str
    private: bool
    new: bool
    files: dict[str, bytes] = field(repr=False)
    variables: dict[str, str]
    secrets: dict[str, str] = field(repr=False)
    run: str = ""
    price: float | None = None
    sleep: int | None = None

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(map(len, self.files.values()))

    def parts(self) -> list[tuple[str, int, int]]:
        """The files by the part of the app they belong to: its name, how many, and their bytes."""
        parts: dict[str, tuple[int, int]] = {}
        for name, data in self.files.items():
            folder = "/".join(name.split("/")[: 2 if name.startswith("checkpoints/") else 1])
            count, size = parts.get(folder, (0, 0))
            parts[folder] = (count + 1, size + len(data))
        return [(name, *facts) for name, facts in parts.items()]

    def says(self, language: Language = "en") -> list[str]:
        """What will happen, in sentences."""
        keys = [] if self.account else ["space_not_asked"]
        keys += [("space_makes_private" if self.private else "space_makes_public") if self.new else "space_updates"]
        keys += ["space_uploads", *(["space_with_run"] if self.run else [])]
        paid = "space_on_paid" if self.price is None else "space_has_price"
        keys += [{"cpu-basic": "space_on_cpu", ZERO: "space_on_zero"}.get(self.hardware, paid)]
        if self.hardware not in FREE:
            keys += ["space_sleep_stays" if self.sleep is None else "space_sleeps" if self.sleep else "space_awake"]
        keys += ["space_trainer_is_account"] if self.new else []
        keys += ["space_variables"] if self.new and self.variables else []
        keys += ["space_owner_secret"] if self.new and self.secrets else []
        values: dict[str, Any] = {
            **{"repo": self.repo, "hardware": self.hardware, "run": self.run, "account": self.account},
            **{"count": len(self.files), "size": f"{self.size / 1e6:.1f}"},
            **{"python": ZERO_PYTHON, "torch": ZERO_VERSIONS["torch"]},
            **{"price": f"{self.price or 0:.2f}", "seconds": self.sleep},
            "variables": ", ".join(f"{name}={value}" for name, value in self.variables.items()),
        }
        return [sentence(key, language, **values) for key in keys]


@dataclass(frozen=True)
class Published:
    """Where the Space is, the commit, and that it runs."""

    url: str
    commit: str


def look(
    repo: str,
    *,
    token: str | None,
    hardware: str | None = None,
    private: bool = False,
    run: Run | None = None,
    variables: Mapping[str, str] | None = None,
    owner_token: str = "",
    sleep: int | None = None,
    ask: bool = True,
) -> Plan:
    """What publishing the app as USER/NAME would do, after asking the Hub whether this token may; nothing is changed.

    Without `hardware` it is what the account may use for free: ZeroGPU for a free one, else cpu-basic. `owner_token`
    becomes the secret GAN_OWNER_TOKEN. `sleep` as in `Plan`. With `ask` false nothing is asked of the Hub, and the plan,
    which is then not to be published, is the one for a new Space and a paid plan. Raises UserError.
    """
    check_name(repo)
    if token is None and ask:
        raise UserError("hub_no_token")
    if hardware and hardware not in HARDWARE:
        raise UserError("not_a_choice", field="hardware", value=hardware, choices=", ".join(HARDWARE))
    for name in variables or {}:
        if name not in MAY_BE_SET:
            raise UserError("not_a_choice", field="variable", value=name, choices=", ".join(MAY_BE_SET))
    account, new, price = "", True, None
    if ask:
        with hub_errors(repo):
            api = connect(token)
            account, new, hardware = _asked(api, repo, hardware, private)
            price = price_per_hour(api, hardware)
    hardware = hardware or "cpu-basic"
    if sleep is not None and hardware in FREE:
        raise UserError("space_sleep_is_free", field="sleep", hardware=hardware)
    if sleep is None and new and hardware not in FREE:
        sleep = SLEEP_SECONDS
    files = space_files.app_files(hardware)
    if run is not None:
        files |= space_files.run_files(run)
    return Plan(
        repo=repo,
        account=account,
        hardware=hardware,
        private=private,
        new=new,
        files=files,
        variables={**VARIABLES, **(variables or {})},
        secrets={OWNER_TOKEN: owner_token} if owner_token else {},
        run=run.id if run is not None else "",
        price=price,
        sleep=sleep,
    )


def publish(
    plan: Plan,
    *,
    token: str | None,
    report: Report = lambda share, **data: None,
    cancelled: Cancelled = lambda: False,
) -> Published:
    """Make the Space if it is new, upload its files in one commit, and wait until it runs.

    `report` is told `stage` too, once the Space is being built, and its `url`. Raises UserError; a new Space may then be
    there, but empty, and publishing again fills it. Being stopped while it is built is an error that says where it is.
    """
    if token is None or not plan.account:
        raise UserError("hub_no_token")
    with hub_errors(plan.repo):
        api = connect(token)
        if plan.new:
            _create(api, plan)
        elif plan.sleep is not None:
            api.set_space_sleep_time(plan.repo, plan.sleep or -1)
        known = api.space_info(plan.repo)
        before = known.runtime.stage if known.runtime else None
        names = {sibling.rfilename for sibling in known.siblings or []}
        ours = {name.split("/")[0] for name in space_files.ALLOWED} - {"LICENSE"}
        commit = send(
            api,
            plan.repo,
            plan.files,
            message="Publish GAN Live",
            parent=known.sha,
            gone=sorted(
                name for name in names - set(plan.files) if name.split("/")[0] in ours and not _others_run(plan, name)
            ),
            repo_type="space",
            report=lambda share, **data: report(share * UPLOADED, **data),
            cancelled=cancelled,
        )
    url = f"{api.endpoint}/spaces/{plan.repo}"
    try:
        _wait(api, plan, url, before, report, cancelled)
    except KeyboardInterrupt:
        raise UserError("space_still_building", url=url) from None
    report(1.0, bytes=plan.size, total=plan.size, stage="RUNNING", url=url)
    return Published(url, commit)


def _others_run(plan: Plan, name: str) -> bool:
    """Whether it belongs to a run that was published earlier, and not to the one that is sent now."""
    return name.startswith(f"{space_files.RUNS}/") and not name.startswith(f"{space_files.RUNS}/{plan.run}/")


def _asked(api: HfApi, repo: str, hardware: str | None, private: bool) -> tuple[str, bool, str]:
    """Whose token it is, whether the Space has yet to be made, and its hardware. Raises UserError if it may not be."""
    account, pays = _account(api, repo)
    there = _there(api, repo)
    if there is None:
        if pays is False and hardware == "cpu-basic":
            raise UserError("space_free_account", hardware=hardware)
        return account, True, hardware or (ZERO if pays is False else "cpu-basic")
    api.auth_check(repo, repo_type="space", write=True)
    names = {sibling.rfilename for sibling in there.siblings or []}
    if not (names >= _OURS or names <= _EMPTY):
        raise UserError("space_other_project", repo=repo)
    if private and not there.private:
        raise UserError("hub_is_public", repo=repo)
    present = _hardware(there)
    if hardware and hardware != present:
        raise UserError("space_other_hardware", repo=repo, hardware=present)
    return account, False, present


def _account(api: HfApi, repo: str) -> tuple[str, bool | None]:
    """Whose token it is, and whether the owner of the Space has a paid plan, if the Hub says so."""
    me = api.whoami()
    if me.get("auth", {}).get("accessToken", {}).get("role") == "read":
        raise UserError("space_read_only")
    owner = repo.split("/")[0]
    if owner == me["name"]:
        pays = me.get("isPro")
        return owner, pays if isinstance(pays, bool) else None
    if owner not in [organisation.get("name") for organisation in me.get("orgs", [])]:
        raise UserError("space_not_yours", repo=repo, account=me["name"])
    return me["name"], None


def _there(api: HfApi, repo: str) -> Any | None:
    try:
        return api.space_info(repo)
    except RepositoryNotFoundError:
        return None


def _hardware(space: Any) -> str:
    runtime = space.runtime
    return str((runtime and (runtime.requested_hardware or runtime.hardware)) or "cpu-basic")


def _create(api: HfApi, plan: Plan) -> None:
    try:
        api.create_repo(
            plan.repo,
            repo_type="space",
            space_sdk="gradio",
            private=plan.private,
            space_hardware=SpaceHardware(plan.hardware),
            space_sleep_time=plan.sleep or None,  # unasked for, hardware that costs money never sleeps
            space_variables=[{"key": name, "value": value} for name, value in plan.variables.items()],
            space_secrets=[{"key": name, "value": value} for name, value in plan.secrets.items()] or None,
        )
    except HfHubHTTPError as error:
        if error.response.status_code == 402 and plan.hardware == "cpu-basic":
            raise UserError("space_free_account", hardware=plan.hardware) from None
        raise


def _wait(api: HfApi, plan: Plan, url: str, before: str | None, report: Report, cancelled: Cancelled) -> None:
    """Return once it runs. Raises UserError if it cannot, if that takes too long, and when stopped."""
    began, reached = time.monotonic(), UPLOADED
    while (waited := time.monotonic() - began) < WAIT_SECONDS:
        if cancelled():
            raise UserError("space_still_building", url=url)
        try:
            with hub_errors(plan.repo):
                stage = str(api.get_space_runtime(plan.repo).stage)
        except UserError:  # everything has been uploaded: a look that fails is only one look
            stage = ""
        reached = max(reached, BUILT.get(stage, UPLOADED))
        report(reached, bytes=plan.size, total=plan.size, stage=stage, url=url)
        if stage and (stage != before or waited > STALE_SECONDS):
            before = ""
            if stage == "RUNNING":
                return
            if stage in BROKEN:
                raise UserError("space_broken", url=url, stage=stage)
            if stage in ASLEEP:
                raise UserError("space_asleep", url=url, stage=stage)
        time.sleep(LOOK_EVERY)
    raise UserError("space_still_building", url=url)
