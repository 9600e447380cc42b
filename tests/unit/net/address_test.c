#include "cluster/net/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "tests/lib/table.h"

#define LONG                                                                   \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" \
	"a"                                                                    \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" \
	"a"                                                                    \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" \
	"a"                                                                    \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" \
	"a"

static const struct row {
	const char *name, *host, *port; /* host NULL: refused */
	bool numeric;
	const char *shown; /* of a numeric one */
} rows[] = {
	{ "hv1:7700", "hv1", "7700", false, NULL },
	{ "hv1", "hv1", "7600", false, NULL },
	{ "hv1.example.com:0", "hv1.example.com", "0", false, NULL },
	{ "10.0.0.1:65535", "10.0.0.1", "65535", true, "10.0.0.1:65535" },
	{ "10.0.0.1", "10.0.0.1", "7600", true, "10.0.0.1:7600" },
	{ "[fd00::1]:7700", "fd00::1", "7700", true, "[fd00::1]:7700" },
	{ "[::1]", "::1", "7600", true, "[::1]:7600" },
	{ "[::ffff:10.0.0.1]:1", "::ffff:10.0.0.1", "1", true, "10.0.0.1:1" },
	{ ":7700", "", "7700", false, NULL },
	{ "", NULL, NULL, false, NULL },
	{ ":", NULL, NULL, false, NULL },
	{ "hv1:", NULL, NULL, false, NULL },
	{ "hv1:65536", NULL, NULL, false, NULL },
	{ "hv1:-1", NULL, NULL, false, NULL },
	{ "hv1: 1", NULL, NULL, false, NULL },
	{ "hv1:1x", NULL, NULL, false, NULL },
	{ "hv1:000001", NULL, NULL, false, NULL },
	{ "fd00::1", NULL, NULL, false, NULL },
	{ "fd00::1:7700", NULL, NULL, false, NULL },
	{ "[fd00::1", NULL, NULL, false, NULL },
	{ "[]:7700", NULL, NULL, false, NULL },
	{ "[fd00::1]7700", NULL, NULL, false, NULL },
	{ LONG, NULL, NULL, false, NULL },
};

static void address_row(void **state)
{
	const struct row *row = *state;
	struct sockaddr_storage s;
	struct address a = { 0 };
	struct err err = { 0 };
	char text[ADDRESS_TEXT];
	int rc = address_parse(row->name, 7600, &a, &err);

	if (!row->host) {
		assert_int_equal(rc, -EINVAL);
		assert_non_null(strstr(err.text, "address '"));
		return;
	}
	assert_int_equal(rc, 0);
	assert_string_equal(a.host, row->host);
	assert_string_equal(a.port, row->port);
	assert_int_equal(address_numeric(&a, &s), row->numeric);
	if (row->numeric) {
		address_text(&s, true, text);
		assert_string_equal(text, row->shown);
		address_text(&s, false, text);
		assert_null(strstr(text, "]"));
	}
}

int main(void)
{
	return TABLE_RUN(rows, address_row);
}
