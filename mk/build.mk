# Objects, archives, programs.
COMMON_SRC = $(wildcard common/*/*.c)
KERNEL_SRC = $(wildcard kernels/*.c kernels/*/*.c)
obj = $(patsubst %.c,$(B)/obj/%.o,$(1))
# a program is its main file NAME.c and all files of its folder that are no program's main file
MAINS = $(foreach p,$(PROGRAMS),$($(p)_DIR)/$(p).c)
parts = $(filter-out $(MAINS),$(wildcard $($(1)_DIR)/*.c))
APP_PARTS = $(filter-out $(MAINS),$(wildcard apps/*/*.c))
PRESENT = $(foreach p,$(PROGRAMS),$(if $(wildcard $($(p)_DIR)/$(p).c),$(p)))
BINS = $(PRESENT:%=$(BIN)/%)

all: table $(BINS)

define program
$(BIN)/$(1): $(call obj,$($(1)_DIR)/$(1).c $(call parts,$(1))) $(B)/libps.a $(B)/libkernels.a
	@mkdir -p $$(@D)
	@echo '  link  $$@'
	@$(MPICC) $$(ALL_CFLAGS) -o $$@ $$(filter %.o %.a,$$^) $$(ALL_LIBS)
endef
$(foreach p,$(PRESENT),$(eval $(call program,$(p))))

$(B)/libps.a: $(call obj,$(COMMON_SRC))
$(B)/libkernels.a: $(call obj,$(KERNEL_SRC))
$(B)/libapps.a: $(call obj,$(APP_PARTS))
$(B)/lib%.a: $(B)/sources
	@rm -f $@
	@ar rcs $@ $(filter %.o,$^)
# an archive is made anew when a file is gone, too
SOURCES := $(strip $(COMMON_SRC) $(KERNEL_SRC) $(APP_PARTS))
ifneq ($(SOURCES),$(file <$(B)/sources))
$(file >$(B)/sources,$(SOURCES))
endif

$(B)/obj/%.o: %.c $(B)/flags | required
	@mkdir -p $(@D)
	@echo '  cc    $<'
	@$(MPICC) $(ALL_CFLAGS) $(if $(filter $<,$(VERSION_SRC)),$(VERSION_DEFS)) -MMD -MP -c -o $@ $<
$(call obj,$(VERSION_SRC)): $(B)/version

.PHONY: all
.DELETE_ON_ERROR:
-include $(shell find $(B) -name '*.d' 2>/dev/null)
