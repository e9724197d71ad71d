/* settings.h - what a member is told on its command line, checked. */

#ifndef NODE_SETTINGS_H
#define NODE_SETTINGS_H

#include "core/core.h"
#include "raftkit.h"

struct node_settings {
	struct core_settings core; /* Its `id` and `seed` come at the start. */
	uint64_t snapshot_chunk_bytes;
	uint64_t snapshot_bytes_per_second; /* 0: as fast as it goes. */
	uint64_t max_entry_bytes;
	bool sync;
	char cluster_name[65];
};

/* Read every setting of `s`. RK_USAGE if one contradicts another. */
RK_CHECKED enum rk_code node_settings_read(const struct rk_settings *s,
					   struct node_settings *n,
					   struct rk_error *err);

#endif /* NODE_SETTINGS_H */
