# shellcheck shell=bash
# Programs with the plugins for GPUs that are built for the host: source me.
plugins=${BUILD_DIR:-$PWD/build}/host
on() { # ranks, program, arguments...: into out and err
    local n=$1 program=$2
    shift 2
    if [ "$n" = 1 ]; then "$BIN/$program" "$@" >out 2>err </dev/null; else "$MPIRUN" -np "$n" "$BIN/$program" "$@" >out 2>err </dev/null; fi
}
refused() { # status, part of the message, program, arguments...: on 1 and 3 ranks, one message
    local want=$1 part=$2 program=$3 ranks status
    shift 3
    for ranks in 1 3; do
        status=0
        on $ranks "$program" --threads 1 "$@" || status=$?
        expect "refused on $ranks ranks: $(grep "^$program: " err | cut -c 1-150)" test "$status" = "$want" -a "$(grep -c "^$program: .*$part" err)" = 1
    done
}
use_plugin() { # name: programs find them from here on; a script ends where one is not built
    local plugin
    for plugin in libps_cuda.so libps_cuda_nn.so; do
        [ ! -e "$plugins/$plugin" ] || continue
        skip "$1" "no $plugins/$plugin"
        exit 0
    done
    export PSML_PLUGINS=$plugins
}
