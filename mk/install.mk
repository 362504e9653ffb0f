# PREFIX (default /usr/local), DESTDIR for packagers. Manual pages and completions come from the programs themselves.
INSTALLED = $(filter-out $(EXAMPLES),$(PRESENT))
DEST = $(DESTDIR)$(PREFIX)
MAN = $(DEST)/share/man/man1
COMPLETIONS = $(DEST)/share/bash-completion/completions
DOC = $(DEST)/share/doc/psml
PLUGINS = $(DEST)/lib/psml

install: all
	install -d $(DEST)/bin $(MAN) $(COMPLETIONS) $(DOC)
	for p in $(INSTALLED); do \
	    install -m 755 $(BIN)/$$p $(DEST)/bin/$$p && \
	    $(BIN)/$$p --help-man >$(MAN)/$$p.1 && \
	    $(BIN)/$$p --help-complete >$(COMPLETIONS)/$$p || exit 1; done
	$(if $(CUDA_PLUGINS),install -d $(PLUGINS) && install -m 755 $(CUDA_PLUGINS) $(PLUGINS))
	install -m 644 README.md LICENSE AUTHORS $(DOC)
	tar -cf - $(wildcard docs inputs jobscripts) | tar -xf - --no-same-owner -C $(DOC)

uninstall:
	for p in $(INSTALLED); do rm -f $(DEST)/bin/$$p $(MAN)/$$p.1 $(COMPLETIONS)/$$p; done
	rm -rf $(DOC) $(PLUGINS)
.PHONY: install uninstall
