"""What a Space of this app consists of: the program and the networks that ship, by a list of what may go, never by what may not.

On ZeroGPU Python and torch are those that its machines have; on a CPU torch comes from PyTorch's own index, as the one of
PyPI brings gigabytes of CUDA on Linux. Gradio is in no requirements.txt of a Space: `sdk_version`
in the front matter of README.md decides it.
"""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path

from gan_core import config
from gan_core.hub_card import DATASETS
from gan_core.hub_files import MANIFEST, NOT_FOR_A_RUN, collect
from gan_core.runs import IS_INSTALLED, Run
from gan_core.sentences import UserError

ROOT = Path(__file__).parent.parent
ALLOWED = ("app.py", "LICENSE", "gan_core", "gan_ui", "checkpoints/README.md", "checkpoints/pretrained")
SUFFIXES = {".py", ".js", ".css", ".html", ".json", ".jsonl", ".webp", ".safetensors", ".gz", ".txt", ".md", ""}
RUNS = "checkpoints/runs"  # where the app looks for runs when nothing else is said
CPU_WHEELS = "https://download.pytorch.org/whl/cpu"
ZERO = "zero-a10g"
ZERO_PYTHON = "3.12.12"
ZERO_VERSIONS = {"torch": "2.11.0", "torchvision": "0.26.0"}  # the newest pair that ZeroGPU has


def app_files(hardware: str) -> dict[str, bytes]:
    """The files of a Space that runs the app on this hardware, by their paths in it.

    Raises UserError where there is no checkout to take them from.
    """
    if IS_INSTALLED:
        raise UserError("publish_needs_checkout")
    files = {}
    for allowed in ALLOWED:
        there = ROOT / allowed
        for path in sorted(there.rglob("*")) if there.is_dir() else [there]:
            inside = path.relative_to(ROOT)
            hidden = any(part.startswith((".", "__pycache__")) for part in inside.parts)
            if path.is_file() and not path.is_symlink() and path.suffix in SUFFIXES and not hidden:
                files[inside.as_posix()] = path.read_bytes()
    files["requirements.txt"] = requirements(hardware).encode()
    files["README.md"] = readme(hardware).encode()
    return files


def requirements(hardware: str) -> str:
    """requirements.txt for this hardware."""
    lines = [f"--extra-index-url {CPU_WHEELS}"] if hardware.startswith("cpu-") else []
    for line in (ROOT / "requirements.txt").read_text("utf-8").split():
        name = re.split(r"[=<>,]", line)[0]
        if name in ZERO_VERSIONS and hardware == ZERO:
            line = f"{name}=={ZERO_VERSIONS[name]}"
        if name != "gradio":
            lines.append(line)
    return "\n".join(lines) + "\n"


def readme(hardware: str) -> str:
    """README.md: the repository's own front matter, fitted to this hardware, above a few words."""
    found = re.match(r"---\n(.*?)\n---\n", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)
    assert found is not None, "README.md of the repository has a front matter"
    matter = found[1]
    if hardware == ZERO:
        matter = re.sub(r"(?m)^python_version:.*", f'python_version: "{ZERO_PYTHON}"', matter)
    return f"""---
{matter}
suggested_hardware: {hardware}
---

# GAN Live

Watch two small networks learn to write digits, and steer what they learned. The account that made this Space trains here,
signed in with Hugging Face; everybody else watches, samples and explores. 中文界面：右上角。

Published with `python -m gan_core publish`; the next time replaces the program and nothing else. MNIST is by Y. LeCun and
C. Cortes, CC BY-SA 3.0.
"""


def run_files(run: Run) -> dict[str, bytes]:
    """A run as it is now, for a Space to have among its runs from the start; without people's own training pictures.

    Raises UserError for a run that cannot be pushed.
    """
    files = {
        name: data for name, data in collect(run, f"run/{run.id}").items() if name not in (*NOT_FOR_A_RUN, MANIFEST)
    }
    document, state = json.loads(files["config.json"]), json.loads(files["state.json"])
    settings = dataclasses.replace(run.config(), device="cpu", threads=1)  # this machine's mean nothing there
    document |= {"settings": config.to_json(settings), "parent": None}
    state |= {"status": "finished" if state["status"] == "finished" else "stopped", "device": "cpu", "threads": 1}
    files |= {"config.json": json.dumps(document).encode(), "state.json": json.dumps(state).encode()}
    for name in ("live.webp", *(["reals.webp"] if settings.dataset in DATASETS else [])):
        if (run.folder / name).is_file():
            files[name] = (run.folder / name).read_bytes()
    return {f"{RUNS}/{run.id}/{name}": data for name, data in files.items()}
