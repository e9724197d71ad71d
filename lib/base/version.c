/* version.c - what this library is, and the names of its types. */

#include "raftkit.h"

#include "base/mem.h"

static const char *const entry_type_name[] = {
	[RK_ENTRY_DATA] = "data",
	[RK_ENTRY_NOOP] = "noop",
	[RK_ENTRY_CONFIGURATION] = "configuration",
};
_Static_assert(LEN(entry_type_name) == RK_ENTRY_CONFIGURATION + 1,
	       "name every type");

const char *
rk_version(void)
{
	return RK_VERSION_TEXT " (" RK_COMMIT_TEXT
			       "), data format 1, wire protocol 1";
}

const char *
rk_entry_type_name(enum rk_entry_type type)
{
	return (size_t)type < LEN(entry_type_name) ? entry_type_name[type]
						   : "invalid";
}
