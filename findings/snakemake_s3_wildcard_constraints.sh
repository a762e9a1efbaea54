#!/bin/bash
# Snakemake 9.27.1, snakemake-storage-plugin-s3 0.3.6: a `wildcard_constraints:` statement takes the constraints from the
# outputs of all rules above it.
#
# Guess: with `--default-storage-provider s3` the rules mean what they mean without. True: for such a statement Snakemake adds
# the constraints to the query of each output and asks the plug-in for the path again; the plug-in made the path once, at the
# start, and gives it without any constraint, not even the rule's own. Above all rules the statement does no harm.
# Why it matters: two rules that only their constraints tell apart are ambiguous, or the wrong one is asked for its inputs.
set -euo pipefail
folder=$(mktemp -d)
trap '[ -z "${server:-}" ] || kill "$server"; rm -r "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check snakemake==9.27.1 snakemake-storage-plugin-s3==0.3.6 'moto[s3,server]==5.2.5'
cat > Snakefile <<'RULES'
rule all:
    input: "out/a.txt"
rule letters:
    output: "out/{name}.txt"
    wildcard_constraints: name="[a-z]+"
    shell: "echo letters > {output}"
rule digits:
    output: "out/{name}.txt"
    wildcard_constraints: name="[0-9]+"
    shell: "echo digits > {output}"
RULES
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
venv/bin/moto_server -H 127.0.0.1 -p "$port" > server.log 2>&1 &
server=$!
until grep -qs Running server.log; do sleep 0.2; done
s3=(--default-storage-provider s3 --default-storage-prefix s3://here --storage-s3-endpoint-url "http://127.0.0.1:$port"
    --storage-s3-access-key a --storage-s3-secret-key b)

plan() { venv/bin/snakemake --cores 1 --dry-run "$@" > log 2>&1; }

plan "${s3[@]}"
echo "in S3: $(grep -ao "^rule letters" log)"
printf 'wildcard_constraints:\n    another="x"\n' > statement
cat Snakefile statement > below
cat statement Snakefile > above
plan --snakefile below
echo "the statement below the rules, on this disk: $(grep -ao "^rule letters" log)"
if plan --snakefile below "${s3[@]}"; then echo "the statement below the rules, in S3: planned"; exit 1; fi
echo "the statement below the rules, in S3: $(grep -a -m 1 AmbiguousRuleException log)"
grep -aq AmbiguousRuleException log
plan --snakefile above "${s3[@]}"
echo "the statement above the rules, in S3: $(grep -ao "^rule letters" log)"
