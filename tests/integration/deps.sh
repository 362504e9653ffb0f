#!/bin/bash
# scripts/deps.sh on machines where things are missing, played by stand-ins for mpicc, apt-get, id and sudo.
set -eu
. tests/lib.sh
real=$(command -v "${MPICC:-mpicc}")
mkdir "$TMP/bin"
stand_in() { printf '#!/bin/sh\n%s\n' "$2" >"$TMP/bin/$1" && chmod +x "$TMP/bin/$1"; }
# an mpicc that finds MPI and no other header, and a pkg-config that finds nothing, until $TMP/installed is there
stand_in bare-mpicc "case \"\$*\" in *-fsyntax-only*) [ -e $TMP/installed ] || exit 1 ;; esac; exec $real \"\$@\""
stand_in bare-pkg-config "[ -e $TMP/installed ] && exec pkg-config \"\$@\"; exit 1"
for tool in slurmctld shellcheck; do stand_in $tool :; done
stand_in apt-get "echo \"\$*\" >>$TMP/calls; case \"\$*\" in *install*) [ ! -e $TMP/helps ] || touch $TMP/installed; [ -e $TMP/helps ] ;; esac"
needs=''
deps() { # variables and options of env
    rm -f "$TMP/calls" "$TMP/installed"
    status=0
    # shellcheck disable=SC2086 # a list of words
    env WITHOUT= PATH="$TMP/bin:$PATH" "$@" scripts/deps.sh $needs >"$TMP/said" 2>&1 </dev/null || status=$?
}
said() { expect "$1" grep -qE -e "$2" "$TMP/said"; }

stand_in id 'echo 0'
touch "$TMP/helps"
deps MPICC=bare-mpicc PKG_CONFIG=bare-pkg-config
expect 'deps: root installs what is missing' test "$status" = 0
expect 'deps: by its Debian names' grep -qE 'install .*libcjson-dev libhdf5-(openmpi|mpich)-dev libpnetcdf-dev zlib1g-dev' "$TMP/calls"
expect 'deps: the lists of packages come first' test "$(head -n 1 "$TMP/calls")" = '-q update'
said 'deps: and finds it afterwards' 'all there'

rm "$TMP/helps"
deps MPICC=bare-mpicc PKG_CONFIG=bare-pkg-config
expect 'deps: stops where apt-get cannot help' test "$status" = 1
said 'deps: names what is required' 'missing and required: BLAS, cJSON'

stand_in id 'echo 1000'
stand_in sudo 'exit 1'
deps MPICC=no-such-mpicc
expect 'deps: stops without MPI' test "$status" = 1
expect 'deps: installs nothing without the right to' test ! -e "$TMP/calls"
said 'deps: says what to load' 'module load .*OpenMPI'
said 'deps: says what Spack builds' 'spack install .*openmpi.* cjson hdf5\+mpi parallel-netcdf'
said 'deps: says how EasyBuild builds it' 'eb --robot'

touch "$TMP/helps"
stand_in sudo "[ \"\$1\" = -n ] && shift; exec \"\$@\""
deps MPICC=bare-mpicc PKG_CONFIG=bare-pkg-config
expect 'deps: installs by sudo that asks for no password' test "$status" = 0

stand_in sudo 'exit 1'
stand_in bare-mpicc "case \"\$*\" in *-fsyntax-only*) grep -qE 'hdf5.h|png.h' && exit 1; exit 0 ;; esac; exec $real \"\$@\""
deps MPICC=bare-mpicc PKG_CONFIG=bare-pkg-config
said 'deps: an optional library is named' 'missing, optional: .*HDF5, libpng'
expect 'deps: and stops nothing' test "$status" = 0
deps MPICC=bare-mpicc PKG_CONFIG=bare-pkg-config WITHOUT='hdf5 png'
expect 'deps: WITHOUT= is not asked for' fails grep -q 'HDF5' "$TMP/said"

stand_in bare-mpicc "case \"\$*\" in *-fsyntax-only*) grep -q 'check.h' && exit 1; exit 0 ;; esac; exec $real \"\$@\""
deps MPICC=bare-mpicc PKG_CONFIG=bare-pkg-config
said 'deps: what only tests want is named' 'missing, for make check only: Check'
needs='required optional'
deps MPICC=bare-mpicc PKG_CONFIG=bare-pkg-config
said 'deps: unless nobody asks for that' 'all there'
