#!/bin/sh
# Who may include whom, and what may be named where (docs/architecture.md). Prints each violation as `file:line: rule`; fails if there is one.
# usage: layers.sh [TREE [libkernels.a]]
set -eu
tree=${1:-.} archive=${2:-}
[ -z "$archive" ] || archive=$(cd "$(dirname "$archive")" && pwd)/$(basename "$archive")
cd "$tree"
found=$(mktemp)
trap 'rm -f "$found"' EXIT

sources() { find apps common kernels -name '*.[ch]' -o -name '*.cu' -o -name '*.cuh' | sort; }
flags() { find Makefile mk -name Makefile -o -name '*.mk' | sort; }

# comments and the contents of strings are not code; includes are judged as they stand
# shellcheck disable=SC2046 # a list of files without blanks
awk '
function tell(rule) { printf "%s:%d: %s\n", FILENAME, FNR, rule }
function room(path) { # apps/NAME, common/NAME, kernels (its base), kernels/NAME
    n = split(path, part, "/")
    if (part[1] == "kernels") return n > 2 ? "kernels/" part[2] : "kernels"
    return part[1] "/" part[2]
}
function may(from, to, path) {
    if (from == to) return 1
    if (FILENAME == "kernels/cuda_plugin.cu") return to ~ /^kernels/ # it offers what several families have
    if (from ~ /^kernels/) return to == "kernels"
    if (from == "common/run") return path == "kernels/status.h" || path == "common/par/place.h" # ps_main sets threads
    if (from == "common/par") return to == "common/run" || to == "kernels"
    if (from == "common/io" || from == "common/linalg") return to == "common/run" || to == "common/par" || to == "kernels"
    if (from == "common/nn") return to == "common/run" || to == "common/par" || to == "common/io" || to == "kernels" || to == "kernels/nn"
    return to ~ /^common\// || to ~ /^kernels/ # apps
}
function ours(path) { # an include in quotes
    if (path !~ /\//) sub(/[^\/]*$/, path, here) # beside the file
    else here = path
    if (path ~ /\.\./) tell("include \"" path "\": paths start at the top of the tree")
    else if (here !~ /^(apps|common|kernels)\//) tell("include \"" path "\": not a room of the tree")
    else if (!may(room(FILENAME), room(here), here)) tell(room(FILENAME) " may not include " here)
}
function vendor(header, pattern, place) {
    if (header ~ pattern && FILENAME !~ place) tell("<" header "> belongs to " substr(place, 2))
}
function theirs(h) {
    vendor(h, "^(pnetcdf|hdf5|hdf5_hl|H5[A-Za-z]*|matio|zlib|libdeflate|turbojpeg|jpeglib|jerror|tiffio|png)\\.h$", "^common/io/")
    vendor(h, "(scalapack|blacs|elpa)", "^common/linalg/")
    vendor(h, "^(cblas|lapacke|mkl.*|dnnl.*|cuda.*|cublas.*|cudnn.*|cusolver.*|curand.*|nccl.*)\\.h$|^oneapi/", "^kernels/")
    vendor(h, "cJSON\\.h$", "^common/run/")
    if (h == "mpi.h" && FILENAME ~ /^kernels/) tell("<mpi.h>: kernels know nothing of MPI")
}
function code(line,    out, c) { # without comments, strings and characters
    out = ""
    for (i = 1; i <= length(line); i++) {
        c = substr(line, i, 1)
        if (comment) { if (substr(line, i, 2) == "*/") { comment = 0; i++ }; continue }
        if (substr(line, i, 2) == "/*") { comment = 1; i++; continue }
        if (substr(line, i, 2) == "//") break
        if (c == "\"" || c == "\047") {
            for (i++; i <= length(line) && substr(line, i, 1) != c; i++) if (substr(line, i, 1) == "\\") i++
            out = out " "
            continue
        }
        out = out c
    }
    return out
}
FNR == 1 { comment = 0 }
{ here = FILENAME }
!comment && match($0, /^[ \t]*#[ \t]*include[ \t]*["<][^">]*/) {
    header = substr($0, RSTART, RLENGTH)
    quoted = header ~ /"/
    sub(/.*["<]/, "", header)
    if (quoted) ours(header)
    else theirs(header)
    next
}
{
    text = " " code($0) " "
    if (text ~ /[^A-Za-z0-9_]MPI_COMM_WORLD[^A-Za-z0-9_]/ && FILENAME != "common/run/run.c")
        tell("MPI_COMM_WORLD is named in common/run/run.c only")
    if (text ~ /[^A-Za-z0-9_.>](exit|_exit|_Exit|quick_exit|abort|assert|MPI_Abort)[ \t]*\(/ && FILENAME !~ /^common\/run\//)
        tell("exit, abort and assert stand in common/run only")
    if (text ~ /[^A-Za-z0-9_]MPI_[A-Z]/ && FILENAME ~ /^kernels\//) tell("kernels know nothing of MPI")
    if ($0 ~ /fast-math|Ofast|unsafe-math/) tell("no -ffast-math")
}' $(sources) >"$found"

# shellcheck disable=SC2046
grep -nE -e '-ffast-math|-Ofast|-funsafe-math' $(flags) /dev/null | sed 's/^\([^:]*:[0-9]*\):.*/\1: no -ffast-math/' >>"$found" || true

if [ -n "$archive" ]; then
    nm -A -u "$archive" | awk '
        $NF ~ /^P?MPI_/ { print $1 " " $NF ": kernels know nothing of MPI" }
        $NF ~ /^(fopen|fopen64|freopen|open|open64|creat)(@|$)/ { print $1 " " $NF ": kernels open no files" }
        $NF ~ /^(exit|_exit|abort|__assert_fail)(@|$)/ { print $1 " " $NF ": exit, abort and assert stand in common/run only" }' |
        sed 's,^.*/,,' >>"$found"
fi

if [ -s "$found" ]; then
    cat "$found"
    exit 1
fi
