# tfbind with its workflow, in the versions of constraints.txt (tests/test_envs.py). Never built: docs/cluster.md.
#   docker build -t tfbind . && docker run --rm -v "$PWD/my:/my" tfbind tfbind run /my/config.yaml --cores 8
FROM python:3.11-slim-bookworm
RUN apt-get update \
 && apt-get install -y --no-install-recommends bedtools procps \
 && rm -rf /var/lib/apt/lists/*
COPY . /tfbind
RUN cd /tfbind \
 && pip install --no-cache-dir -c constraints.txt '.[cluster]' \
 && rm -r /tfbind
ENV OMP_NUM_THREADS=1 NUMBA_CACHE_DIR=/tmp MPLCONFIGDIR=/tmp XDG_CACHE_HOME=/tmp
CMD ["tfbind", "--help"]
