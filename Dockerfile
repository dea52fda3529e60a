# syntax=docker/dockerfile:1.7
# One image for everything that runs on a cluster: web server, daemon, code server, runs, job pods, Spark executors.
#
#   docker build --target cpu  --tag registry.example.org/neo/neo-assets:0.1.0 .
#   docker build --target cuda --tag registry.example.org/neo/neo-assets:0.1.0-cuda .
#
# `cuda` has besides PyTorch's CUDA build and Transformer Engine, compiled here.

ARG UV_VERSION=0.13.8
ARG PYTHON_VERSION=3.11.14
ARG CPU_BASE=debian:12.12-slim
ARG CUDA_BUILD_BASE=nvidia/cuda:13.0.2-cudnn-devel-ubuntu24.04
ARG CUDA_BASE=nvidia/cuda:13.0.2-base-ubuntu24.04
ARG VERSION=0.1.0
ARG REVISION=unknown

FROM ghcr.io/astral-sh/uv:${UV_VERSION} AS uv

# What both targets do alike.
FROM scratch AS scripts
COPY --chmod=0755 <<'SCRIPT' /install
#!/bin/bash
# install EXTRAS BACKEND: Python, the locked packages and neo-assets in /opt/neo.
set -euo pipefail
extras=$1 backend=$2
export UV_PYTHON_INSTALL_DIR=/opt/neo/python UV_LINK_MODE=copy UV_NO_CACHE=1 VIRTUAL_ENV=/opt/neo/venv
uv python install "$PYTHON_VERSION"
uv venv --python "$PYTHON_VERSION" "$VIRTUAL_ENV"
locked=(--constraint requirements.lock --override requirements.overrides --build-constraint requirements.lock --torch-backend="$backend")
uv pip install "${locked[@]}" setuptools pybind11 torch
# Transformer Engine compiles against the torch that is installed.
uv pip install "${locked[@]}" --no-build-isolation-package transformer-engine-torch ".[$extras]"
# What requirements.overrides leaves out is missed by who asked for it; nothing else may be.
if uv pip check 2>&1 | grep requires | grep -v fasttext-numpy2; then exit 1; fi
SCRIPT
COPY --chmod=0755 <<'SCRIPT' /compile
#!/bin/bash
# Compiles bytecode and Numba's machine code, so that no pod does it again.
set -euo pipefail
export PATH=/opt/neo/venv/bin:$PATH
package=$(python -c 'import neo_assets; print(neo_assets.__path__[0])')
# Numba compares files' times, and image layers keep whole seconds only.
find "$package" -exec touch --no-dereference --date='2020-01-01 00:00:00 UTC' {} +
python -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/neo/venv/lib
scratch=$(mktemp -d)
# The small built-in recipe takes every compiled loop through the types that it meets.
NEO_LAKE=$scratch/lake DAGSTER_HOME=$scratch/home NEO_RECIPE=mini neo build 'key:"corpus/subset" or key:"training/token_shards"'
rm -rf "$scratch"
chown -R 10001:10001 "$NUMBA_CACHE_DIR"
SCRIPT
COPY --chmod=0755 <<'SCRIPT' /entrypoint
#!/bin/bash
# Runs its arguments; as the image of a Spark executor it is given the word `executor`, and the rest by environment.
set -euo pipefail
[ "${1:-}" = executor ] || exec "$@"
home=$(python -c 'import importlib.util as u; print(u.find_spec("pyspark").submodule_search_locations[0])')
java=$(python -c 'from neo_assets.engine.java import java_home; print(java_home())')
options=()
while read -r line; do options+=("${line#*=}"); done < <(env | grep '^SPARK_JAVA_OPT_' | sort -t_ -k4 -n)
export SPARK_HOME=$home JAVA_HOME=$java
exec "$java/bin/java" "${options[@]}" "-Xms$SPARK_EXECUTOR_MEMORY" "-Xmx$SPARK_EXECUTOR_MEMORY" \
    -cp "${SPARK_CONF_DIR:-$home/conf}:$home/jars/*" org.apache.spark.scheduler.cluster.k8s.KubernetesExecutorBackend \
    --driver-url "$SPARK_DRIVER_URL" --executor-id "$SPARK_EXECUTOR_ID" --cores "$SPARK_EXECUTOR_CORES" \
    --app-id "$SPARK_APPLICATION_ID" --hostname "$SPARK_EXECUTOR_POD_IP" \
    --resourceProfileId "$SPARK_RESOURCE_PROFILE_ID" --podName "$SPARK_EXECUTOR_POD_NAME"
SCRIPT
COPY --chmod=0755 <<'SCRIPT' /prepare
#!/bin/bash
# The user, and the folders that it may write to. By number, so that `runAsNonRoot` can be checked.
set -euo pipefail
apt-get update
apt-get install --yes --no-install-recommends ca-certificates libgomp1
rm -rf /var/lib/apt/lists/*
groupadd --gid 10001 neo
useradd --uid 10001 --gid 10001 --create-home --home-dir /home/neo --shell /usr/sbin/nologin neo
install --directory --owner=10001 --group=10001 /lake /work /opt/dagster/dagster_home
SCRIPT

FROM ${CPU_BASE} AS cpu-packages
ARG PYTHON_VERSION
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates gcc g++ libc6-dev \
    && rm -rf /var/lib/apt/lists/*
COPY --from=uv /uv /usr/local/bin/uv
COPY --from=scripts /install /compile /usr/local/bin/
WORKDIR /src
COPY pyproject.toml requirements.lock requirements.overrides README.md LICENSE ./
COPY LICENSES LICENSES
COPY neo_assets neo_assets
RUN install train,eval,public-tokenizers,documents,spark,k8s,s3,postgres cpu
# Machine code for a common type of CPU, not for the builder's: the cache is keyed by it.
ENV NUMBA_CACHE_DIR=/opt/neo/numba NUMBA_CPU_NAME=x86-64-v3 NUMBA_CPU_FEATURES=""
RUN compile

FROM ${CUDA_BUILD_BASE} AS cuda-packages
ARG PYTHON_VERSION
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates cmake gcc g++ git libc6-dev ninja-build \
    && rm -rf /var/lib/apt/lists/*
COPY --from=uv /uv /usr/local/bin/uv
COPY --from=scripts /install /compile /usr/local/bin/
WORKDIR /src
COPY pyproject.toml requirements.lock requirements.overrides README.md LICENSE ./
COPY LICENSES LICENSES
COPY neo_assets neo_assets
RUN NVTE_FRAMEWORK=pytorch install train,eval,gpu,public-tokenizers,documents,spark,k8s,s3,postgres cu130
ENV NUMBA_CACHE_DIR=/opt/neo/numba NUMBA_CPU_NAME=x86-64-v3 NUMBA_CPU_FEATURES=""
RUN compile

FROM ${CPU_BASE} AS cpu
ARG VERSION
ARG REVISION
LABEL org.opencontainers.image.title="neo-assets" \
      org.opencontainers.image.description="A fully open bilingual language model, rebuilt as Dagster assets" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
RUN --mount=type=bind,from=scripts,source=/prepare,target=/usr/local/bin/prepare prepare
COPY --from=scripts /entrypoint /opt/neo/entrypoint
COPY --from=cpu-packages /opt/neo /opt/neo
ENV PATH=/opt/neo/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    HOME=/home/neo \
    DAGSTER_HOME=/opt/dagster/dagster_home \
    NEO_LAKE=/lake \
    NEO_WORK=/work \
    NUMBA_CACHE_DIR=/opt/neo/numba NUMBA_CPU_NAME=x86-64-v3 NUMBA_CPU_FEATURES=""
WORKDIR /home/neo
USER 10001:10001
ENTRYPOINT ["/opt/neo/entrypoint"]
CMD ["neo", "--help"]

FROM ${CUDA_BASE} AS cuda
ARG VERSION
ARG REVISION
LABEL org.opencontainers.image.title="neo-assets" \
      org.opencontainers.image.description="A fully open bilingual language model, rebuilt as Dagster assets; with CUDA" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
RUN --mount=type=bind,from=scripts,source=/prepare,target=/usr/local/bin/prepare prepare
COPY --from=scripts /entrypoint /opt/neo/entrypoint
COPY --from=cuda-packages /opt/neo /opt/neo
ENV PATH=/opt/neo/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    HOME=/home/neo \
    DAGSTER_HOME=/opt/dagster/dagster_home \
    NEO_LAKE=/lake \
    NEO_WORK=/work \
    NUMBA_CACHE_DIR=/opt/neo/numba NUMBA_CPU_NAME=x86-64-v3 NUMBA_CPU_FEATURES=""
WORKDIR /home/neo
USER 10001:10001
ENTRYPOINT ["/opt/neo/entrypoint"]
CMD ["neo", "--help"]
