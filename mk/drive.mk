# Targets that work as the very first command: they call `deps`, then make again, which finds what was installed.
DRIVERS = check demo pack bench bench-peers docs sanitize fuzz check-gpu bench-gpu check-slurm
again = @+$(MAKE) --no-print-directory B=$(B)

help: ## this list
	@echo 'make TARGET [KNOB=value ...]'
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1|\2/p' mk/drive.mk | awk -F'|' '{ printf "%-14s %s\n", $$1, $$2 }'
	@echo 'Knobs: MARCH=native  CFLAGS="-O3 -g"  WERROR=-Werror  WITHOUT="hdf5 pnetcdf zlib libdeflate png jpeg tiff matio scalapack cudnn nccl cuda"  CUDA_ARCHS="80 90"  MPICC=mpicc  MPIRUN=mpirun'
	@echo '       PREFIX=/usr/local  DESTDIR=  FUZZ_SECONDS=60  B=build (any other B keeps its programs in B/bin)'

# `all` is in mk/build.mk
all: ## build the programs into bin/ and say which libraries are in
deps: ## find what is missing; install it where we may, else say what to load or build
	@scripts/deps.sh
demo: deps ## run the programs on a million points and show what came out (2 minutes)
	$(again) _demo
check: deps ## build, and run all tests
	$(again) _check
unit: ## unit tests alone
integration: ## integration tests alone; T="name ..." picks some
layers: ## check who includes whom
docs: deps ## write the parameter tables of docs/apps/ anew
	$(again) _docs
bench: deps ## seconds and memory of the programs
	$(again) _bench
bench-peers: deps ## the same beside other programs, each named by PEER_<NAME>=path (pisvm: SVM_PEER_<NAME>; nets: NN_PEER_TORCH=python)
	$(again) _bench-peers
install: ## programs, manual pages, bash completion into $DESTDIR$PREFIX
uninstall: ## take them out again
format: ## clang-format over all sources
	@git ls-files '*.c' '*.h' '*.cu' | xargs clang-format -i

SANITIZE = -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
sanitize: deps ## all tests under the address and undefined-behaviour sanitizers
	@+SANITIZED=1 $(MAKE) --no-print-directory B=build-sanitize CFLAGS='-O1 -g $(SANITIZE)' LDFLAGS='$(SANITIZE)' _check
fuzz: deps ## feed each parser garbage for FUZZ_SECONDS (60) under libFuzzer
	@+if command -v clang >/dev/null; then \
	    OMPI_CC=clang MPICH_CC=clang $(MAKE) --no-print-directory B=build-fuzz OPENMP= WERROR= LDFLAGS='$(SANITIZE) -lgomp' \
	        CFLAGS='-O1 -g -fsanitize=fuzzer-no-link $(SANITIZE) -idirafter $(shell gcc -print-file-name=include)' _fuzz; \
	else echo 'skip - fuzz: clang is not there (apt-get install clang)'; fi
# for the GPUs of this machine, unless CUDA_ARCHS names others
GPU_ARCHS = $(if $(CUDA_ARCHS),,$(sort $(subst .,,$(shell nvidia-smi --query-gpu=compute_cap --format=csv,noheader 2>/dev/null))))
for_gpu = $(again) $(if $(GPU_ARCHS),CUDA_ARCHS="$(GPU_ARCHS)")
programs-deps:
	@scripts/deps.sh required optional
check-gpu: programs-deps ## build and run the tests that need a GPU
	$(for_gpu) _check-gpu
bench-gpu: programs-deps ## rates on a GPU: nets beside PyTorch (GPU_PEER_TORCH=python), hpdbscan and pisvm beside the processor
	$(for_gpu) _bench-gpu
pack: deps ## MPI and the libraries that are here into packed/, for a machine that can install none (docs/gpu.md)
	@scripts/pack.sh packed
check-slurm: deps ## run the job scripts by a Slurm of the tests' own (part of `make check`)
	$(again) _check-slurm
clean: ## remove what was built
	rm -rf build build-sanitize build-fuzz $(B) bin lib demo packed
.PHONY: help deps programs-deps format clean $(DRIVERS)
ifneq ($(filter $(DRIVERS),$(MAKECMDGOALS)),)
.NOTPARALLEL: # one after the other; the makes they call are parallel
endif
