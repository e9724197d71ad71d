/* inbound_link.c - connections and their deadlines.
 *
 * libmicrohttpd's own timeout ends when a byte comes; a client that sends a
 * byte now and then would hold its connection for ever. So each stage of a
 * request has a moment by which it must be over. */

#include <assert.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/mem.h"
#include "wire/inbound_parts.h"

/* Deadlines are looked at no more often than this. */
#define REAP_STEP_MS 10

static void
link_open(struct inbound *in, struct MHD_Connection *connection,
	  struct inbound_link **place)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct inbound_link *link = mem_alloc(1, sizeof *link);
	const int on = 1;

	link->fd = info->connect_fd;
	/* A reply must not wait for the acknowledgement of the one before. */
	(void)setsockopt(link->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	link->next = in->links;
	if (in->links != NULL)
		in->links->prev = link;
	in->links = link;
	in->counts.connections++;
	in->counts.open++;
	link_set_deadline(in, link, in->settings.header_deadline_ms);
	*place = link;
}

static bool
is_marked(const struct inbound *in, uint64_t mark)
{
	const struct inbound_link *link;

	for (link = in->links; link != NULL; link = link->next) {
		if (link->mark == mark)
			return true;
	}
	return false;
}

static void
link_close(struct inbound *in, struct inbound_link *link)
{
	uint64_t mark = link->mark;

	if (link->prev != NULL)
		link->prev->next = link->next;
	else
		in->links = link->next;
	if (link->next != NULL)
		link->next->prev = link->prev;
	in->counts.open--;
	mem_free(link);
	if (mark != 0 && in->settings.gone != NULL && !in->is_closing &&
	    !is_marked(in, mark))
		in->settings.gone(in->settings.context, mark);
}

void
link_notify(void *context, struct MHD_Connection *connection,
	    void **link_context, enum MHD_ConnectionNotificationCode what)
{
	struct inbound_link *link = *link_context;

	switch (what) {
	case MHD_CONNECTION_NOTIFY_STARTED:
		link_open(context, connection, &link);
		*link_context = link;
		break;
	case MHD_CONNECTION_NOTIFY_CLOSED:
		*link_context = NULL;
		link_close(context, link);
		break;
	}
}

struct inbound_link *
link_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	assert(info != NULL);
	return info->socket_context;
}

void
link_set_deadline(struct inbound *in, struct inbound_link *link,
		  uint64_t after_ms)
{
	link->deadline_ms = clock_now_ms() + after_ms;
	if (link->deadline_ms < in->reap_ms)
		in->reap_ms = link->deadline_ms;
}

void
link_clear_deadline(struct inbound_link *link)
{
	link->deadline_ms = 0;
}

void
links_reap(struct inbound *in)
{
	uint64_t now_ms = clock_now_ms();
	uint64_t next_ms = UINT64_MAX;
	struct inbound_link *link;

	if (now_ms < in->reap_ms)
		return;
	for (link = in->links; link != NULL; link = link->next) {
		if (link->deadline_ms == 0)
			continue;
		if (link->deadline_ms > now_ms) {
			if (link->deadline_ms < next_ms)
				next_ms = link->deadline_ms;
			continue;
		}
		/* The daemon owns it, finds it closed and cleans up. */
		shutdown(link->fd, SHUT_RDWR);
		link_clear_deadline(link);
		in->counts.reaped++;
		inbound_warn(in, "connection closed", "too slow");
	}
	if (next_ms < now_ms + REAP_STEP_MS)
		next_ms = now_ms + REAP_STEP_MS;
	in->reap_ms = next_ms;
}
