#!/bin/sh
# Snakemake runs this inside the new environment; workflow/rules/common.smk says where tfbind lies.
set -eu
# no channel has this version; numba, numpy, pandas, pyfaidx and tqdm, which it needs, are in the environment
python -m pip install --no-deps memelite==0.5.0
# a link, since the environment stays when tfbind is updated
ln -sfn "$TFBIND_PACKAGE" "$(python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/tfbind"
