# shellcheck shell=bash
# Is there a GPU, and was the CUDA back end built for it? gpu_found NVCC: if not, $gpu_why says why. Source me.
gpu_found() {
    gpu_why=''
    [ -e /dev/nvidiactl ] || [ -e /dev/nvidia0 ] || gpu_why="there is no GPU: no device file of NVIDIA's driver"
    [ -n "$1" ] || gpu_why='the CUDA back end is not built: make says at its beginning what was not found'
    [ -z "$gpu_why" ]
}
