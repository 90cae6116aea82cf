"""Makes what ships in gan_core/assets/judge: trains the judge, then measures the reference that metrics compare with.

    python -m tools.train_judge

It takes some minutes on one core, and other machines give other last digits. The number of epochs was fixed
beforehand: test digits are used only to report the accuracy and to measure the floor.
"""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

import torch
import torch.nn.functional as F
from safetensors.torch import save
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval

from gan_core import data, data_cache, judge, metrics
from gan_core.files import write_atomic
from gan_core.render import as_pixels
from gan_core.torchvision_cure import import_torchvision

BATCH = 200
LR = 4e-3
REDRAW_WEIGHT = 4.0  # of the squared error per pixel, about 0.03 to 0.1, against a cross entropy of about 0.01 to 1
AXES = 7  # as many as keep the reference small; memorised digits stand out as clearly with 7 as with all 64
FLOORS = (1000, 10_000)


class Student(nn.Module):
    """The judge with batch normalization, which is folded into its weights at the end, and a decoder, which is not kept."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for layer in judge.Judge().body:
            layers.append(layer)
            if isinstance(layer, nn.Conv2d):
                layers.append(nn.BatchNorm2d(layer.out_channels))
            elif isinstance(layer, nn.Linear):
                layers.append(nn.BatchNorm1d(layer.out_features).requires_grad_(False))  # variance 1, not learned
        self.body = nn.Sequential(*layers)
        self.body.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.head = nn.Linear(judge.FEATURES, 10)
        self.decoder = nn.Sequential(nn.Linear(judge.FEATURES, 256), nn.ReLU(), nn.Linear(256, 28 * 28))

    def folded(self) -> judge.Judge:
        """The judge alone, with the normalization folded in."""
        self.eval()
        layers: list[Any] = []
        for layer in self.body:
            if isinstance(layer, nn.BatchNorm2d):
                layers[-1] = fuse_conv_bn_eval(layers[-1], layer)
            elif isinstance(layer, nn.BatchNorm1d):
                layers[-1] = fuse_linear_bn_eval(layers[-1], layer)
            else:
                layers.append(layer)
        plain = judge.Judge()
        plain.body, plain.head = nn.Sequential(*layers), self.head
        return plain


def digits(train: bool) -> tuple[Tensor, Tensor]:
    """MNIST's images (N, 1, 28, 28) uint8 and labels (N,) int64, both in the order of the files."""
    data.ensure("mnist")
    split = import_torchvision().datasets.MNIST(data_cache.cache_dir(), train=train)
    return split.data.unsqueeze(1), split.targets


def moved(pixels: Tensor, generator: torch.Generator) -> Tensor:
    """Each image shifted by up to 2 pixels, turned by up to 8 degrees and scaled by up to 8 %."""
    shift, turn, scale = torch.rand(3, len(pixels), 2, generator=generator).mul(2).sub(1)
    angle, size = turn[:, 0] * 0.14, 1 + scale[:, 0] * 0.08
    cos, sin = size * angle.cos(), size * angle.sin()
    theta = torch.stack([cos, -sin, shift[:, 0] * 2 / 14, sin, cos, shift[:, 1] * 2 / 14], 1).view(-1, 2, 3)
    return F.grid_sample(pixels, F.affine_grid(theta, list(pixels.shape), align_corners=False), align_corners=False)


def train(epochs: int, seed: int = 0) -> judge.Judge:
    """Train a judge on the 60,000 training digits."""
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    images, labels = digits(train=True)
    student = Student().train()
    optimizer = torch.optim.AdamW(student.parameters(), LR, weight_decay=0.02)
    steps = epochs * (len(images) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LR, total_steps=steps, pct_start=0.15)
    for epoch in range(epochs):
        start, right = time.perf_counter(), 0
        for index in torch.randperm(len(images), generator=generator).split(BATCH):
            x = moved(as_pixels(images[index]), generator)
            y = labels[index]
            with torch.autocast("cpu", torch.bfloat16):
                found = student.body(x)
                logits, drawn = student.head(found), student.decoder(found)
            loss = F.cross_entropy(logits.float(), y)
            loss = loss + REDRAW_WEIGHT * F.mse_loss(drawn.float(), x.flatten(1))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            right += int((logits.argmax(1) == y).sum())
        seconds = time.perf_counter() - start
        print(
            f"epoch {epoch + 1}: {right / len(images):.2%} of the moved training digits right, {seconds:.0f} s",
            flush=True,
        )
    return student.folded()


def measure(images: Tensor, tests: Tensor) -> bytes:
    """The reference as a .safetensors file: from the training digits, with floors from the test digits."""
    found, unseen = judge.features(images), judge.features(tests)
    mean, covariance = metrics.mean_covariance(found)
    axes = torch.linalg.eigh(covariance).eigenvectors[:, -AXES:].float().contiguous()
    features, feature_step = in_bytes(found[some(len(found))])
    neighbours, neighbour_step = in_bytes(found @ axes)
    tensors = {
        "mean": mean.float(),
        "covariance": covariance.float(),
        "axes": axes,
        "features": features,
        "neighbours": neighbours,
    }
    notes: dict[str, Any] = {
        "feature_step": feature_step,
        "neighbour_step": neighbour_step,
        "histogram": metrics.histogram(found),
        "diversity": metrics.pixel_diversity(images),
        "nearest": metrics.median_nearest(unseen @ axes, neighbours.float() * neighbour_step),
        "floors": [],
    }
    reference = metrics.make_reference(tensors, notes)
    order = torch.randperm(len(tests), generator=torch.Generator().manual_seed(0))
    for count in FLOORS:
        notes["floors"].append(average([metrics.evaluate(tests[part], reference) for part in order.split(count)]))
    return save(tensors, {"reference": json.dumps(notes)})


def some(count: int) -> Tensor:
    """The indices of the digits whose features are kept: drawn, since MNIST's order goes from writer to writer."""
    return torch.randperm(count, generator=torch.Generator().manual_seed(0))[: metrics.PAIRWISE]


def in_bytes(values: Tensor) -> tuple[Tensor, float]:
    """Values as int8, and the step they are multiples of."""
    step = values.abs().max().item() / 127
    return (values / step).round().to(torch.int8), step


def average(measured: list[metrics.Metrics]) -> dict[str, Any]:
    """The mean of each metric over disjoint parts of the test digits."""
    rows = [m.to_json() for m in measured]
    means = {name: sum(row[name] for row in rows) / len(rows) for name in rows[0] if name != "histogram"}
    shares = [sum(share) / len(rows) for share in zip(*(row["histogram"] for row in rows), strict=True)]
    return {**means, "count": rows[0]["count"], "histogram": shares}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=20, help="0 keeps the judge there is and measures anew")
    arguments = parser.parse_args()
    torch.set_num_threads(1)

    judge.ASSETS.mkdir(parents=True, exist_ok=True)
    if arguments.epochs:
        weights = {name: tensor.detach().contiguous() for name, tensor in train(arguments.epochs).state_dict().items()}
        write_atomic(judge.ASSETS / "judge.safetensors", save(weights))
        judge.load_judge.cache_clear()
    images, _ = digits(train=True)
    tests, labels = digits(train=False)
    right = (judge.classify(judge.features(tests)) == labels).float().mean().item()
    print(f"{right:.2%} of the test digits right")
    write_atomic(judge.ASSETS / "reference.safetensors", measure(images, tests))
    metrics.load_reference.cache_clear()
    for floor in metrics.load_reference().floors.values():
        print(floor)


if __name__ == "__main__":
    main()
