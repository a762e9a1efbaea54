#!/bin/bash
# Snakemake 9.27.1: what `--config name=value` makes of a value depends on whether it stands alone or in brackets.
#
# Guess: the value is read as YAML, as in a config file, so that 3 is a number and true a truth value wherever they stand.
# True: alone, 3 is a number, but so is 007 (7), while true and no are text. Inside [] or {} every value is text, numbers
# too. And a name of one letter is refused as no identifier.
# Why it matters: `--config seeds=[0,1]` hands '0' and '1' to the workflow. One that adds, compares or seeds with them is
# wrong or fails far from here; a truth value that is text, such as 'no', counts as true.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check snakemake==9.27.1
cat > Snakefile <<'RULES'
import sys
print("read:", config.get("given"), type(config.get("given")).__name__, file=sys.stderr)
rule all:
RULES
read_as() { venv/bin/snakemake --dry-run --config "$1" 2>&1 | grep -a "^read:"; }
expect() {
    found=$(read_as "given=$1")
    echo "--config given=$1 -> ${found#read: }"
    test "$found" = "read: $2"
}
expect 3 "3 int"
expect 007 "7 int"
expect 1e3 "1000.0 float"
expect true "true str"
expect no "no str"
expect '[0,1]' "['0', '1'] list"
expect '{level: 0.9, on: true}' "{'level': '0.9', 'on': 'true'} dict"
if venv/bin/snakemake --dry-run --config g=3 > log 2>&1; then echo "a name of one letter is taken"; exit 1; fi
grep -a "must start with a valid identifier" log | tail -1
