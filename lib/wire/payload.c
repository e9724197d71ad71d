/* payload.c - a body that several calls share. */

#include <assert.h>

#include "base/mem.h"
#include "wire/outbound.h"

struct payload {
	struct bytes bytes;
	size_t users;
};

struct payload *
payload_new_take(struct bytes *bytes)
{
	struct payload *p = mem_alloc(1, sizeof *p);

	bytes_take(&p->bytes, bytes);
	p->users = 1;
	return p;
}

struct payload *
payload_ref(struct payload *p)
{
	assert(p->users > 0);
	p->users++;
	return p;
}

void
payload_unref(struct payload *p)
{
	if (p == NULL)
		return;
	assert(p->users > 0);
	if (--p->users > 0)
		return;
	bytes_close(&p->bytes);
	mem_free(p);
}

struct slice
payload_slice(const struct payload *p)
{
	return (struct slice){.data = p->bytes.data, .len = p->bytes.len};
}
