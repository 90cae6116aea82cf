"""The engine of GAN Live: networks, training, run folders and the runner. It never imports gradio."""

import os

# OpenMP reads this when torch is first imported, and every module below imports torch after this file has run.
# Spinning threads make training 7 to 8 times slower on a busy two-core machine; passive ones keep their speed.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
