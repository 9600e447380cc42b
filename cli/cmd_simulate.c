/*
 * A written scenario, played by a program of its own (encap-simulate): the
 * agents that it simulates are no part of this one.
 *
 * Without a cluster's file, and a scenario that names none, the cluster is
 * the one that runs here: its nodes and env files are written to a folder that
 * is removed afterwards.
 */
#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/file.h"
#include "cli/show/json.h"
#include "fsm/base/buf.h"

/* Where it was installed with this program, where it was built, where the
 * system has it. */
static const char *program_find(struct cli *c)
{
	static const char *const places[] = { "/../libexec/encap",
					      "/../cluster", "" };
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	const char *path;
	char *slash;

	self[n > 0 ? n : 0] = '\0';
	slash = strrchr(self, '/');
	if (slash)
		*slash = '\0';
	for (size_t i = 0; slash && i < sizeof(places) / sizeof(*places); i++) {
		path = arena_printf(c->arena, "%s%s/encap-simulate", self,
				    places[i]);
		if (access(path, X_OK) == 0)
			return path;
	}
	return ENCAP_LIBEXEC "/encap-simulate";
}

/* Does the scenario say which cluster it plays on? */
static bool names_cluster(const char *text)
{
	for (const char *p = text; p; p = strchr(p, '\n')) {
		p += strspn(p, " \t\n");
		if (strncmp(p, "cluster", 7) == 0 && strspn(p + 7, " \t"))
			return true;
	}
	return false;
}

/* -- the cluster that runs here -------------------------------------------- */

static int text_write(struct cli *c, const char *path, const char *text)
{
	FILE *f = fopen(path, "w");
	bool bad = !f || fputs(text, f) < 0;

	if (f && fclose(f) != 0)
		bad = true;
	return bad ? cli_error(c, CLI_FAILED, "%s: %s", path, strerror(errno))
		   : CLI_DONE;
}

static int service_write(struct cli *c, const char *folder, const char *name)
{
	struct doc *args = doc_map(c->arena), *data;
	int rc;

	doc_put_str(c->arena, args, "name", name);
	rc = cli_call(c, "svc_config", args, &data);
	if (rc != CLI_DONE)
		return rc;
	return text_write(
		c, arena_printf(c->arena, "%s/services/%s.conf", folder, name),
		doc_get_str(data, "config", ""));
}

static int cluster_write(struct cli *c, const char *folder)
{
	struct doc *nodes, *services, *status;
	const struct doc *list;
	struct buf b = BUF(c->arena);
	int rc = cli_call(c, "node_ls", NULL, &nodes);

	if (rc == CLI_DONE)
		rc = cli_call(c, "svc_ls", NULL, &services);
	if (rc == CLI_DONE)
		rc = cli_call(c, "cluster_status", NULL, &status);
	if (rc != CLI_DONE)
		return rc;
	buf_puts(&b, "[DEFAULT]\nnodes =");
	list = doc_get(nodes, "nodes");
	for (size_t i = 0; i < doc_len(list); i++)
		buf_printf(&b, " %s", doc_get_str(doc_at(list, i), "name", ""));
	buf_printf(&b, "\nlease = %lldms\nservices = services\n",
		   (long long)doc_get_int(status, "lease_ms", 3000));
	list = doc_get(services, "services");
	for (size_t i = 0; i < doc_len(list) && rc == CLI_DONE; i++)
		rc = service_write(
			c, folder,
			doc_get_str(doc_at(list, i), "service", "?"));
	return rc != CLI_DONE
		       ? rc
		       : text_write(c,
				    arena_printf(c->arena, "%s/running.cluster",
						 folder),
				    buf_text(&b));
}

static int remove_one(const char *path, const struct stat *st, int flag,
		      struct FTW *f)
{
	(void)st;
	(void)flag;
	(void)f;
	return remove(path);
}

/* -- the program ------------------------------------------------------------
 */

static int read_all(int fd, struct buf *out)
{
	char part[8192];
	ssize_t n;

	while ((n = read(fd, part, sizeof(part))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		buf_add(out, part, (size_t)n);
	}
	return 0;
}

static int program_start(struct cli *c, const char *const *argv, int *ret_fd,
			 pid_t *ret_pid)
{
	int ends[2];

	if (pipe(ends) < 0)
		return cli_error(c, CLI_FAILED, "%s", strerror(errno));
	fflush(NULL);
	*ret_pid = fork();
	if (*ret_pid == 0) {
		dup2(ends[1], STDOUT_FILENO);
		close(ends[0]);
		close(ends[1]);
		execv(argv[0], (char *const *)(uintptr_t)argv);
		dprintf(STDERR_FILENO, "encap simulate: %s: %s\n", argv[0],
			strerror(errno));
		_exit(CLI_FAILED);
	}
	close(ends[1]);
	*ret_fd = ends[0];
	if (*ret_pid > 0)
		return CLI_DONE;
	close(ends[0]);
	return cli_error(c, CLI_FAILED, "%s", strerror(errno));
}

static int result_show(struct cli *c, const struct buf *out)
{
	struct doc *d;
	struct err err;

	if (!cli_wants_doc(c)) {
		fputs(buf_text(out), c->out);
		return CLI_DONE;
	}
	if (!out->len) /* it has said why */
		return CLI_DONE;
	if (json_parse(c->arena, buf_text(out), out->len, &d, &err) < 0)
		return cli_error(c, CLI_FAILED, "%s", err.text);
	cli_print_doc(c, d, "log");
	return CLI_DONE;
}

static int play(struct cli *c, const char *cluster)
{
	const char *argv[8] = { program_find(c), "--scenario",
				c->opt[OPT_SCENARIO] };
	struct buf out = BUF(c->arena);
	size_t n = 3;
	int fd, status = 0, rc;
	pid_t pid;

	if (cluster) {
		argv[n++] = "--cluster";
		argv[n++] = cluster;
	}
	if (cli_wants_doc(c)) {
		argv[n++] = "-o";
		argv[n++] = "json";
	}
	rc = program_start(c, argv, &fd, &pid);
	if (rc != CLI_DONE)
		return rc;
	read_all(fd, &out);
	close(fd);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	rc = result_show(c, &out);
	if (rc != CLI_DONE)
		return rc;
	return WIFEXITED(status) ? WEXITSTATUS(status) : CLI_FAILED;
}

int cmd_simulate(struct cli *c)
{
	const char *cluster = c->opt[OPT_CLUSTER];
	char folder[] = "/tmp/encap-simulate-XXXXXX";
	struct buf text = BUF(c->arena);
	struct err err;
	int rc;

	if (file_read(c->opt[OPT_SCENARIO], &text, &err) < 0)
		return cli_error(c, CLI_FAILED, "%s", err.text);
	if (cluster || names_cluster(buf_text(&text)))
		return play(c, cluster);
	if (!mkdtemp(folder) ||
	    mkdir(arena_printf(c->arena, "%s/services", folder), 0700) < 0)
		return cli_error(c, CLI_FAILED, "%s: %s", folder,
				 strerror(errno));
	rc = cluster_write(c, folder);
	if (rc == CLI_DONE)
		rc = play(c,
			  arena_printf(c->arena, "%s/running.cluster", folder));
	nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return rc;
}
