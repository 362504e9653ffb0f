# shellcheck shell=sh
# MPI on one machine, root or not, with more ranks than cores, on any network set-up: source me.
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export PRTE_ALLOW_RUN_AS_ROOT=1 PRTE_ALLOW_RUN_AS_ROOT_CONFIRM=1 # Open MPI 5
export OMPI_MCA_rmaps_base_oversubscribe=1 PRTE_MCA_rmaps_default_mapping_policy=:oversubscribe
# two runs at once would be bound to the same cores
export OMPI_MCA_hwloc_base_binding_policy=none PRTE_MCA_hwloc_default_binding_policy=none
# waiting ranks give their core away: 4 ranks on 2 cores take 7 us instead of 17 ms an allreduce
export OMPI_MCA_mpi_yield_when_idle=1
export OMPI_MCA_pml=ob1 OMPI_MCA_btl=self,vader,tcp OMPI_MCA_btl_vader_single_copy_mechanism=none
export OMPI_MCA_btl_tcp_if_include=lo OMPI_MCA_oob_tcp_if_include=lo
export OMPI_MCA_plm_rsh_agent=true # no ssh is needed, nor looked for
export OMPI_MCA_orte_abort_timeout=10
export OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive
# mpirun looks for displays and reads every PCI device's configuration: 35 ms a run on a virtual machine
export HWLOC_PLUGINS_PATH="" HWLOC_COMPONENTS=-linux:pci
export HWLOC_HIDE_ERRORS=2 PMIX_MCA_pcompress_base_silence_warning=1
export MPIRUN="${MPIRUN:-mpirun}"
