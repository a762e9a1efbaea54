# The environment of constraints.txt, with the workflow in it. Not built by any test.
#   docker build -t tfbind . && docker run --rm -v "$PWD/my:/my" tfbind snakemake --cores 8 --configfile /my/config.yaml --directory /my
FROM python:3.11-slim-bookworm
RUN apt-get update \
 && apt-get install -y --no-install-recommends bedtools procps \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /tfbind
COPY . .
RUN pip install --no-cache-dir -c constraints.txt torch \
 && pip install --no-cache-dir -c constraints.txt -e '.[cluster]'
ENV OMP_NUM_THREADS=1 NUMBA_CACHE_DIR=/tmp MPLCONFIGDIR=/tmp XDG_CACHE_HOME=/tmp
CMD ["snakemake", "--help"]
