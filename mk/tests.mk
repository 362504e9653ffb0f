# Test programs, and what runs them. The targets with a `_` in front expect that `make deps` was there before.
UNIT = $(if $(HAS_CHECK),$(patsubst tests/unit/%.c,$(B)/tests/%,$(wildcard tests/unit/test_*.c)))
TOOLS = $(patsubst tests/tools/%.c,$(B)/tools/%,$(wildcard tests/tools/*.c)) $(patsubst bench/%.c,$(B)/tools/%,$(wildcard bench/*.c))
FUZZERS = $(patsubst tests/fuzz/%.c,$(B)/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
LIBS = $(B)/libapps.a $(B)/libps.a $(B)/libkernels.a
link_test = @echo '  link  $@' && $(MPICC) $(ALL_CFLAGS) -o $@ $(filter %.o %.a,$^)

$(B)/obj/tests/unit/%.o: ALL_CFLAGS += $(TEST_CFLAGS)
$(B)/tests/%: $(B)/obj/tests/unit/%.o $(LIBS)
	@mkdir -p $(@D)
	$(link_test) $(TEST_LIBS) $(ALL_LIBS)
$(B)/tests/test_waiting: $(B)/tests/fake_nvml.so
PRELOADED = $(B)/tests/fake_driver.so
$(B)/tests/%.so: tests/unit/%.c
	@mkdir -p $(@D)
	@echo '  link  $@' && $(MPICC) $(ALL_CFLAGS) -fPIC -shared -o $@ $<
$(B)/tools/%: $(B)/obj/tests/tools/%.o $(LIBS)
	@mkdir -p $(@D)
	$(link_test) $(ALL_LIBS)
$(B)/tools/%: $(B)/obj/bench/%.o $(LIBS)
	@mkdir -p $(@D)
	$(link_test) $(ALL_LIBS)
$(B)/fuzz/%: $(B)/obj/tests/fuzz/%.o $(LIBS)
	@mkdir -p $(@D)
	$(link_test) -fsanitize=fuzzer $(ALL_LIBS)
.SECONDARY:

# scripts find a build by these
export B
export BIN_DIR = $(abspath $(BIN))
export BUILD_DIR = $(abspath $(B))
export PROGRAMS_PRESENT = $(PRESENT)

tests-build: all $(UNIT) $(TOOLS) $(PRELOADED) $(HOST_BUILT)
unit: $(UNIT)
	@tests/run-unit.sh
integration: all $(TOOLS) $(PRELOADED)
	@tests/run-integration.sh $(T)
layers: $(B)/libkernels.a
	@tests/layers.sh . $(B)/libkernels.a
_docs: all
	@scripts/docs.sh
_check: tests-build
	@tests/run-all.sh
_fuzz: $(FUZZERS)
	@tests/run-fuzz.sh
_demo: all
	@scripts/demo.sh
_bench: all $(TOOLS)
	@bench/hpdbscan-peers.sh --self
	@bench/pisvm-peers.sh --self
	@bench/nn-peers.sh --self
_bench-peers: all $(TOOLS)
	@bench/hpdbscan-peers.sh
	@bench/pisvm-peers.sh
	@bench/nn-peers.sh
_check-slurm: all $(TOOLS)
	@tests/run-integration.sh submit slurm
.PHONY: tests-build unit integration layers _docs _check _fuzz _demo _bench _bench-peers _check-slurm
