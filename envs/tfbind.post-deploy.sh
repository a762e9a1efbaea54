#!/bin/sh
# Snakemake runs this inside the new environment, in the folder of the workflow.
set -eu
python -m pip install --no-deps --no-build-isolation "$(git rev-parse --show-toplevel)"
