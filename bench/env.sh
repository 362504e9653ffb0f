# shellcheck shell=sh
# MPI as in a job of its own: source me. The tests' settings, without those that serve many ranks on few cores.
# shellcheck source=tests/env.sh
. tests/env.sh
unset OMPI_MCA_btl_vader_single_copy_mechanism OMPI_MCA_mpi_yield_when_idle OMP_NUM_THREADS OMP_WAIT_POLICY
