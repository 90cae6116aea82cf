"""The model card: README.md of a pushed run, for people who have never seen this program."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gan_core.config import Config
from gan_core.fields import FIELD
from gan_core.metrics import load_reference
from gan_core.runs import State

DATASETS = {  # what the Hub calls them
    "mnist": "ylecun/mnist",
    "fashion-mnist": "zalando-datasets/fashion_mnist",
}
SETTINGS = (
    *("network", "width", "z_dim", "objective", "batch_size", "lr_g", "lr_d", "lr_schedule", "betas", "n_critic"),
    *("r1_gamma", "r2_gamma", "gp_weight", "spectral_norm", "ema_decay", "seed"),
)
NOT_FID = "digit-FID (not comparable with Inception FID)"


def card(
    repo: str, state: State, config: Config, measured: Mapping[str, Any], step: int, sizes: Mapping[str, int]
) -> str:
    """The whole README.md; `measured` is a row of metrics.jsonl or empty, `sizes` are those of the files in bytes."""
    parts = [
        _metadata(repo, config, measured),
        _intro(repo, config),
        _load(repo, config),
        _training(state, config, step),
    ]
    parts += [_metrics(measured), _files(repo, sizes)]
    return "\n".join(part for part in parts if part)


def _metadata(repo: str, config: Config, measured: Mapping[str, Any]) -> str:
    lines = ["license: mit", "library_name: gan-live", "pipeline_tag: unconditional-image-generation"]
    lines += ["tags: [gan, safetensors, gan-live, 28x28]"]
    known = DATASETS.get(config.dataset)
    if known:
        lines += [f"datasets: [{known}]"]
    if known and "digit_fid" in measured:
        lines += [
            "model-index:",
            f'- name: "{repo.split("/")[1]}"',
            "  results:",
            "  - task: {type: unconditional-image-generation}",
            f"    dataset: {{name: {config.dataset}, type: {known}}}",
            f"    metrics: [{{type: digit-fid, name: {NOT_FID}, value: {measured['digit_fid']:.4g}}}]",
        ]
    return "\n".join(["---", *lines, "---", ""])


def _intro(repo: str, config: Config) -> str:
    kind = "a given class" if config.conditional else "images"
    return (
        f"# {repo.split('/')[1]}\n\nA small GAN that draws {kind} of {config.dataset}, 28 x 28 pixels, trained with GAN "
        "Live.\n\n![Fifty fakes](samples.png)\n"
    )


def _load(repo: str, config: Config) -> str:
    digit = ", digit=7" if config.conditional else ""
    return (
        "## Load it\n\nIn the folder of GAN Live, with its requirements installed:\n\n```python\nimport gan_core\n\n"
        f'gan = gan_core.load("{repo}")\n'
        f"images = gan.sample(25, seed=0{digit})  # float32 (25, 28, 28) in [0, 1]\n```\n\n"
        f"`python -m gan_core pull {repo}` makes it a run of your own: it samples, its snapshots show how it learned, and "
        "the app shows all of it.\n"
    )


def _training(state: State, config: Config, step: int) -> str:
    spent = state.seconds
    rows = [f"| {FIELD[name].label[0]} (`{name}`) | {_plain(getattr(config, name))} |" for name in SETTINGS]
    table = "\n".join(["| setting | value |", "| --- | --- |", *rows])
    return (
        f"## How it was trained\n\nPreset `{config.preset}`, {step:,} steps in {spent:,.0f} s on {config.device} "
        f"({config.precision}), data set `{config.dataset}`.\n\n{table}\n"
    )


def _metrics(measured: Mapping[str, Any]) -> str:
    if "digit_fid" not in measured:
        return ""
    rows = [
        (NOT_FID, "digit_fid", f"{load_reference().floor(measured['count']).digit_fid:.2f}"),
        ("precision: share of fakes that lie among real digits", "precision", "1"),
        ("recall: share of real digits that lie among fakes", "recall", "1"),
    ]
    table = "\n".join(f"| {name} | {measured[key]:.3g} | {best} |" for name, key, best in rows if key in measured)
    return (
        f"## How good it is\n\nMeasured at step {measured['step']:,} with {measured['count']:,} fakes, in the features of a "
        "classifier of digits:\n\n| metric | this network | best possible, about |\n| --- | --- | --- |\n"
        f"{table}\n\nA digit-FID compares only with another one of as many fakes.\n"
    )


def _files(repo: str, sizes: Mapping[str, int]) -> str:
    checkpoints = [name for name in sizes if name.startswith("checkpoint-") and name.endswith(".safetensors")]
    shown = [("generator.safetensors", "G, the moving average where there is one: sample from this")]
    if "discriminator.safetensors" in sizes:
        shown.append(("discriminator.safetensors", "D"))
    shown += [(name, "everything needed to go on with the training") for name in checkpoints]
    rows = [f"| `{name}` | {sizes[name] / 1e6:.1f} MB | {what} |" for name, what in shown]
    without = (
        "" if checkpoints else "\nNo checkpoint came along, so the training cannot go on exactly where it ended.\n"
    )
    return "\n".join(
        [
            "## Files\n",
            "Weights are safetensors, the rest JSON and pictures; nothing has to be unpickled. `gan-live.json` lists every "
            "file with its SHA-256.\n",
            "| file | size | what it is |",
            "| --- | --- | --- |",
            *rows,
            without,
        ]
    )


def _plain(value: Any) -> str:
    return ", ".join(map(_plain, value)) if isinstance(value, list | tuple) else str(value)
