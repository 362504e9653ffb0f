# The CUDA back end, plugins that programs open when they want them (docs/architecture.md, Devices), made by nvcc: $(LIBDIR)/libps_cuda.so,
# which needs no library of CUDA, and $(LIBDIR)/libps_cuda_nn.so, the nets, where cuBLASLt, cuDNN and NCCL are (CUDA_NN); and the same sources for the
# host, where tests/gpu/host stands in for CUDA: as plugins in $(B)/host, and under sanitizers for the test programs there.
CUDA_SRC = $(wildcard kernels/*.cu kernels/dbscan/*.cu kernels/svm/*.cu)
CUDA_NN_SRC = $(filter-out kernels/cuda_plugin.cu kernels/cuda_sort.cu,$(wildcard kernels/*.cu)) $(wildcard kernels/nn/*.cu)
CUDA_ALL_SRC = $(sort $(CUDA_SRC) $(CUDA_NN_SRC))

# --- for GPUs: machine code for these, and PTX for what comes after them
CUDA_ARCHS ?= 80 90
LIBDIR := $(patsubst %bin,%lib,$(BIN))
CUDA_PLUGINS := $(strip $(if $(NVCC),$(LIBDIR)/libps_cuda.so) $(if $(CUDA_NN),$(LIBDIR)/libps_cuda_nn.so))
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
nvcc_link = -shared -cudart static $(1) -Xlinker --exclude-libs,ALL

CUDA_FLAGS := $(NVCC) $(NVCC_FLAGS) / $(call nvcc_link,$(CUDA_LIBS))
ifneq ($(CUDA_FLAGS),$(file <$(B)/cuda-flags))
$(file >$(B)/cuda-flags,$(CUDA_FLAGS))
endif

all: $(CUDA_PLUGINS)
# rows are packed and copies made by threads of the host; its compiler is the one that nvcc calls
NVCC_OPENMP = $(if $(OPENMP),-Xcompiler -fopenmp)
$(B)/cuda/kernels/svm/cu_pack_%.o $(B)/cuda/kernels/cuda_copy.o: NVCC_FLAGS += $(NVCC_OPENMP)
cuda_obj = $(patsubst %.cu,$(B)/cuda/%.o,$(1))
$(LIBDIR)/libps_cuda.so: $(call cuda_obj,$(CUDA_SRC))
$(LIBDIR)/libps_cuda.so: CUDA_LINKED = $(NVCC_OPENMP)
$(LIBDIR)/libps_cuda_nn.so: $(call cuda_obj,$(CUDA_NN_SRC))
$(LIBDIR)/libps_cuda_nn.so: CUDA_LINKED = $(CUDA_LIBS)
$(LIBDIR)/libps_cuda%so: $(B)/cuda-sources
	@mkdir -p $(@D)
	@echo '  link  $@ ($(addprefix sm_,$(CUDA_CODES)))'
	@$(NVCC) -o $@ $(filter %.o,$^) $(call nvcc_link,$(CUDA_LINKED))
$(B)/cuda/%.o: %.cu $(B)/cuda-flags
	@mkdir -p $(@D)
	@echo '  nvcc  $<'
	@$(NVCC) $(NVCC_FLAGS) -I. -MMD -MP -MF $(@:.o=.d) -c -o $@ $<
endif
# they are linked anew when a file is gone, too
ifneq ($(strip $(CUDA_ALL_SRC)),$(file <$(B)/cuda-sources))
$(file >$(B)/cuda-sources,$(strip $(CUDA_ALL_SRC)))
endif

# --- for the host
HOST_TESTS_SRC = $(filter-out $(RACES_ONLY),$(wildcard tests/gpu/host/test_*.cpp tests/gpu/host/test_*.cu))
RACES_ONLY = tests/gpu/host/races.cpp tests/gpu/host/test_races.cpp
HOST_LIBRARIES = $(wildcard tests/gpu/host/cublas*.cpp tests/gpu/host/cudnn*.cpp tests/gpu/host/nccl*.cpp)
HOST_RUNTIME = $(filter-out $(HOST_TESTS_SRC) $(HOST_LIBRARIES) $(RACES_ONLY),$(wildcard tests/gpu/host/*.cpp))
HOST_FLAGS = -std=c++20 -fPIC -ffp-contract=off -Wall -Wextra -Wno-missing-field-initializers $(WERROR) $(OPENMP) -DPS_CUDA_ON_HOST -I. -Itests/gpu/host
host_obj = $(patsubst %,$(B)/host/$(1)/%.o,$(basename $(2)))
$(B)/host/obj/%.o: HOST_FLAGS += -O2 -g -fvisibility=hidden $(if $(SANITIZED),$(SANITIZE))
$(B)/host/checked/%.o: HOST_FLAGS += -O1 -g $(SANITIZE)
HOST_COMPILE = @mkdir -p $(@D) && echo '  host  $<' && $(CXX) $(HOST_FLAGS) -MMD -MP -c -o $@ -x c++ $<
$(B)/host/obj/%.o: %.cu $(B)/flags ; $(HOST_COMPILE)
$(B)/host/obj/%.o: %.cpp $(B)/flags ; $(HOST_COMPILE)
$(B)/host/checked/%.o: %.cu $(B)/flags ; $(HOST_COMPILE)
$(B)/host/checked/%.o: %.cpp $(B)/flags ; $(HOST_COMPILE)

# shared memory of kernels is the thread-local memory of the object they are in: tests are programs of their own
HOST_PLUGINS = $(B)/host/libps_cuda.so $(B)/host/libps_cuda_nn.so
$(B)/host/libps_cuda.so: $(call host_obj,obj,$(CUDA_SRC) $(HOST_RUNTIME))
$(B)/host/libps_cuda_nn.so: $(call host_obj,obj,$(CUDA_NN_SRC) $(HOST_RUNTIME) $(HOST_LIBRARIES))
$(B)/host/libps_cuda_checked.so: $(call host_obj,checked,$(CUDA_SRC) $(HOST_RUNTIME))
$(B)/host/libps_cuda_nn_checked.so: $(call host_obj,checked,$(CUDA_NN_SRC) $(HOST_RUNTIME) $(HOST_LIBRARIES))
$(B)/host/%_checked.so: HOST_SANITIZE = $(SANITIZE)
$(HOST_PLUGINS): HOST_SANITIZE = $(if $(SANITIZED),$(SANITIZE))
$(B)/host/%.so: $(B)/cuda-sources
	@echo '  link  $@'
	@$(CXX) -shared $(HOST_SANITIZE) $(OPENMP) -o $@ $(filter %.o,$^)
# tests of a family without nets' libraries; all others have the plugin of nets
CUDA_TESTS = test_cu_dbscan test_cu_select test_cu_smo test_cu_svm
HOST_TESTS = $(patsubst tests/gpu/host/%,$(B)/host/%,$(basename $(HOST_TESTS_SRC)))
$(CUDA_TESTS:%=$(B)/host/%): $(B)/host/libps_cuda_checked.so
$(filter-out $(CUDA_TESTS:%=$(B)/host/%),$(HOST_TESTS)): $(B)/host/libps_cuda_nn_checked.so
$(B)/host/test_%: $(B)/host/checked/tests/gpu/host/test_%.o $(B)/libps.a $(B)/libkernels.a
	@echo '  link  $@'
	@$(CXX) $(SANITIZE) $(OPENMP) -o $@ $(filter %.o,$^) $(filter %.so,$^) $(filter %.a,$^) -Wl,-rpath,'$$ORIGIN' $(ALL_LIBS)

# kernels under the sanitizer that finds races (tests/gpu/host/races.h): the stand-in's own parts are not, and other sanitizers do not go with it;
# nor does it know the barriers of OpenMP
$(B)/host/races/%.o: HOST_FLAGS += -O1 -g -DPS_HOST_RACES -fno-openmp -Wno-unknown-pragmas
$(B)/host/races/kernels/%.o $(B)/host/races/tests/gpu/host/test_%.o: HOST_FLAGS += -fsanitize=thread
$(B)/host/races/%.o: %.cu $(B)/flags ; $(HOST_COMPILE)
$(B)/host/races/%.o: %.cpp $(B)/flags ; $(HOST_COMPILE)
$(B)/host/races/libps_cuda.so: $(call host_obj,races,$(CUDA_SRC) $(HOST_RUNTIME) tests/gpu/host/races.cpp)
$(B)/host/races/libps_cuda_nn.so: $(call host_obj,races,$(CUDA_NN_SRC) $(HOST_RUNTIME) $(HOST_LIBRARIES) tests/gpu/host/races.cpp)
$(B)/host/races/%.so: HOST_SANITIZE = -fsanitize=thread
RACES_TESTS = $(patsubst tests/gpu/host/%.cpp,$(B)/host/races/%,$(wildcard tests/gpu/host/test_cu_*.cpp) tests/gpu/host/test_races.cpp)
$(CUDA_TESTS:%=$(B)/host/races/%): $(B)/host/races/libps_cuda.so
$(filter-out $(CUDA_TESTS:%=$(B)/host/races/%),$(RACES_TESTS)): $(B)/host/races/libps_cuda_nn.so
$(B)/host/races/test_%: $(B)/host/races/tests/gpu/host/test_%.o $(B)/libps.a $(B)/libkernels.a
	@echo '  link  $@'
	@$(CXX) -fsanitize=thread $(OPENMP) -o $@ $(filter %.o,$^) $(filter %.so,$^) $(filter %.a,$^) -Wl,-rpath,'$$ORIGIN' $(ALL_LIBS)
HOST_BUILT = $(if $(HAS_CXX),$(HOST_PLUGINS) $(HOST_TESTS) $(if $(HAS_RACES),$(if $(SANITIZED),,$(RACES_TESTS))))
