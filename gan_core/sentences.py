"""Every sentence the engine says to a person, English and Chinese side by side, and the error that carries one.

The page's own words are in `gan_ui/strings.py`.
"""

from __future__ import annotations

import difflib
import functools
from typing import Any, Literal

Language = Literal["en", "zh"]

SENTENCES: dict[str, tuple[str, str]] = {
    # settings
    "unknown_preset": (
        "There is no preset “{name}”; choose one of: {choices}.",
        "没有名为“{name}”的预设；可选：{choices}。",
    ),
    "unknown_field": (
        "There is no setting “{name}”; the settings are: {choices}.",
        "没有名为“{name}”的设置；可用的设置：{choices}。",
    ),
    "preset_is_not_a_setting": ("Choose the preset itself instead of overriding it.", "请直接选择预设，而不是覆盖它。"),
    "not_a_choice": (
        "{field} is “{value}”, but it must be one of: {choices}.",
        "{field} 为“{value}”，但必须是：{choices} 之一。",
    ),
    "not_a_number": ("{field} must be a number, not “{value}”.", "{field} 必须是数字，而不是“{value}”。"),
    "not_text": ("{field} must be text, not “{value}”.", "{field} 必须是文本，而不是“{value}”。"),
    "not_a_whole_number": ("{field} must be a whole number, not “{value}”.", "{field} 必须是整数，而不是“{value}”。"),
    "out_of_range": (
        "{field} is {value}, but it must be between {low} and {high}.",
        "{field} 为 {value}，但必须在 {low} 到 {high} 之间。",
    ),
    "out_of_range_above": (
        "{field} is {value}, but it must be greater than {low} and at most {high}.",
        "{field} 为 {value}，但必须大于 {low} 且不超过 {high}。",
    ),
    "not_betas": (
        "{field} must be two numbers, 0 or more and less than 1, such as 0.9, 0.999; it is “{value}”.",
        "{field} 必须是两个大于等于 0 且小于 1 的数，例如 0.9, 0.999；现在是“{value}”。",
    ),
    "device_absent": (
        "{field} is “{name}”, but this machine has none; choose auto.",
        "{field} 为“{name}”，但本机没有；请选择 auto。",
    ),
    # who may do what
    "only_owner": (
        "Here only the owner of this app may do that; you can watch, sample and explore.",
        "在这里只有本程序的主人可以这样做；你可以观看、采样和探索。",
    ),
    "not_your_run": (
        "{run} is not your run; you may do that only with runs that you started.",
        "{run} 不是你的训练；你只能对自己启动的训练这样做。",
    ),
    "unknown_host": (
        "This app does not answer to the name {host}; open it as 127.0.0.1, or start it with GAN_ALLOWED_HOSTS={host}.",
        "本程序不以 {host} 这个名字提供服务；请用 127.0.0.1 打开，或在启动时设置 GAN_ALLOWED_HOSTS={host}。",
    ),
    "other_site": (
        "Only this app's own page may do that; a page of another site asked for it.",
        "只有本程序自己的页面可以这样做；这个请求来自别的网站的页面。",
    ),
    "request_too_large": (
        "That request is larger than {limit} bytes; send less at once.",
        "请求超过 {limit} 字节；请减少一次发送的内容。",
    ),
    "answer_gone": (
        "That answer is not here: it was fetched already, or newer ones took its place; ask again.",
        "这个结果已不在：它已被取走，或被更新的结果取代；请重新请求。",
    ),
    "event_not_understood": (
        "That is not what events of this app take; reload the page and try again.",
        "事件的内容无法理解；请刷新页面后重试。",
    ),
    "event_unknown": ("This app has no endpoint called {name}.", "本程序没有名为 {name} 的接口。"),
    "event_too_short": (
        "{name} takes {needed} values, and only {sent} came.",
        "{name} 需要 {needed} 个值，只收到 {sent} 个。",
    ),
    "event_takes": ("{name} takes these values by name: {takes}.", "{name} 按名称接受这些值：{takes}。"),
    "not_served": ("This app has nothing at this address.", "本程序在此地址没有内容。"),
    "mcp_missing": (
        'Agents need a package that is not installed; run: pip install "gradio[mcp]".',
        '给智能体使用需要一个尚未安装的包；请运行：pip install "gradio[mcp]"。',
    ),
    "too_fast": (
        "That was too much at once; try again in {seconds} s.",
        "请求太频繁了；请在 {seconds} 秒后再试。",
    ),
    "visitor_seconds": (
        "Visitors may train a run for at most {seconds} s; set the time limit to that or less.",
        "访客的每次训练最多 {seconds} 秒；请把时间上限设为不超过此值。",
    ),
    "visitor_steps": (
        "Visitors may train a run for at most {steps} steps; ask for fewer.",
        "访客的每次训练最多 {steps} 步；请减少步数。",
    ),
    "visitor_without_cookie": (
        "Your browser sends no cookie back, so a run could not be known as yours; allow cookies for this page and reload it.",
        "你的浏览器没有发回 cookie，程序无法认出哪次训练是你的；请允许本页使用 cookie 并重新加载。",
    ),
    "visitor_at_most": (
        "Visitors may set {name} to at most {limit}.",
        "访客最多可把 {name} 设为 {limit}。",
    ),
    "visitor_at_least": (
        "Visitors may set {name} to {limit} or more.",
        "访客只能把 {name} 设为 {limit} 或更大。",
    ),
    "visitor_time_over": (
        "{run} has trained for all of its {seconds} s; start a new run.",
        "{run} 已用完它的 {seconds} 秒；请新开始一次训练。",
    ),
    "visitor_runs": (
        "A visitor may keep {count} runs; delete one of yours first.",
        "每位访客最多保留 {count} 次训练；请先删除一次你自己的训练。",
    ),
    "visitors_disk": (
        "The runs of all visitors fill the {megabytes} MB they may take; delete one of yours, or ask the owner to make room.",
        "所有访客的训练已占满允许的 {megabytes} MB；请删除一次你自己的训练，或请主人腾出空间。",
    ),
    # data sets
    "unknown_dataset": (
        "There is no data set “{name}”; choose one of: {choices}; or give a folder or .zip of images.",
        "没有名为“{name}”的数据集；可选：{choices}；也可以给出一个图像文件夹或 .zip 文件。",
    ),
    "dataset_not_ready": (
        "The data set {name} is missing or damaged on this machine; start a new training on it to fetch it again.",
        "本机缺少数据集 {name}，或其文件已损坏；用它新开始一次训练即可重新获取。",
    ),
    "images_not_imported": (
        "The imported images {name} are missing or damaged on this machine; import the same folder or .zip again.",
        "本机缺少导入的图像 {name}，或其文件已损坏；请重新导入同一个文件夹或 .zip。",
    ),
    "bundled_mnist_damaged": (
        "The copy of MNIST in {folder} is damaged; install the program again.",
        "{folder} 中自带的 MNIST 已损坏；请重新安装本程序。",
    ),
    "download_failed": (
        "The data set {name} could not be downloaded; check the network and try again, or put its .gz "
        "files into {folder}.",
        "数据集 {name} 下载失败；请检查网络后重试，或把它的 .gz 文件放到 {folder}。",
    ),
    "data_folder_unwritable": (
        "The data folder {folder} cannot be written to ({reason}); free some space, or set "
        "GAN_DATA_DIR to another folder.",
        "无法写入数据文件夹 {folder}（{reason}）；请腾出空间，或用 GAN_DATA_DIR 指定另一个文件夹。",
    ),
    "batch_larger_than_dataset": (
        "{field} is {value}, but the data set has only {count} images; choose fewer.",
        "{field} 为 {value}，但数据集只有 {count} 张图像；请不要超过 {count}。",
    ),
    # imported images
    "no_such_images": ("There is no folder or .zip file at {path}.", "{path} 处没有文件夹或 .zip 文件。"),
    "too_few_images": (
        "Only {count} of the files are usable PNG, JPEG or WebP images, {broken} are not; at least "
        "{minimum} are needed.",
        "可用的 PNG、JPEG 或 WebP 图像只有 {count} 张，另有 {broken} 个文件不可用；至少需要 {minimum} 张。",
    ),
    "too_many_files": ("There are more than {limit} files; choose fewer.", "文件超过 {limit} 个；请减少一些。"),
    "too_many_bytes": (
        "The files are larger than {limit} MB together; choose fewer or smaller ones.",
        "文件总大小超过 {limit} MB；请减少文件或缩小图像。",
    ),
    "not_a_zip": ("{path} is not a .zip file, or it is damaged.", "{path} 不是 .zip 文件，或已损坏。"),
    "zip_encrypted": (
        "The .zip file is protected by a password; make one without.",
        "该 .zip 文件有密码保护；请提供不加密的文件。",
    ),
    "zip_path_outside": (
        "The .zip file holds “{entry}”, a path that leads out of it; pack the images anew.",
        "该 .zip 文件包含指向外部的路径“{entry}”；请重新打包图像。",
    ),
    "zip_link": (
        "The .zip file holds a link, “{entry}”; pack the images themselves.",
        "该 .zip 文件包含链接“{entry}”；请打包图像文件本身。",
    ),
    "zip_bomb": (
        "The .zip file would unpack to more than {ratio} times its size, which images never do; pack them anew.",
        "该 .zip 文件解压后会超过自身大小的 {ratio} 倍，正常图像不会如此；请重新打包。",
    ),
    "overrides_not_json": (
        'The overrides must be a JSON object such as {{"lr_g": 0.0002}}, not “{text}”.',
        '覆盖项必须是 JSON 对象，例如 {{"lr_g": 0.0002}}，而不是“{text}”。',
    ),
    # the command line
    "not_key_value": ("“{text}” is not of the form key=value.", "“{text}” 不是 key=value 的形式。"),
    "resume_keeps_settings": (
        "A resumed run keeps its own settings; leave out: {fields}.",
        "继续训练时沿用原有设置；请去掉：{fields}。",
    ),
    "unknown_file_kind": ("{path} must end in .npy or .png.", "{path} 必须以 .npy 或 .png 结尾。"),
    # run folders
    "not_a_run": ("{path} is not a run folder: it has no config.json.", "{path} 不是训练文件夹：缺少 config.json。"),
    "run_unreadable": (
        "The run {run} cannot be read: a file in it is damaged.",
        "训练 {run} 无法读取：其中有文件已损坏。",
    ),
    "run_newer": (
        "The run {run} was made by a newer version (format {version}, this one knows {known}); update first.",
        "训练 {run} 由更新的版本创建（格式 {version}，当前只支持 {known}）；请先升级。",
    ),
    "unknown_run": ("There is no run “{run}”.", "没有名为“{run}”的训练。"),
    "folder_not_empty": ("{path} already holds something; choose a new folder.", "{path} 不是空文件夹；请换一个。"),
    "run_vanished": (
        "The folder {path} is gone: somebody deleted or renamed it.",
        "文件夹 {path} 已不存在：它被删除或重命名了。",
    ),
    "runs_dir_no_append": (
        "No run can be kept in {path}: files there cannot be appended to ({reason}), as on a mounted bucket; choose a folder "
        "on a disk of this machine (--runs-dir, GAN_RUNS_DIR).",
        "无法在 {path} 中保存训练：那里的文件不能追加写入（{reason}），挂载的存储桶就是这样；请选择本机磁盘上的文件夹（--runs-dir、"
        "GAN_RUNS_DIR）。",
    ),
    "runs_dir_stale": (
        "No run can be kept in {path}: what is written there is not what is read a moment later, as on a mounted bucket; "
        "choose a folder on a disk of this machine (--runs-dir, GAN_RUNS_DIR).",
        "无法在 {path} 中保存训练：写入后立即读到的不是刚写的内容，挂载的存储桶就是这样；请选择本机磁盘上的文件夹（--runs-dir、"
        "GAN_RUNS_DIR）。",
    ),
    "runs_dir_no_lock": (
        "No run can be kept in {path}: files there cannot be locked ({reason}), so two trainings could write into one run; "
        "choose a folder on a disk of this machine (--runs-dir, GAN_RUNS_DIR).",
        "无法在 {path} 中保存训练：那里的文件不能加锁（{reason}），两个训练可能同时写入；请选择本机磁盘上的文件夹（--runs-dir、"
        "GAN_RUNS_DIR）。",
    ),
    # what `verify` finds in a run
    "file_missing": ("{name} is missing.", "缺少 {name}。"),
    "file_unreadable": ("{name} cannot be read.", "{name} 无法读取。"),
    "lines_odd": (
        "{name} has lines that no training wrote ({count}); they are ignored, and removed when the training goes on.",
        "{name} 中有 {count} 行不是训练写入的；它们会被忽略，并在继续训练时移除。",
    ),
    "lines_not_ascending": ("{name} does not ascend.", "{name} 的步数不是递增的。"),
    "checkpoint_damaged": ("Checkpoint {step} is damaged.", "第 {step} 步的检查点已损坏。"),
    "snapshot_damaged": ("Snapshot {step} is damaged.", "第 {step} 步的快照已损坏。"),
    "cannot_write": ("Nothing can be written to {path}: {reason}.", "无法写入 {path}：{reason}。"),
    "no_snapshot_yet": (
        "The run {run} has nothing to sample yet; wait for its first steps.",
        "训练 {run} 还没有可采样的内容；请等它开始。",
    ),
    "no_such_snapshot": (
        "The run {run} has no snapshot at step {step}; there are: {steps}.",
        "训练 {run} 在第 {step} 步没有快照；可用：{steps}。",
    ),
    "snapshot_unreadable": (
        "The snapshot {name} is damaged or of another network; choose another one.",
        "快照 {name} 已损坏或属于其他网络；请换一个。",
    ),
    # what a person can do with a run
    "resume_finished": (
        "The run {run} is finished; say how many more steps it should train.",
        "训练 {run} 已完成；请填写还要再训练多少步。",
    ),
    "resume_active": (
        "The run {run} is {status}, so there is nothing to resume.",
        "训练 {run} 处于 {status} 状态，无需继续。",
    ),
    "cannot_pause": (
        "The run {run} is {status}; only a running training can be paused.",
        "训练 {run} 处于 {status} 状态；只有正在运行的训练才能暂停。",
    ),
    "cannot_stop": (
        "The run {run} is {status}; there is nothing to stop.",
        "训练 {run} 处于 {status} 状态，没有可停止的训练。",
    ),
    "run_is_active": ("The run {run} is being trained; stop it first.", "训练 {run} 正在进行；请先停止。"),
    "queue_full": (
        "{length} trainings are waiting already; stop one of them first.",
        "已有 {length} 个训练在排队；请先停止其中一个。",
    ),
    # training
    "already_training": ("The run {run} is being trained already.", "训练 {run} 正在进行中。"),
    "dataset_changed": (
        "The data set {name} is not the one this run began with, so it cannot go on exactly.",
        "数据集 {name} 与开始训练时不同，无法准确继续。",
    ),
    "no_good_checkpoint": (
        "None of the checkpoints of {run} (steps {steps}) can be read, so it cannot go on; nothing was changed.",
        "训练 {run} 的检查点（第 {steps} 步）都无法读取，因此无法继续；没有改动任何文件。",
    ),
    "needs_labels": (
        "The network {network} draws a given digit, and the data set {dataset} does not say which image is what; "
        "choose another network or data set.",
        "网络 {network} 要按指定的类别作画，而数据集 {dataset} 没有类别标签；请换网络或数据集。",
    ),
    "wasserstein_unbounded": (
        "The wasserstein objective has no lower end while nothing limits how steep D may get: set gp_weight (WGAN-GP uses "
        "10), r1_gamma and r2_gamma, or turn spectral_norm on.",
        "如果不限制 D 的陡峭程度，wasserstein 目标就没有下界：请设置 gp_weight（WGAN-GP 用 10）、r1_gamma 和 r2_gamma，或打开 spectral_norm。",
    ),
    "not_conditional": (
        "The run {run} cannot be told which digit to draw; its network is not conditional.",
        "训练 {run} 的网络不是条件网络，不能指定要画的数字。",
    ),
    "not_live": (
        "{name} cannot be changed while a training runs; choose from: {choices}.",
        "{name} 不能在训练中更改；可更改的有：{choices}。",
    ),
    # the doctor
    "alert_divergence_title": ("The training is blowing up", "训练正在发散"),
    "alert_divergence_measured": (
        "The gradient of D was as long as {grad_d} (alarm above {grad_d_most}, while pictures are bad); the digit-FID is "
        "{digit_fid} after a best of {best} (alarm above {bound}); the fakes differ {share} times as much as reals do (alarm "
        "below {dead}).",
        "D 的梯度长度曾达到 {grad_d}（高于 {grad_d_most} 且图像很差即报警）；digit-FID 为 {digit_fid}，此前最好为 {best}"
        "（高于 {bound} 即报警）；假图像之间的差异是真实图像的 {share} 倍（低于 {dead} 即报警）。",
    ),
    "alert_divergence_reading": (
        "Usually the learning rates are too large: every step overshoots, and the networks throw each other about.",
        "通常是学习率太大：每一步都迈过头，两个网络互相甩来甩去。",
    ),
    "alert_divergence_try": (
        "Try a tenth of both learning rates, with R1 and R2 penalties; if it does not recover, branch from an earlier step.",
        "试试把两个学习率都降到十分之一，并加上 R1 与 R2 惩罚；若仍不恢复，请从更早的步数分支。",
    ),
    "alert_d_too_strong_title": ("D is too strong for G", "D 对 G 来说太强"),
    "alert_d_too_strong_measured": (
        "D is right about {right_real} of the reals and {right_fake} of the fakes (alarm when both are above {right_most}); "
        "the gradient of G has the length {grad_g} (alarm below {grad_g_least}).",
        "D 判对真实图像的比例为 {right_real}，假图像为 {right_fake}（两者都高于 {right_most} 即报警）；"
        "G 的梯度长度为 {grad_g}（低于 {grad_g_least} 即报警）。",
    ),
    "alert_d_too_strong_reading": (
        "Usually D has learned faster than G and now tells it only that it is wrong, not how to get better.",
        "通常是 D 学得比 G 快，只告诉 G 画错了，却不再告诉它怎样改进。",
    ),
    "alert_d_too_strong_try": (
        "Try R1 and R2 penalties, which keep D a teacher; a smaller lr_d and the non-saturating objective work, too.",
        "试试 R1 与 R2 惩罚，让 D 一直是老师；减小 lr_d、改用 non-saturating 目标函数也有用。",
    ),
    "alert_mode_collapse_title": ("G draws too few kinds of digits", "G 画的数字种类太少"),
    "alert_mode_collapse_measured": (
        "{lost} digits make up less than 5 % of the fakes each (alarm above {lost_most}), and the fakes differ from each "
        "other {share} times as much as reals do (alarm below {share_least}).",
        "有 {lost} 个数字各占假图像不到 5 %（超过 {lost_most} 个即报警），假图像之间的差异是真实图像的 {share} 倍（低于 {share_least} 即报警）。",
    ),
    "alert_mode_collapse_reading": (
        "Usually mode collapse: G has found a few pictures that D believes and draws only those.",
        "通常是模式坍塌：G 找到几种能骗过 D 的图像，就只画这几种。",
    ),
    "alert_mode_collapse_try": (
        "Try R1 and R2 penalties: a D that is flat around images leaves G no single spot to run to.",
        "试试 R1 与 R2 惩罚：D 在图像附近平缓，G 就没有可以扎堆的单一去处。",
    ),
    "alert_oscillation_title": ("What G draws swings to and fro", "G 画的东西来回摇摆"),
    "alert_oscillation_measured": (
        "One step moves a picture {restless} times as far as two pictures lie apart (alarm above {restless_most}). From one "
        "measurement to the next {moved} of the fakes became other digits (median, alarm above {moved_most}), and in the "
        "last {changes} the digit-FID rose {worsened} times to more than {swing} times what it was (alarm above "
        "{worsened_most}).",
        "一步就让图像移动了两张图像间距的 {restless} 倍（高于 {restless_most} 即报警）。相邻两次测量之间有 {moved} 的假图像变成别的数字"
        "（中位数，高于 {moved_most} 即报警）；最近 {changes} 次中 digit-FID 有 {worsened} 次升到前一次的 {swing} 倍以上"
        "（超过 {worsened_most} 次即报警）。",
    ),
    "alert_oscillation_reading": (
        "Usually G and D chase each other in circles, or G's steps are too large: each undoes what the last one learned.",
        "通常是 G 和 D 在互相追逐、原地打转，或 G 的步子太大：每一步都抵消了上一步学到的东西。",
    ),
    "alert_oscillation_try": (
        "Try sampling from a slow average of G (EMA), or smaller learning rates if there is one already.",
        "试试用 G 的慢平均（EMA）来采样；如果已经用了，就减小学习率。",
    ),
    "alert_memorisation_title": ("G copies training digits", "G 在照抄训练数字"),
    "alert_memorisation_measured": (
        "A fake is {nearest_real} times as far from the nearest training digit as a new digit is (alarm below "
        "{nearest_least}), and {precision} of the fakes are among the reals (alarm above {precision_sure}).",
        "假图像与最近的训练数字的距离是新数字的 {nearest_real} 倍（低于 {nearest_least} 即报警），"
        "且有 {precision} 的假图像落在真实图像之中（高于 {precision_sure} 即报警）。",
    ),
    "alert_memorisation_reading": (
        "Usually the training set is small, or trained on for so long that G has learned its pictures by heart.",
        "通常是训练集太小，或训练得太久，G 把其中的图像背了下来。",
    ),
    "alert_memorisation_try": (
        "Try a larger data set, or stronger R1 and R2 penalties; an earlier snapshot may be the better one.",
        "试试更大的数据集，或更强的 R1 与 R2 惩罚；较早的快照可能更好。",
    ),
    "alert_batchnorm_drift_title": ("G draws other pictures than it was trained to", "G 采样时画的与训练时不同"),
    "alert_batchnorm_drift_measured": (
        "With BatchNorm's kept statistics its pictures differ by {drift} from those with the statistics of the batch, of a "
        "pixel range of 1 (alarm above {most}).",
        "用 BatchNorm 保存的统计量和用本批统计量画出的图像相差 {drift}（像素范围为 1，高于 {most} 即报警）。",
    ),
    "alert_batchnorm_drift_reading": (
        "Usually G changes faster than BatchNorm's running averages can follow.",
        "通常是 G 变化太快，BatchNorm 的滑动平均跟不上。",
    ),
    "alert_batchnorm_drift_try": (
        "Try a smaller learning rate of G.",
        "试试减小 G 的学习率。",
    ),
    # the timeline
    "snapshot_gone": (
        "Step {step} of {run} is not kept any more: its snapshot was thinned out, or the run was resumed from before it.",
        "{run} 的第 {step} 步已不再保留：其快照已被精简，或训练从更早处继续了。",
    ),
    "nothing_to_branch_from": (
        "{run} kept nothing to branch from at step {step} or before: neither a checkpoint nor a snapshot with its D; "
        "choose a later step.",
        "{run} 在第 {step} 步及之前没有可供分支的东西：既无检查点，也无带 D 的快照；请选择更晚的一步。",
    ),
    "branch_moved": (
        "What this branch would have begun with at step {step} of {run} is gone by now; look at the step again and press "
        "once more.",
        "此分支要用的 {run} 第 {step} 步的内容现已不在；请重新查看这一步，然后再按一次。",
    ),
    "no_discriminator": (
        "Run {run} kept no discriminator at step {step}, only what is needed to draw.",
        "训练 {run} 在第 {step} 步没有保留判别器，只保留了画图所需的部分。",
    ),
    "not_branchable": (
        "A branch cannot have another {name}, because its networks and data are those of its parent; it can change: "
        "{choices}.",
        "分支不能更改 {name}，因为它沿用原训练的网络和数据；可以更改的有：{choices}。",
    ),
    "not_running": (
        "Settings can only be changed while the run is training; {run} is {status}.",
        "只有正在训练时才能更改设置；{run} 当前状态为 {status}。",
    ),
    "not_finite": (
        "The loss became NaN or infinite at step {step}: the training blew up. The last good checkpoint is at "
        "step {checkpoint}; start a new run with a smaller learning rate.",
        "第 {step} 步损失变成 NaN 或无穷大：训练发散了。最后一个可用检查点在第 {checkpoint} 步；请用更小的学习率重新开始一次训练。",
    ),
    "disk_full": (
        "The disk is full. The last good checkpoint is at step {checkpoint}; free some space, then resume.",
        "磁盘已满。最后一个可用检查点在第 {checkpoint} 步；请腾出空间后再继续。",
    ),
    "trainer_died": (
        "The trainer process ended without a word (killed, or out of memory); resume from the last checkpoint.",
        "训练进程意外结束（被终止或内存不足）；可从最后一个检查点继续。",
    ),
    "trainer_crashed": ("The trainer crashed with {kind}: {message}", "训练进程崩溃，{kind}：{message}"),
    # sampling
    "z_wrong_length": (
        "z has {got} values, but this run's G takes {want}; reload the page.",
        "z 有 {got} 个值，但这次训练的 G 需要 {want} 个；请刷新页面。",
    ),
    "z_not_finite": ("z has a value that is not a finite number; press Reset.", "z 中有不是有限数字的值；请点“归零”。"),
    "fakes_not_finite": (
        "G at step {step} gives NaN, not pictures: its training blew up; choose an earlier snapshot.",
        "第 {step} 步的 G 输出 NaN 而不是图像：训练已发散；请选择更早的快照。",
    ),
    "body_too_large": (
        "That request is larger than {limit} bytes; send only z, 4 bytes a value.",
        "请求超过 {limit} 字节；请只发送 z，每个值 4 字节。",
    ),
    # films
    "film_too_large": (
        "{frames} frames of {size} x {size} pixels are too much; choose a smaller size or a shorter film.",
        "{frames} 帧、每帧 {size} x {size} 像素太大；请减小尺寸或缩短时间。",
    ),
    "film_no_encoder": (
        "There is no encoder for MP4 and WebP; install it with pip install av, or choose GIF.",
        "没有 MP4 和 WebP 编码器；请用 pip install av 安装，或改选 GIF。",
    ),
    "film_pose_or_walk": (
        "A film shows one pose through a training, or a walk; leave out --pose or --walk.",
        "影片要么展示一个姿态的训练过程，要么是一次漫游；请去掉 --pose 或 --walk。",
    ),
    "film_poses": (
        "A walk needs 1 to {limit} poses, but there are {count}; keep some in the tray first.",
        "漫游需要 1 到 {limit} 个姿态，现在有 {count} 个；请先在托盘里留一些。",
    ),
    "film_needs_digits": (
        "{run} draws the digit that it is told, and a pose of the walk has none; choose a digit for each.",
        "{run} 要指定数字才能画，而漫游中有的姿态没有数字；请给每个姿态选一个数字。",
    ),
    "film_needs_snapshots": (
        "A film of {run} needs at least two snapshots, and there are {count}; let it train on.",
        "{run} 的影片至少需要两个快照，现在有 {count} 个；请让它继续训练。",
    ),
    "body_not_json": (
        "That request is not a JSON object; reload the page and try again.",
        "请求不是 JSON 对象；请刷新页面后重试。",
    ),
    # jobs
    "jobs_full": (
        "{count} other jobs wait already; try again in a minute.",
        "已有 {count} 个任务在等待；请一分钟后再试。",
    ),
    "jobs_yours_full": (
        "You have {count} jobs under way already; wait for one of them, or cancel it.",
        "您已有 {count} 个任务在进行；请等其中一个完成，或取消它。",
    ),
    "job_gone": (
        "The result is no longer kept; start the job again.",
        "结果已不再保存；请重新开始。",
    ),
    "job_failed": (
        "The job failed because of a fault in this program; the terminal of the app has the details.",
        "任务因程序错误而失败；详情见程序的终端输出。",
    ),
    # poses
    "pose_foreign": (
        "That is not a pose; copy the whole text, which begins with p1_ or p2_.",
        "这不是姿态文本；请完整复制以 p1_ 或 p2_ 开头的那一段。",
    ),
    "pose_damaged": (
        "The pose is incomplete or was changed; copy its whole text again.",
        "姿态文本不完整或被改动过；请重新完整复制。",
    ),
    "pose_too_long": (
        "The text has {length} characters, and no pose has more than {limit}; copy only the pose.",
        "文本有 {length} 个字符，而姿态最多 {limit} 个；请只复制姿态那一段。",
    ),
    "pose_newer": (
        "The pose was made by a newer version (format {version}, this one knows {known}); update first.",
        "这个姿态由更新的版本创建（格式 {version}，当前只支持 {known}）；请先升级。",
    ),
    "pose_length": (
        "A pose needs {low} to {high} values of z, but there are {got}; copy them again.",
        "姿态需要 {low} 到 {high} 个 z 值，而这里有 {got} 个；请重新复制。",
    ),
    "pose_not_finite": (
        "A value of z is not a finite number, so there is no pose; reset z.",
        "z 中有不是有限数字的值，无法构成姿态；请把 z 归零。",
    ),
    "pose_too_far": (
        "A value of z is {limit} or further from 0, where no G has been trained; move it closer.",
        "z 中有一个值距 0 达到 {limit} 或更远，没有 G 在那里训练过；请把它调近一些。",
    ),
    "pose_wrong_z_dim": (
        "The pose has {got} values of z, but the G of {run} takes {want}; choose the run it was made with.",
        "这个姿态有 {got} 个 z 值，而 {run} 的 G 需要 {want} 个；请选择创建它时所用的训练。",
    ),
    "pose_snapshot_gone": (
        "The pose was seen at step {step} of {run}, whose snapshot is gone; it is drawn by the newest one.",
        "这个姿态来自 {run} 第 {step} 步，那个快照已不在；现在用最新的快照来画。",
    ),
    "run_ships": (
        "{run} ships with the app and stays as it is; train a run of your own to change it.",
        "{run} 随程序附带，不能更改；请用自己的训练。",
    ),
    "name_too_long": (
        "The name has {length} characters; use at most {limit}.",
        "名字有 {length} 个字符；最多 {limit} 个。",
    ),
    "pose_is_one_picture": (
        "A pose is one picture with its own z; leave out: {options}.",
        "一个姿态就是一张图像，自带 z；请去掉：{options}。",
    ),
    "walk_mixed": (
        "The poses have different numbers of values of z ({sizes}); keep those of one run.",
        "这些姿态的 z 值个数不同（{sizes}）；请只保留同一个训练的姿态。",
    ),
    # metrics
    "judge_damaged": (
        "The judge of digits in {folder} is missing or damaged; install the program again.",
        "{folder} 中的数字评判器缺失或已损坏；请重新安装本程序。",
    ),
    "too_few_fakes": (
        "{got} fakes are too few to measure; take {want} or more.",
        "只有 {got} 张生成图像，不足以评估；请至少取 {want} 张。",
    ),
    "neighbours_need_digits": (
        "The judge knows only digits, so for {dataset} nothing says which reals a fake is close to; choose a run of MNIST.",
        "评判器只认识数字，无法为 {dataset} 找出与生成图像相近的真实图像；请选择用 MNIST 训练的网络。",
    ),
    # a person's own digit
    "picture_not_read": (
        "That file is not a PNG, JPEG or WebP picture that can be read; choose another.",
        "该文件不是可读取的 PNG、JPEG 或 WebP 图片；请换一个。",
    ),
    "picture_too_large": (
        "That picture is too large; choose one of at most {limit} million pixels and 10 MB.",
        "图片太大；请选择不超过 {limit}00 万像素、10 MB 的图片。",
    ),
    "picture_empty": (
        "Nothing stands out on that picture; draw a digit first, or choose one with a clear digit.",
        "图上没有明显的内容；请先画一个数字，或选择数字清晰的图片。",
    ),
    # metrics
    "metrics_not_finite": (
        "The fakes hold NaN, so there is nothing to measure; choose an earlier snapshot.",
        "生成图像中含有 NaN，无法评估；请选择更早的快照。",
    ),
    # the Hugging Face Hub
    "hub_no_token": (
        "Nobody is signed in to Hugging Face; run “hf auth login”, or set HF_TOKEN to a token with write access from "
        "huggingface.co/settings/tokens.",
        "尚未登录 Hugging Face；请运行“hf auth login”，或把 HF_TOKEN 设为在 huggingface.co/settings/tokens 创建的有写权限的令牌。",
    ),
    "hub_token_refused": (
        "Hugging Face does not accept this token: it is wrong, expired or revoked; make a new one at "
        "huggingface.co/settings/tokens and sign in again.",
        "Hugging Face 不接受这个令牌：它不正确、已过期或已被撤销；请到 huggingface.co/settings/tokens 新建一个并重新登录。",
    ),
    "hub_not_allowed": (
        "This token may not do that to {repo} ({said}); use a token with write access, and a name of your own account.",
        "这个令牌无权对 {repo} 这样做（{said}）；请使用有写权限的令牌，并使用自己账户下的名称。",
    ),
    "hub_must_pay": (
        "Hugging Face asks for a paid account ({said}); choose something free, or upgrade at huggingface.co/pricing.",
        "Hugging Face 要求付费账户（{said}）；请选择免费的方案，或到 huggingface.co/pricing 升级。",
    ),
    "hub_exists": (
        "Hugging Face says that this exists already ({said}); choose another name.",
        "Hugging Face 提示同名内容已存在（{said}）；请换一个名称。",
    ),
    "hub_changed": (
        "Somebody else changed {repo} meanwhile, and nothing was written; try again.",
        "期间有人改动了 {repo}，因此没有写入任何内容；请重试。",
    ),
    "hub_slow_down": (
        "Hugging Face asks for a pause; try again in {seconds} seconds.",
        "Hugging Face 要求放慢请求；请在 {seconds} 秒后重试。",
    ),
    "hub_too_often": (
        "Hugging Face was asked too often; try again in five minutes.",
        "对 Hugging Face 的请求过于频繁；请五分钟后再试。",
    ),
    "hub_server_error": (
        "Hugging Face has trouble of its own (error {status}), and nothing is lost; try again in a few minutes.",
        "Hugging Face 自身出现问题（错误 {status}），没有丢失任何内容；请几分钟后再试。",
    ),
    "hub_cut": (
        "The connection to Hugging Face was cut; check the network and try again, what has arrived is not sent twice.",
        "与 Hugging Face 的连接中断；请检查网络后重试，已经送达的部分不会再次发送。",
    ),
    "hub_silent": (
        "Hugging Face does not answer; nothing is lost, so try again in a few minutes.",
        "Hugging Face 没有响应；没有丢失任何内容，请几分钟后再试。",
    ),
    "hub_unreachable": (
        "Hugging Face cannot be reached; check the network, and HF_ENDPOINT if it is set.",
        "无法连接 Hugging Face；请检查网络，如果设置了 HF_ENDPOINT 也请检查。",
    ),
    "hub_odd_answer": (
        "What answered is not Hugging Face (perhaps the sign-in page of a network); check the network and try again.",
        "应答的不是 Hugging Face（可能是网络的登录页面）；请检查网络后重试。",
    ),
    "hub_offline": (
        "HF_HUB_OFFLINE is set, so nothing can be sent or fetched; unset it and start again.",
        "已设置 HF_HUB_OFFLINE，无法上传或下载；请取消该设置后重新启动。",
    ),
    "hub_name_invalid": (
        "“{name}” cannot be a name on Hugging Face; give USER/NAME, of letters, digits, “-”, “_” and “.”.",
        "“{name}”不能用作 Hugging Face 上的名称；请写成 USER/NAME，只用字母、数字、“-”、“_”和“.”。",
    ),
    "hub_no_repository": (
        "There is no {repo} on Hugging Face, or it is private; check the name, or sign in with an account that may see it.",
        "Hugging Face 上没有 {repo}，或者它是私有的；请检查名称，或用有权访问的账户登录。",
    ),
    "hub_no_revision": (
        "{repo} has no tag, branch or commit “{revision}”; see its page for those it has.",
        "{repo} 没有名为“{revision}”的标签、分支或提交；可用的请看它的页面。",
    ),
    "hub_gated": (
        "{repo} is open only to people who asked for it; ask on its page, then try again.",
        "{repo} 需要先申请访问；请在它的页面申请，通过后重试。",
    ),
    "hub_closed": ("Hugging Face has closed {repo}; choose another one.", "Hugging Face 已关闭 {repo}；请换一个。"),
    "hub_refused": (
        "Hugging Face refused this: {said}; change that and try again.",
        "Hugging Face 拒绝了请求：{said}；请修改后重试。",
    ),
    # pushing to the Hub, and pulling from it
    "hub_stopped": (
        "Stopped; nothing was published or kept, and what has been uploaded is not sent again.",
        "已停止；没有发布或保留任何内容，已上传的部分不会再次发送。",
    ),
    "hub_tag_exists": (
        "{repo} has a tag {tag} already; choose another one.",
        "{repo} 已有标签 {tag}；请换一个。",
    ),
    "hub_tag_invalid": (
        "“{tag}” cannot be a tag; use up to 50 letters, digits, “-”, “_” and “.”.",
        "“{tag}”不能用作标签；请只用字母、数字、“-”、“_”和“.”，最多 50 个字符。",
    ),
    "hub_is_public": (
        "{repo} exists already and everyone can see it; make it private on its page, or choose another name.",
        "{repo} 已经存在且对所有人可见；请在它的页面改为私有，或换一个名称。",
    ),
    "hub_other_project": (
        "{repo} holds something that is no run of GAN Live, and pushing would replace parts of it; choose another name.",
        "{repo} 中是其他项目的内容，上传会覆盖其中一部分；请换一个名称。",
    ),
    "hub_not_ours": (
        "{repo} holds no run of GAN Live (it has no {name}); choose a repository that was pushed from this program.",
        "{repo} 不是 GAN Live 的训练（缺少 {name}）；请选择由本程序上传的仓库。",
    ),
    "hub_newer": (
        "{repo} was pushed by a newer version (format {version}, this one knows {known}); update first.",
        "{repo} 由更新的版本上传（格式 {version}，当前只支持 {known}）；请先升级。",
    ),
    "hub_foreign_name": (
        "{repo} lists a file “{name}”, which no run has, so nothing was fetched; choose another repository.",
        "{repo} 列出了训练中不会有的文件“{name}”，因此没有下载任何内容；请换一个仓库。",
    ),
    "hub_too_large": (
        "{name} of {repo} has {size} MB, and no run needs more than {limit} MB for it; choose another one.",
        "{repo} 的 {name} 有 {size} MB，而训练中这个文件最多 {limit} MB；请换一个。",
    ),
    "hub_too_large_together": (
        "The files of {repo} have {size} MB together, and {limit} MB is the limit; choose another one.",
        "{repo} 的文件共 {size} MB，超过上限 {limit} MB；请换一个。",
    ),
    "hub_too_many_files": (
        "{repo} lists {count} files, and {limit} is the limit; choose another one.",
        "{repo} 列出 {count} 个文件，超过上限 {limit}；请换一个。",
    ),
    "hub_incomplete": (
        "{repo} lacks {name}, which every run has; ask its owner to push it again.",
        "{repo} 缺少训练必需的 {name}；请让它的所有者重新上传。",
    ),
    "hub_hash_differs": (
        "{name} of {repo} is not the file that was pushed: its size or SHA-256 differs; ask its owner to push it again.",
        "{repo} 的 {name} 与上传时不一致（大小或 SHA-256 不符）；请让它的所有者重新上传。",
    ),
    "hub_file_unreadable": (
        "{name} of {repo} is damaged, so nothing was kept; ask its owner to push it again.",
        "{repo} 的 {name} 已损坏，没有保留任何内容；请让它的所有者重新上传。",
    ),
    "hub_huge_header": (
        "{name} of {repo} claims a header of {size} bytes, as no network has, so nothing was kept; choose another repository.",
        "{repo} 的 {name} 声称文件头有 {size} 字节，网络不会如此，因此没有保留任何内容；请换一个仓库。",
    ),
    "hub_wrong_network": (
        "{name} of {repo} does not fit the network of its config.json, so nothing was kept; choose another repository.",
        "{repo} 的 {name} 与其 config.json 所述的网络不符，没有保留任何内容；请换一个仓库。",
    ),
    "hub_not_finite": (
        "{name} of {repo} holds NaN or infinite weights, so nothing was kept; choose an earlier revision.",
        "{repo} 的 {name} 含有 NaN 或无穷大的权重，没有保留任何内容；请选择更早的版本。",
    ),
    "pulled_without_checkpoint": (
        "{run} came from Hugging Face without a checkpoint, so its training cannot go on; it can be sampled from.",
        "{run} 来自 Hugging Face 且没有检查点，因此无法继续训练；但可以用来采样。",
    ),
    "not_loadable": (
        "“{name}” is neither a run folder nor USER/NAME on Hugging Face; give one of the two.",
        "“{name}”既不是训练文件夹，也不是 Hugging Face 上的 USER/NAME；请给出其中一个。",
    ),
    # publishing the app as a Space
    "space_makes_public": (
        "Makes the Space {repo}, which everybody can see, on {hardware}.",
        "将创建所有人可见的 Space {repo}，硬件为 {hardware}。",
    ),
    "space_makes_private": (
        "Makes the private Space {repo} on {hardware}.",
        "将创建私有的 Space {repo}，硬件为 {hardware}。",
    ),
    "space_updates": (
        "{repo} exists already: its program is replaced; its hardware ({hardware}), visibility, variables and secrets stay.",
        "{repo} 已存在：只替换其中的程序；硬件（{hardware}）、可见性、变量和密钥保持不变。",
    ),
    "space_uploads": (
        "Uploads {count} files, {size} MB, in one commit: the program and the networks that ship. No other runs, no images "
        "of your own, no caches, no tokens.",
        "将在一次提交中上传 {count} 个文件，共 {size} MB：程序和自带的网络。不含其他训练、你自己的图像、缓存和令牌。",
    ),
    "space_with_run": (
        "With them goes {run} as it is now; everybody finds it among the runs.",
        "同时上传当前状态的 {run}；所有人都能在训练列表中看到它。",
    ),
    "space_on_cpu": (
        "cpu-basic has 2 cores and costs nothing by the hour, but only a paid plan may host the Space; it sleeps after 48 "
        "hours without visitors.",
        "cpu-basic 有 2 个核，按小时免费，但只有付费账户可以托管；48 小时无人访问后休眠。",
    ),
    "space_on_zero": (
        "ZeroGPU is what a free account may host, two Spaces of it. Python {python} and torch {torch} are what it has; its "
        "GPU draws the pictures of the endpoint /sample, and trainings run on its CPU.",
        "ZeroGPU 是免费账户可以托管的，最多两个 Space。它使用 Python {python} 和 torch {torch}；GPU 只为 /sample 接口画图，训练在其 CPU 上进行。",
    ),
    "space_on_paid": (
        "{hardware} costs money by the hour for as long as it is awake: huggingface.co/pricing#spaces.",
        "{hardware} 在未休眠期间按小时收费：huggingface.co/pricing#spaces。",
    ),
    "space_has_price": (
        "{hardware} costs ${price} an hour for as long as it is awake.",
        "{hardware} 在未休眠期间每小时收费 {price} 美元。",
    ),
    "space_sleeps": (
        "After {seconds} s without visitors it sleeps, costs nothing, and ends its trainings; whoever opens it wakes it.",
        "{seconds} 秒无人访问后休眠：不再收费，训练也会结束；有人打开页面时会被唤醒。",
    ),
    "space_awake": (
        "It never sleeps, and costs that day and night until you pause it on its page.",
        "它不会休眠，会日夜收费，直到你在其页面暂停它。",
    ),
    "space_sleep_stays": (
        "After how long without visitors it sleeps stays as its settings say.",
        "多久无人访问后休眠保持其设置不变。",
    ),
    "space_sleep_is_free": (
        "{hardware} costs nothing, and the Hub alone says when it sleeps; leave out --sleep.",
        "{hardware} 不收费，何时休眠由 Hub 决定；请去掉 --sleep。",
    ),
    "space_not_asked": (
        "Nobody is signed in to Hugging Face here, so nothing was asked there: whether the Space exists already, what the "
        "account may host, what it costs. To publish, sign in first: hf auth login.",
        "本机未登录 Hugging Face，因此没有查询：Space 是否已存在、账户可以托管什么、价格多少。要发布请先登录：hf auth login。",
    ),
    "space_trainer_is_account": (
        "The account of the Space is its owner, once signed in there; everybody else watches and samples.",
        "登录后，Space 所属的账户就是主人；其他人可以观看和采样。",
    ),
    "space_variables": ("Variables: {variables}.", "变量：{variables}。"),
    "space_owner_secret": (
        "This machine’s GAN_OWNER_TOKEN goes along as a secret, so that the owner’s link works there, too.",
        "本机的 GAN_OWNER_TOKEN 会作为密钥一并设置，使主人链接在那里也有效。",
    ),
    "tracking_missing": (
        'This needs TensorBoard: pip install tensorboard, or the extra "tracking" of this package.',
        "这需要 TensorBoard：请运行 pip install tensorboard，或安装本软件包的可选项 tracking。",
    ),
    "publish_needs_checkout": (
        "An installed package holds no files for a Space; publish from a checkout of the project, where app.py is.",
        "安装的软件包不含 Space 所需的文件；请在项目的检出目录（app.py 所在处）中发布。",
    ),
    "space_free_account": (
        "A free account cannot host a Gradio Space on {hardware}; choose zero-a10g, which is free, or a paid plan at "
        "huggingface.co/pricing.",
        "免费账户不能在 {hardware} 上托管 Gradio Space；请选择免费的 zero-a10g，或到 huggingface.co/pricing 升级。",
    ),
    "space_read_only": (
        "This token may only read; make one with write access at huggingface.co/settings/tokens and sign in with it.",
        "这个令牌只能读取；请到 huggingface.co/settings/tokens 新建一个有写权限的令牌并用它登录。",
    ),
    "space_not_yours": (
        "{repo} is not under your account; publish as {account}/NAME, or as a name of an organisation you belong to.",
        "{repo} 不在你的账户下；请用 {account}/NAME，或你所属组织下的名称发布。",
    ),
    "space_other_project": (
        "{repo} is a Space of something else, and publishing would replace it; choose another name.",
        "{repo} 是其他项目的 Space，发布会覆盖它；请换一个名称。",
    ),
    "space_other_hardware": (
        "{repo} runs on {hardware}; change that in the settings of the Space first, or choose {hardware}.",
        "{repo} 运行在 {hardware} 上；请先在 Space 的设置中更改，或选择 {hardware}。",
    ),
    "space_broken": (
        "Everything is uploaded, but the Space does not start ({stage}); its log says why: {url}?logs=build",
        "已全部上传，但 Space 无法启动（{stage}）；原因见其日志：{url}?logs=build",
    ),
    "space_asleep": (
        "Everything is uploaded, but the Space is not awake ({stage}); restart it on its page: {url}",
        "已全部上传，但 Space 没有在运行（{stage}）；请在其页面重新启动：{url}",
    ),
    "space_still_building": (
        "Everything is uploaded, and the Space is still being built; see its page: {url}",
        "已全部上传，Space 仍在构建；请查看其页面：{url}",
    ),
    # whose account the page uses
    "share_sign_in": (
        "Nobody is signed in on this page; press “Sign in with Hugging Face” above first, then try again.",
        "本页尚未登录；请先点击上方的“Sign in with Hugging Face”，然后重试。",
    ),
    "share_no_sign_in": (
        "This Space has no sign-in; its owner can add “hf_oauth: true” to its README.md.",
        "此 Space 没有登录功能；其主人可以在 README.md 中加入“hf_oauth: true”。",
    ),
    "share_not_yours": (
        "Here you can push only to your own account; call it {account}/NAME.",
        "在这里只能上传到你自己的账户；请写成 {account}/NAME。",
    ),
    "share_only_on_space": (
        "Visitors push only on a Space, signed in with Hugging Face; ask the owner of this app.",
        "访客只能在 Space 上登录 Hugging Face 后上传；请联系本程序的主人。",
    ),
    "share_from_afar": (
        "Only a browser on the machine itself may use its Hugging Face account; to do it from elsewhere, start the app with "
        "GAN_OWNER_TOKEN and open the owner's link.",
        "只有本机上的浏览器可以使用它的 Hugging Face 账号；若要从别处操作，请设置 GAN_OWNER_TOKEN 启动程序并打开主人的链接。",
    ),
    "share_other_site": (
        "This was asked by another web site; open the page of this app and do it there.",
        "这个请求来自别的网站；请打开本程序的页面再操作。",
    ),
    # runs kept on the Hub
    "keep_trouble": (
        "Something went wrong while keeping the runs; the log of the app says what, and it is tried again.",
        "保存训练时出了问题；详情见程序日志，将会重试。",
    ),
    # replays
    "replay_folder_taken": (
        "{path} holds something else than an earlier replay; choose a new or empty folder.",
        "{path} 中的内容不是以前的回放；请选择新的或空的文件夹。",
    ),
    "replay_too_large": (
        "The replay of {run} takes {size} MB even with the fewest pictures, more than {limit} MB; export another run.",
        "即使只保留最少的图像，{run} 的回放也要 {size} MB，超过 {limit} MB；请导出别的训练。",
    ),
    "replay_stopped": ("The export was stopped; nothing was written.", "导出已停止；没有写入任何文件。"),
}

DID_YOU_MEAN = (" Did you mean “{name}”?", "你是指“{name}”吗？")


class UserError(ValueError):
    """Something a person can mend, as one sentence in either language.

    `key` names the sentence in `SENTENCES`, `field` the setting it is about (if any), `values` fill its gaps. If one of them
    is `choices`, and what was asked for, `name`, `value` or `run`, is nearly one of these, the sentence ends with that one.
    """

    def __init__(self, key: str, *, field: str | None = None, **values: Any) -> None:
        self.key = key
        self.field = field
        self.values = values
        super().__init__(self.say("en"))

    def __reduce__(self) -> tuple[Any, ...]:  # on ZeroGPU it comes back from another process
        return functools.partial(UserError, self.key, field=self.field, **self.values), ()

    def say(self, language: Language = "en") -> str:
        """The sentence in one language."""
        return sentence(self.key, language, field=self.field, **self.values) + self._meant(language)

    def _meant(self, language: Language) -> str:
        asked = next((str(self.values[name]) for name in ("name", "value", "run") if name in self.values), "")
        choices = str(self.values["choices"]).split(", ") if "choices" in self.values else []
        meant = difflib.get_close_matches(asked[:60], choices, n=1) if asked else []
        return DID_YOU_MEAN[1 if language == "zh" else 0].format(name=meant[0]) if meant else ""


def sentence(key: str, language: Language, **values: Any) -> str:
    """One of `SENTENCES`, filled in; long values are cut so that a sentence stays one line."""
    template = SENTENCES[key][1 if language == "zh" else 0]
    return template.format(**{k: _cut(v) for k, v in values.items()})


def _cut(value: Any) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= 300 else text[:297] + "…"
