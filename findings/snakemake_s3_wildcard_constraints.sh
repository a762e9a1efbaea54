#!/bin/bash
# Snakemake 9.27.1, snakemake-storage-plugin-s3 0.3.6: `wildcard_constraints` do not hold for outputs in S3.
#
# Guess: with `--default-storage-provider s3` the rules mean what they mean without. True: the plug-in reads the path of an
# output once, before Snakemake adds the constraints to the query, so the pattern of the output has none. Constraints
# written into the output itself, `{name,[a-z]+}`, hold.
# Why it matters: two rules that only their constraints tell apart are ambiguous, or the wrong one runs.
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
until grep -q Running server.log; do sleep 0.2; done
s3=(--default-storage-provider s3 --default-storage-prefix s3://here --storage-s3-endpoint-url "http://127.0.0.1:$port"
    --storage-s3-access-key a --storage-s3-secret-key b)

venv/bin/snakemake --cores 1 --dry-run > plain.log 2>&1
echo "on this disk: $(grep -ao "rule letters" plain.log | head -1)"
grep -aq "rule letters" plain.log
if venv/bin/snakemake --cores 1 --dry-run "${s3[@]}" > s3.log 2>&1; then echo "S3: planned"; exit 1; fi
echo "in S3: $(grep -a -m 1 AmbiguousRuleException s3.log)"
grep -aq AmbiguousRuleException s3.log
sed -i '/wildcard_constraints/d; s/{name}/{name,[a-z]+}/; ' Snakefile
sed -i '/^rule digits/,$ s/\[a-z\]/[0-9]/' Snakefile
venv/bin/snakemake --cores 1 --dry-run "${s3[@]}" > s3.log 2>&1
echo "in S3, the constraint in the output: $(grep -ao "rule letters" s3.log | head -1)"
grep -aq "rule letters" s3.log
