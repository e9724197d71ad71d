/* test_crc32c.c - the checksum, by hardware and by table. */

#include "unit.h"

#include <string.h>

#include "base/crc32c.h"
#include "base/prng.h"

/* Bit by bit, as the polynomial says. */
static uint32_t
reference(uint32_t crc, const uint8_t *p, size_t len)
{
	size_t i;
	int bit;

	crc = ~crc;
	for (i = 0; i < len; i++) {
		crc ^= p[i];
		for (bit = 0; bit < 8; bit++)
			crc = (crc >> 1) ^ (crc & 1 ? 0x82f63b78U : 0U);
	}
	return ~crc;
}

static void
known_data_has_the_published_checksums(void **state)
{
	uint8_t data[32];
	uint8_t i;

	(void)state;
	assert_int_equal(crc32c(0, NULL, 0), 0);
	assert_int_equal(crc32c(0, "123456789", 9), 0xe3069283);
	memset(data, 0, sizeof data);
	assert_int_equal(crc32c(0, data, sizeof data), 0x8a9136aa);
	memset(data, 0xff, sizeof data);
	assert_int_equal(crc32c(0, data, sizeof data), 0x62a8ab43);
	for (i = 0; i < 32; i++)
		data[i] = i;
	assert_int_equal(crc32c(0, data, sizeof data), 0x46dd794e);
}

static void
every_way_agrees_at_every_length_and_alignment(void **state)
{
	struct prng random;
	uint8_t data[320];
	size_t from;
	size_t len;
	size_t i;

	(void)state;
	prng_init(&random, unit_seed());
	for (i = 0; i < sizeof data; i++)
		data[i] = (uint8_t)prng_next(&random);
	for (from = 0; from < 9; from++) {
		for (len = 0; len <= 300; len++) {
			uint32_t start = (uint32_t)prng_next(&random);
			uint32_t crc = reference(start, data + from, len);

			assert_int_equal(crc32c(start, data + from, len), crc);
			assert_int_equal(
				crc32c_portable(start, data + from, len), crc);
		}
	}
}

static void
parts_give_the_checksum_of_the_whole(void **state)
{
	const char text[] = "one write and one fdatasync a batch";
	uint32_t whole = crc32c(0, text, sizeof text);
	size_t cut;

	(void)state;
	for (cut = 0; cut <= sizeof text; cut++)
		assert_int_equal(crc32c(crc32c(0, text, cut), text + cut,
					sizeof text - cut),
				 whole);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_data_has_the_published_checksums),
		cmocka_unit_test(
			every_way_agrees_at_every_length_and_alignment),
		cmocka_unit_test(parts_give_the_checksum_of_the_whole),
	};

	return unit_run("crc32c", tests, LEN(tests));
}
