"""Every word the page shows, English and Chinese side by side. The engine's sentences: `gan_core/sentences.py`."""

from __future__ import annotations

from gan_core.sentences import Language

STRINGS: dict[str, tuple[str, str]] = {
    # --- the page ---
    "app.heading": (
        "# GAN Live\nWatch two small networks learn to write digits, and steer what they learned.",
        "# GAN Live\n看两个小网络学会写数字，并亲手操纵它们学到的东西。",
    ),
    "app.train": ("Train", "训练"),
    "app.explore": ("Sample", "采样"),
    # --- training ---
    "train.more_settings": ("More settings", "更多设置"),
    "train.start": ("▶ Start training", "▶ 开始训练"),
    "train.pause": ("Pause", "暂停"),
    "train.resume": ("Resume", "继续"),
    "train.stop": ("Stop", "停止"),
    "train.more_steps": ("More steps", "追加步数"),
    "train.more": ("Train more", "继续训练这么多步"),
    "train.reuse": ("Fill in the shown run's settings", "填入所示训练的设置"),
    "train.reused": ("The settings of this run are in the form now.", "本次训练的设置已填入表单。"),
    "train.own_images": ("Use your own images", "使用自己的图像"),
    "train.own_images_zip": (
        "A .zip of at least 64 PNG, JPEG or WebP images",
        "包含至少 64 张 PNG、JPEG 或 WebP 图像的 .zip",
    ),
    "train.imported": (
        "{count} images are ready as {name}, chosen above as the data set.",
        "{count} 张图像已就绪，名为 {name}，并已选为数据集。",
    ),
    "train.skipped": ("{count} files were skipped: {names}.", "跳过了 {count} 个文件：{names}。"),
    "train.queued": ("Queued: it begins when {runs} has ended or is paused.", "已排队：{runs} 结束或暂停后开始。"),
    # --- status panel ---
    "status.is_none": ("No training yet", "还没有训练"),
    "status.is_queued": ("Queued", "排队中"),
    "status.is_starting": ("Starting", "正在启动"),
    "status.is_running": ("Running", "训练中"),
    "status.is_stopping": ("Stopping", "正在停止"),
    "status.is_paused": ("Paused", "已暂停"),
    "status.is_stopped": ("Stopped", "已停止"),
    "status.is_finished": ("Finished", "已完成"),
    "status.is_failed": ("Failed", "失败"),
    "status.offline": ("Connection lost, trying again…", "连接中断，正在重试……"),
    "status.progress": ("Training progress", "训练进度"),
    "status.step": ("Step", "步"),
    "status.step_of": ("{step} of {target}", "{step} / {target} 步"),
    "status.epoch": ("Epochs done", "已完成 epoch"),
    "status.speed": ("Steps/s", "步/秒"),
    "status.eta": ("Time left", "剩余时间"),
    "status.device": ("Device", "设备"),
    "status.threads": ("threads: {n}", "线程：{n}"),
    "status.hours": ("{h} h {m} min", "{h} 小时 {m} 分"),
    "status.minutes": ("{m} min {s} s", "{m} 分 {s} 秒"),
    "status.seconds": ("{s} s", "{s} 秒"),
    "status.waits_for": ("Waits until {runs} has ended or is paused.", "等待 {runs} 结束或暂停。"),
    "status.next": ("Next in the queue.", "下一个就轮到它。"),
    "status.details": ("What the process left behind", "进程留下的信息"),
    "status.settings": ("Settings of this run", "本次训练的设置"),
    # --- grids ---
    "grids.fakes": ("Fakes: what G makes of 25 fixed z", "生成图：G 对 25 个固定 z 的输出"),
    "grids.reals": ("Reals: what D is shown", "真实图：给 D 看的数据"),
    "grids.none": ("Nothing yet", "暂无"),
    "grids.fakes_alt": ("25 generated images at step {step}", "第 {step} 步的 25 张生成图像"),
    "grids.reals_alt": ("25 images of the data set", "数据集中的 25 张图像"),
    # --- list of runs ---
    "runs.title": ("All runs", "所有训练"),
    "runs.empty": ("Trainings appear here and stay, until you delete them.", "训练会出现并保留在这里，直到你删除。"),
    "runs.at": ("step {step} · {run}", "第 {step} 步 · {run}"),
    "runs.open": ("Show {run}", "查看 {run}"),
    "runs.resume": ("Resume", "继续"),
    "runs.delete": ("Delete", "删除"),
    "runs.confirm": ("Delete for good", "永久删除"),
    "runs.keep": ("Keep", "保留"),
    # --- chart ---
    "chart.d_loss": ("d_loss", "d_loss"),
    "chart.g_loss": ("g_loss", "g_loss"),
    "chart.d_real": ("D(x)", "D(x)"),
    "chart.d_fake": ("D(G(z))", "D(G(z))"),
    "chart.about_d_loss": (
        "Discriminator loss: the mean of its real half and its fake half. Press to hide or show.",
        "判别器损失：真、假两半的平均。点按可隐藏或显示。",
    ),
    "chart.about_g_loss": ("Generator loss. Press to hide or show.", "生成器损失。点按可隐藏或显示。"),
    "chart.about_d_real": (
        "How real D finds real images, on average. Press to hide or show.",
        "D 平均认为真图有多真。点按可隐藏或显示。",
    ),
    "chart.about_d_fake": (
        "How real D finds what G makes, on average. Press to hide or show.",
        "D 平均认为 G 的图有多真。点按可隐藏或显示。",
    ),
    "chart.loss_title": ("Loss", "损失"),
    "chart.d_title": ("What D says: 1 is real, 0 is fake", "D 的判断：1 为真，0 为假"),
    "chart.step": ("step", "步"),
    "chart.readout": ("mean, raw range", "均值、原始范围"),
    "chart.smoothing": ("Smoothing", "平滑"),
    "chart.steps": ("{n} steps", "{n} 步"),
    "chart.off": ("off", "关"),
    "chart.log": ("Log axis for losses", "损失用对数轴"),
    "chart.legend": ("Curves shown", "显示的曲线"),
    "chart.plot": ("Curves by step: arrow keys read out the values", "各步的曲线：用方向键读出数值"),
    "chart.empty": (
        "No points yet. The curves appear a few seconds after Start.",
        "还没有数据点。点“开始”后几秒就会出现曲线。",
    ),
    "chart.help": ("What do the dashed lines mean?", "虚线是什么意思？"),
    "chart.ln2": (
        "ln 2 ≈ 0.693: D can only guess. d_loss, the mean of its two halves, is here when D says 0.5 to everything; "
        "so is g_loss.",
        "ln 2 ≈ 0.693：D 只能乱猜。D 对一切都答 0.5 时，d_loss（两半的平均）在这里，g_loss 也在这里。",
    ),
    "chart.two_ln2": (
        "2 ln 2 ≈ 1.386: the same point for a d_loss that adds its two halves, as many papers do.",
        "2 ln 2 ≈ 1.386：若像许多论文那样把 d_loss 的两半相加，同一状态就在这里。",
    ),
    "chart.half": ("0.5: D finds real and fake equally likely.", "0.5：D 认为真假各半。"),
    "chart.csv": ("Download CSV", "下载 CSV"),
    "chart.table": ("Latest values", "最新数值"),
    "chart.mean": ("Running mean", "滑动均值"),
    "chart.lowest": ("Lowest", "最低"),
    "chart.highest": ("Highest", "最高"),
    # --- end of chart ---
    # --- explore ---
    "explore.empty": (
        "No training yet. Press Start on the Train tab; seconds later its digits can be steered here.",
        "还没有训练。在“训练”页点“开始”，几秒后就能在这里操纵它的数字。",
    ),
    "explore.run": ("Run", "训练"),
    "explore.snapshot": ("Snapshot", "快照"),
    "explore.live": ("live (newest)", "live（最新）"),
    "explore.about_live": (
        "live follows the training; a snapshot stays as it was at its step.",
        "live 跟随训练；快照保持在它那一步的样子。",
    ),
    "explore.step": ("step {step}", "第 {step} 步"),
    "explore.digit": ("G(z)", "G(z)"),
    "explore.about_norm": (
        "The length of z. Draws of z lie near the square root of z_dim.",
        "z 的长度。随机抽取的 z 大多在 z_dim 的平方根附近。",
    ),
    "explore.png": ("Download PNG", "下载 PNG"),
    "explore.near": ("Neighbourhood: press a digit to move z there", "邻域：点一个数字，z 就移过去"),
    "explore.tile": ("Row {row}, column {column}", "第 {row} 行第 {column} 列"),
    "explore.radius": ("Radius", "半径"),
    "explore.about_radius": (
        "How far from z the outer digits are. Two draws of z are about sqrt(2 z_dim) apart.",
        "外圈数字离 z 多远。两次随机抽取的 z 相距约 sqrt(2 z_dim)。",
    ),
    "explore.seed": ("Seed", "种子 seed"),
    "explore.about_seed": (
        "The same seed always draws the same z, and the same two directions for the neighbourhood.",
        "同一个种子总是抽出同样的 z，以及邻域的同样两个方向。",
    ),
    "explore.randomise": ("Randomise", "随机"),
    "explore.about_randomise": ("Draw z from the next seed.", "用下一个种子抽取 z。"),
    "explore.reset": ("Reset", "归零"),
    "explore.about_reset": ("Set every value of z to 0.", "把 z 的所有值设为 0。"),
    "explore.psi": ("psi", "psi"),
    "explore.about_psi": (
        "psi multiplies z: below 1 the digits are more typical and more alike, at 0 all are one.",
        "psi 乘以 z：小于 1 时数字更典型也更相似，为 0 时全都一样。",
    ),
    "explore.bank": ("All values of z", "z 的所有值"),
    "explore.bank_help": (
        "Drag across the bars to paint z; double-click a bar for 0.",
        "在条上拖动来绘制 z；双击一条归 0。",
    ),
    "explore.bank_keys": (
        "Keys: ← → choose a bar, ↑ ↓ change it (with Shift finely), Page Up and Down by 1, Delete for 0.",
        "按键：← → 选择一条，↑ ↓ 改变它（加 Shift 微调），Page Up、Page Down 每次 1，Delete 归 0。",
    ),
    "explore.previous": ("Previous bars", "前面的条"),
    "explore.next": ("Next bars", "后面的条"),
    "explore.page": ("z{first} to z{last} of {total}", "z{first} 至 z{last}，共 {total}"),
    "explore.show": ("Bars", "条数"),
    "explore.about_zoom": ("How many bars to show at a time", "一次显示多少条"),
    "explore.zoom_auto": ("automatic", "自动"),
    "explore.zoom_all": ("all", "全部"),
    "explore.zoom": ("{n} at a time", "每次 {n} 条"),
    "explore.unreachable": ("The server does not answer; this page keeps trying.", "服务器没有回应；本页会继续尝试。"),
    # --- end of explore ---
}


def text(key: str, language: Language) -> str:
    """One word or sentence of the page."""
    return STRINGS[key][1 if language == "zh" else 0]
