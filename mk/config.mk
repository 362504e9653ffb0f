# What is there: mk/detect.sh writes it at every run of make, so that a library that was installed a moment ago is found.
$(shell mkdir -p $(B))
DETECTED := $(shell MPICC='$(MPICC)' WITHOUT='$(WITHOUT)' MARCH='$(MARCH)' mk/detect.sh make $(B)/config.mk 2>&1)
ifneq ($(DETECTED),)
$(error mk/detect.sh: $(DETECTED))
endif
include $(B)/config.mk

LANGUAGE = -std=c11 -D_GNU_SOURCE -march=$(MARCH) $(OPENMP) -ffp-contract=off -Wall -Wextra $(WERROR)
ALL_CFLAGS = $(LANGUAGE) -I. $(DEFS) $(LIB_CFLAGS) $(CFLAGS)
ALL_LIBS = -Wl,--as-needed $(LIB_LIBS) -lm -ldl $(LDFLAGS)

# objects are made again when the compiler or a flag changes, and only then
COMPILER := $(if $(MPI_FLAVOUR),$(shell $(MPICC) --version 2>/dev/null | head -n 1))
FLAGS := $(strip $(MPICC) $(COMPILER) $(ALL_CFLAGS) / $(ALL_LIBS) $(TEST_CFLAGS) $(TEST_LIBS))
ifneq ($(FLAGS),$(file <$(B)/flags))
$(file >$(B)/flags,$(FLAGS))
endif

# the version goes to the one file that shows it
GIT := $(or $(shell git describe --always --dirty 2>/dev/null),unknown)
VERSION_DEFS = -DPS_VERSION='"$(VERSION)"' -DPS_GIT='"$(GIT)"'
VERSION_SRC := $(shell grep -lE 'PS_(GIT|VERSION)' common/run/*.c 2>/dev/null)
ifneq ($(VERSION) $(GIT),$(file <$(B)/version))
$(file >$(B)/version,$(VERSION) $(GIT))
endif

# stops where something required is missing, once a program is to be built
.PHONY: table required
required:
	@$(if $(MISSING),echo "Missing:$(MISSING). 'make deps' installs them or says how to get them." >&2; exit 1)
table: required
	@echo 'PSML $(VERSION) ($(GIT)), $(COMPILER)'
	@cat $(B)/config.mk.table
	@echo '  programs     $(BIN)/'
