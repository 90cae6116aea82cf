# The app in a container, for CPUs. Build and run it:
#   docker build -t gan-live . && docker run -p 127.0.0.1:7860:7860 -v gan-live:/data gan-live
FROM python:3.12-slim

RUN useradd --create-home --uid 1000 live && mkdir /data && chown live /data
WORKDIR /app

# PyTorch's own index has wheels without CUDA, which are gigabytes smaller
COPY requirements.txt .
RUN pip install --no-cache-dir --extra-index-url https://download.pytorch.org/whl/cpu -r requirements.txt

COPY LICENSE app.py ./
COPY checkpoints/pretrained checkpoints/pretrained
COPY gan_core gan_core
COPY gan_ui gan_ui

ENV GAN_RUNS_DIR=/data/runs GAN_DATA_DIR=/data/datasets PORT=7860 PYTHONUNBUFFERED=1
USER live
VOLUME /data
EXPOSE 7860
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --start-interval=2s \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen('http://127.0.0.1:' + os.environ['PORT'] + '/gradio_api/lab/live', timeout=8)"]
CMD ["python", "app.py", "--host", "0.0.0.0"]
