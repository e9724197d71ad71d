/* fuzz_codec_peer.c - no body from a peer does anything but fail.
 *
 * libFuzzer; not built by make. To build and run it:
 *
 *   clang -std=c11 -g -O1 -D_GNU_SOURCE -Ilib \
 *       -fsanitize=fuzzer,address,undefined -DRK_VERSION_TEXT='""' \
 *       -DRK_COMMIT_TEXT='""' -o fuzz_codec_peer \
 *       tests/fuzz/fuzz_codec_peer.c lib/wire/codec_*.c \
 *       lib/base/[a-z]*.c -ljansson
 *   ./fuzz_codec_peer -max_len=4096
 *
 * The first byte chooses what is expected; the rest is the body. An append
 * that is accepted is encoded again, and must be accepted again. */

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "base/crc32c.h"
#include "wire/codec_peer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct peer_identity two = {
	.cluster = "0123456789abcdef",
	.incarnation = "00000000000000a2",
	.id = 2,
};

/* What was accepted, said again by us, to whom it came from. */
static void
check_again(const struct peer_message *m, enum message_type type)
{
	struct peer_identity other = two;
	struct message copy = m->message;
	struct bytes body = {.data = NULL};
	struct peer_message again;
	struct rk_error err;
	enum rk_code rc;

	other.id = m->message.from;
	copy.from = m->message.to;
	copy.to = m->message.from;
	peer_encode(&body, &two, &copy, m->body);
	bytes_append(&body, m->body.data, m->body.len);
	rc = peer_decode_request((struct slice){body.data, body.len},
				 peer_path(type), &other, &again, &err);
	assert(rc == RK_OK);
	assert(again.message.as.append.count == m->message.as.append.count);
	peer_message_close(&again);
	bytes_close(&body);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum message_type type;
	struct peer_message m;
	struct rk_error err;
	struct slice body;
	enum rk_code rc;

	if (size == 0)
		return 0;
	type = (enum message_type)(data[0] % 10);
	body = (struct slice){data + 1, size - 1};
	if (type % 2 == 0)
		rc = peer_decode_request(body, peer_path(type), &two, &m, &err);
	else
		rc = peer_decode_reply(body, (enum message_type)(type - 1),
				       &two, &m, &err);
	if (rc != RK_OK)
		return 0;
	if (m.message.type == MESSAGE_APPEND)
		check_again(&m, type);
	peer_message_close(&m);
	return 0;
}
