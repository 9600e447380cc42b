#include "drivers/helper.h"

#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define HELPER_WORD "encap-helper"

static const struct {
	const char *name;
	int (*main)(int argc, char **argv);
} helpers[] = {
	{ "lxc", lxc_helper },
};

bool helper_wanted(int argc, char **argv)
{
	return argc > 1 && strcmp(argv[1], HELPER_WORD) == 0;
}

int helper_main(int argc, char **argv)
{
	int code = 2;

	/* Else its name would be "exe", after the link. */
	prctl(PR_SET_NAME, HELPER_WORD);
	for (size_t i = 0; i < sizeof(helpers) / sizeof(helpers[0]); i++)
		if (argc > 2 && strcmp(argv[2], helpers[i].name) == 0)
			code = helpers[i].main(argc - 3, argv + 3);
	fflush(stdout);
	fflush(stderr);
	/* What libraries do at exit is meant for a program of their own. */
	_exit(code);
}

void helper_prepare(struct run *r, struct arena *a, const char *name,
		    const char *const *words, size_t n)
{
	const char **argv = ARENA_VEC(a, const char *, n + 4);

	argv[0] = name;
	argv[1] = HELPER_WORD;
	argv[2] = name;
	for (size_t i = 0; i < n; i++)
		argv[3 + i] = words[i];
	r->program = "/proc/self/exe";
	r->argv = argv;
}
