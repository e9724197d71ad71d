# raftkit - consensus for the command line.
#
# GNU make, Linux and C11; no configure step.
#
#   make                 build everything into build/
#   make check           install what is missing, build, run every test
#   make demo            install what is missing, build, show the main job
#   make lint            what scripts can hold of the style
#   make rows            situations, and the tests that hold them
#   make SANITIZE=address,undefined check    a tree of its own
#   make install DESTDIR=... PREFIX=...
#   make V=1             ... and show each command whole

VERSION = 0.1.0

PREFIX ?= /usr/local
BINDIR ?= $(PREFIX)/bin
LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
MANDIR ?= $(PREFIX)/share/man
PKG_CONFIG ?= pkg-config
CLANG_FORMAT ?= clang-format-14
JOBS ?= 3

-include config.mak

# A tree of objects for each kind, so that kinds never mix.
comma = ,
KIND := $(if $(SANITIZE),$(SANITIZE),plain)
ifneq ($(origin CC),default)
KIND := $(notdir $(CC))-$(KIND)
endif
B ?= build/$(KIND)

DEPS = libcurl jansson libmicrohttpd
DEPS_CFLAGS := $(shell $(PKG_CONFIG) --cflags $(DEPS) 2>/dev/null)
DEPS_LIBS := $(shell $(PKG_CONFIG) --libs $(DEPS) 2>/dev/null)
COMMIT := $(shell git rev-parse --short HEAD 2>/dev/null || echo unknown)

IS_GCC := $(shell $(CC) --version 2>/dev/null | grep -qi '^gcc\|Free Software' && echo 1)

OUR_CPPFLAGS = -D_GNU_SOURCE -Ilib -DRK_VERSION_TEXT='"$(VERSION)"' \
	-DRK_COMMIT_TEXT='"$(COMMIT)"' $(DEPS_CFLAGS)
OUR_CFLAGS = -std=c11 -O2 -g -MMD -MP -pthread -fvisibility=hidden -fPIC \
	-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion \
	-Wswitch-enum -Wmissing-prototypes -Wstrict-prototypes -Wformat=2 \
	-Wvla -Wundef -Wimplicit-fallthrough -Wnull-dereference \
	-Werror=format-security -Werror=implicit \
	-Werror=incompatible-pointer-types -Werror=int-conversion \
	-fno-delete-null-pointer-checks -fno-strict-overflow \
	-fno-strict-aliasing -fstack-protector-strong
OUR_LDFLAGS = -pthread -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack \
	-Wl,--as-needed -Wl,--no-copy-dt-needed-entries
ifeq ($(SANITIZE),)
OUR_CFLAGS += -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 \
	-fstack-clash-protection -fcf-protection=full
else
OUR_CFLAGS += -fsanitize=$(SANITIZE) -fno-sanitize-recover=all \
	-fno-omit-frame-pointer
OUR_LDFLAGS += -fsanitize=$(SANITIZE)
endif
ifeq ($(IS_GCC),1)
OUR_CFLAGS += -ftrivial-auto-var-init=zero -Wduplicated-cond -Wlogical-op \
	-Wtrampolines -Wbidi-chars=any
endif
ifeq ($(WERROR),1)
OUR_CFLAGS += -Werror
endif
PROGRAM_LDFLAGS = -pie -L$B/lib -lraftkit -Wl,-rpath,'$$ORIGIN/../lib' \
	-Wl,-z,nodlopen

LIB_SRC := $(wildcard lib/*/*.c)
LIB_OBJ := $(LIB_SRC:%.c=$B/%.o)
CMD_SRC := $(wildcard cmd/raft-*.c)
CMD_BIN := $(CMD_SRC:cmd/%.c=$B/bin/%)
CMD_OBJ := $(patsubst %.c,$B/%.o,$(filter-out $(CMD_SRC),$(wildcard cmd/*.c)))
CMD_SH := $(patsubst cmd/%.sh,$B/bin/%,$(wildcard cmd/raft-*.sh))
TOOL_SRC := $(wildcard tests/tools/*.c)
TOOL_BIN := $(TOOL_SRC:tests/tools/%.c=$B/tests/%)
DRIVE_OBJ := $(patsubst %.c,$B/%.o,$(wildcard tests/tools/drive/*.c))
UNIT_SRC := $(wildcard tests/unit/test_*.c)
UNIT_BIN := $(UNIT_SRC:tests/unit/%.c=$B/tests/%)
UNIT_OBJ := $(patsubst %.c,$B/%.o,$(filter-out $(UNIT_SRC),$(wildcard tests/unit/*.c)))
SCENARIOS := $(wildcard tests/scenario/*.txt)
BATS := $(wildcard tests/bats/*.bats)
MAN := $(wildcard man/*.[1-9])
SO = $B/lib/libraftkit.so.0

Q = $(if $(V),,@)
QUIET = $V$(findstring s,$(firstword -$(MAKEFLAGS)))
begin = @mkdir -p $(@D)$(if $(QUIET),, && printf '%-4s %s\n' $1 $@)

all: $(SO) $(CMD_BIN) $(CMD_SH) $B/raftkit.pc

libraries:
	@$(PKG_CONFIG) --exists $(DEPS) || { \
		echo 'first install what is missing: sh tests/tools/deps.sh'; \
		exit 1; }

$B/%.o: %.c | libraries
	$(call begin,CC)
	$Q$(CC) $(OUR_CPPFLAGS) $(OUR_CFLAGS) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

$(SO): $(LIB_OBJ)
	$(call begin,LINK)
	$Q$(CC) $(OUR_LDFLAGS) -shared -Wl,-soname,libraftkit.so.0 \
		$(if $(SANITIZE),,-Wl$(comma)--no-undefined) $(LDFLAGS) -o $@ \
		$(LIB_OBJ) $(DEPS_LIBS)
	$Qln -sf libraftkit.so.0 $B/lib/libraftkit.so

$B/bin/%: $B/cmd/%.o $(CMD_OBJ) $(SO)
	$(call begin,LINK)
	$Q$(CC) $(OUR_LDFLAGS) $(LDFLAGS) -o $@ $< $(CMD_OBJ) $(PROGRAM_LDFLAGS)

$B/bin/%: cmd/%.sh
	$(call begin,COPY)
	$Qinstall -m 755 $< $@

# Unit tests and tools link the objects, so that they reach what is hidden.
$B/tests/%: $B/tests/unit/%.o $(UNIT_OBJ) $(LIB_OBJ)
	$(call begin,LINK)
	$Q$(CC) $(OUR_LDFLAGS) $(LDFLAGS) -o $@ $^ -lcmocka $(DEPS_LIBS)

# This one puts calls that fail in place of those of store/file.c.
FILE_CALLS = open read_at write_at sync_data sync sync_dir sync_and_drop size \
	truncate rename link unlink make_dir list
$B/tests/test_store_fault: OUR_LDFLAGS += $(FILE_CALLS:%=-Wl,--wrap=file_%)

# And this one its own answers in place of those to peers.
$B/tests/test_install: OUR_LDFLAGS += -Wl,--wrap=peers_reply,--wrap=peers_refuse

$B/tests/%: $B/tests/tools/%.o $(LIB_OBJ)
	$(call begin,LINK)
	$Q$(CC) $(OUR_LDFLAGS) $(LDFLAGS) -o $@ $^ $(DEPS_LIBS)

$B/tests/core-drive: $(DRIVE_OBJ)

# Always made: PREFIX may have changed.
$B/raftkit.pc:
	@mkdir -p $(@D) && printf '%s\n' 'Name: raftkit' \
		'Description: consensus for the command line' \
		'Version: $(VERSION)' 'Cflags: -I$(INCLUDEDIR)' \
		'Libs: -L$(LIBDIR) -lraftkit' >$@

# The simulator: all of lib/ but its ways out of the process, which it has of
# its own. The system calls in the rest are its own, too.
SIM_OBJ := $(patsubst %.c,$B/%.o,$(wildcard tests/sim/*.c))
SIM_OWN = lib/base/mem lib/node/writer lib/node/janitor lib/node/serve \
	lib/node/notify lib/node/restore lib/node/saved lib/node/settings_file \
	lib/node/reader% lib/node/archive% lib/node/check lib/node/diff \
	lib/client/% lib/wire/inbound% lib/wire/outbound%
SIM_LIB_OBJ := $(filter-out $(addprefix $B/,$(addsuffix .o,$(SIM_OWN))),$(LIB_OBJ))
SIM_CALLS = open close pread pwrite pwritev fsync fdatasync posix_fadvise fstat \
	ftruncate rename link unlink unlinkat mkdir opendir readdir closedir \
	dirfd fcntl statvfs readlink write clock_gettime getrandom rk_version
$B/tests/sim-run: OUR_LDFLAGS += $(SIM_CALLS:%=-Wl,--wrap=%)
$B/tests/sim-run: $(SIM_OBJ) $(SIM_LIB_OBJ)
	$(call begin,LINK)
	$Q$(CC) $(OUR_LDFLAGS) $(LDFLAGS) -o $@ $^ $(DEPS_LIBS)

tools: $(TOOL_BIN) $(UNIT_BIN)

# Installing packages changes what pkg-config says, hence the second make.
check demo:
	@sh tests/tools/deps.sh build $(if $(filter check,$@),test)
	@$(MAKE) --no-print-directory $@-now

# Everything that tests prints TAP; prove adds it up.
export RAFTKIT_BIN ?= $(abspath $B)/bin
export RAFTKIT_TESTS ?= $(abspath $B)/tests
check-now: TESTS = $(UNIT_BIN) $(SCENARIOS) $(BATS)
check-unit: TESTS = $(UNIT_BIN)
check-scenario: TESTS = $(SCENARIOS)
check-cmd: TESTS = $(BATS)
check-cluster: TESTS = $(filter tests/bats/cluster-%,$(BATS))
# What has threads: the rest shows nothing new under the thread sanitizer.
check-threads: TESTS = $(filter %_client %_client_read %_client_status \
	%_outbound %_log_live,$(UNIT_BIN)) \
	$(filter %-failover.bats %-snapshot.bats %-reads.bats,$(BATS))
check-now check-unit check-scenario check-cmd check-cluster check-threads: \
		all tools
	$(if $(strip $(TESTS)),@prove --jobs $(JOBS) \
		--exec 'sh tests/tools/run-test.sh' $(TESTS),@echo 'no tests')

# Clusters simulated from seeds; SEED= and STEPS= show one again.
check-sim: $B/tests/sim-run
	@sh tests/sim/run.sh

demo-now: all
	@sh tests/demo.sh

# Reads the objects, too: what the core calls, and who calls what is banned.
lint: all
	@CLANG_FORMAT=$(CLANG_FORMAT) B=$B sh tests/lint/lint.sh

rows:
	@sh tests/tools/rows.sh

format:
	$(CLANG_FORMAT) -i $$(git ls-files '*.c' '*.h')

PLACE = install -D -m 644 -t
install: all
	$(PLACE) $(DESTDIR)$(BINDIR) -m 755 $(CMD_BIN) $(CMD_SH)
	$(PLACE) $(DESTDIR)$(LIBDIR) -m 755 $(SO)
	ln -sf libraftkit.so.0 $(DESTDIR)$(LIBDIR)/libraftkit.so
	$(PLACE) $(DESTDIR)$(LIBDIR)/pkgconfig $B/raftkit.pc
	$(PLACE) $(DESTDIR)$(INCLUDEDIR) lib/raftkit.h
	for page in $(MAN); do \
		$(PLACE) $(DESTDIR)$(MANDIR)/man$${page##*.} $$page || exit; \
	done

uninstall:
	rm -f $(patsubst $B/bin/%,$(DESTDIR)$(BINDIR)/%,$(CMD_BIN) $(CMD_SH))
	rm -f $(addprefix $(DESTDIR)$(LIBDIR)/,libraftkit.so.0 libraftkit.so \
		pkgconfig/raftkit.pc) $(DESTDIR)$(INCLUDEDIR)/raftkit.h
	rm -f $(patsubst man/%,$(DESTDIR)$(MANDIR)/man?/%,$(MAN))

clean:
	rm -rf build

.PHONY: all libraries tools check check-now check-unit check-scenario \
	check-cmd check-cluster check-threads check-sim demo demo-now lint rows format \
	install uninstall clean $B/raftkit.pc
.SECONDARY:

-include $(LIB_OBJ:.o=.d) $(wildcard $B/cmd/*.d $B/tests/*/*.d \
	$B/tests/*/*/*.d)
