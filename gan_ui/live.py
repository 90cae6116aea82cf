"""What every open page polls: the chosen run's state and new points, and the list of runs, as one small JSON.

Everything comes from the run folders, is read at most twice a second however many pages ask, and is sent only when it
has changed since that page asked last. No page waits for what another one reads (see `reading.py`).
"""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections import OrderedDict
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gan_core import runs as run_folders
from gan_core.config import to_json
from gan_core.files import parse_json, read_bytes
from gan_core.runner import ALLOWED, Runner
from gan_core.runs import ACTIVE, Run, State, list_runs, snapshot_steps
from gan_core.sentences import SENTENCES, UserError, sentence
from gan_ui.reading import Reader, Watched
from gan_ui.watched import LANGUAGES, floor, lesson, parent_of
from gan_ui.who import Who

REFRESH_EVERY = 0.4  # seconds; pages ask about twice a second
RUNS_LISTED = 100
RUNS_WATCHED = 64  # of up to 1 MB each
COMPARED = 4  # runs at a time
LEADS_FOR = 90.0  # seconds; a page in the background gets to say something once a minute
LEAD_BYTES = 2000
_PICTURES = ("live.webp", "reals.webp")


class LivePages:
    """Answers polls. `version` numbers rise with every change and begin at the clock, so old pages notice a restart."""

    def __init__(self, runner: Runner) -> None:
        self.runner = runner
        self._version = int(time.time() * 1000)
        self._lock = threading.Lock()  # of what is below; never held while a file is read
        self._listing = threading.Lock()
        self._reader = Reader(self._publish)
        self._watched: OrderedDict[str, Watched] = OrderedDict()
        self._listed: dict[str, tuple[int, dict[str, Any]]] = {}
        self._origins: dict[str, dict[str, Any]] = {}
        self._order: tuple[int, list[str]] = (self._version, [])
        self._listed_at = 0.0
        self._lead: tuple[int, dict[str, Any] | None] = (self._version, None)
        self._lead_at = 0.0

    def poll(self, run_id: str, since: int, generation: str, count: int, tag: str = "") -> dict[str, Any] | None:
        """What changed since version `since`, for a page that shows `count` points of `generation`; None if nothing.

        `tag` names the measurements the page has; they are sent whole, and only when they are others. An empty or
        vanished `run_id` means the run that is training, else the newest.
        """
        self._read_list()
        with self._lock:
            if since > self._version:  # not from here: the app was started again, and the clock set back before
                since = 0
            chosen = run_id if run_id in self._listed else self._default()
        watched = self._watch(chosen)
        with self._lock:  # all that has a version is published under this lock, so that no page misses one
            newest = max([self._order[0], *(version for version, _ in self._listed.values())], default=0)
            newest = max(newest, self._led()[0], watched.version if watched else 0)
            answer: dict[str, Any] = {
                "version": newest,
                "runs": [facts for version, facts in self._listed.values() if version > since],
                "order": self._order[1],
                "run": watched.run.id if watched else "",
                "lead": self._lead[1],
            }
            if watched:
                answer |= watched.facts
        if watched:
            with watched.lock:
                shown = watched.history.generation
                if newest <= since and generation == shown:
                    return None
                answer["generation"] = shown
                answer["curves"] = watched.history.curves.since(count if generation == shown else 0)
                if tag != watched.measurements.tag or not since:
                    answer["measured"] = watched.measurements.to_json()
        elif newest <= since and not generation:
            return None
        if not since:
            answer["pretrained"] = _pretrained()
        return answer

    def lead(self, place: dict[str, Any] | None) -> None:
        """Let the pages that follow go to a place, {"run", "tab"} and more; None is the end of it.

        A page that leads says so again and again; one that has not for `LEADS_FOR` seconds is gone.
        """
        with self._lock:
            if place != self._lead[1]:
                self._lead = (self._next_version(), place)
            self._lead_at = time.monotonic()

    def _led(self) -> tuple[int, dict[str, Any] | None]:
        if self._lead[1] is not None and time.monotonic() - self._lead_at > LEADS_FOR:
            self._lead = (self._next_version(), None)
        return self._lead

    def compare(self, run_ids: list[str]) -> dict[str, Any]:
        """The curves of a few runs, to be drawn over one another, and the digit-FID of real digits.

        Ids that are no runs are left out, and so is every id after the fourth. The lists are bounded.
        """
        self._read_list()
        shipped = [run.id for run in _shipped()]
        runs = []
        for run_id in list(dict.fromkeys(run_ids))[:COMPARED]:
            watched = self._watch(run_id) if run_id in self._listed or run_id in shipped else None
            if watched:
                self._reader.finish(watched)
                with watched.lock:
                    runs.append({"id": run_id, "preset": _preset(watched.run), **watched.outline()})
        return {"runs": runs, "floor": floor(1000)["digit_fid"]}

    def _read_list(self) -> None:
        """Look at all runs again, if nobody has of late or does just now; only before there is any list one waits."""
        first = not self._listed_at
        if not self._listing.acquire(blocking=first):
            return
        try:
            now = time.monotonic()
            if now - self._listed_at < REFRESH_EVERY:
                return
            runs = list(itertools.islice(list_runs(self.runner.runs_dir), RUNS_LISTED))
            found = {run.id: self._summary(run) for run in runs}
            with self._lock:
                for run_id, facts in found.items():
                    if run_id not in self._listed or self._listed[run_id][1] != facts:
                        self._listed[run_id] = (self._next_version(), facts)
                if list(found) != self._order[1]:
                    self._order = (self._next_version(), list(found))
                    self._listed = {run_id: self._listed[run_id] for run_id in found}
                    self._origins = {run_id: self._origins[run_id] for run_id in found}
            self._listed_at = now
        finally:
            self._listing.release()

    def _summary(self, run: Run) -> dict[str, Any]:
        state = self.runner.state(run)
        return {
            "id": run.id,
            **self._origin(run),
            "status": state.status,
            "step": state.step,
            "target": state.target,
            "allowed": sorted(ALLOWED[state.status]),
            "picture": _picture_url(run, "live.webp"),
        }

    def _origin(self, run: Run) -> dict[str, Any]:
        """What the folder says once and for all, and a hundred folders need not be asked again at every poll."""
        if run.id not in self._origins:
            parent = parent_of(run)
            origin = {"preset": _preset(run), "branch": parent is not None, "parent": parent, "visitor": run.visitor()}
            self._origins[run.id] = origin
        return self._origins[run.id]

    def _default(self) -> str:
        summaries = [facts for _, facts in self._listed.values()]
        for wanted in (ACTIVE, ("queued",)):
            for facts in summaries:
                if facts["status"] in wanted:
                    return str(facts["id"])
        return self._order[1][0] if self._order[1] else ""

    def _watch(self, run_id: str) -> Watched | None:
        """The run, with what is new of it; other pages may meanwhile do the same with others."""
        if not run_id:
            return None
        shipped = {run.id: run for run in _shipped()} if run_id not in self._watched else {}
        with self._lock:
            if run_id not in self._watched:
                self._watched[run_id] = Watched(shipped.get(run_id) or Run(self.runner.runs_dir / run_id))
                if len(self._watched) > RUNS_WATCHED:
                    self._watched.popitem(last=False)
            self._watched.move_to_end(run_id)
            watched = self._watched[run_id]
        # whoever comes while another page's request reads takes what there is, but for the very first
        if watched.refreshing.acquire(blocking=not watched.version):
            try:
                if time.monotonic() - watched.read_at >= REFRESH_EVERY:
                    watched.read_at = time.monotonic()
                    with watched.lock:
                        grew = not watched.behind and watched.read()
                    self._publish(watched, self._facts(watched), grew)
            finally:
                watched.refreshing.release()
        if watched.behind:
            self._reader.add(watched)
        return watched

    def _publish(self, watched: Watched, facts: dict[str, Any] | None = None, grew: bool = True) -> None:
        with self._lock:
            if grew or (facts is not None and facts != watched.facts):
                watched.facts = watched.facts if facts is None else facts
                watched.version = self._next_version()

    def _facts(self, watched: Watched) -> dict[str, Any]:
        run = watched.run
        state = self.runner.state(run)
        try:
            settings = to_json(run.config())
        except UserError as error:
            settings, state = {}, State(status="failed", error={"key": error.key, "values": error.values})
        return {
            "status": state.status,
            "step": state.step,
            "target": state.target,
            "epoch": state.epoch,
            "speed": state.steps_per_second if state.status in ACTIVE else 0,
            "seconds": state.seconds,
            "eta": state.eta_seconds,
            "device": state.device,
            "precision": state.precision,
            "threads": state.threads,
            "error": error_sentences(state),
            "allowed": sorted(ALLOWED[state.status]),
            "visitor": run.visitor(),
            "waiting_for": self.runner.waiting_for(run),
            "waits": _rounded(self.runner.seconds_until(run)),
            "settings": settings,
            "parent": parent_of(run),
            "lesson": lesson({**settings, **watched.measurements.settings}),
            "grid": _picture_url(run, "live.webp"),
            "reals": _picture_url(run, "reals.webp"),
            "live_version": _stamp(run.folder / "live.safetensors"),
            "snapshots": snapshot_steps(run),
        }

    def _next_version(self) -> int:
        self._version += 1
        return self._version


def live_routes(pages: LivePages, who: Who) -> list[Route]:
    """The routes the page fetches; under /gradio_api so that a Space's proxy lets them through."""

    def live(request: Request) -> Response:
        query = request.query_params
        answer = pages.poll(
            query.get("run", ""),
            _int(query.get("since")),
            query.get("generation", ""),
            _int(query.get("count")),
            query.get("tag", ""),
        )
        if answer is None:
            return Response(status_code=204)
        person = who.person(request)
        if person.role != "owner" and answer.get("error"):  # it names paths, and what else the process printed
            answer["error"] = {**answer["error"], "details": ""}
        if not _int(query.get("since")):
            answer["me"] = person.to_json()
        return Response(
            json.dumps(answer, separators=(",", ":"), ensure_ascii=False),
            media_type="application/json",
            headers={"cache-control": "no-store"},
        )

    async def lead(request: Request) -> Response:
        """Body: the place as JSON, or null. Who may lead is the door's business."""
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > LEAD_BYTES:
                return Response(status_code=413)
        try:
            place = parse_json(body)
        except ValueError:
            return Response(status_code=400)
        if place is not None and not isinstance(place, dict):
            return Response(status_code=400)
        pages.lead(place)
        return Response(status_code=204)

    def compare(request: Request) -> Response:
        return JSONResponse(pages.compare(request.query_params.getlist("run")), headers={"cache-control": "no-store"})

    def picture(request: Request) -> Response:
        try:
            run = pages.runner.find(request.path_params["run"])
        except UserError:
            return Response(status_code=404)
        name = request.path_params["name"]
        if name not in _PICTURES:
            return Response(status_code=404)
        try:
            # whole and at once: the file is replaced every second, and may not change between its size and its bytes
            content = read_bytes(run.folder / name)
        except OSError:
            return Response(status_code=404)
        # the address carries the file's time, so a picture never has to be asked for twice
        headers = {"cache-control": "private, max-age=31536000, immutable"}
        return Response(content, media_type="image/webp", headers=headers)

    return [
        Route("/gradio_api/lab/live", live),
        Route("/gradio_api/lab/lead", lead, methods=["POST"]),
        Route("/gradio_api/lab/compare", compare),
        Route("/gradio_api/lab/picture/{run}/{name}", picture),
    ]


def _int(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 16 else 0


def _stamp(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _picture_url(run: Run, name: str) -> str:
    stamp = _stamp(run.folder / name)
    return f"gradio_api/lab/picture/{run.id}/{name}?v={stamp}" if stamp else ""


def _rounded(seconds: float | None) -> int | None:
    """To ten seconds: a page is told anew only when that changes."""
    return None if seconds is None else int(round(seconds, -1))


def _preset(run: Run) -> str:
    try:
        return run.config().preset
    except UserError:
        return "?"


def _shipped() -> list[Run]:
    return run_folders.pretrained()


def _pretrained() -> list[dict[str, Any]]:
    """What ships: it never changes, so a page hears of it once."""
    return [{"id": run.id, "preset": _preset(run), "snapshots": snapshot_steps(run)} for run in _shipped()]


def error_sentences(state: State) -> dict[str, Any] | None:
    """The reason of a failure in both languages, with what the process left behind for those who can read it."""
    if not state.error or state.error.get("key") not in SENTENCES:
        return None
    values = state.error.get("values", {})
    try:
        english, chinese = (sentence(state.error["key"], language, **values) for language in LANGUAGES)
    except KeyError:  # a newer version's sentence has other gaps
        return None
    details = [state.error.get("traceback", ""), *state.error.get("log_tail", [])]
    code = state.error.get("exit_code")
    return {
        "en": english,
        "zh": chinese,
        "details": "\n".join(filter(None, [f"exit code {code}" if code is not None else "", *details])),
    }
