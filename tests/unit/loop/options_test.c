#include "cluster/loop/options.h"

#include <stdio.h>
#include <string.h>

#include "tests/lib/table.h"

#define MAX_ARGS 8

static const struct row {
	const char *name;
	const char *args[MAX_ARGS];
	int rc;
	const char *what, *value; /* of what came of it; or of the error */
} rows[] = {
	{ "the node's name is lower case",
	  { "--node", "HV1.Example" },
	  0,
	  "node",
	  "hv1.example" },
	{ "defaults", { "--node=a" }, 0, "etc", "/etc/encap" },
	{ "foreground is taken",
	  { "--node=a", "--foreground" },
	  0,
	  "run",
	  "/run/encap" },
	{ "a slash at the end is dropped",
	  { "--node=a", "--var=/x/y//" },
	  0,
	  "var",
	  "/x/y" },
	{ "the root stays", { "--node=a", "--etc=/" }, 0, "etc", "/" },
	{ "no channel",
	  { "--node=a", "--channel", "none" },
	  0,
	  "channel",
	  "(none)" },
	{ "a channel",
	  { "--node=a", "--channel", "/c/sock" },
	  0,
	  "channel",
	  "/c/sock" },
	{ "an IPv6 address",
	  { "--node=a", "--listen", "[::1]:17600" },
	  0,
	  "listen",
	  "[::1]:17600" },
	{ "the last one counts", { "--node=a", "--node=b" }, 0, "node", "b" },
	{ "help", { "--help" }, OPTIONS_DONE, "out", "usage: encapd" },
	{ "version", { "--version" }, OPTIONS_DONE, "out", "encapd " },
	{ "a folder needs its whole path",
	  { "--node=a", "--etc=etc" },
	  -22,
	  "err",
	  "whole path" },
	{ "a name with a slash", { "--node=a/b" }, -22, "err", "node name" },
	{ "an empty name", { "--node=" }, -22, "err", "node name" },
	{ "no port", { "--node=a", "--listen=host:port" }, -22, "err", "port" },
	{ "an unknown option", { "--nonsense" }, -22, "err", "'--nonsense' is no" },
	{ "a word too many",
	  { "--node=a", "start" },
	  -22,
	  "err",
	  "'start' is not understood" },
	{ "a value is missing", { "--node" }, -22, "err", "--help" },
};

static const char *value_of(const struct options *o, const char *what)
{
	const struct {
		const char *name, *value;
	} all[] = {
		{ "node", o->node },
		{ "etc", o->etc },
		{ "var", o->var },
		{ "run", o->run },
		{ "listen", o->listen },
		{ "channel", o->channel ? o->channel : "(none)" },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (strcmp(all[i].name, what) == 0)
			return all[i].value;
	return "?";
}

static void gives(void **state)
{
	const struct row *r = *state;
	char *argv[MAX_ARGS + 2] = { strdup("encapd") };
	char *said = NULL;
	size_t size;
	FILE *out = open_memstream(&said, &size);
	struct err err = { 0 };
	struct options o;
	int argc = 1, rc;

	for (; argc <= MAX_ARGS && r->args[argc - 1]; argc++)
		argv[argc] = strdup(r->args[argc - 1]);
	rc = options_parse(&o, argc, argv, out, &err);
	fclose(out);
	assert_int_equal(rc, r->rc);
	if (rc == 0) {
		assert_string_equal(value_of(&o, r->what), r->value);
		options_fini(&o);
	} else {
		assert_non_null(strstr(rc < 0 ? err.text : said, r->value));
	}
	free(said);
	for (int i = 0; i < argc; i++)
		free(argv[i]);
}

int main(void)
{
	return TABLE_RUN(rows, gives);
}
