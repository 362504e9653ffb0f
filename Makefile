# PSML. `make help` lists the targets.
B ?= build
MARCH ?= native
MPICC ?= mpicc
PKG = pkg-config

# --- optional libraries -------------------------------------------------------------------------------
have = $(shell $(PKG) --exists $(1) 2>/dev/null && echo 1)
HDF5_PC := $(firstword $(foreach p,hdf5-openmpi hdf5-mpi hdf5-mpich,$(if $(call have,$(p)),$(p))))
feature = $(if $(call have,$(2)),$(eval DEFS += -DPS_HAVE_$(1))$(eval PKGS += $(2)))
$(call feature,PNETCDF,pnetcdf)
$(call feature,HDF5,$(HDF5_PC))
$(call feature,ZLIB,zlib)
$(call feature,LIBDEFLATE,libdeflate)
$(call feature,PNG,libpng)
PKGS += libcjson inih

CFLAGS ?= -O3 -g
ALL_CFLAGS = -std=c11 -D_GNU_SOURCE -march=$(MARCH) -fopenmp -ffp-contract=off -Wall -Wextra -Werror \
	-I. $(DEFS) $(PKG_CFLAGS) $(CFLAGS)
PKG_CFLAGS := $(shell $(PKG) --cflags $(PKGS) 2>/dev/null)
PKG_LIBS := $(shell $(PKG) --libs $(PKGS) 2>/dev/null)
ALL_LIBS = $(PKG_LIBS) -lm

# --- programs: one line each ------------------------------------------------------------------------------
PROGRAMS = hpdbscan psml-data skeleton
hpdbscan_DIR = apps/hpdbscan
psml-data_DIR = apps/tools
skeleton_DIR = apps/skeleton

COMMON_SRC = $(wildcard common/*/*.c)
KERNEL_SRC = $(wildcard kernels/*.c kernels/*/*.c)
obj = $(patsubst %.c,$(B)/obj/%.o,$(1))
# a program is its main file NAME.c and the files of its folder whose names start with no other program's name
mains = $(foreach p,$(PROGRAMS),$($(p)_DIR)/$(p).c)
parts = $(filter-out $(mains),$(wildcard $($(1)_DIR)/*.c))

BINS = $(foreach p,$(PROGRAMS),$(if $(wildcard $($(p)_DIR)/$(p).c),bin/$(p)))
all: $(BINS)

define program
bin/$(1): $(call obj,$($(1)_DIR)/$(1).c $(call parts,$(1))) $(B)/libps.a $(B)/libkernels.a
	@mkdir -p bin
	$(MPICC) $$(ALL_CFLAGS) -o $$@ $$^ $$(ALL_LIBS)
endef
$(foreach p,$(PROGRAMS),$(eval $(call program,$(p))))

$(B)/libps.a: $(call obj,$(COMMON_SRC))
	@rm -f $@; ar rcs $@ $^
$(B)/libkernels.a: $(call obj,$(KERNEL_SRC))
	@rm -f $@; ar rcs $@ $^

$(B)/obj/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(MPICC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# --- tests ------------------------------------------------------------------------------------------------
UNIT = $(patsubst tests/unit/%.c,$(B)/tests/%,$(wildcard tests/unit/test_*.c))
CHECK_FLAGS := $(shell $(PKG) --cflags --libs check 2>/dev/null)
APP_PARTS = $(filter-out $(mains),$(wildcard apps/*/*.c))
$(B)/tests/%: tests/unit/%.c tests/unit/mpicheck.h $(B)/libapps.a $(B)/libps.a $(B)/libkernels.a
	@mkdir -p $(@D)
	$(MPICC) $(ALL_CFLAGS) -MMD -MP -o $@ $< $(B)/libapps.a $(B)/libps.a $(B)/libkernels.a $(CHECK_FLAGS) $(ALL_LIBS)
$(B)/libapps.a: $(call obj,$(APP_PARTS))
	@rm -f $@; ar rcs $@ $^
unit: $(UNIT)
	tests/run-unit.sh $(B)

clean:
	rm -rf $(B) bin

.PHONY: all unit clean
-include $(shell find $(B) -name '*.d' 2>/dev/null)
