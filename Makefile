# PSML. `make help` lists the targets; mk/ holds the parts.
VERSION = 0.1.0

# --- knobs ----------------------------------------------------------------------------------------------
B ?= build
MARCH ?= native
MPICC ?= mpicc
MPIRUN ?= mpirun
CFLAGS ?= -O3 -g
WERROR ?= -Werror
OPENMP ?= -fopenmp
PREFIX ?= /usr/local
WITHOUT ?=
export MPICC MPIRUN WITHOUT MARCH
# programs of the usual build lie in bin/; those of another B beside their objects
BIN := $(if $(filter build,$(B)),bin,$(B)/bin)
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j$(shell nproc 2>/dev/null || echo 2)
endif

# --- programs: one line each ----------------------------------------------------------------------------
PROGRAMS = autoencoder-train hpdbscan lstm-train mnist-train pisvm-predict pisvm-scale pisvm-train psml-data psml-results resnet50-train skeleton
autoencoder-train_DIR = apps/autoencoder
hpdbscan_DIR = apps/hpdbscan
lstm-train_DIR = apps/lstm
mnist-train_DIR = apps/mnist
pisvm-predict_DIR = apps/pisvm
pisvm-scale_DIR = apps/pisvm
pisvm-train_DIR = apps/pisvm
psml-data_DIR = apps/tools
psml-results_DIR = apps/results
resnet50-train_DIR = apps/resnet50
skeleton_DIR = apps/skeleton
EXAMPLES = skeleton # built and tested, not installed

.DEFAULT_GOAL = all
BARE = help clean deps format
ifneq ($(filter-out $(BARE),$(or $(MAKECMDGOALS),all)),)
include mk/config.mk
include mk/build.mk
include mk/cuda.mk
include mk/tests.mk
include mk/gpu.mk
include mk/install.mk
endif
include mk/drive.mk
