/* saved.h - inside of rk_saved: a saved snapshot on its way in.
 *
 * Private to saved.c and restore.c. */

#ifndef NODE_SAVED_H
#define NODE_SAVED_H

#include "store/snapshot.h"

struct rk_saved {
	int fd;
	char *name;
	struct snapshot_header header;
	struct rk_saved_info info;
	struct bytes line;     /* The header line as it stands. */
	struct bytes buffer;   /* Read, but not used yet. */
	uint32_t crc;          /* Of what stands before the trailer. */
	uint32_t payload_crc;  /* Of its payload. */
	uint64_t payload_left; /* Bytes of it to come. */
	bool ended;            /* No more can be read. */
};

#endif /* NODE_SAVED_H */
