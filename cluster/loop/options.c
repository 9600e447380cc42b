#include "cluster/loop/options.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cluster/net/address.h"
#include "cluster/net/link.h"
#include "drivers/channel.h"
#include "fsm/conf/conf.h"

enum {
	OPT_ETC = 256,
	OPT_VAR,
	OPT_RUN,
	OPT_LISTEN,
	OPT_NODE,
	OPT_CHANNEL,
	OPT_GUARD,
	OPT_WATCHDOG
};

static const struct {
	const char *name, *arg;
	int code;
	const char *help;
} rows[] = {
	{ "foreground", NULL, 'f', "do not detach (encapd never does)" },
	{ "node", "NAME", OPT_NODE,
	  "this node's name (default: the host name, lower case)" },
	{ "listen", "[HOST]:PORT", OPT_LISTEN,
	  "where other hypervisors connect (default: :7600)" },
	{ "channel", "PATH", OPT_CHANNEL,
	  "in a container, the socket of its hypervisor's agent (default: "
	  "/dev/encap/sock); none: this is no container" },
	{ "etc", "DIR", OPT_ETC, "configuration (default: /etc/encap)" },
	{ "var", "DIR", OPT_VAR, "what lasts (default: /var/lib/encap)" },
	{ "run", "DIR", OPT_RUN, "what a reboot ends (default: /run/encap)" },
	{ "guard", "PATH", OPT_GUARD,
	  "the guard program (default: encap-guard beside encapd); none: no "
	  "guard" },
	{ "watchdog", "DEVICE", OPT_WATCHDOG,
	  "a watchdog that the guard feeds, as /dev/watchdog (default: none)" },
	{ "allow-reboot", NULL, 'r',
	  "monitor_action = reboot and crash may reboot this machine" },
	{ "debug", NULL, 'd', "log more" },
	{ "version", NULL, 'V', "show the version" },
	{ "help", NULL, 'h', "show this" },
};

#define N_ROWS (sizeof(rows) / sizeof(rows[0]))

static void usage(FILE *out)
{
	fputs("usage: encapd [OPTION...]\n"
	      "The agent of Encap, for hypervisors and in containers.\n\n",
	      out);
	for (size_t i = 0; i < N_ROWS; i++)
		fprintf(out, "  --%s%s%s\n      %s\n", rows[i].name,
			rows[i].arg ? " " : "", rows[i].arg ? rows[i].arg : "",
			rows[i].help);
	fputs("\nSIGTERM and SIGINT end it; nothing that runs is stopped.\n",
	      out);
}

static char *text_dup(const char *text)
{
	char *copy = strdup(text);

	if (!copy)
		abort();
	return copy;
}

static void replace(char **at, const char *text)
{
	free(*at);
	*at = text_dup(text);
}

/* Without the slash at the end, but for "/". */
static int set_dir(char **at, const char *text, struct err *err)
{
	size_t n;

	if (text[0] != '/')
		return err_set(err, -EINVAL,
			       "%s: a folder is named by its whole path", text);
	replace(at, text);
	n = strlen(*at);
	while (n > 1 && (*at)[n - 1] == '/')
		(*at)[--n] = '\0';
	return 0;
}

static int set_node(struct options *o, const char *text, struct err *err)
{
	int rc;

	if (strlen(text) >= sizeof(o->node))
		return err_set(err, -EINVAL, "node name: too long");
	for (size_t i = 0; i <= strlen(text); i++)
		o->node[i] = (char)tolower((unsigned char)text[i]);
	rc = name_check(o->node, err);
	return rc < 0 ? err_wrap(err, rc, "node name") : 0;
}

static int set_listen(struct options *o, const char *text, struct err *err)
{
	struct address at;
	int rc = address_parse(text, LINK_PORT, &at, err);

	if (rc < 0)
		return rc;
	replace(&o->listen, text);
	return 0;
}

static int take(struct options *o, int code, const char *arg, struct err *err)
{
	switch (code) {
	case OPT_ETC:
		return set_dir(&o->etc, arg, err);
	case OPT_VAR:
		return set_dir(&o->var, arg, err);
	case OPT_RUN:
		return set_dir(&o->run, arg, err);
	case OPT_NODE:
		return set_node(o, arg, err);
	case OPT_LISTEN:
		return set_listen(o, arg, err);
	case OPT_CHANNEL:
		free(o->channel);
		o->channel = NULL;
		return strcmp(arg, "none") == 0
			       ? 0
			       : set_dir(&o->channel, arg, err);
	case OPT_GUARD:
		o->no_guard = strcmp(arg, "none") == 0;
		return o->no_guard ? 0 : set_dir(&o->guard, arg, err);
	case OPT_WATCHDOG:
		return set_dir(&o->watchdog, arg, err);
	case 'd':
		o->log_level = 7;
		return 0;
	case 'f':
		return 0;
	case 'r':
		o->monitor_reboots = true;
		return 0;
	default:
		return err_set(err, -EINVAL, "see encapd --help");
	}
}

static int default_node(struct options *o, struct err *err)
{
	char name[256];

	if (gethostname(name, sizeof(name)) < 0)
		return err_set(err, -errno, "host name: %s", strerror(errno));
	name[sizeof(name) - 1] = '\0';
	return set_node(o, name, err);
}

static int parse(struct options *o, int argc, char **argv, FILE *out,
		 struct err *err)
{
	struct option longs[N_ROWS + 1] = { 0 };
	int code, rc = 0;

	for (size_t i = 0; i < N_ROWS; i++)
		longs[i] = (struct option){ rows[i].name, rows[i].arg != NULL,
					    NULL, rows[i].code };
	optind = opterr = 0;
	while (rc == 0 &&
	       (code = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
		if (code == 'h') {
			usage(out);
			return OPTIONS_DONE;
		}
		if (code == 'V') {
			fprintf(out, "encapd %s\n", ENCAP_VERSION);
			return OPTIONS_DONE;
		}
		if (code == '?')
			return err_set(err, -EINVAL,
				       "'%s' is no option, or lacks its "
				       "value: see encapd --help",
				       argv[optind - 1]);
		rc = take(o, code, optarg, err);
	}
	if (rc == 0 && optind < argc)
		return err_set(err, -EINVAL,
			       "'%s' is not understood: see encapd --help",
			       argv[optind]);
	return rc == 0 && !o->node[0] ? default_node(o, err) : rc;
}

int options_parse(struct options *ret, int argc, char **argv, FILE *out,
		  struct err *err)
{
	int rc;

	*ret = (struct options){
		.etc = text_dup("/etc/encap"),
		.var = text_dup("/var/lib/encap"),
		.run = text_dup("/run/encap"),
		.listen = text_dup(":7600"),
		.channel = text_dup(CHANNEL_SOCK),
		.log_level = 6,
	};
	rc = parse(ret, argc, argv, out, err);
	if (rc)
		options_fini(ret);
	return rc;
}

void options_fini(struct options *o)
{
	free(o->etc);
	free(o->var);
	free(o->run);
	free(o->listen);
	free(o->channel);
	free(o->guard);
	free(o->watchdog);
	*o = (struct options){ 0 };
}
