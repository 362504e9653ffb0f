# The CUDA back end, a plugin that programs open when they want it (docs/architecture.md, Devices): $(LIBDIR)/libps_cuda.so, made by nvcc
# where that and cuDNN, cuBLASLt and NCCL are; and the same sources for the host, where tests/gpu/host stands in for CUDA: as a plugin,
# $(B)/host/libps_cuda.so, and under sanitizers for the test programs there.
CUDA_SRC = $(wildcard kernels/*.cu kernels/*/*.cu)

# --- for GPUs: machine code for these, and PTX for what comes after them
CUDA_ARCHS ?= 80 90
LIBDIR := $(patsubst %bin,%lib,$(BIN))
ifneq ($(NVCC),)
CUDA_KNOWN := $(patsubst compute_%,%,$(shell $(NVCC) --list-gpu-arch))
CUDA_CODES := $(filter $(CUDA_KNOWN),$(CUDA_ARCHS))
ifeq ($(CUDA_CODES),)
$(error CUDA_ARCHS=$(CUDA_ARCHS): $(NVCC) knows $(CUDA_KNOWN))
endif
CUDA_NEWEST = $(lastword $(CUDA_CODES))
comma = ,
NVCC_FLAGS := -std=c++20 -O3 -lineinfo -Xcompiler -fPIC,-fvisibility=hidden,-Wall,-Wextra,-Wno-missing-field-initializers $(if $(WERROR),-Werror all-warnings) \
    $(foreach a,$(CUDA_CODES),-gencode arch=compute_$(a)$(comma)code=sm_$(a)) -gencode arch=compute_$(CUDA_NEWEST)$(comma)code=compute_$(CUDA_NEWEST) \
    -DPS_CUDA_ARCHS='"$(CUDA_CODES)"' $(CUDA_CFLAGS)
# -fvisibility stays with what it compiles: the libraries that are linked in show nothing either
NVCC_LINK := -shared -cudart static $(CUDA_LIBS) -Xlinker --exclude-libs,ALL

ifneq ($(NVCC) $(NVCC_FLAGS) / $(NVCC_LINK),$(file <$(B)/cuda-flags))
$(file >$(B)/cuda-flags,$(NVCC) $(NVCC_FLAGS) / $(NVCC_LINK))
endif

all: $(LIBDIR)/libps_cuda.so
$(LIBDIR)/libps_cuda.so: $(patsubst %.cu,$(B)/cuda/%.o,$(CUDA_SRC)) $(B)/cuda-sources
	@mkdir -p $(@D)
	@echo '  link  $@ ($(addprefix sm_,$(CUDA_CODES)))'
	@$(NVCC) -o $@ $(filter %.o,$^) $(NVCC_LINK)
$(B)/cuda/%.o: %.cu $(B)/cuda-flags
	@mkdir -p $(@D)
	@echo '  nvcc  $<'
	@$(NVCC) $(NVCC_FLAGS) -I. -MMD -MP -MF $(@:.o=.d) -c -o $@ $<
endif
# it is linked anew when a file is gone, too
ifneq ($(strip $(CUDA_SRC)),$(file <$(B)/cuda-sources))
$(file >$(B)/cuda-sources,$(strip $(CUDA_SRC)))
endif

# --- for the host
HOST_TESTS_SRC = $(wildcard tests/gpu/host/test_*.cpp tests/gpu/host/test_*.cu)
HOST_SRC = $(CUDA_SRC) $(filter-out $(HOST_TESTS_SRC),$(wildcard tests/gpu/host/*.cpp))
HOST_FLAGS = -std=c++20 -fPIC -ffp-contract=off -Wall -Wextra -Wno-missing-field-initializers $(WERROR) -DPS_CUDA_ON_HOST -I. -Itests/gpu/host
host_obj = $(patsubst %,$(B)/$(1)/%.o,$(basename $(2)))
$(B)/host/obj/%.o: HOST_FLAGS += -O2 -g -fvisibility=hidden $(if $(SANITIZED),$(SANITIZE))
$(B)/host/checked/%.o: HOST_FLAGS += -O1 -g $(SANITIZE)
HOST_COMPILE = @mkdir -p $(@D) && echo '  host  $<' && $(CXX) $(HOST_FLAGS) -MMD -MP -c -o $@ -x c++ $<
$(B)/host/obj/%.o: %.cu $(B)/flags ; $(HOST_COMPILE)
$(B)/host/obj/%.o: %.cpp $(B)/flags ; $(HOST_COMPILE)
$(B)/host/checked/%.o: %.cu $(B)/flags ; $(HOST_COMPILE)
$(B)/host/checked/%.o: %.cpp $(B)/flags ; $(HOST_COMPILE)

$(B)/host/libps_cuda.so: $(call host_obj,host/obj,$(HOST_SRC)) $(B)/cuda-sources
	@echo '  link  $@'
	@$(CXX) -shared $(if $(SANITIZED),$(SANITIZE)) -o $@ $(filter %.o,$^)
# shared memory of kernels is the thread-local memory of this object: tests are programs of their own
$(B)/host/libps_cuda_checked.so: $(call host_obj,host/checked,$(HOST_SRC)) $(B)/cuda-sources
	@echo '  link  $@'
	@$(CXX) -shared $(SANITIZE) -o $@ $(filter %.o,$^)
HOST_TESTS = $(patsubst tests/gpu/host/%,$(B)/host/%,$(basename $(HOST_TESTS_SRC)))
$(B)/host/test_%: $(B)/host/checked/tests/gpu/host/test_%.o $(B)/host/libps_cuda_checked.so $(B)/libps.a $(B)/libkernels.a
	@echo '  link  $@'
	@$(CXX) $(SANITIZE) $(OPENMP) -o $@ $(filter %.o %.so %.a,$^) -Wl,-rpath,'$$ORIGIN' $(ALL_LIBS)
HOST_BUILT = $(if $(HAS_CXX),$(B)/host/libps_cuda.so $(HOST_TESTS))
