#include "tests/lib/table.h"

#include <string.h>

#include "store/crc32c.h"

static uint8_t zeros[32], ones[32], up[32], down[32];

/* RFC 3720, appendix B.4. */
static const uint8_t command[48] = {
	0x01, 0xc0, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x14, 0x00, 0x00, 0x00, 0x00, 0x00, 0x04, 0x00,
	0x00, 0x00, 0x00, 0x14, 0x00, 0x00, 0x00, 0x18, 0x28, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
};

static const struct row {
	const char *name;
	const void *data;
	size_t len;
	uint32_t want;
} vectors[] = {
	{ "nothing", "", 0, 0 },
	{ "the check value", "123456789", 9, 0xe3069283 },
	{ "32 zeros", zeros, 32, 0x8a9136aa },
	{ "32 ones", ones, 32, 0x62a8ab43 },
	{ "counting up", up, 32, 0x46dd794e },
	{ "counting down", down, 32, 0x113fdb5c },
	{ "an iSCSI read command", command, 48, 0xd9963a56 },
};

static void vector_gives(void **state)
{
	const struct row *r = *state;

	for (int i = 0; i < 32; i++) {
		ones[i] = 0xff;
		up[i] = (uint8_t)i;
		down[i] = (uint8_t)(31 - i);
	}
	assert_int_equal(crc32c(0, r->data, r->len), r->want);
	assert_int_equal(crc32c_portable(0, r->data, r->len), r->want);
	/* In two parts, wherever parted. */
	for (size_t i = 0; i <= r->len; i++) {
		const uint8_t *p = r->data;

		assert_int_equal(crc32c(crc32c(0, p, i), p + i, r->len - i),
				 r->want);
	}
}

static void the_instruction_and_the_table_agree(void **state)
{
	uint8_t bytes[300];
	uint32_t x = 1;

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++) {
		x = x * 1664525 + 1013904223;
		bytes[i] = (uint8_t)(x >> 24);
	}
	for (size_t off = 0; off < 9; off++)
		for (size_t len = 0; len + off <= sizeof(bytes); len++)
			assert_int_equal(
				crc32c((uint32_t)len, bytes + off, len),
				crc32c_portable((uint32_t)len, bytes + off,
						len));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_instruction_and_the_table_agree),
	};

	return TABLE_RUN(vectors, vector_gives) +
	       cmocka_run_group_tests(tests, NULL, NULL);
}
