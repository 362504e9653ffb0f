#!/bin/sh
# Find what PSML needs and is not there, and get it: by apt-get as root or with passwordless sudo; elsewhere print what to load or
# build. Fails only if something required is still missing. usage: deps.sh [NEED ...]   (environment as for mk/detect.sh)
# NEED: as in mk/libs.tsv; without any, all
set -eu
needs=" ${*:-required optional test} "
here=$(cd "$(dirname "$0")/.." && pwd)
sep='|'

missing() { # lines `id|need`, the compiler and tools among them
    command -v cc >/dev/null 2>&1 || command -v gcc >/dev/null 2>&1 || echo 'cc|required'
    libraries=$(missing_libraries)
    # with pkg-config they are found; where all are, nobody misses it
    [ -z "$libraries" ] || command -v "${PKG_CONFIG:-pkg-config}" >/dev/null 2>&1 || echo 'pkgconfig|optional'
    [ -z "$libraries" ] || printf '%s\n' "$libraries"
}
missing_libraries() {
    "$here/mk/detect.sh" missing | while IFS=$sep read -r id need; do
        case $needs in *" $need "*) ;; *) continue ;; esac
        # packages of daemons are installed where nothing starts these; elsewhere they are left to the machine's owner
        [ "$id" != slurm ] || [ ! -d /run/systemd/system ] || continue
        case " ${WITHOUT:-} " in *" $id "*) ;; *) echo "$id|$need" ;; esac
    done
}
column() { # id, column of mk/libs.tsv: the name of a thing in some packaging system
    case $1:$2 in
    cc:8) echo gcc libc6-dev ;;
    cc:9) echo gcc ;;
    cc:10) echo GCC ;;
    cc:*) echo 'C compiler' ;;
    mpi:8) echo libopenmpi-dev openmpi-bin ;;
    mpi:9) echo openmpi ;;
    mpi:10) echo OpenMPI ;;
    mpi:*) echo 'MPI (mpicc)' ;;
    pkgconfig:8) echo pkg-config ;;
    pkgconfig:9) echo pkgconf ;;
    pkgconfig:10) echo pkgconf ;;
    pkgconfig:*) echo pkg-config ;;
    *) awk -F"$sep" -v id="$1" -v c="$2" '$1 == id { print $c }' "$here/mk/libs.tsv" ;;
    esac
}
names() { # column: of all that is missing
    for row in $found; do printf '%s ' "$(column "${row%%"$sep"*}" "$1")"; done
}
need() { for row in $found; do case $row in *"|$1") column "${row%%"$sep"*}" 2 ;; esac; done | paste -sd, | sed 's/,/, /g'; }

apt_install() { # as root or not at all
    sudo=''
    if [ "$(id -u)" != 0 ]; then
        sudo -n true 2>/dev/null || return 1
        sudo='sudo -n'
    fi
    command -v apt-get >/dev/null 2>&1 || return 1
    flavour=$("$here/mk/detect.sh" flavour)
    [ "$flavour" = mpich ] || flavour=openmpi
    packages=$(names 8 | sed "s/@mpi/$flavour/g; s/ *$//")
    echo "deps: apt-get install $packages (a minute or two)"
    log=$(mktemp)
    # without the lists of packages a fresh container finds nothing
    $sudo apt-get -q update >"$log" 2>&1 || echo "deps: apt-get update failed; trying with the lists that are there"
    # shellcheck disable=SC2086 # a list of names
    if ! $sudo env DEBIAN_FRONTEND=noninteractive apt-get -qy install --no-install-recommends $packages >>"$log" 2>&1; then
        echo "deps: not all at once; one by one:"
        for p in $packages; do
            $sudo env DEBIAN_FRONTEND=noninteractive apt-get -qy install --no-install-recommends "$p" >>"$log" 2>&1 ||
                { echo "deps: no package $p:" && tail -n 3 "$log"; }
        done
    fi
    rm -f "$log"
}
advise() {
    cat <<EOF

  With environment modules (module avail, module spider; the names differ from site to site):
      module load $(names 10)
  With Spack:
      spack install $(names 9 | sed 's/@mpi//g')
      spack load $(names 9 | sed 's/+mpi//g')
  With EasyBuild (choose versions of the toolchain that your site uses, e.g. eb --search 'HDF5.*gompi'):
      for name in $(names 10); do eb --search "^\$name-"; done
      eb --robot NAME-VERSION-TOOLCHAIN.eb
  On Debian or Ubuntu, by somebody who may:
      apt-get install $(names 8 | sed 's/@mpi/openmpi/g')
  Libraries without a pkg-config file are found through NAME_ROOT, NAME_DIR, NAME_HOME or EBROOTNAME (HDF5_ROOT=/path ...).
  To build without an optional one and hear no more of it: make WITHOUT="hdf5 png"

EOF
}

found=$(missing)
if [ -n "$found" ]; then
    apt_install || true
    found=$(missing)
fi
if [ -z "$found" ]; then
    echo "deps: all there"
    exit 0
fi
required=$(need required) optional=$(need optional) test=$(need test)
[ -z "$required" ] || echo "deps: missing and required: $required"
[ -z "$optional" ] || echo "deps: missing, optional: $optional"
[ -z "$test" ] || echo "deps: missing, for make check only: $test"
advise
[ -z "$required" ] || { echo "deps: nothing can be built before these are there: $required" >&2 && exit 1; }
