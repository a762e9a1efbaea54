#!/bin/bash
# The environment of `make setup`: envs/setup.sh FOLDER PYTHON. Each step says its seconds and what it added.
# Everything comes by hash. Of torch there are several builds; pip passes over one that lies on this machine for one whose
# hash an index states, so the build is chosen first. Its CUDA libraries, if it has any, are pinned by torch, not by hash.
set -euo pipefail
venv=$1 python=$2
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11) and "tfbind needs Python 3.11 or newer: make PYTHON=python3.12 ...")'

size() { du -sm "$venv" 2>/dev/null | cut -f1; }
step() { # what it does, then the command
  local what=$1 began=$SECONDS before
  before=$(size || true)
  "${@:2}"
  echo "set-up: $what: $((SECONDS - began)) s, $(($(size) - ${before:-0})) MB"
}
pip() { "$venv/bin/pip" --quiet --disable-pip-version-check "$@"; }
hashed() { pip install --no-deps --require-hashes "$@"; }
pin() { sed -n "/^$1==/,/[^\\\\]\$/p" envs/requirements.lock; }

nvidia() { [ -e /proc/driver/nvidia/version ]; }
listed() { grep -q "$(sha256sum "$1" | cut -d' ' -f1)" "$venv/torch.lock"; }
requires() { "$python" -c 'import sys, zipfile
wheel = zipfile.ZipFile(sys.argv[1])
print(wheel.read(next(n for n in wheel.namelist() if n.endswith(".dist-info/METADATA"))).decode())' "$1"; }
choose_torch() { # the build without CUDA where there is no NVIDIA GPU, pip can find that build and the lock knows it
  local version fetch=(pip download --no-deps --dest "$venv/torch")
  version=$(grep -o '^torch==[^ ]*' "$venv/torch.lock" | sed 's/==/===/')
  if ! nvidia && "${fetch[@]}" "$version+cpu" 2>/dev/null && listed "$venv"/torch/*.whl; then return; fi
  rm -rf "$venv/torch"
  "${fetch[@]}" "$version"
  if ! nvidia && requires "$venv"/torch/*.whl | grep -qE '^Requires-Dist: (nvidia|cuda)'; then
    echo "set-up: there is no NVIDIA GPU here, and pip finds only the build of torch for one, 3 GB with its libraries." \
      "For the small build name PyTorch's CPU index to pip (PIP_EXTRA_INDEX_URL) and start again." >&2
  fi
}

step "an empty environment" "$python" -m venv "$venv"
pin setuptools > "$venv/setuptools.lock"
pin torch > "$venv/torch.lock"
step "setuptools" hashed -r "$venv/setuptools.lock"
step "torch, fetched" choose_torch
step "torch" hashed --no-index --find-links "$venv/torch" -r "$venv/torch.lock"
rm -r "$venv/torch"
step "what envs/requirements.lock names" hashed --no-build-isolation --use-pep517 -r envs/requirements.lock
step "tfbind, and what torch brings along" pip install --no-build-isolation -c constraints.txt -e '.[dev,cluster]'
