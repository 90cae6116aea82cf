"""The gradients of D's loss plus penalties on D's own gradient.

Three penalties on g, the gradient of a logit with respect to its image:

    R1           r1_gamma / 2 * mean |g|^2 at reals           (Mescheder et al., "Which Training Methods for GANs do
    R2           r2_gamma / 2 * mean |g|^2 at fakes            actually Converge?", 2018)
    WGAN-GP      gp_weight * mean (|g| - 1)^2 between the two (Gulrajani et al., 2017)

`double_backward` differentiates them the usual way: a backward pass through the backward pass. `chain_gradients` gets the
same numbers for a ChainDiscriminator for little more than the price of a plain D step. D is piecewise linear, so near an
image it is a product of matrices and masks, and with t the image's tangent (the penalty's derivative with respect to g):

    the gradient of <t, g> with respect to a layer's weight = (t carried forward to the layer) x (1 carried back to it)
    the gradient of the loss with respect to that weight    = (the layer's input)   x (d loss / d logit, carried back)

What is carried back is the same for both up to the factor d loss / d logit of each image, so one product of
(input * factor + tangent) with it gives the sum of both: a forward pass, a backward pass to the images, a forward pass of
tangents, and one gradient a weight.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gan_core.layers import ChainDiscriminator, SpectralConv2d, SpectralLinear

Loss = Callable[[Tensor, Tensor], Tensor]  # of logits_real and logits_fake


@dataclass(frozen=True)
class Weights:
    """How much each penalty counts; all 0 means none."""

    r1_gamma: float
    r2_gamma: float
    gp_weight: float

    def __bool__(self) -> bool:
        return bool(self.r1_gamma or self.r2_gamma or self.gp_weight)


@dataclass(frozen=True)
class Found:
    """D's gradients in the order of its parameters, and what was seen on the way: loss and logits without penalties."""

    gradients: list[Tensor]
    loss: Tensor
    logits_real: Tensor
    logits_fake: Tensor


def is_chain(D: nn.Module) -> bool:
    """Whether `chain_gradients` can take D."""
    spectral = any(isinstance(module, SpectralConv2d | SpectralLinear) for module in D.modules())
    return isinstance(D, ChainDiscriminator) and not spectral


def between(reals: Tensor, fakes: Tensor, generator: torch.Generator) -> Tensor:
    """A random point on the line from each real to its fake: where WGAN-GP looks."""
    share = torch.rand(len(reals), 1, 1, 1, generator=generator).to(reals)
    return torch.lerp(reals, fakes, share)


def double_backward(D: nn.Module, groups: list[Tensor], classes: Tensor | None, loss: Loss, weights: Weights) -> Found:
    """Gradients by differentiating twice; `groups` are reals, fakes and, for WGAN-GP, points between (B, 1, 28, 28)."""
    inputs = [group.detach().requires_grad_() for group in groups]
    logits = [logits_of(D, group, classes).float() for group in inputs]
    value = loss(logits[0], logits[1])
    total = value
    for index, gamma in enumerate((weights.r1_gamma, weights.r2_gamma)):
        if gamma:
            total = total + gamma / 2 * _squared_slopes(logits[index], inputs[index]).mean()
    if weights.gp_weight:
        slopes = (_squared_slopes(logits[2], inputs[2]) + 1e-12).sqrt()
        total = total + weights.gp_weight * (slopes - 1).square().mean()
    gradients = torch.autograd.grad(total, list(D.parameters()))
    return Found(list(gradients), value.detach(), logits[0].detach(), logits[1].detach())


def _squared_slopes(logits: Tensor, images: Tensor) -> Tensor:
    """|g|^2 of each image, (B,), still to be differentiated."""
    (g,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
    return g.float().square().sum((1, 2, 3))


def logits_of(D: nn.Module, images: Tensor, classes: Tensor | None) -> Tensor:
    """D's logits (B, 1), with the classes if there are any."""
    logits: Tensor = D(images) if classes is None else D(images, classes)
    return logits


@torch.no_grad()
def chain_gradients(
    D: ChainDiscriminator, groups: list[Tensor], classes: Tensor | None, loss: Loss, weights: Weights
) -> Found:
    """The same as `double_backward` for a D that `is_chain`, several times as fast."""
    body, inputs = _flatten_start(D, torch.cat(groups))
    if classes is not None:
        classes = classes.repeat(len(groups))

    # forward, keeping what each layer was given; a LeakyReLU's output serves as its mask, for it keeps the sign
    kept: list[Tensor] = []
    x = inputs
    for layer in body:
        if isinstance(layer, nn.LeakyReLU):
            x = F.leaky_relu(x, layer.negative_slope)
            kept.append(x)
        else:
            kept.append(x)
            x = layer(x) if isinstance(layer, nn.Conv2d | nn.Linear) else _flat(x)
    features = x
    head = D.head.weight if D.embed is None else D.head.weight + D.embed(classes)  # (1 or all images, features)
    places = kept[-1].shape[1:] if isinstance(body[-1], nn.Flatten) else None
    head = _channels_last(head, places)
    logits = (features * head).sum(1, keepdim=True) if D.embed is not None else F.linear(features, head)
    logits = (logits + D.head.bias).float()
    real, fake = logits.split(len(groups[0]))[:2]
    factor, value = _loss_gradient(loss, real, fake, len(logits))

    # a logit's gradient, carried back to the images
    back: list[Tensor] = [features] * len(body)
    b = head.expand_as(features)
    for index in range(len(body) - 1, -1, -1):
        layer, given = body[index], kept[index]
        back[index] = b
        b = _backward(layer, b, given)

    # the penalties' tangent, carried forward; every weight's gradient on the way
    t = b * _tangent_scale(b, weights, len(groups)).view(-1, *[1] * (b.dim() - 1)).to(b)
    found: dict[str, Tensor] = {}
    for index, layer in enumerate(body):
        if isinstance(layer, nn.Conv2d | nn.Linear):
            share = factor.view(-1, *[1] * (t.dim() - 1)).to(t)
            mixed = torch.addcmul(t, kept[index], share)
            found[f"body.{index}.weight"] = _weight_gradient(layer, mixed, back[index])
            found[f"body.{index}.bias"] = _bias_gradient(back[index], factor)
        t = _forward_tangent(layer, t, kept[index])
    mixed = torch.addcmul(t, features, factor.to(t))
    found["head.weight"] = _channels_first(mixed.sum(0, keepdim=True), places)
    found["head.bias"] = factor.sum(0)
    if D.embed is not None and classes is not None:
        by_class = torch.zeros_like(D.embed.weight).index_add_(0, classes, mixed)
        found["embed.weight"] = _channels_first(by_class, places)
    offset = len(D.body) - len(body)
    gradients = [found[_shifted(name, offset)] for name, _ in D.named_parameters()]
    return Found(gradients, value, real, fake)


def _flatten_start(D: ChainDiscriminator, images: Tensor) -> tuple[list[nn.Module], Tensor]:
    """D's layers after a leading reshape, and the images in that shape: a gradient's length does not depend on it."""
    layers = list(D.body)
    reshaped = 0 if isinstance(layers[0], nn.Conv2d | nn.Linear) else 1
    x = layers[0](images) if reshaped else images
    return layers[reshaped:], x.contiguous(memory_format=torch.channels_last) if x.dim() == 4 else x


def _shifted(name: str, offset: int) -> str:
    """The name of a parameter of D among the layers that `_flatten_start` leaves."""
    part, _, rest = name.partition(".")
    if part != "body":
        return name
    index, _, kind = rest.partition(".")
    return f"body.{int(index) - offset}.{kind}"


def _loss_gradient(loss: Loss, real: Tensor, fake: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """d loss / d logit of each image (count, 1), 0 for those that the loss does not see, and the loss."""
    with torch.enable_grad():
        real, fake = real.detach().requires_grad_(), fake.detach().requires_grad_()
        value = loss(real, fake)
        parts = torch.autograd.grad(value, (real, fake))
    factor = torch.zeros(count, 1, device=real.device)
    factor[: 2 * len(real)] = torch.cat(parts)
    return factor, value.detach()


def _tangent_scale(g: Tensor, weights: Weights, groups: int) -> Tensor:
    """The derivative of the penalties with respect to each image's g, as a multiple of that g, (B,)."""
    batch = len(g) // groups
    scale = torch.zeros(len(g), device=g.device)
    scale[:batch] = weights.r1_gamma / batch
    scale[batch : 2 * batch] = weights.r2_gamma / batch
    if groups == 3:
        length = (g[2 * batch :].float().square().flatten(1).sum(1) + 1e-12).sqrt()
        scale[2 * batch :] = weights.gp_weight * 2 * (length - 1) / length / batch
    return scale


def _backward(layer: nn.Module, b: Tensor, given: Tensor) -> Tensor:
    if isinstance(layer, nn.Linear):
        return b @ layer.weight
    if isinstance(layer, nn.Conv2d):
        return _convolution_backward(layer, b, given)[0]
    if isinstance(layer, nn.LeakyReLU):
        return _slope(layer, b, given)
    assert isinstance(layer, nn.Flatten), layer
    count, channels, height, width = given.shape
    return b.reshape(count, height, width, channels).permute(0, 3, 1, 2)


def _slope(layer: nn.LeakyReLU, x: Tensor, output: Tensor) -> Tensor:
    """x times the layer's slope, which the sign of its output tells."""
    result: Tensor = torch.ops.aten.leaky_relu_backward(x, output, layer.negative_slope, True)
    return result


def _forward_tangent(layer: nn.Module, t: Tensor, given: Tensor) -> Tensor:
    if isinstance(layer, nn.Linear):
        return F.linear(t, layer.weight)
    if isinstance(layer, nn.Conv2d):
        return F.conv2d(t, layer.weight, None, layer.stride, layer.padding)
    if isinstance(layer, nn.LeakyReLU):
        return _slope(layer, t, given)
    assert isinstance(layer, nn.Flatten), layer
    return _flat(t)


def _flat(x: Tensor) -> Tensor:
    """Flatten in the order in which (B, C, H, W) lies in memory, channels last: without a copy, unlike nn.Flatten."""
    return x.permute(0, 2, 3, 1).flatten(1)


def _channels_last(rows: Tensor, places: torch.Size | None) -> Tensor:
    """Weights of features in the order of `_flat`, given in that of nn.Flatten for (C, H, W), if there is one."""
    return rows if places is None else _flat(rows.view(-1, *places))


def _channels_first(rows: Tensor, places: torch.Size | None) -> Tensor:
    """The way back from `_channels_last`."""
    if places is None:
        return rows
    channels, height, width = places
    return rows.view(-1, height, width, channels).permute(0, 3, 1, 2).flatten(1)


def _weight_gradient(layer: nn.Conv2d | nn.Linear, mixed: Tensor, back: Tensor) -> Tensor:
    if isinstance(layer, nn.Linear):
        return back.t() @ mixed
    return _convolution_backward(layer, back, mixed, weight=True)[1]


def _convolution_backward(layer: nn.Conv2d, back: Tensor, given: Tensor, weight: bool = False) -> tuple[Tensor, ...]:
    # torch.nn.grad does the same, but with stand-ins that are not channels last, which costs a copy each
    places = (layer.stride, layer.padding, layer.dilation, False, (0, 0), layer.groups)
    found: tuple[Tensor, ...] = torch.ops.aten.convolution_backward(
        back, given, layer.weight, None, *places, (not weight, weight, False)
    )
    return found


def _bias_gradient(back: Tensor, factor: Tensor) -> Tensor:
    summed = back.float() if back.dim() == 2 else back.sum((2, 3), dtype=torch.float32)
    return (factor.t() @ summed)[0]
