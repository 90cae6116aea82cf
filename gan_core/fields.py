"""The table of settings: `FIELDS` is the only list of them there is.

The command line's flags, the page's widgets and the checks in `config` are all made from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gan_core import networks, objectives
from gan_core.preset import UNLIMITED

Kind = Literal["int", "float", "choice", "text", "betas"]


@dataclass(frozen=True)
class Field:
    """One setting: its name, how it is checked and how it is shown.

    `label` and `help` are (English, Chinese). `folded` fields hide behind "More settings" on the page.
    `above` makes `minimum` exclusive. `live` ones can be changed while a training runs.
    """

    name: str
    kind: Kind
    label: tuple[str, str]
    help: tuple[str, str]
    minimum: float | None = None
    maximum: float | None = None
    above: bool = False
    choices: tuple[str, ...] = ()
    folded: bool = True
    live: bool = False


FIELDS: tuple[Field, ...] = (
    Field(
        "preset",
        "choice",
        ("Preset", "预设"),
        ("A named set of values for everything below.", "下面所有设置的一组命名取值。"),
        folded=False,
    ),
    Field(
        "dataset",
        "text",
        ("Data set", "数据集"),
        ("What the discriminator is shown as real.", "给判别器看的“真实”图像。"),
        folded=False,
    ),
    Field(
        "steps",
        "int",
        ("Steps", "步数"),
        (
            f"How many times D and then G are updated; {UNLIMITED} leaves the end to the time limit. One epoch of MNIST "
            "is 469 steps of 128 digits.",
            f"D 和 G 各更新多少次；{UNLIMITED} 表示只由时间上限决定何时结束。MNIST 一个 epoch 是 469 步，每步 128 张数字。",
        ),
        minimum=1,
        maximum=UNLIMITED,
        folded=False,
    ),
    Field(
        "seconds",
        "float",
        ("Time limit (s)", "时间上限（秒）"),
        ("Stop after this much training time; 0 means no limit.", "训练满这么多秒就结束；0 表示不限。"),
        minimum=0,
        maximum=30 * 86_400,
    ),
    Field(
        "seed",
        "int",
        ("Seed", "随机种子"),
        (
            "Same seed, same settings, same machine: the same training, bit for bit.",
            "同样的种子、设置和机器，得到逐位相同的训练。",
        ),
        minimum=0,
        maximum=2**31 - 1,
        folded=False,
    ),
    Field(
        "network",
        "choice",
        ("Networks", "网络"),
        (
            "The pair G and D: fully connected (mlp), small convolutional (conv), told the digit (conditional), classic DCGAN.",
            "G 和 D 这一对网络：全连接（mlp）、小型卷积（conv）、指定数字（conditional）、经典 DCGAN（dcgan）。",
        ),
        choices=networks.names(),
    ),
    Field(
        "width",
        "int",
        ("Width", "宽度"),
        (
            "How many channels the convolutional networks have, as a factor. Twice the width takes about three times as long.",
            "卷积网络的通道数倍率。宽度加倍，用时约为三倍。",
        ),
        minimum=2,
        maximum=64,
    ),
    Field(
        "objective",
        "choice",
        ("Objective", "目标函数"),
        (
            "What G and D play for. relativistic with R1 and R2 is the steadiest, saturating the original game that stalls.",
            "G 和 D 博弈的目标。relativistic 加 R1、R2 最稳定；saturating 是会停滞的原始博弈。",
        ),
        choices=objectives.names(),
    ),
    Field(
        "batch_size",
        "int",
        ("Batch size", "批大小"),
        (
            "Images per step. Larger is smoother but slower; BatchNorm needs at least 2.",
            "每步的图像数。越大越平稳但越慢；BatchNorm 至少需要 2。",
        ),
        minimum=2,
        maximum=4096,
    ),
    Field(
        "z_dim",
        "int",
        ("z dimensions", "z 维数"),
        ("Length of the noise vector z that G turns into an image.", "G 变成图像的噪声向量 z 的长度。"),
        minimum=1,
        maximum=512,
    ),
    Field(
        "lr_g",
        "float",
        ("G learning rate", "G 学习率"),
        (
            "Step size of the generator. Too large: it blows up; too small: nothing happens for minutes.",
            "生成器的步长。太大会发散，太小则几分钟内看不到变化。",
        ),
        minimum=0,
        above=True,
        maximum=1,
        folded=False,
        live=True,
    ),
    Field(
        "lr_d",
        "float",
        ("D learning rate", "D 学习率"),
        (
            "Step size of the discriminator. If D learns much faster than G, G stops getting useful gradients.",
            "判别器的步长。D 学得比 G 快太多时，G 得不到有用的梯度。",
        ),
        minimum=0,
        above=True,
        maximum=1,
        folded=False,
        live=True,
    ),
    Field(
        "lr_schedule",
        "choice",
        ("Learning rate schedule", "学习率计划"),
        (
            "constant; cosine: both learning rates fall smoothly to 0 at the end, which sharpens the last stretch; d-sleeps: "
            "after a third of the steps D learns 50 times as slowly, to see what G does then.",
            "constant 不变；cosine：两个学习率平滑降到 0，最后阶段更精细；d-sleeps：走完三分之一的步数后，D 的学习慢 50 倍，看看 G 会怎样。",
        ),
        choices=("constant", "cosine", "d-sleeps"),
    ),
    Field(
        "betas",
        "betas",
        ("Adam betas", "Adam betas"),
        (
            "How long Adam remembers gradients and their squares. GANs often use 0.5, 0.999.",
            "Adam 对梯度及其平方的记忆。GAN 常用 0.5, 0.999。",
        ),
        minimum=0,
        maximum=1,
    ),
    Field(
        "n_critic",
        "int",
        ("D steps per G step", "每步 G 对应的 D 步数"),
        (
            "How often D is updated before G is once; WGAN-GP wants about 5.",
            "G 更新一次之前 D 更新几次；WGAN-GP 约需 5 次。",
        ),
        minimum=1,
        maximum=20,
        live=True,
    ),
    Field(
        "r1_gamma",
        "float",
        ("R1 penalty", "R1 惩罚"),
        (
            "Keeps D flat around reals, so that it stays a teacher rather than a judge; 0 means off.",
            "让 D 在真实图像附近保持平缓，使它一直是老师而不是法官；0 表示不用。",
        ),
        minimum=0,
        maximum=1000,
        live=True,
    ),
    Field(
        "r2_gamma",
        "float",
        ("R2 penalty", "R2 惩罚"),
        ("The same around fakes; 0 means off.", "在假图像附近的同样惩罚；0 表示不用。"),
        minimum=0,
        maximum=1000,
        live=True,
    ),
    Field(
        "gp_weight",
        "float",
        ("WGAN gradient penalty", "WGAN 梯度惩罚"),
        (
            "Keeps D's slope between reals and fakes near 1; WGAN-GP uses 10, 0 means off.",
            "让 D 在真假图像之间的斜率接近 1；WGAN-GP 用 10，0 表示不用。",
        ),
        minimum=0,
        maximum=1000,
    ),
    Field(
        "spectral_norm",
        "choice",
        ("Spectral normalisation", "谱归一化"),
        (
            "Divides each of D's weights by its largest singular value, so that D cannot become too steep.",
            "把 D 的每个权重除以其最大奇异值，使 D 不会过陡。",
        ),
        choices=("off", "on"),
    ),
    Field(
        "ema_decay",
        "float",
        ("EMA decay", "EMA 衰减"),
        (
            "G_ema, the slow average of G used for sampling, keeps this share of itself each step; 0 means off.",
            "用于采样的 G_ema 是 G 的慢平均，每步保留这个比例；0 表示不用。",
        ),
        minimum=0,
        maximum=0.99999,
        live=True,
    ),
    Field(
        "precision",
        "choice",
        ("Precision", "精度"),
        (
            "bf16 is about twice as fast where the processor has it; auto uses it only there.",
            "处理器支持时 bf16 约快一倍；auto 只在支持时使用。",
        ),
        choices=("auto", "fp32", "bf16"),
    ),
    Field(
        "device",
        "choice",
        ("Device", "设备"),
        (
            "Where to compute; auto takes CUDA if there is one, else the CPU.",
            "在哪里计算；auto 有 CUDA 就用 CUDA，否则用 CPU。",
        ),
        choices=("auto", "cpu", "cuda", "mps"),
    ),
    Field(
        "threads",
        "int",
        ("CPU threads", "CPU 线程"),
        (
            "Compute threads; 0 leaves one core to the page. A resumed run keeps its number.",
            "计算线程数；0 表示给网页留一个核。继续训练时保持不变。",
        ),
        minimum=0,
        maximum=256,
    ),
    Field(
        "log_every",
        "int",
        ("Log every", "记录间隔"),
        ("Steps per point of the curves.", "曲线上每个点对应的步数。"),
        minimum=1,
        maximum=100_000,
    ),
    Field(
        "snapshot_every",
        "int",
        ("Snapshot every", "快照间隔"),
        (
            "Steps between generators kept for sampling and for the timeline; there are a few more at the beginning.",
            "每隔多少步留一个可采样、可在时间轴上回看的生成器；开始阶段会多留几个。",
        ),
        minimum=1,
        maximum=1_000_000,
    ),
    Field(
        "checkpoint_every",
        "int",
        ("Checkpoint every", "检查点间隔"),
        (
            "Steps between complete states from which an interrupted training goes on.",
            "每隔多少步保存完整状态，中断后由此继续。",
        ),
        minimum=1,
        maximum=1_000_000,
    ),
    Field(
        "disk_mb",
        "int",
        ("Disk (MB)", "磁盘（MB）"),
        (
            "What this run's folder may take; older snapshots and checkpoints are thinned out, the last ones always stay.",
            "本次训练的文件夹可占多少；较早的快照和检查点会被精简，最后几个总会保留。",
        ),
        minimum=20,
        maximum=100_000,
    ),
)
FIELD = {field.name: field for field in FIELDS}

# A branch keeps these: another value would need another state: other networks, other data, other random numbers.
FIXED = (
    *("preset", "dataset", "seed", "network", "width", "z_dim", "spectral_norm"),
    *("batch_size", "precision", "device", "threads"),
)
