/*
 * The cluster's configuration: what it may hold, and which devices of a node
 * come out in which order.
 */
#include <string.h>

#include "fsm/conf/fence.h"
#include "tests/lib/table.h"

static struct conf *parse(struct arena *a, const char *text, struct problems *p)
{
	*p = (struct problems){ .arena = a };
	return conf_parse(a, text, strlen(text), p);
}

/* -- what is refused --------------------------------------------------------
 */

static const struct row {
	const char *name, *text;
	const char *problem; /* of the first one; "" if there is none */
} rows[] = {
	{ "nothing", "", "" },
	{ "an agent", "[fence#hv1]\nagent = fence_ipmilan\n", "" },
	{ "a command", "[fence#hv1]\ncommand = /bin/off 7\n", "" },
	{ "all of it",
	  "[fence#hv1.lab:pdu]\nagent = x\noptions = ip=1.2.3.4 'user=a b'\n"
	  "action = off\nlevel = 9\ntimeout = 1m\nretries = 0\ndelay = 10s\n"
	  "comment = rack 4\n",
	  "" },
	{ "neither", "[fence#hv1]\nlevel = 1\n",
	  "[fence#hv1] a fence device has either an agent or a command" },
	{ "both", "[fence#hv1]\nagent = a\ncommand = b\n",
	  "either an agent or a command" },
	{ "another section", "[app#1]\nstart = x\n",
	  "[app#1] is no section of a cluster's configuration" },
	{ "a key outside", "x = 1\n[fence#hv1]\nagent = a\n", "line 1" },
	{ "no node", "[fence#]\nagent = a\n", "is no section" },
	{ "no name behind the colon", "[fence#hv1:]\nagent = a\n",
	  "is no section" },
	{ "a node that is no name", "[fence#a/b]\nagent = a\n",
	  "is no section" },
	{ "a keyword that is none", "[fence#hv1]\nagent = a\nport = 7\n",
	  "'port' is no keyword of a fence device" },
	{ "a scope", "[fence#hv1]\nagent = a\nlevel@hv2 = 3\n", "no scopes" },
	{ "an action that is none", "[fence#hv1]\nagent = a\naction = on\n",
	  "'on' is not reboot or off" },
	{ "level 0", "[fence#hv1]\nagent = a\nlevel = 0\n",
	  "'0' is not 1 to 9" },
	{ "level 10", "[fence#hv1]\nagent = a\nlevel = 10\n",
	  "'10' is not 1 to 9" },
	{ "no time at all", "[fence#hv1]\nagent = a\ntimeout = 0\n",
	  "'0' is not 100ms to 1h" },
	{ "a day", "[fence#hv1]\nagent = a\ntimeout = 1d\n",
	  "'1d' is not 100ms to 1h" },
	{ "many tries", "[fence#hv1]\nagent = a\nretries = 21\n",
	  "'21' is not 0 to 20" },
	{ "a long delay", "[fence#hv1]\nagent = a\ndelay = 11m\n",
	  "'11m' is not 0 to 10m" },
	{ "an option without a value", "[fence#hv1]\nagent = a\noptions = ip\n",
	  "'ip' is not NAME=VALUE" },
	{ "an option without a name", "[fence#hv1]\nagent = a\noptions = =x\n",
	  "'=x' is not NAME=VALUE" },
	{ "a password",
	  "[fence#hv1]\nagent = a\noptions = user=u password=geheim\n",
	  "password is kept as a secret, not here: 'encap secret set "
	  "fence#hv1 password'" },
	{ "a password by another name",
	  "[fence#hv1]\nagent = a\noptions = snmp_priv_PASSWD=geheim\n",
	  "is kept as a secret" },
	{ "a value that only looks so",
	  "[fence#hv1]\nagent = a\noptions = plug=passwords\n", "" },
	{ "an option of ours", "[fence#hv1]\nagent = a\noptions = action=off\n",
	  "action is said by the agent itself" },
	{ "options that do not split",
	  "[fence#hv1]\nagent = a\noptions = a='b\n", "options" },
};

static void validates(void **state)
{
	const struct row *row = *state;
	SCOPED(arena) struct arena *a = arena_new();
	struct problems p;
	struct conf *c = parse(a, row->text, &p);
	const char *said;

	if (c)
		cluster_config_validate(a, c, &p);
	said = p.n ? p.at[0].text : "";
	if (!*row->problem)
		assert_string_equal(said, "");
	else if (!strstr(said, row->problem))
		fail_msg("'%s' is not in '%s'", row->problem, said);
	assert_int_equal(p.fatal > 0, *row->problem != '\0');
	if (strstr(row->text, "geheim"))
		assert_null(strstr(said, "geheim"));
}

/* -- which devices ----------------------------------------------------------
 */

static const struct devices_row {
	const char *name, *text, *node;
	const char *sections; /* in order */
} devices_rows[] = {
	{ "none", "", "hv1", "" },
	{ "of another node", "[fence#hv2]\nagent = a\n", "hv1", "" },
	{ "of a node with a longer name", "[fence#hv11]\nagent = a\n", "hv1",
	  "" },
	{ "in capitals", "[fence#HV1]\nagent = a\n", "hv1", "fence#HV1" },
	{ "several, as the file has them",
	  "[fence#hv1:b]\nagent = a\n[fence#hv1]\nagent = a\n"
	  "[fence#hv1:a]\nagent = a\n",
	  "hv1", "fence#hv1:b fence#hv1 fence#hv1:a" },
	{ "by level",
	  "[fence#hv1]\nagent = a\nlevel = 3\n[fence#hv1:b]\nagent = a\n"
	  "level = 2\n[fence#hv1:c]\nagent = a\nlevel = 3\n"
	  "[fence#hv1:d]\nagent = a\n",
	  "hv1", "fence#hv1:d fence#hv1:b fence#hv1 fence#hv1:c" },
};

static void finds(void **state)
{
	const struct devices_row *row = *state;
	SCOPED(arena) struct arena *a = arena_new();
	struct fence_devices d;
	struct buf b = BUF(a);
	struct err err = { 0 };

	if (fence_devices(a, row->text, row->node, &d, &err) < 0)
		fail_msg("%s", err.text);
	for (size_t i = 0; i < d.n; i++)
		buf_printf(&b, "%s%s", i ? " " : "", d.at[i].section);
	assert_string_equal(buf_text(&b), row->sections);
}

static void test_defaults(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct fence_devices d;

	(void)state;
	assert_int_equal(
		fence_devices(a, "[fence#hv1]\nagent = a\n", "hv1", &d, NULL),
		0);
	assert_int_equal(d.at[0].timeout_ms, 60000);
	assert_int_equal(d.at[0].retries, 2);
	assert_int_equal(d.at[0].level, 1);
	assert_int_equal(fence_delay_ms(&d), 0);
	assert_string_equal(fence_default_action(&d), "reboot");
	/* Off and on, three tries each, and the ends of programs. */
	assert_true(fence_limit_ms(&d) >= 6 * 60000);
	d.n = 0;
	assert_string_equal(fence_default_action(&d), "reboot");
}

/* Of a version to come, or by hand in a backup: said, and nothing is run. */
static void test_what_cannot_be_read(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct fence_devices d;
	struct err err = { 0 };

	(void)state;
	assert_int_not_equal(
		fence_devices(a, "[fence#hv1]\nwand = x\n", "hv1", &d, &err),
		0);
	assert_non_null(strstr(err.text, "[fence#hv1]"));
	assert_int_equal(
		fence_devices(a, "[fence#hv1]\nwand = x\n", "hv2", &d, &err),
		0);
	assert_true(fence_devices(a, "what?\n", "hv2", &d, &err) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_what_cannot_be_read),
	};

	return TABLE_RUN(rows, validates) + TABLE_RUN(devices_rows, finds) +
	       cmocka_run_group_tests(tests, NULL, NULL);
}
