/* test_line_random.c - random entries, and damage to their lines. */

#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/line.h"
#include "base/prng.h"
#include "line_oracle.h"

/* An entry and what it points to. */
struct sample {
	struct rk_entry entry;
	char session[LIMIT_SESSION_ID + 1];
	struct bytes data;
};

/* Small numbers and large ones alike. */
static uint64_t
any_number(struct prng *random, uint64_t from)
{
	uint64_t bits = prng_range(random, 1, 54);

	return prng_range(random, from, (UINT64_C(1) << bits) + from) &
	       LIMIT_NUMBER;
}

static void
append_code(struct bytes *b, uint32_t code)
{
	if (code < 0x80) {
		bytes_append_char(b, (char)code);
	} else if (code < 0x800) {
		bytes_append_char(b, (char)(0xc0 | code >> 6));
		bytes_append_char(b, (char)(0x80 | (code & 0x3f)));
	} else {
		if (code >= 0xd800 && code <= 0xdfff)
			code = 0xfffd;
		bytes_append_char(b, (char)(0xe0 | code >> 12));
		bytes_append_char(b, (char)(0x80 | (code >> 6 & 0x3f)));
		bytes_append_char(b, (char)(0x80 | (code & 0x3f)));
	}
}

/* Fill with one kind of character, or with a mix. */
static void
fill_data(struct bytes *b, size_t len, struct prng *random)
{
	static const uint8_t bad[] = {0x00, 0xff, 0x80, 0xc3};
	uint64_t kind = prng_range(random, 0, 6);

	while (b->len < len) {
		uint64_t now = kind < 5 ? kind : prng_range(random, 1, 32);

		if (now == 0)
			bytes_append_char(b, (char)prng_next(random));
		else if (now == 1)
			append_code(b, (uint32_t)prng_range(random, 1, 32));
		else if (now == 2)
			append_code(b,
				    (uint32_t)prng_range(random, 1, 0x10000));
		else if (now == 3)
			bytes_append(b, "\xf0\x9f\x98\x80", 4);
		else if (now == 4)
			bytes_append_char(
				b, "\"\\/u\x7f"[prng_range(random, 0, 5)]);
		else
			append_code(b,
				    (uint32_t)prng_range(random, 0x20, 0x7f));
	}
	/* Now and then one bad byte, anywhere. */
	if (b->len > 0 && prng_range(random, 0, 8) == 0)
		b->data[prng_range(random, 0, b->len)] =
			bad[prng_range(random, 0, sizeof bad)];
}

static void
sample_new(struct sample *s, size_t len, struct prng *random)
{
	static const char some[] = "azAZ09._-";
	size_t session_len = prng_range(random, 1, LIMIT_SESSION_ID + 1);
	size_t i;

	*s = (struct sample){.entry.term = any_number(random, 0)};
	s->entry.index = any_number(random, 1) | 1;
	s->entry.time_ms = prng_range(random, 0, UINT64_C(253402300799999) + 1);
	if (prng_range(random, 0, 2) == 0) {
		for (i = 0; i < session_len; i++)
			s->session[i] =
				some[prng_range(random, 0, sizeof some - 1)];
		s->entry.session = s->session;
		s->entry.seq = any_number(random, 1) | 1;
	}
	if (prng_range(random, 0, 4) == 0)
		s->entry.repeat = any_number(random, 1) | 1;
	s->entry.type = (enum rk_entry_type)prng_range(random, 0, 3);
	if (s->entry.type != RK_ENTRY_NOOP)
		fill_data(&s->data, len, random);
	s->entry.data = s->data.data;
	s->entry.len = s->data.len;
}

static void
assert_comes_back(const struct sample *s)
{
	struct bytes text = {.data = NULL};
	struct bytes data = {.data = NULL};
	const char *complaint;
	struct line line;
	uint8_t *exact;

	line_encode(&text, &s->entry);
	exact = mem_dup(text.data, text.len);
	assert_true(line_scan(exact, text.len, true, &line));
	assert_int_equal(line.len, text.len);
	assert_true(line.index == s->entry.index);
	assert_true(line.term == s->entry.term);
	assert_int_equal(line.type, s->entry.type);
	assert_true(line.time_ms == s->entry.time_ms);
	assert_true(line.seq == s->entry.seq);
	assert_true(line.repeat == s->entry.repeat);
	assert_int_equal(line.session_len, strlen(s->session));
	line_decode_data(&line, &data);
	assert_int_equal(data.len, s->data.len);
	if (data.len > 0)
		assert_memory_equal(data.data, s->data.data, data.len);
	complaint = line_oracle_complaint(exact, &line);
	if (complaint != NULL)
		fail_msg("%s: %.*s", complaint, (int)line.len,
			 (const char *)text.data);
	mem_free(exact);
	bytes_close(&text);
	bytes_close(&data);
}

static void
any_entry_comes_back(void **state)
{
	struct prng random;
	struct sample s;
	int round;

	(void)state;
	prng_init(&random, unit_seed());
	for (round = 0; round < 20000; round++) {
		sample_new(&s, prng_range(&random, 0, 100), &random);
		assert_comes_back(&s);
		bytes_close(&s.data);
	}
}

static void
data_of_every_length_comes_back(void **state)
{
	struct prng random;
	struct sample s;
	size_t len;

	(void)state;
	prng_init(&random, unit_seed());
	for (len = 0; len < 300; len++) {
		sample_new(&s, len, &random);
		assert_comes_back(&s);
		bytes_close(&s.data);
	}
	/* Around the blocks in which text and base64 are worked off. */
	for (len = 3060; len < 3090; len++) {
		sample_new(&s, len, &random);
		assert_comes_back(&s);
		bytes_close(&s.data);
		sample_new(&s, len + 4096 - 3072, &random);
		assert_comes_back(&s);
		bytes_close(&s.data);
		sample_new(&s, 3 * len, &random);
		assert_comes_back(&s);
		bytes_close(&s.data);
	}
}

static void
large_data_of_every_kind_comes_back(void **state)
{
	static const uint8_t fill[] = {'a', 0x01, 0x00, 0xff, '"'};
	struct sample s = {.entry = {.index = 1, .term = 1}};
	size_t len = LIMIT_ENTRY_BYTES_DEFAULT;
	size_t i;

	(void)state;
	bytes_reserve(&s.data, len);
	s.data.len = len;
	s.entry.data = s.data.data;
	s.entry.len = len;
	for (i = 0; i < sizeof fill; i++) {
		memset(s.data.data, fill[i], len);
		assert_comes_back(&s);
		s.data.data[len - 1] = 0xc3;
		assert_comes_back(&s);
	}
	bytes_close(&s.data);
}

/* A character cut by the end of a piece of base64 must be put together again,
 * or text would be accepted in base64. */
static void
text_in_base64_is_refused_at_every_length(void **state)
{
	struct bytes data = {.data = NULL};
	struct bytes text = {.data = NULL};
	struct line line;
	size_t len;
	int pad;

	(void)state;
	for (pad = 0; pad < 4; pad++) {
		for (len = 0; len < 7000; len += len < 3000 ? 700 : 53) {
			data.len = 0;
			text.len = 0;
			bytes_append(&data, "abc", (size_t)pad);
			while (data.len < len)
				bytes_append(&data, "\xf0\x9f\x98\x80", 4);
			bytes_append_text(
				&text,
				"{\"index\":1,\"term\":1,\"type\":\"data\","
				"\"time\":\"2026-11-23T07:12:13.794Z\","
				"\"data_base64\":\"");
			bytes_append_base64(&text, data.data, data.len);
			bytes_append_text(&text, "\"}\n");
			assert_false(
				line_scan(text.data, text.len, true, &line));
		}
	}
	bytes_close(&data);
	bytes_close(&text);
}

/* Replace, insert, remove or double one byte. */
static void
mutate(struct bytes *b, struct prng *random)
{
	static const char likely[] = "0123456789\"\\,:{}u=a/\n \x80\xc3";
	size_t at = prng_range(random, 0, b->len);
	char c = prng_range(random, 0, 2) == 0
			 ? (char)prng_next(random)
			 : likely[prng_range(random, 0, sizeof likely - 1)];

	bytes_reserve(b, 1);
	switch (prng_range(random, 0, 4)) {
	case 0:
		b->data[at] = (uint8_t)c;
		break;
	case 1:
		b->data[at] ^= (uint8_t)(1U << prng_range(random, 0, 8));
		break;
	case 2:
		memmove(b->data + at + 1, b->data + at, b->len - at);
		b->data[at] = (uint8_t)c;
		b->len++;
		break;
	case 3:
		b->len--;
		memmove(b->data + at, b->data + at + 1, b->len - at);
		break;
	}
}

static void
damaged_line_is_refused_or_another_canonical_one(void **state)
{
	struct bytes line = {.data = NULL};
	struct bytes damaged = {.data = NULL};
	const char *complaint;
	unsigned int taken = 0;
	unsigned int round;
	struct line found;
	struct prng random;
	struct sample s;

	(void)state;
	prng_init(&random, unit_seed());
	for (round = 0; round < 200000; round++) {
		if (round % 20 == 0) {
			sample_new(&s, prng_range(&random, 0, 40), &random);
			line.len = 0;
			line_encode(&line, &s.entry);
			bytes_close(&s.data);
		}
		damaged.len = 0;
		bytes_append(&damaged, line.data, line.len);
		mutate(&damaged, &random);
		if (!line_scan(damaged.data, damaged.len, true, &found))
			continue;
		taken++;
		complaint = line_oracle_complaint(damaged.data, &found);
		if (complaint != NULL)
			fail_msg("%s: %.*s", complaint, (int)damaged.len,
				 (const char *)damaged.data);
	}
	/* Else the test above would show nothing. */
	printf("# %u of %u damaged lines are canonical\n", taken, round);
	assert_in_range(taken, round / 100, round / 2);
	bytes_close(&line);
	bytes_close(&damaged);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_entry_comes_back),
		cmocka_unit_test(data_of_every_length_comes_back),
		cmocka_unit_test(large_data_of_every_kind_comes_back),
		cmocka_unit_test(text_in_base64_is_refused_at_every_length),
		cmocka_unit_test(
			damaged_line_is_refused_or_another_canonical_one),
	};

	return unit_run("line_random", tests, LEN(tests));
}
