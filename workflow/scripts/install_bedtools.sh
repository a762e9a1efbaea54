#!/bin/sh
# Brings bedtools, where it is missing: with apt where that is allowed without a password; else Debian's or Ubuntu's package
# is unpacked into the folder BIN, which needs no rights; else one line says what to do.
bin=$1
command -v bedtools >/dev/null && exit
if command -v apt-get >/dev/null; then
    if [ "$(id -u)" = 0 ]; then as=; else as="sudo -n"; fi
    { $as apt-get update -qq && $as env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq bedtools; } >/dev/null 2>&1 ||
        (
            folder=$(mktemp -d) && cd "$folder" && apt-get download -qq bedtools && dpkg-deb -x bedtools_*.deb .
            cd "$OLDPWD" && cp "$folder/usr/bin/bedtools" "$bin/" && rm -r "$folder"
        ) >/dev/null 2>&1
fi
bedtools --version >/dev/null 2>&1 || {
    echo "bedtools is missing: 'sudo apt-get install bedtools', 'conda install -c bioconda bedtools' or 'brew install bedtools'" >&2
    exit 4
}
