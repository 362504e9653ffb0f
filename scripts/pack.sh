#!/bin/bash
# Pack MPI and the libraries that were found here, with their headers, for a machine that has a C compiler but neither them nor a way
# to install them: FOLDER/libs.tar.gz and FOLDER/env.sh, which is sourced there. usage: pack.sh FOLDER (environment as for mk/detect.sh)
# Needs Debian or Ubuntu and their Open MPI; there the C library must be as new as here.
set -euo pipefail
cd "$(dirname "$0")/.."
[ $# = 1 ] || { echo 'usage: pack.sh FOLDER' >&2 && exit 2; }
MPICC=${MPICC:-mpicc}
die() { echo "pack: $*" >&2 && exit 1; }
command -v dpkg-query >/dev/null || die 'libraries are packed on Debian or Ubuntu; dpkg-query is not there'
[ "$(mk/detect.sh flavour)" = openmpi ] || die "$MPICC is not Open MPI's, the one MPI that is packed"
machine=$(gcc -print-multiarch)
system=/usr/lib/$machine
[ -d "$system/openmpi/lib/openmpi3" ] || die "$system/openmpi/lib/openmpi3: no such folder; Open MPI 4 of the distribution is packed (libopenmpi-dev)"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
root=$tmp/root lib=$tmp/root/usr/lib
parts=$lib/$machine # Open MPI looks for its components where they were, below another prefix
mkdir -p "$root/usr/bin" "$root/usr/include" "$root/usr/share" "$root/spare" "$parts"

# --- libraries and headers ------------------------------------------------------------------------------
copy_library() { # path: as its SONAME, which is printed
    local soname
    soname=$(readelf -d "$1" | sed -n 's/.*SONAME.*\[\(.*\)\]/\1/p')
    cp -L "$1" "$lib/${soname:-${1##*/}}"
    echo "${soname:-${1##*/}}"
}
find_library() { # file, flags: the first -L folder that has it, else where the compiler looks
    local flag path
    for flag in $2; do
        case $flag in -L*) [ ! -e "${flag#-L}/$1" ] || { echo "${flag#-L}/$1" && return; } ;; esac
    done
    path=$(gcc -print-file-name="$1")
    [ "$path" = "$1" ] || echo "$path"
}
pack_library() { # name without lib, flags: so that -lNAME links there
    local path flag archives=''
    for flag in "-l$1" $2; do # it may have another name
        case $flag in -lm | -lrt) continue ;; -l*) ;; *) continue ;; esac
        path=$(find_library "lib${flag#-l}.so" "$2")
        if [ -n "$path" ] && [ -z "$archives" ]; then
            ln -sf "$(copy_library "$path")" "$lib/lib$1.so"
            return
        fi
        path=$(find_library "lib${flag#-l}.a" "$2")
        [ "$flag" = "-l$1" ] || [ -z "$path" ] || { cp -L "$path" "$lib/" && archives="$archives $flag"; }
    done
    [ -n "$archives" ] || die "lib$1.so was not found ($2)"
    echo "INPUT($archives -lrt -lm )" >"$lib/lib$1.so" # a script of the linker, for a library that is archives alone
}
pack_headers() { # flags: what our sources include and what that includes, less what comes with the C library and the compiler
    local dir path
    # shellcheck disable=SC2086 # a list of flags
    grep -rhoE '# *include <[^>]+>' apps common kernels tests bench | sed 's/.*\(<.*>\)/\1/' | sort -u |
        sed 's/.*/#if __has_include(&)\n#include &\n#endif/' | $MPICC $1 -M -x c - | tr ' ' '\n' | grep '^/' | xargs readlink -f | sort -u >"$tmp/headers"
    dpkg-query -L libc6-dev linux-libc-dev | sort -u >"$tmp/system"
    { echo "-I/usr/include $1" && $MPICC --showme:compile; } | tr ' ' '\n' | sed -n 's/^-I//p' | xargs readlink -f | sort -u >"$tmp/dirs"
    comm -23 "$tmp/headers" "$tmp/system" | grep -v '^/usr/lib/gcc/' | while read -r path; do
        while read -r dir; do
            case $path in "$dir"/*) install -Dm644 "$path" "$root/usr/include/${path#"$dir"/}" ;; esac
        done <"$tmp/dirs"
    done
}
flags=''
while IFS='|' read -r id cflags libs; do
    pack_library "$(awk -F'|' -v id="$id" '$1 == id { sub(/^-l/, "", $7); print $7 }' mk/libs.tsv)" "$libs"
    flags="$flags $cflags"
done < <(mk/detect.sh flags)
pack_headers "$flags"
pack_library mpi "-L$system/openmpi/lib"

# --- Open MPI: launcher, components for one node, its words ------------------------------------------------
cp -L /usr/bin/orterun "$root/usr/bin/mpirun.bin"
cp -L /usr/bin/orted "$root/usr/bin/orted.bin"
mkdir -p "$parts/openmpi/lib/openmpi3" "$parts/pmix2"
for path in "$system"/openmpi/lib/openmpi3/mca_*.so; do
    case ${path##*/} in
    *_ucx.so | *_ofi.so | *_openib.so | *_usnic.so | *_uct.so | *_psm*.so | mca_pml_cm.so | *monitoring* | mca_spml_* | mca_scoll_* | mca_sshmem_* | mca_memheap_* | mca_atomic_*) ;;
    *) cp -L "$path" "$parts/openmpi/lib/openmpi3/" ;;
    esac
done
cp -rL /usr/share/openmpi "$root/usr/share/"
cp -a "$system/pmix2/lib" "$system/pmix2/share" "$parts/pmix2/"
find "$parts/pmix2" -name '*.a' -delete

# --- what these need, less what every machine with a compiler has -----------------------------------------
find "$root" \( -name '*.so*' -o -name '*.bin' \) -type f -print0 | { xargs -0 ldd 2>/dev/null || true; } | awk '$2 == "=>" && $3 ~ /^\// { print $1, $3 }' | sort -u |
    while read -r name path; do
        case $name in
        libc.so.* | libm.so.* | libdl.so.* | libpthread.so.* | librt.so.* | libutil.so.* | libresolv.so.* | libgcc_s.so.* | libstdc++.so.* | libgomp.so.*) ;;
        liblapack.so.3 | libblas.so.3) ln -sf libopenblas.so.0 "$lib/$name" ;; # one BLAS for all
        *) [ -e "$lib/$name" ] || cp -L "$path" "$lib/$name" ;;
        esac
    done
[ ! -L "$lib/libblas.so.3" ] || [ -e "$lib/libblas.so.3" ] || die 'a library wants libblas.so.3, and OpenBLAS was not found to stand for it'
cp -L "$(command -v make)" "$root/spare/"

# --- commands there: programs find libraries by a path of their own, so that nothing else runs with these ---
for name in mpirun orted; do
    cat >"$root/usr/bin/$name" <<'EOF'
#!/bin/sh
LD_LIBRARY_PATH=$PSML_PACKED/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} exec "$0.bin" "$@"
EOF
done
# what libraries with a path of their own need is not looked for in the program's: programs need it themselves
also=$(find "$lib" -name '*.so*' -type f | while read -r path; do
    { readelf -d "$path" 2>/dev/null || true; } | awk '/RUNPATH/ { other = 1 } /NEEDED/ { gsub(/[][]/, "", $NF); names = names $NF "\n" } END { if (other) printf "%s", names }'
done | sort -u | while read -r name; do [ ! -e "$lib/$name" ] || printf ' -l:%s' "$name"; done)
cat >"$root/usr/bin/mpicc" <<EOF
#!/bin/sh
for word; do
    case \$word in -c | -E | -M | -MM | -S | -fsyntax-only | --version) exec \${OMPI_CC:-gcc} -I"\$PSML_PACKED/include" "\$@" ;; esac
done
exec \${OMPI_CC:-gcc} -I"\$PSML_PACKED/include" "\$@" -L"\$PSML_PACKED/lib" -Wl,--disable-new-dtags,-rpath,"\$PSML_PACKED/lib" \
    -Wl,--no-as-needed -lmpi$also
EOF
chmod +x "$root"/usr/bin/*
mkdir -p "$1"
tar -C "$root" --owner=0 --group=0 -cf - . | gzip -9 >"$1/libs.tar.gz"
cat >"$1/env.sh" <<EOF
# shellcheck shell=bash
# MPI and libraries to build and run PSML with, unpacked beside this file once: source me in bash.
_packed=\$(cd "\$(dirname "\${BASH_SOURCE[0]}")" && pwd)
if [ ! "\$_packed/root/whole" -nt "\$_packed/libs.tar.gz" ]; then
    rm -rf "\$_packed/root" && mkdir "\$_packed/root" && tar -C "\$_packed/root" -xzf "\$_packed/libs.tar.gz" && touch "\$_packed/root/whole"
fi
export PSML_PACKED=\$_packed/root/usr PATH=\$_packed/root/usr/bin:\$PATH:\$_packed/root/spare
export CPATH=\$PSML_PACKED/include\${CPATH:+:\$CPATH} LIBRARY_PATH=\$PSML_PACKED/lib\${LIBRARY_PATH:+:\$LIBRARY_PATH}
export OPAL_PREFIX=\$PSML_PACKED PMIX_INSTALL_PREFIX=\$PSML_PACKED/lib/$machine/pmix2
EOF
echo "pack: $1: $(du -h "$1/libs.tar.gz" | cut -f1), for a C library of $(ldd --version | sed -n '1s/.* //p') or newer on $machine"
