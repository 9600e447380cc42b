/*
 * Fence devices: real programs by the conventions of fence-agents, and how the
 * levels and devices of a node are walked.
 */
#include "tests/unit/drivers/sandbox.h"

#include "drivers/fence.h"
#include "tests/lib/table.h"

#define SECRET "password=hunter2\n"

static const char *script(struct arena *a, const char *body)
{
	const char *path = arena_printf(a, "%s/agent", sandbox_dir);

	assert_int_equal(
		job_file_write(path, arena_printf(a, "#!/bin/sh\n%s\n", body),
			       NULL),
		0);
	assert_int_equal(chmod(path, 0700), 0);
	return path;
}

/* -- one try ----------------------------------------------------------------
 */

static const struct call_row {
	const char *name, *action, *body;
	int rc;
	const char *text; /* in what is said of a failure */
} call_rows[] = {
	{ "done", "off", "exit 0", 0, "" },
	{ "it is told what is to be done", "reboot",
	  "grep -qx action=reboot && exit 0", 0, "" },
	{ "and of which node", "off", "grep -qx nodename=hv2 && exit 0", 0,
	  "" },
	{ "and its options", "off", "grep -qx 'plug=rack 7' && exit 0", 0, "" },
	{ "and its secrets", "off", "grep -qx password=hunter2 && exit 0", 0,
	  "" },
	{ "and nothing as an argument", "off", "[ $# = 0 ]", 0, "" },
	{ "and nothing more in its environment", "off",
	  "! env | grep -q -e hunter -e rack", 0, "" },
	{ "but who and what", "off",
	  "[ $ENCAP_FENCE_NODE$ENCAP_FENCE_ACTION = hv2off ]", 0, "" },
	{ "it need not read", "on", "exec <&-; exit 0", 0, "" },
	{ "it fails", "off", "echo no answer >&2; exit 1", -EIO,
	  "agent: exit code 1: no answer" },
	{ "it tells its secret: nobody else does", "off",
	  "echo cannot log in with hunter2, hunter2; exit 1", -EIO,
	  "cannot log in with *******, *******" },
	{ "it dies", "off", "kill -9 $$", -EIO, "exit code 137" },
	{ "it hangs", "off", "echo dialing; sleep 60", -ETIMEDOUT,
	  "did not end in time and was killed; it said: dialing" },
	{ "on", "status", "exit 0", 0, "" },
	{ "off", "status", "exit 2", FENCE_IS_OFF, "" },
	{ "off is a failure of anything else", "off", "exit 2", -EIO,
	  "exit code 2" },
	{ "it does not know", "status", "exit 1", -EIO, "exit code 1" },
};

static void calls(void **state)
{
	const struct call_row *row = *state;
	SCOPED(arena) struct arena *a = arena_new();
	const char *options[] = { "plug=rack 7", "user=encap" };
	const struct fence_device d = {
		.section = "fence#hv2",
		.agent = script(a, row->body),
		.options = { options, 2 },
		.timeout_ms = row->rc == -ETIMEDOUT ? 300 : 5000,
	};
	const struct fence_call c = { "hv2", row->action, &d, SECRET, a };
	struct err err = { 0 };
	int rc = fence_call(&c, &err);

	if (rc != row->rc)
		fail_msg("%d: %s", rc, err.text);
	if (!strstr(err.text, row->text))
		fail_msg("'%s' is not in '%s'", row->text, err.text);
	assert_null(strstr(err.text, "hunter2"));
}

static void test_plain_command(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct fence_device d = {
		.section = "fence#hv2",
		.command = arena_printf(a, "%s 7 'a b'",
					script(a, "[ \"$1-$2\" = '7-a b' ] && "
						  "grep -qx action=off")),
		.timeout_ms = 5000,
	};
	const struct fence_call c = { "hv2", "off", &d, "", a };
	struct err err = { 0 };

	(void)state;
	if (fence_call(&c, &err) < 0)
		fail_msg("%s", err.text);
	d.command = "/no/such/program";
	assert_true(fence_call(&c, &err) < 0);
	assert_non_null(strstr(err.text, "/no/such/program"));
}

/* -- all devices of a node --------------------------------------------------
 */

/* A device is a letter and its level, "a1"; in @fail, "a.off" is what fails and
 * "a.off2" what does so twice. */
static const struct walk_row {
	const char *name, *devices, *action, *fail;
	unsigned retries;
	const char *asked; /* what came of it, in order */
	const char *by;	   /* NULL: it has failed */
} walk_rows[] = {
	{ "one", "a1", "off", "", 0, "a.off", "a" },
	{ "one, which reboots", "a1", "reboot", "", 0, "a.reboot", "a" },
	{ "one that fails", "a1", "off", "a.off", 0, "a.off!", NULL },
	{ "one that fails once", "a1", "off", "a.off1", 2, "a.off! a.off",
	  "a" },
	{ "one that fails each time", "a1", "off", "a.off", 2,
	  "a.off! a.off! a.off!", NULL },
	{ "the next level", "a1 b2", "off", "a.off", 0, "a.off! b.off", "b" },
	{ "no further level than needed", "a1 b2", "reboot", "", 0, "a.reboot",
	  "a" },
	{ "two supplies", "a1 b1", "off", "", 0, "a.off b.off", "a b" },
	{ "two supplies, of which one stays on", "a1 b1", "off", "b.off", 0,
	  "a.off b.off!", NULL },
	{ "two supplies: both are off before one is on", "a1 b1", "reboot", "",
	  0, "a.off b.off a.on b.on", "a b" },
	{ "two supplies, one does not come on: it was off", "a1 b1", "reboot",
	  "a.on", 0, "a.off b.off a.on! b.on", "a b" },
	{ "two supplies, then the next level", "a1 b1 c2", "reboot", "b.off", 0,
	  "a.off b.off! c.reboot", "c" },
	{ "all levels fail", "a1 b2 c3", "off", "a.off b.off c.off", 0,
	  "a.off! b.off! c.off!", NULL },
	{ "on", "a1", "on", "", 0, "a.on", "a" },
	{ "none", "", "off", "", 0, "", NULL },
};

struct walked {
	const struct walk_row *row;
	struct buf asked;
	unsigned failed;
};

static int fake(void *ctx, const struct fence_call *c, struct err *err)
{
	struct walked *w = ctx;
	const char *word =
		arena_printf(c->arena, "%s.%s", c->device->section, c->action);
	const char *at = strstr(w->row->fail, word);
	size_t n = strlen(word);
	bool fails = at && (at[n] < '0' || at[n] > '9' ||
			    w->failed < (unsigned)(at[n] - '0'));

	assert_string_equal(c->secrets, c->device->section);
	assert_string_equal(c->node, "hv2");
	buf_printf(&w->asked, "%s%s%s", w->asked.len ? " " : "", word,
		   fails ? "!" : "");
	if (!fails)
		return 0;
	w->failed++;
	return err_set(err, -EIO, "no answer");
}

static void walks(void **state)
{
	const struct walk_row *row = *state;
	SCOPED(arena) struct arena *a = arena_new();
	struct fence_device at[4];
	const char *secrets[4], *by, *note;
	struct fence_devices devices = { at, 0 };
	const struct fence_order o = { "hv2", row->action, &devices, secrets,
				       a };
	struct walked w = { row, BUF(a), 0 };
	struct err err = { 0 };
	int rc;

	for (const char *p = row->devices; *p; p += 2 + (p[2] == ' ')) {
		secrets[devices.n] = arena_printf(a, "%c", *p);
		at[devices.n] = (struct fence_device){
			.section = secrets[devices.n],
			.level = (unsigned)(p[1] - '0'),
			.retries = row->retries,
		};
		devices.n++;
	}
	rc = fence_carry_out(&o, fake, &w, &by, &note, &err);
	assert_string_equal(buf_text(&w.asked), row->asked);
	assert_int_equal(rc == 0, row->by != NULL);
	if (row->by) {
		assert_string_equal(by, row->by);
		assert_int_equal(*note != '\0',
				 w.failed && strstr(row->fail, "on"));
	} else {
		assert_true(*err.text != '\0');
	}
	/* Each level that failed is told. */
	if (!row->by && strcmp(row->devices, "a1 b2 c3") == 0) {
		assert_non_null(strstr(err.text, "a off: no answer"));
		assert_non_null(strstr(err.text, "c off: no answer"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain_command),
	};

	sandbox_enter(NULL);
	sandbox_exit(TABLE_RUN(call_rows, calls) + TABLE_RUN(walk_rows, walks) +
		     cmocka_run_group_tests(tests, NULL, NULL));
}
