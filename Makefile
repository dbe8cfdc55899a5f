# SPDX-License-Identifier: GPL-2.0-or-later
#
# What a user and a developer call; "make help" lists it. The kernel's build
# system does not read this file: it prefers Kbuild beside it.
#
# Everything is built and run inside suites (scripts/suite), so the host needs
# make, mmdebstrap and root. ./run installs the first two and asks sudo.

MAKEFLAGS += --no-print-directory
SHELL := /bin/sh

suite := scripts/suite
# of compilers at once, for the scripts as well
export JOBS ?= $(shell nproc)
lines := 6.1 6.12 7.2
other_lines := $(filter-out 6.12,$(lines))
O := build/userspace

# What a program or module is made of: touching it makes them again.
module_src := $(wildcard Kbuild Kconfig compat/* include/*/*.h include/*/*/*.h \
	$(shell find drivers tests/kunit -type f 2>/dev/null))
user_src := $(shell find userspace tests/unit include/uapi -type f 2>/dev/null) \
	$(wildcard drivers/tty/serdev/smappee_bus/*.[ch])
guest_src := $(shell find tests/vm/guest tests/vm/initrd-init tests/vm/vserdev tests/vm/overlays dts-overlays userspace/web -type f 2>/dev/null) scripts/guest scripts/overlays

help:
	@echo 'Usage: make TARGET, or ./run TARGET, which installs what is missing first'
	@echo ''
	@echo '  demo [SECONDS=n]   boot the virtual gateway on a simulated house and show'
	@echo '                     live power; until interrupted, or for n seconds'
	@echo '  check              every test; ends with "N passed, N failed, N skipped"'
	@echo '  bench [T=NAME]     measured figures into build/bench.json (some minutes)'
	@echo ''
	@echo 'Builds:'
	@echo '  build              modules, programs and the guest'
	@echo '  modules            kernel modules for $(lines) (modules-6.12: one)'
	@echo '  userspace          programs for amd64 and arm64, and for Debian 12; one of them:'
	@echo '                     userspace-native, userspace-arm64, userspace-bookworm'
	@echo '  overlays           device-tree overlays for boards and mains, build/overlays'
	@echo '  docs               the pages of Documentation/ as HTML, build/docs/html'
	@echo '  guest              what the virtual gateway boots from; guest-6.1, guest-7.2'
	@echo '  selftests          the kselftests that run in it'
	@echo '  clean              remove build/; distclean: and the cache'
	@echo ''
	@echo 'Parts of the check:'
	@echo '  lint               checkers of code, documentation, bindings and packaging'
	@echo '  unit               unit tests; unit-sanitize: with sanitizers'
	@echo '  kunit              kernel unit tests on UML; kunit-debug: with KASAN, UBSAN,'
	@echo '                     lockdep; kunit-6.1, kunit-7.2: on these kernels'
	@echo '  kmemleak           the same with a search for leaks at the end'
	@echo '  fuzz-short         all parsers fuzzed; SECONDS=n each (5)'
	@echo '  browser            the web page in a headless browser'
	@echo '  upstream [T=NAME]  records to real brokers and databases'
	@echo '  service            the unit under a real systemd: watchdog, reload, sandbox'
	@echo '  outage-short       outages with the real programs'
	@echo '  vm [T="NAME..."]   the virtual gateway: chain powerbox io discovery waveforms'
	@echo '                     recorded topologies; kernel, storm: parts of these'
	@echo '  vm-6.1, vm-7.2     the same in short, on these kernels'
	@echo '  vm-amd64           the drivers on a virtual PC, found through ACPI'
	@echo '  vm-raspi [T=rpi4]  on the models of Raspberry Pi 3 and 4, with their overlays'
	@echo ''
	@echo 'Longer ones, not in the check:'
	@echo '  soak [RUNS=n]      unit tests that draw numbers, with n (100) other seeds;'
	@echo '                     T="NAME..." for some of them'
	@echo '  accuracy           the accuracy suite in full, into admin-guide/accuracy.rst'
	@echo '  coverage           lines of drivers/ that KUnit runs; 90 % or more'
	@echo '  fuzz [RUNS=n]      10^7 fuzzed answers of modules'
	@echo '  unload             the drivers as modules: used, unloaded; leaks'
	@echo '  vm T=mains         all mains topologies'
	@echo '  storm [SECONDS=n]  drivers unbound, cables pulled, modules unloaded in use,'
	@echo '                     and n (600) s of a peer that lies; 25 minutes'
	@echo '  outage [T=NAME]    half an hour, and its table in admin-guide/outages.rst'
	@echo '  power-cut [CUTS=n] the virtual gateway is killed while it records'

build: modules userspace guest

# Kernel modules: build/modules/LINE.release names the folder under build/modules.
modules: $(lines:%=modules-%)
# Those of the virtual PC are not among "modules": only its test needs them.
$(lines:%=modules-%): modules-%: build/modules/%.release
$(lines:%=build/modules/%.release) build/modules/6.12-amd64.release: build/modules/%.release: $(module_src) scripts/kernels
	@scripts/kernels build $* CONFIG_SMAPPEE_BUS_ERROR_INJECTION=y

# User space: all three flavours by the same makefile.
userspace: userspace-native userspace-arm64 userspace-bookworm
userspace-native: $(O)/native/.stamp
userspace-arm64: $(O)/arm64/.stamp
userspace-bookworm: $(O)/bookworm/.stamp

$(O)/native/.stamp: in := trixie
$(O)/arm64/.stamp: in := trixie
$(O)/arm64/.stamp: flags := CROSS=aarch64-linux-gnu-
$(O)/bookworm/.stamp: in := bookworm
$(O)/sanitize/.stamp: in := trixie
$(O)/sanitize/.stamp: flags := SANITIZE=address,undefined CFLAGS=-O1\ -g unit
$(O)/%/.stamp: $(user_src)
	@echo 'userspace: building the programs ($*)'
	@$(suite) $(in) make -s -j$(JOBS) -C userspace O=/src/$(O)/$* all $(flags)
	@touch $@

# A unit test's results are those of one run; it is run whenever asked for.
unit: userspace-native
	@$(suite) trixie make -s -j$(JOBS) -C userspace O=/src/$(O)/native unit
	@mkdir -p build/results
	@$(suite) trixie scripts/unit $(O)/native/unit > build/results/unit.tap; \
		status=$$?; $(suite) trixie scripts/tally build/results/unit.tap; exit $$status
unit-sanitize: $(O)/sanitize/.stamp
	@mkdir -p build/results
	@$(suite) trixie scripts/unit $(O)/sanitize/unit > build/results/unit-sanitize.tap; \
		status=$$?; $(suite) trixie scripts/tally build/results/unit-sanitize.tap; exit $$status

soak: userspace-native
	@$(suite) trixie make -s -j$(JOBS) -C userspace O=/src/$(O)/native unit
	@$(suite) trixie scripts/soak $(O)/native/unit $(or $(RUNS),100) $(T)

accuracy: userspace-native
	@$(suite) trixie make -s -j$(JOBS) -C userspace O=/src/$(O)/native /src/$(O)/native/unit/accuracy_test
	@$(suite) trixie scripts/accuracy $(O)/native/unit/accuracy_test

kunit:
	@scripts/kunit
kunit-debug:
	@scripts/kunit --debug
kmemleak:
	@scripts/kunit --leak
coverage:
	@scripts/kunit --coverage
unload:
	@scripts/unload
$(other_lines:%=kunit-%): kunit-%:
	@scripts/kunit --line $*
fuzz:
	@scripts/fuzz --runs $(or $(RUNS),10000000)
fuzz-short:
	@scripts/fuzz $(or $(SECONDS),5)
lint:
	@scripts/lint

overlays:
	@scripts/overlays build
docs:
	@scripts/docs

guest: build/guest/initrd.cpio
build/guest/initrd.cpio: build/modules/6.12.release $(O)/arm64/.stamp $(guest_src) scripts/suites/guest.packages
	@scripts/guest build
$(other_lines:%=guest-%): guest-%: build/guest-%/initrd.cpio
$(other_lines:%=build/guest-%/initrd.cpio): build/guest-%/initrd.cpio: build/modules/%.release \
		$(O)/arm64/.stamp $(guest_src) scripts/suites/guest.packages
	@GUEST_KERNEL=$* scripts/guest build
selftests: build/selftests/.stamp
build/selftests/.stamp: $(shell find tests/selftests -type f 2>/dev/null) build/modules/6.12.release
	@tests/selftests/build && touch $@

vm_needs := guest userspace-native selftests
demo: guest userspace-native
	@$(suite) trixie python3 tests/vm/demo.py $(if $(SECONDS),--seconds $(SECONDS)) $(if $(TREE),--tree $(TREE))
vm: $(vm_needs)
	@$(suite) trixie python3 tests/vm/check.py $(T)
$(other_lines:%=vm-%): vm-%: guest-% userspace-native selftests
	@$(suite) trixie env GUEST_KERNEL=$* python3 tests/vm/check.py $(T)
vm-amd64: build/guest-amd64/initrd.cpio userspace-native
	@$(suite) trixie python3 tests/vm/pc.py
vm-raspi: build/guest-raspi/initrd.cpio userspace-native
	@$(suite) trixie python3 tests/vm/raspi.py $(T)
build/guest-amd64/initrd.cpio: build/modules/6.12-amd64.release
build/guest-raspi/initrd.cpio: build/modules/6.12.release scripts/overlays $(wildcard dts-overlays/*)
build/guest-amd64/initrd.cpio build/guest-raspi/initrd.cpio: build/guest-%/initrd.cpio: \
		$(wildcard tests/vm/small/*) scripts/guest-small
	@scripts/guest-small $*
storm: $(vm_needs)
	@$(suite) trixie python3 tests/vm/storm.py $(SECONDS)
bench: $(if $(filter-out kernel-cost,$(or $(T),all)),$(vm_needs))
	@$(if $(filter kernel-cost,$(or $(T),kernel-cost)),scripts/kunit --cost)
	@$(suite) trixie python3 tests/vm/bench.py $(T)
upstream: userspace-native
	@mkdir -p build/results
	@scripts/node-red || echo "upstream: no Node-RED, its test will be skipped" >&2
	@$(suite) trixie python3 tests/upstream/run.py $(T) > build/results/upstream.tap; \
		status=$$?; $(suite) trixie scripts/tally build/results/upstream.tap; exit $$status
service: userspace-native
	@mkdir -p build/results
	@$(suite) trixie python3 tests/service/run.py $(T) > build/results/service.tap; \
		status=$$?; $(suite) trixie scripts/tally build/results/service.tap; exit $$status
outage outage-short: userspace-native
	@mkdir -p build/results
	@$(suite) trixie env $(if $(filter outage,$@),LONG=1 $(if $(T),,TABLE=Documentation/admin-guide/outages.rst)) \
		python3 tests/upstream/outage.py $(T) > build/results/$@.tap; \
		status=$$?; $(suite) trixie scripts/tally build/results/$@.tap; exit $$status
power-cut: guest userspace-native
	@mkdir -p build/results
	@$(suite) trixie python3 tests/vm/power_cut.py > build/results/$@.tap; \
		status=$$?; $(suite) trixie scripts/tally build/results/$@.tap; exit $$status
browser: userspace-native
	@mkdir -p build/results
	@$(suite) trixie python3 tests/browser/run.py > build/results/browser.tap; \
		status=$$?; $(suite) trixie scripts/tally build/results/browser.tap; exit $$status

check:
	@scripts/check

clean:
	rm -rf build
distclean: clean
	rm -rf --one-file-system "$$($(suite) --cache)"

.PHONY: help accuracy soak build modules $(lines:%=modules-%) userspace userspace-native userspace-arm64 \
	userspace-bookworm unit unit-sanitize kunit kunit-debug kmemleak coverage unload fuzz-short \
	$(other_lines:%=kunit-%) fuzz lint overlays docs guest $(other_lines:%=guest-%) \
	selftests demo vm storm $(other_lines:%=vm-%) vm-amd64 vm-raspi bench browser upstream service outage outage-short power-cut \
	check clean distclean
.DELETE_ON_ERROR:
