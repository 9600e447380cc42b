/* Used by the build: encap_manual DIR DOCS writes the manual below DIR. */
#include "cli/manual/pages.h"

int main(int argc, char **argv)
{
	struct err err = { 0 };

	if (argc != 3) {
		fprintf(stderr, "usage: encap_manual DIR DOCS\n");
		return 2;
	}
	if (pages_write(argv[1], argv[2], &err) == 0)
		return 0;
	fprintf(stderr, "encap_manual: %s\n", err.text);
	return 1;
}
