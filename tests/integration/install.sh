#!/bin/bash
# The installed tree works on its own.
set -eu
. tests/lib.sh

if ! make install DESTDIR="$TMP/image" PREFIX=/usr >"$TMP/log" 2>&1; then
    not_ok 'install: make install'
    cat "$TMP/log"
    exit 1
fi
tree=$TMP/image/usr
cd /
for p in $PROGRAMS_PRESENT; do
    if [ "$p" = skeleton ]; then
        expect 'install: the example program is not installed' test ! -e "$tree/bin/skeleton"
        continue
    fi
    expect "install: $p --version" "$tree/bin/$p" --version
    expect "install: manual page of $p" grep -q '^\.TH' "$tree/share/man/man1/$p.1"
    # shellcheck disable=SC2016 # for the inner shell
    expect "install: completion of $p" bash -uc '. "$1" && complete -p "$2"' - "$tree/share/bash-completion/completions/$p" "$p"
done
printf '0,0\n0,1\n5,5\n' >"$TMP/points.csv"
expect 'install: hpdbscan clusters' "$MPIRUN" -np 2 "$tree/bin/hpdbscan" -m 2 -e 1 -i "$TMP/points.csv" -o "$TMP/labels.csv"
expect 'install: its labels' test "$(grep -v '^#' "$TMP/labels.csv" | paste -sd' ')" = '-1 -1 0'
