#!/bin/bash
# A private Slurm cluster on this one machine: munged, slurmctld and a slurmd for each node n1, n2, ... No systemd, nothing outside DIR.
# usage: up.sh DIR [NODES [CPUS [GPUS]]]   (2 4 0)   then `. DIR/env.sh`, sbatch, srun, ...; `down.sh DIR` ends it and removes DIR.
# When the process that called this script ends, killed or not, the cluster goes down by itself.
# Exit status: 0 up, 1 failed (the ends of all logs are shown), 77 this machine cannot (the reason is the last line).
# Debian packages: slurmctld slurmd slurm-client slurm-wlm-basic-plugins munge
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
export PATH=$PATH:/usr/sbin:/sbin
dir=$1 nodes=${2:-2} cpus=${3:-4} gpus=${4:-0} owner=$PPID
unset "${!SLURM_@}" "${!SBATCH_@}" # of a job or a cluster around us
cannot() { echo "$*" && exit 77; }

missing=''
for p in munged slurmctld slurmd sbatch srun scontrol sinfo; do command -v "$p" >/dev/null || missing="$missing $p"; done
[ -z "$missing" ] || cannot "not installed:$missing"
# Nodes need hostnames of their own: by them Open MPI names the memory that the ranks of a node share.
if unshare --uts hostname n1 2>/dev/null; then
    own_name=(unshare --uts)
elif unshare --user --map-current-user --keep-caps --uts hostname n1 2>/dev/null; then
    own_name=(unshare --user --map-current-user --keep-caps --uts)
else
    cannot 'no hostname for each node: neither root nor user namespaces'
fi
mkdir -p "$dir"
[ -z "$(ls -A "$dir")" ] || { echo "$dir is not empty" >&2 && exit 1; }
dir=$(cd "$dir" && pwd -P)
[ ${#dir} -le 80 ] || cannot "$dir: too long a name for sockets"

# --- configuration --------------------------------------------------------------------------------------
listens() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
free_ports() { # below the range from which outgoing connections take theirs
    local base i
    for _ in $(seq 50); do
        base=$((20000 + RANDOM % 600 * 20))
        for ((i = 0; i <= nodes; i++)); do ! listens $((base + i)) || continue 2; done
        echo "$base"
        return
    done
    echo 'no free ports' >&2
    return 1
}
port=$(free_ports)
memory=$(awk '/MemTotal/ { print int($2 / 1024) }' /proc/meminfo)
user=$(id -un)
mkdir -p "$dir/state" "$dir/tmp"
(umask 077 && head -c 1024 /dev/urandom >"$dir/munge.key")
{
    cat <<CONF
ClusterName=private
SlurmctldHost=$(hostname -s 2>/dev/null || hostname)(127.0.0.1)
SlurmctldPort=$port
SlurmUser=$user
SlurmdUser=$user
AuthType=auth/munge
CredType=cred/munge
# a requeued job waits until the credential of its first start has expired
AuthInfo=socket=$dir/munge.sock,cred_expire=5
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool.%n
SlurmctldPidFile=$dir/slurmctld.pid
SlurmdPidFile=$dir/%n.pid
SlurmctldLogFile=$dir/slurmctld.log
SlurmdLogFile=$dir/%n.log
PlugStackConfig=$dir/plugstack.conf
# PMIx meets below TmpFS: one folder for each node
TmpFS=$dir/tmp.%n
MpiDefault=pmix
# With the usual 50 a PMIx fence without data does not wait for other nodes (22.05): a rank can be out of MPI_Init while another is in it,
# which an early message then crashes.
TreeWidth=2
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=batch_sched_delay=0,sched_interval=2,bf_interval=2
SlurmdParameters=config_overrides
ReturnToService=2
KillWait=5
MinJobAge=900
CONF
    [ "$gpus" = 0 ] || echo 'GresTypes=gpu'
    for ((i = 1; i <= nodes; i++)); do
        echo "NodeName=n$i NodeHostname=n$i NodeAddr=127.0.0.1 Port=$((port + i)) CPUs=$cpus RealMemory=$memory$([ "$gpus" = 0 ] || echo " Gres=gpu:$gpus") State=UNKNOWN"
    done
    echo 'PartitionName=batch Nodes=ALL Default=YES MaxTime=INFINITE DefaultTime=10 State=UP'
} >"$dir/slurm.conf"
: >"$dir/plugstack.conf"
printf 'CgroupPlugin=cgroup/v1\nCgroupAutomount=no\n' >"$dir/cgroup.conf" # v1: nothing needs to be mounted
devices=(/dev/null /dev/zero /dev/full /dev/random /dev/urandom /dev/tty) # what plays GPUs must be character devices, each another
for ((i = 0; i < gpus; i++)); do echo "Name=gpu File=${devices[i]}"; done >"$dir/gres.conf"
cat >"$dir/env.sh" <<ENV
# shellcheck shell=bash
unset "\${!SLURM_@}" "\${!SBATCH_@}" # of a job or a cluster around us
export SLURM_CONF=$dir/slurm.conf
export OMPI_MCA_btl_vader_backing_directory=\${OMPI_MCA_btl_vader_backing_directory:-$dir/tmp}
# all nodes have this machine's cores, and only its loopback is sure to be there
export OMPI_MCA_hwloc_base_binding_policy=none OMPI_MCA_btl_tcp_if_include=lo OMPI_MCA_oob_tcp_if_include=lo
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
ENV

# --- daemons --------------------------------------------------------------------------------------------
export SLURM_CONF=$dir/slurm.conf
fail() {
    echo "$*" >&2
    tail -n 15 "$dir"/*.log >&2 || true
    "$here/down.sh" "$dir"
    exit 1
}
await() { # what, command...: until it succeeds, 40 s at most
    local what=$1
    shift
    for _ in $(seq 400); do
        ! "$@" || return 0
        sleep 0.1
    done
    fail "$what in 40 s"
}
# down.sh finds what is ours by PSML_SLURM
daemon() { setsid env PSML_SLURM="$dir" "$@" </dev/null >>"$dir/daemons.log" 2>&1 & }

# ends the cluster when its owner has; a process that nobody waits for stays in the table as a zombie
# shellcheck disable=SC2016 # for the shell that watches
setsid env -u SLURM_CONF bash -c 'while [ -e "$1/slurm.conf" ] && grep -qs "^State:[[:space:]]*[^ZX[:space:]]" "/proc/$2/status"; do sleep 0.5; done
    exec "$3" "$1"' watch "$dir" "$owner" "$here/down.sh" </dev/null >/dev/null 2>&1 &
daemon munged --foreground --force --key-file="$dir/munge.key" --socket="$dir/munge.sock" --pid-file="$dir/munged.pid" --log-file="$dir/munged.log" \
    --seed-file="$dir/munge.seed" --num-threads=2
await 'munged did not answer' test -S "$dir/munge.sock"
daemon slurmctld -D
for ((i = 1; i <= nodes; i++)); do
    mkdir -p "$dir/spool.n$i" "$dir/tmp.n$i"
    # shellcheck disable=SC2016 # for the shell inside
    daemon "${own_name[@]}" sh -c 'hostname "$1" && exec slurmd -D -N "$1"' slurmd "n$i"
done
ready() { [ "$(timeout 5 sinfo -h -N -t idle -o %N 2>/dev/null | wc -l)" = "$nodes" ]; }
await 'the nodes did not register' ready
