#!/bin/sh
# Find MPI, the libraries of mk/libs.tsv and nvcc.
# usage: detect.sh make FILE   write FILE (for make) and FILE.table (for people)
#        detect.sh missing     one line `id|need` for each thing that was not found
#        detect.sh flags       one line `id|compiler flags|linker flags` for each library that was found
#        detect.sh flavour     openmpi, mpich, intel or mpi; nothing where there is no MPI
# environment: MPICC, PKG_CONFIG, WITHOUT (ids of optional libraries to leave out)
set -eu
here=$(cd "$(dirname "$0")" && pwd)
MPICC=${MPICC:-mpicc} PKG_CONFIG=${PKG_CONFIG:-pkg-config} WITHOUT=${WITHOUT:-}
sep='|'

# --- MPI: flavour (names packages), version -----------------------------------------------------------
mpi_flavour='' mpi_version=''
find_mpi() {
    command -v "${MPICC%% *}" >/dev/null 2>&1 || return 0
    macros=$(printf '#include <mpi.h>\n' | $MPICC -E -dM -x c - 2>/dev/null) || return 0
    mpi_flavour=$(printf '%s\n' "$macros" | awk '
        $2 == "OMPI_MAJOR_VERSION" { o = 1 } $2 == "MPICH_VERSION" { m = 1 } $2 == "I_MPI_VERSION" { i = 1 }
        END { print o ? "openmpi" : i ? "intel" : m ? "mpich" : "mpi" }')
    mpi_version=$(printf '%s\n' "$macros" | awk '{ gsub("\"", "", $3); v[$2] = $3 } END {
        if ("OMPI_MAJOR_VERSION" in v) print "Open MPI " v["OMPI_MAJOR_VERSION"] "." v["OMPI_MINOR_VERSION"] "." v["OMPI_RELEASE_VERSION"]
        else if ("I_MPI_VERSION" in v) print "Intel MPI " v["I_MPI_VERSION"]
        else if ("MPICH_VERSION" in v) print "MPICH " v["MPICH_VERSION"]
        else print "MPI " v["MPI_VERSION"] "." v["MPI_SUBVERSION"] }')
}

# --- one library: sets version, cflags, libs, how; fails where it is not there --------------------------
compiles() { # the header is found with these flags; $3: a macro that must be defined
    case $1 in *'()') return 0 ;; esac # a library without a header: pkg-config knows it
    # shellcheck disable=SC2086 # $2 is a list of flags
    printf '#include <stdio.h>\n#include <%s>\n%s\n' "$1" "${3:+#ifndef $3
#error
#endif}" | $MPICC $2 -fsyntax-only -x c - >/dev/null 2>&1
}
links() { # a library without a header: its function is found with these flags
    case $1 in *'()') ;; *) return 0 ;; esac
    trial=$(mktemp)
    # shellcheck disable=SC2086 # $2 is a list of flags
    printf 'void %s;\nint main(void) { %s; return 0; }\n' "${1%()}(void)" "$1" | $MPICC -o "$trial" -x c - $2 >/dev/null 2>&1 &&
        found=0 || found=1
    rm -f "$trial"
    return "$found"
}
finds_races() { # programs run under ThreadSanitizer, which knows fibers
    trial=$(mktemp)
    printf 'void *__tsan_create_fiber(unsigned);\nint main(void) { return !__tsan_create_fiber(0); }\n' |
        $MPICC -fsanitize=thread -o "$trial" -x c - >/dev/null 2>&1 && "$trial" >/dev/null 2>&1 && found=0 || found=1
    rm -f "$trial"
    return "$found"
}
root_of() { # where a module system or Spack says that a library lies
    upper=$(printf '%s' "$1" | tr '[:lower:]' '[:upper:]')
    for name in "EBROOT$upper" "${upper}_ROOT" "${upper}_DIR" "${upper}_HOME"; do
        eval "path=\${$name:-}"
        if [ -n "$path" ] && [ -d "$path/include" ]; then
            printf '%s' "$path"
            return 0
        fi
    done
    return 1
}
find_lib() { # id, pkg-config names, header, function() or $ command, link flags
    must=''
    case $3 in '$ '*)
        cflags='' libs='' version=''
        how=$(PATH=$PATH:/usr/sbin:/sbin command -v "${3#??}")
        return
        ;;
    esac
    [ "$1" != hdf5 ] || must=H5_HAVE_PARALLEL
    for pc in $2; do
        if $PKG_CONFIG --exists "$pc" 2>/dev/null; then
            cflags=$($PKG_CONFIG --cflags "$pc") libs=$($PKG_CONFIG --libs "$pc") version=$($PKG_CONFIG --modversion "$pc") how=$pc
            compiles "$3" "$cflags" "$must" && return 0
        fi
    done
    if path=$(root_of "$1"); then
        dir=$path/lib
        [ ! -d "$path/lib64" ] || dir=$path/lib64
        cflags="-I$path/include" libs="-L$dir -Wl,-rpath,$dir $4" version='' how=$path
        compiles "$3" "$cflags" "$must" && links "$3" "$libs" && return 0
    fi
    cflags='' version='' how="the compiler's own path"
    # shellcheck disable=SC2046,SC2086 # $2 is a list of names; a library without a header may lie there under any of them
    for libs in "$4" $(case $3 in *'()') printf -- '-l%s ' $2 ;; esac); do
        compiles "$3" '' "$must" && links "$3" "$libs" && return 0
    done
    return 1
}
names_for_mpi() { # pkg-config names of a library that is built for each MPI
    case $1:$mpi_flavour in
    @hdf5:openmpi) echo hdf5-openmpi hdf5-mpi hdf5 ;;
    @hdf5:mpich) echo hdf5-mpich hdf5-mpi hdf5 ;;
    @hdf5:*) echo hdf5-mpi hdf5 ;;
    @scalapack:openmpi) echo scalapack-openmpi scalapack ;;
    @scalapack:mpich) echo scalapack-mpich scalapack ;;
    @scalapack:*) echo scalapack ;;
    *) echo "$1" ;;
    esac
}
is_out() { case " $WITHOUT " in *" $1 "*) return 0 ;; *) return 1 ;; esac; }

# --- CUDA: nvcc, and the libraries that nets stand on ---------------------------------------------------------
dir_of() { # header, id: sets dir and inc where it is
    for dir in "$cuda" "$(root_of "$2" || true)" /usr; do
        for inc in "$dir/include" "$dir/include/$(uname -m)-linux-gnu"; do
            [ ! -f "$inc/$1" ] || return 0
        done
    done
    return 1
}
in_pip() { # header: sets dir and inc where the packages of pip have it
    # shellcheck disable=SC2046 # patterns
    for dir in $(python3 -c 'import nvidia; print(*(path + "/*" for path in nvidia.__path__))' 2>/dev/null); do
        inc=$dir/include
        [ ! -f "$inc/$1" ] || return 0
    done
    return 1
}
find_nvcc() { # nvcc stays empty where it is missing
    nvcc=''
    for n in nvcc "${CUDA_HOME:-/nowhere}/bin/nvcc" "${EBROOTCUDA:-/nowhere}/bin/nvcc" /usr/local/cuda/bin/nvcc; do
        nvcc=$(command -v "$n" 2>/dev/null) && break
    done
    [ -n "$nvcc" ] || return 0
    nvcc_version=$("$nvcc" --version 2>/dev/null | sed -n 's/.*release \([0-9.]*\).*/\1/p')
    real=$(readlink -f "$nvcc")
    cuda=${real%/bin/nvcc}
}
find_nn() { # lacks names what nets need and is not there
    lacks=''
    while IFS=$sep read -r id header lib title; do
        if is_out "$id" || { ! dir_of "$header" "$id" && ! in_pip "$header"; }; then
            lacks="$lacks $title"
            continue
        fi
        libdir=$dir/lib
        [ ! -d "$dir/lib64" ] || libdir=$dir/lib64
        file=$(find "$libdir" -maxdepth 1 -name "lib${lib#-l}.so.*" | head -n 1)
        [ -e "$libdir/lib${lib#-l}.so" ] || [ -z "$file" ] || lib=-l:${file##*/} # pip's have no link name
        case $dir in /usr) ;; *)
            cuda_cflags="$cuda_cflags -I$inc"
            cuda_libs="$cuda_libs -L$libdir -Xlinker -rpath,$libdir"
            ;;
        esac
        cuda_libs="$cuda_libs $lib"
    done <<EOF
cuda|cublasLt.h|-lcublasLt|cuBLASLt
cudnn|cudnn.h|-lcudnn|cuDNN
nccl|nccl.h|-lnccl|NCCL
EOF
}

# --- walk over all of them ------------------------------------------------------------------------------
row() { printf '  %-12s %-24s %s\n' "$1" "$2" "$3" >>"$table"; }
have_row() { # after a library was found
    defs="$defs${macro:+ -DPS_HAVE_$macro}"
    case $need in
    test) test_cflags="$test_cflags $cflags" test_libs="$test_libs $libs" ;;
    *) all_cflags="$all_cflags $cflags" all_libs="$all_libs $libs" ;;
    esac
    row "$title" "${version:-found}" "$how"
    [ "$mode" != flags ] || [ -z "$cflags$libs" ] || echo "$id|$cflags|$libs"
}
main() {
    mode=$1 out=${2:-/dev/null}
    table=$out.table
    [ "$mode" = make ] || table=/dev/null
    : >"$table"
    find_mpi
    [ "$mode" != flavour ] || { echo "$mpi_flavour" && return 0; }
    defs='' all_cflags='' all_libs='' test_cflags='' test_libs='' missing='' has_check='' has_cxx=''
    [ -n "$mpi_flavour" ] || missing=" mpi"
    row MPI "${mpi_version:-missing}" "$(command -v "${MPICC%% *}" 2>/dev/null || echo "$MPICC: not found")"
    [ "$mode" != missing ] || [ -n "$mpi_flavour" ] || echo 'mpi|required'
    while IFS=$sep read -r id title need macro names header link _ _ _ serves; do
        case $id in '#'* | '') continue ;; esac
        names=$(names_for_mpi "$names")
        if [ "$need" = optional ] && is_out "$id"; then
            row "$title" "left out" "WITHOUT=$id: no $serves"
        elif find_lib "$id" "$names" "$header" "$link"; then
            have_row
            [ "$id" != check ] || has_check=1
            [ "$id" != cxx ] || has_cxx=1
        else
            [ "$need" != required ] || missing="$missing $id"
            [ "$mode" != missing ] || echo "$id|$need"
            row "$title" missing "no $serves"
        fi
    done <"$here/libs.tsv"
    nvcc='' cuda_nn='' cuda_cflags='' cuda_libs=''
    row 'back ends' 'ref, cpu' "cpu: OpenMP, ${MARCH:+-march=$MARCH}"
    if is_out cuda; then
        row CUDA 'left out' 'WITHOUT=cuda: nothing on GPUs'
    elif find_nvcc && [ -n "$nvcc" ]; then
        row CUDA "nvcc $nvcc_version" "$nvcc"
        find_nn
        if [ -n "$lacks" ]; then
            cuda_cflags='' cuda_libs=''
            row 'nets on GPUs' missing "nets compute on processors alone, without$lacks"
        else
            cuda_nn=$nvcc
            row 'nets on GPUs' found 'cuBLASLt, cuDNN, NCCL'
        fi
    else
        row CUDA missing 'nvcc not found: nothing on GPUs'
    fi
    [ "$mode" = make ] || return 0
    has_races=''
    [ -z "$has_cxx" ] || ! finds_races || has_races=1
    cat >"$out" <<EOF
MPI_FLAVOUR := $mpi_flavour
MISSING :=$missing
DEFS :=$defs
LIB_CFLAGS :=$all_cflags
LIB_LIBS :=$all_libs
HAS_CHECK := $has_check
TEST_CFLAGS :=$test_cflags
TEST_LIBS :=$test_libs
NVCC := $nvcc
CUDA_NN := $cuda_nn
CUDA_CFLAGS :=$cuda_cflags
CUDA_LIBS :=$cuda_libs
HAS_CXX := $has_cxx
HAS_RACES := $has_races
EOF
}
main "$@"
