# The page in a container.
#
#   CPU:   docker build -t cell2text .
#   CUDA:  docker build -t cell2text:cuda --build-arg TORCH_INDEX=https://download.pytorch.org/whl/cu128 .
#
#   docker run --read-only --tmpfs /tmp:size=8g -v cell2text:/data -p 7860:7860 cell2text
#
# Nothing is written outside /tmp and /data. docs/deploy.md tells the rest.
FROM python:3.12-slim AS build

ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /src
RUN python -m venv /venv
COPY requirements.lock ./
RUN grep '^torch==' requirements.lock > torch.txt \
    && /venv/bin/pip install -r torch.txt --index-url "$TORCH_INDEX" \
    && /venv/bin/pip install -r requirements.lock
COPY pyproject.toml README.md LICENSE app.py ./
COPY agent agent
COPY tools tools
COPY model model
COPY kb kb
RUN /venv/bin/pip install --no-deps .

FROM python:3.12-slim

RUN useradd --create-home --uid 10001 cell2text && mkdir /data && chown cell2text /data
COPY --from=build /venv /venv
ENV PATH=/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    OMP_WAIT_POLICY=passive \
    NUMBA_CACHE_DIR=/tmp/numba \
    MPLCONFIGDIR=/tmp/matplotlib \
    GRADIO_TEMP_DIR=/tmp/gradio \
    GRADIO_ANALYTICS_ENABLED=False \
    HF_HOME=/data/huggingface \
    CELL2TEXT_HOME=/data \
    CELL2TEXT_HOST=0.0.0.0 \
    CELL2TEXT_LOG=INFO \
    CELL2TEXT_LOG_FORMAT=json
USER 10001
WORKDIR /tmp
VOLUME /data
EXPOSE 7860
HEALTHCHECK --interval=30s --timeout=5s --start-period=90s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f\"http://127.0.0.1:{os.environ.get('PORT', 7860)}/health\", timeout=4)"]
CMD ["cell2text", "chat"]
