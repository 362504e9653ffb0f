# What runs on a machine with a GPU: the kernels' tests of tests/gpu/host, here with the real libraries, and the measurements of bench.
GPU_NN_TESTS = $(filter-out $(CUDA_TESTS:%=$(B)/gpu/%),$(patsubst tests/gpu/host/%.cpp,$(B)/gpu/%,$(wildcard tests/gpu/host/test_cu_*.cpp)))
GPU_TESTS = $(if $(NVCC),$(CUDA_TESTS:%=$(B)/gpu/%)) $(if $(CUDA_NN),$(GPU_NN_TESTS))
GPU_TOOLS = $(if $(CUDA_NN),$(patsubst bench/%.cu,$(B)/gpu/%,$(wildcard bench/*.cu)))

ifneq ($(NVCC),)
$(B)/cuda/%.o: %.cpp $(B)/cuda-flags
	@mkdir -p $(@D)
	@echo '  nvcc  $<'
	@$(NVCC) -x cu $(NVCC_FLAGS) -I. -MMD -MP -MF $(@:.o=.d) -c -o $@ $<
link_gpu = @mkdir -p $(@D) && echo '  link  $@' && $(NVCC) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(filter-out -shared,$(call nvcc_link,$(CUDA_LINKED))) \
    $(NVCC_OPENMP) -Xlinker --as-needed $(filter -L% -l%,$(LIB_LIBS))
$(GPU_NN_TESTS) $(GPU_TOOLS): CUDA_LINKED = $(CUDA_LIBS)
$(CUDA_TESTS:%=$(B)/gpu/%): $(call cuda_obj,$(CUDA_SRC))
$(GPU_NN_TESTS): $(call cuda_obj,$(CUDA_NN_SRC))
$(B)/gpu/test_%: $(B)/cuda/tests/gpu/host/test_%.o $(B)/libps.a $(B)/libkernels.a ; $(link_gpu)
$(B)/gpu/gpu-ceiling: $(B)/cuda/bench/gpu-ceiling.o ; $(link_gpu)
$(B)/gpu/gpu-kernels: $(B)/cuda/bench/gpu-kernels.o $(call cuda_obj,$(filter-out kernels/cuda_plugin.cu,$(CUDA_ALL_SRC))) $(B)/libkernels.a ; $(link_gpu)
endif

# compiled wherever nvcc is, so that an error in them shows without a GPU
tests-build: $(if $(SANITIZED),,$(GPU_TESTS) $(GPU_TOOLS))
_check-gpu: all $(TOOLS) $(GPU_TESTS)
	@tests/run-gpu.sh "$(NVCC)"
_bench-gpu: all $(TOOLS) $(GPU_TOOLS)
	@status=0; bench/gpu.sh "$(CUDA_NN)" || status=1; for name in gpu-dbscan gpu-svm; do bench/$$name.sh "$(NVCC)" || status=1; done; exit $$status
.PHONY: _check-gpu _bench-gpu
