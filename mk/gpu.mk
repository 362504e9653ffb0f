# What runs on a machine with a GPU: the kernels' tests of tests/gpu/host, here with the real libraries, and the measurements of bench.
CUDA_OBJ = $(patsubst %.cu,$(B)/cuda/%.o,$(CUDA_SRC))
GPU_TESTS = $(if $(NVCC),$(patsubst tests/gpu/host/%.cpp,$(B)/gpu/%,$(wildcard tests/gpu/host/test_cu_*.cpp)))
GPU_TOOLS = $(if $(NVCC),$(patsubst bench/%.cu,$(B)/gpu/%,$(wildcard bench/*.cu)))

ifneq ($(NVCC),)
$(B)/cuda/%.o: %.cpp $(B)/cuda-flags
	@mkdir -p $(@D)
	@echo '  nvcc  $<'
	@$(NVCC) -x cu $(NVCC_FLAGS) -I. -MMD -MP -MF $(@:.o=.d) -c -o $@ $<
link_gpu = @mkdir -p $(@D) && echo '  link  $@' && $(NVCC) -o $@ $(filter %.o %.a,$^) $(filter-out -shared,$(NVCC_LINK)) \
    -Xcompiler $(or $(OPENMP),-O0) -Xlinker --as-needed $(filter -L% -l%,$(LIB_LIBS))
$(B)/gpu/test_%: $(B)/cuda/tests/gpu/host/test_%.o $(CUDA_OBJ) $(B)/libps.a $(B)/libkernels.a ; $(link_gpu)
$(B)/gpu/gpu-ceiling: $(B)/cuda/bench/gpu-ceiling.o ; $(link_gpu)
$(B)/gpu/gpu-kernels: $(B)/cuda/bench/gpu-kernels.o $(CUDA_OBJ) $(B)/libkernels.a ; $(link_gpu)
endif

_check-gpu: all $(TOOLS) $(GPU_TESTS)
	@tests/run-gpu.sh "$(NVCC)"
_bench-gpu: all $(TOOLS) $(GPU_TOOLS)
	@status=0; for name in gpu gpu-dbscan gpu-svm; do bench/$$name.sh "$(NVCC)" || status=1; done; exit $$status
.PHONY: _check-gpu _bench-gpu
