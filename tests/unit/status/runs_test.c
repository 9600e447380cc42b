/* May anything of an instance be running, by what its document says? */
#include "tests/lib/table.h"

#include <string.h>

#include "fsm/status/status.h"

struct row {
	const char *name;
	/* Of one resource, beside one that is down; NULL: no resources. */
	const char *status, *type, *flag, *tag;
	const char *avail;
	bool runs;
};

// clang-format off
static const struct row rows[] = {
	{ "up", "up", "fs.ext4", NULL, NULL, "down", true },
	{ "half up", "warn", "fs.ext4", NULL, NULL, "down", true },
	{ "not known", "undef", "fs.ext4", NULL, NULL, "down", true },
	{ "a word that is none", "dancing", "fs.ext4", NULL, NULL, "down", true },
	{ "down", "down", "fs.ext4", NULL, NULL, "up", false },
	{ "n/a", "n/a", "app.simple", NULL, NULL, "up", false },
	{ "optional and up", "up", "fs.ext4", "optional", NULL, "down", true },
	{ "standby", "stdby up", "fs.ext4", "standby", NULL, "stdby up", false },
	{ "standby, half up", "warn", "fs.ext4", "standby", NULL, "warn", false },
	{ "inside a container", "up", "fs.ext4", "encap", NULL, "up", false },
	{ "inside, not known", "undef", "fs.ext4", "encap", NULL, "down", false },
	{ "no action touches it", "up", "fs.ext4", NULL, "noaction", "up", false },
	{ "another tag", "up", "fs.ext4", NULL, "blue", "up", true },
	{ "a sync", "up", "sync.rsync", NULL, NULL, "up", false },
	{ "a task", "up", "task.host", NULL, NULL, "up", false },
	{ "no resources, up", NULL, NULL, NULL, NULL, "up", true },
	{ "no resources, warn", NULL, NULL, NULL, NULL, "warn", true },
	{ "no resources, undef", NULL, NULL, NULL, NULL, "undef", true },
	{ "no resources, nothing said", NULL, NULL, NULL, NULL, NULL, true },
	{ "no resources, down", NULL, NULL, NULL, NULL, "down", false },
	{ "no resources, n/a", NULL, NULL, NULL, NULL, "n/a", false },
	{ "no resources, standby", NULL, NULL, NULL, NULL, "stdby up", false },
};
// clang-format on

static void put_resources(struct arena *a, struct doc *d, const struct row *row)
{
	struct doc *all = doc_put(a, d, "resources", doc_map(a));
	struct doc *down = doc_put(a, all, "ip#1", doc_map(a));
	struct doc *r = doc_put(a, all, "x#1", doc_map(a));

	doc_put_str(a, down, "status", "down");
	doc_put_str(a, down, "type", "ip.host");
	doc_put_str(a, r, "status", row->status);
	doc_put_str(a, r, "type", row->type);
	if (row->flag)
		doc_put_bool(a, r, row->flag, true);
	if (row->tag)
		doc_add(a, doc_put(a, r, "tags", doc_list(a)),
			doc_str(a, row->tag));
}

static void says(void **state)
{
	const struct row *row = *state;
	SCOPED(arena) struct arena *a = arena_new();
	struct doc *d = doc_map(a);

	if (row->avail)
		doc_put_str(a, d, "avail", row->avail);
	if (row->status)
		put_resources(a, d, row);
	assert_int_equal(instance_runs(d), row->runs);
}

int main(void)
{
	return TABLE_RUN(rows, says);
}
