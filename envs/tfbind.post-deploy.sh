#!/bin/sh
# Snakemake runs this inside the new environment, in the folder of the workflow.
set -eu
# no channel has this version; numba, numpy, pandas, pyfaidx and tqdm, which it needs, are in the environment
python -m pip install --no-deps memelite==0.5.0
python -m pip install --no-deps --no-build-isolation "$(git rev-parse --show-toplevel)"
