#!/bin/bash
# Run a program on different numbers of nodes, ranks and threads: a job for each, with repetitions, and a record of all.
# usage: scaling.sh [-n|-r] SITE FOLDER [--nodes=LIST] [--tasks=LIST] [--threads=LIST] [--repeat=N] [sbatch options] -- PROGRAM ARGUMENTS
#   strong: scaling.sh juwels-booster towns --nodes=1,2,4,8 --tasks=2,4 -- hpdbscan -e 0.01 -m 40 towns.h5 --log quiet
#   weak:   scaling.sh juwels-booster noise --nodes=1,2,4,8 -- resnet50-train --synthetic '{256*ranks}' --batch '{64*ranks}'
# tasks: ranks on a node, each with its GPU where nodes have some; without --tasks the site's number. threads: of a rank; 0: all that it gets.
# {expression} in an argument is computed, from nodes, tasks, ranks and threads. -n, -r: as for submit.
# FOLDER gets a record of each number of ranks and threads; the same command again adds to them: psml-results scaling FOLDER/*.jsonl
set -eu
here=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)
how=()
case ${1-} in -n | -r) how=("$1") && shift ;; esac
if [ $# -lt 2 ]; then
    sed -n 's/^# \(usage: .*\)/\1/p' "$0" >&2
    exit 2
fi
site=$1 folder=$2 repeat=3 options=()
shift 2
case $site in */*) settings=$site ;; *) settings=$here/sites/$site.sh ;; esac
# shellcheck source=jobscripts/sites/local.sh
node_list=1 task_list=$(. "$settings" && echo "${tasks:-1}") thread_list=0
while [ $# -gt 0 ] && [ "$1" != -- ]; do
    case $1 in
    --nodes=*) node_list=${1#*=} ;;
    --tasks=*) task_list=${1#*=} ;;
    --threads=*) thread_list=${1#*=} ;;
    --repeat=*) repeat=${1#*=} ;;
    *) options+=("$1") ;;
    esac
    shift
done
[ $# -gt 1 ] || { echo 'scaling.sh: no -- PROGRAM ARGUMENTS' >&2 && exit 2; }
shift

filled() { # argument: with its expressions computed, in $word
    word=$1
    while [[ $word =~ ^([^{]*)\{([a-z0-9+*/%\(\)\ -]+)\}(.*)$ ]]; do
        word=${BASH_REMATCH[1]}$((BASH_REMATCH[2]))${BASH_REMATCH[3]}
    done
}
[ "${how[0]-}" = -n ] || mkdir -p "$folder"
for nodes in ${node_list//,/ }; do
    for tasks in ${task_list//,/ }; do
        for threads in ${thread_list//,/ }; do
            # shellcheck disable=SC2034 # for expressions
            ranks=$((nodes * tasks)) name=n$nodes-t$tasks cores=() words=()
            [ "$threads" = 0 ] || name=$name-c$threads cores=("--cpus-per-task=$threads")
            for argument; do filled "$argument" && words+=("$word"); done
            "$here/submit" "${how[@]}" "$site" repeat.sh --job-name="scaling-$name" --output="$folder/$name-%j.out" --nodes="$nodes" \
                --ntasks-per-node="$tasks" "${cores[@]}" "${options[@]}" -- \
                "$repeat" "${words[@]}" --threads "$threads" --record "$folder/$name.jsonl"
        done
    done
done
