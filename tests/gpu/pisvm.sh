#!/bin/bash
# pisvm on a GPU: models, cross-validations and grids as with cpu within the tolerance, predictions of a model the same to the byte; small and large
# problems, two ranks on one GPU.
# timeout: 200
set -u
. tests/lib.sh
. tests/svm.sh
cd "$TMP" || exit 1
on() { # ranks, program, arguments...: into out and err
    local n=$1 program=$2
    shift 2
    if [ "$n" = 1 ]; then "$BIN/$program" "$@" >out 2>err </dev/null; else timeout 60 "$MPIRUN" -np "$n" "$BIN/$program" "$@" >out 2>err </dev/null; fi
}
svm_data 4000
beside() { # name, data, options...: train on both, and predict with the model of the GPU
    local name=$1 data=$2 status=0 probability=0
    shift 2
    case $name in *probabilities) probability=1 ;; esac
    on 1 pisvm-train "$@" -e 0.0001 --backend cpu "$data" cpu.model
    cp out cpu.out
    rm -f cuda.model two.model
    on 1 pisvm-train "$@" -e 0.0001 --backend cuda "$data" cuda.model || status=$?
    expect "$name: trains on the GPU: $(grep '^back end\|^pisvm-train: ' err | head -n 1)" test $status = 0 -a "$(grep -c '^back end: cuda' err)" = 1
    [ $status = 0 ] || return 0
    expect "$name: objectives as with cpu, $(objectives_off cpu.out out) off" near_objectives cpu.out out
    on 2 pisvm-train "$@" -e 0.0001 --threads 1 --backend cuda "$data" two.model
    expect "$name: the same model on two ranks" cmp cuda.model two.model
    on 1 pisvm-predict -b $probability --backend cpu "$data" cuda.model cpu.pred
    on 1 pisvm-predict -b $probability --backend cuda "$data" cuda.model cuda.pred
    expect "$name: predictions as with cpu: $(worth out)" cmp cpu.pred cuda.pred
}
while read -r name data options; do
    read -ra words <<<"$options"
    beside "$name" "$data.libsvm" "${words[@]}"
done < <(svm_sets)
beside 'large C-SVC' two.libsvm -c 10 -g 8 -m 4
beside 'large epsilon-SVR' values.libsvm -s 3 -c 1 -p 0.01 -g 8 -m 4
while read -r name data options; do
    read -ra words <<<"$options"
    on 1 pisvm-train "${words[@]}" -m 1024 --backend cpu "$data.libsvm"
    cp out cpu.out
    status=0
    on 1 pisvm-train "${words[@]}" --backend cuda "$data.libsvm" || status=$?
    expect "$name: worth as with cpu ($status): $(worth cpu.out), $(worth out)" near_scores cpu.out out
done < <(svm_validations)
