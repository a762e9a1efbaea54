#!/bin/bash
# Snakemake 9.27.1: a job with an `update()` output fails; the same command again does nothing and ends with 0.
#
# Guess: a job that failed is planned again, as one with an ordinary output is. True: the output is put back as it was
# before the job, but with the time of that moment, so that it is newer than the input that asked for the job. What the
# input asked for is missing from the output, and nothing says so; --rerun-incomplete does not help.
# Why it matters: `update()` invites a job to add to a file what is new, and to lose nothing when it is killed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check snakemake==9.27.1
cat > Snakefile <<'RULES'
rule all:
    input: "total.txt", "copy.txt"
rule add:
    input: "part.txt"
    output: update("total.txt")
    shell: "cat {input} >> {output}; test ! -e fail"
rule copy:
    input: "part.txt"
    output: "copy.txt"
    shell: "cat {input} > {output}; test ! -e fail"
RULES
run() { venv/bin/snakemake --cores 1 --keep-going --rerun-incomplete "$@" > log 2>&1; }
sleep_past() { sleep 1.1; } # times of files in whole seconds, on file systems that have no others

echo one > part.txt
run
sleep_past
echo two > part.txt
touch fail
run && { echo "the failing run ended with 0"; exit 1; }
rm fail
sleep_past
run
echo "ordinary output after the failure: $(tr '\n' ' ' < copy.txt)"
echo "update() output after the failure: $(tr '\n' ' ' < total.txt)"
test "$(cat copy.txt)" = two
test "$(cat total.txt)" = one
run && grep -q "Nothing to be done" log
echo "and again: nothing to be done"
