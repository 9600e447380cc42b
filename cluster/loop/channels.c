#include "cluster/loop/channels.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cluster/loop/admit.h"
#include "cluster/loop/clock.h"
#include "cluster/loop/report.h"
#include "cluster/loop/sock.h"
#include "cluster/loop/wire.h"
#include "drivers/driver.h"

#define CHECK_MS 2000 /* is the socket still where it was put? */

struct host_end {
	LIST_ENTRY(host_end) link; /* channels::ends */
	struct channels *all;	   /* NULL: it was closed meanwhile */
	char *service, *rid, *type;
	bool wanted, listening;
	char *path;
	ino_t ino; /* of the socket */
	struct listener listener;
	struct wire *wire; /* NULL: nobody is connected */
	uint64_t check_ms;
	struct quiet said;
};

struct channels {
	uv_loop_t *loop;
	char *node, *run_dir;
	struct channels_io io;
	LIST_HEAD(, host_end) ends;
};

static void end_say(struct host_end *e, const char *text)
{
	if (!quiet_about(&e->said, clock_ms(), text))
		report(4, "%s %s: channel: %s", e->service, e->rid, text);
}

static struct host_end *end_find(struct channels *cs, const char *service,
				 const char *rid)
{
	struct host_end *e;

	LIST_FOREACH(e, &cs->ends, link)
	if (strcmp(e->service, service) == 0 && strcmp(e->rid, rid) == 0)
		return e;
	return NULL;
}

/* -- who may connect ------------------------------------------------------ */

static bool end_admits(struct host_end *e, int fd)
{
	uid_t uid;
	pid_t pid;
	struct err err;

	if (unix_peer(fd, &uid, &pid, &err) == 0 &&
	    admit_peer(pid, uid, &err) == 0)
		return true;
	end_say(e, err.text);
	return false;
}

/* -- connections ----------------------------------------------------------- */

static void on_frame(void *data, struct arena *a, struct doc *frame)
{
	struct host_end *e = data;

	if (!wire_is_pulse(frame))
		e->all->io.on_frame(e->all->io.ctx, e->service, e->rid, a,
				    frame);
}

static void on_end(void *data, const struct err *why)
{
	struct host_end *e = data;

	if (why->code && why->code != -ECONNRESET && why->code != -EPIPE)
		end_say(e, why->text);
	e->wire = NULL;
	e->all->io.on_up(e->all->io.ctx, e->service, e->rid, false);
}

static const struct wire_ops ops = {
	.max_in = WIRE_CHANNEL_FRAME,
	.max_out = WIRE_CHANNEL_FRAME,
	.max_queue = WIRE_CHANNEL_QUEUE,
	.on_frame = on_frame,
	.on_end = on_end,
};

static void on_client(void *data, int fd)
{
	struct host_end *e = data;
	struct err err;

	if (!end_admits(e, fd)) {
		close(fd);
		return;
	}
	wire_close(e->wire);
	e->wire = NULL;
	if (wire_open(&e->wire, e->all->loop, fd, &ops, e, &err) < 0)
		end_say(e, err.text);
	else
		e->all->io.on_up(e->all->io.ctx, e->service, e->rid, true);
}

/* -- listening ------------------------------------------------------------- */

/* The folders on the way may be passed, by a container's root as well, and
 * not looked into; whatever umask they were made with. */
static void open_way(const char *dir, const char *run_dir)
{
	SCOPED(arena) struct arena *a = arena_new();
	char *part = arena_printf(a, "%s", dir);
	size_t top = strlen(run_dir);

	if (strncmp(part, run_dir, top) != 0)
		return;
	chmod(part, 0755);
	while (strlen(part) > top) {
		char *slash = strrchr(part, '/');

		if (!slash)
			return;
		*slash = '\0';
		if (strlen(part) > top)
			chmod(part, 0711);
	}
}

static int end_dir(struct host_end *e, struct arena *a, const char **ret,
		   struct err *err)
{
	const struct resource res = { .rid = e->rid,
				      .group = "container",
				      .type = e->type };
	const struct job job = { .service = e->service,
				 .node = e->all->node,
				 .res = &res,
				 .level = LEVEL_HYPERVISOR,
				 .deadline_ms = driver_now_ms() + 1000,
				 .run_dir = e->all->run_dir,
				 .arena = a };
	const struct driver *d = driver_find(res.group, res.type);

	if (!d || !d->channel_dir)
		return err_set(err, -ENOTSUP,
			       "containers of type '%s' have none", e->type);
	return d->channel_dir(&job, ret, err);
}

static void end_listen(struct host_end *e)
{
	SCOPED(arena) struct arena *a = arena_new();
	const char *dir;
	struct stat st;
	struct err err;
	int rc = end_dir(e, a, &dir, &err);

	if (rc == 0) {
		open_way(dir, e->all->run_dir);
		free(e->path);
		e->path = strdup(arena_printf(a, "%s/sock", dir));
		if (!e->path)
			abort();
		/* The folder says who can come here, then end_admits(). */
		e->listener.data = e;
		e->listener.on_client = on_client;
		rc = listener_open(&e->listener, e->all->loop, e->path, 0666,
				   &err);
	}
	if (rc < 0) {
		end_say(e, err.text);
		return;
	}
	e->ino = stat(e->path, &st) == 0 ? st.st_ino : 0;
	e->listening = true;
}

static void end_free(struct host_end *e)
{
	free(e->service);
	free(e->rid);
	free(e->type);
	free(e->path);
	free(e);
}

static void on_gone(void *data)
{
	end_free(data);
}

static void on_relisten(void *data)
{
	struct host_end *e = data;

	e->listening = false;
	if (!e->all)
		end_free(e);
	else
		end_listen(e);
}

/* A container's driver, or a person, may have emptied the folder. */
static void end_check(struct host_end *e, uint64_t now_ms)
{
	struct stat st;

	e->check_ms = now_ms + CHECK_MS;
	if (!e->listening)
		end_listen(e);
	else if ((stat(e->path, &st) < 0 || st.st_ino != e->ino) &&
		 !uv_is_closing((uv_handle_t *)&e->listener.poll))
		listener_close(&e->listener, on_relisten);
}

static void end_close(struct host_end *e)
{
	LIST_REMOVE(e, link);
	wire_close(e->wire);
	e->wire = NULL;
	e->all = NULL;
	if (!e->listening) {
		end_free(e);
		return;
	}
	unlink(e->path);
	if (!uv_is_closing((uv_handle_t *)&e->listener.poll))
		listener_close(&e->listener, on_gone);
}

/* -- which there are --------------------------------------------------------
 */

static void end_want(struct channels *cs, const char *service, const char *rid,
		     const char *type)
{
	struct host_end *e = end_find(cs, service, rid);

	if (e && strcmp(e->type, type) != 0) {
		bool up = e->wire != NULL;

		end_close(e);
		e = NULL;
		if (up)
			cs->io.on_up(cs->io.ctx, service, rid, false);
	}
	if (!e) {
		e = calloc(1, sizeof(*e));
		if (!e)
			abort();
		e->all = cs;
		e->service = strdup(service);
		e->rid = strdup(rid);
		e->type = strdup(type);
		if (!e->service || !e->rid || !e->type)
			abort();
		LIST_INSERT_HEAD(&cs->ends, e, link);
		end_check(e, clock_ms());
	}
	e->wanted = true;
}

void channels_set(struct channels *cs, const struct doc *list)
{
	struct host_end *e, *next;

	LIST_FOREACH(e, &cs->ends, link)
	e->wanted = false;
	for (size_t i = 0; i < doc_len(list); i++) {
		const struct doc *row = doc_at(list, i);

		end_want(cs, doc_get_str(row, "service", ""),
			 doc_get_str(row, "rid", ""),
			 doc_get_str(row, "type", ""));
	}
	for (e = LIST_FIRST(&cs->ends); e; e = next) {
		next = LIST_NEXT(e, link);
		if (!e->wanted)
			end_close(e);
	}
}

bool channels_send(struct channels *cs, const char *service, const char *rid,
		   struct arena *a, const struct doc *frame)
{
	struct host_end *e = end_find(cs, service, rid);
	struct err err;

	if (!e || !e->wire)
		return false;
	if (wire_send(e->wire, a, frame, &err) == 0)
		return true;
	end_say(e, err.text);
	return false;
}

void channels_drop(struct channels *cs, const char *service, const char *rid)
{
	struct host_end *e = end_find(cs, service, rid);

	if (e)
		wire_hang_up(e->wire);
}

void channels_tick(struct channels *cs, uint64_t now_ms)
{
	struct host_end *e, *next;

	for (e = LIST_FIRST(&cs->ends); e; e = next) {
		next = LIST_NEXT(e, link);
		if (now_ms >= e->check_ms)
			end_check(e, now_ms);
		if (!e->wire || now_ms < wire_pulse_ms(e->wire) ||
		    wire_pulse(e->wire, now_ms))
			continue;
		end_say(e, "the agent in the container is silent");
		wire_hang_up(e->wire);
	}
}

uint64_t channels_next_ms(const struct channels *cs)
{
	uint64_t next = UINT64_MAX;
	struct host_end *e;

	LIST_FOREACH(e, &cs->ends, link)
	{
		if (e->check_ms < next)
			next = e->check_ms;
		if (e->wire && wire_pulse_ms(e->wire) < next)
			next = wire_pulse_ms(e->wire);
	}
	return next;
}

/* -- life -------------------------------------------------------------------
 */

struct channels *channels_new(uv_loop_t *loop, const char *node,
			      const char *run_dir, const struct channels_io *io)
{
	struct channels *cs = calloc(1, sizeof(*cs));

	if (!cs)
		abort();
	cs->loop = loop;
	cs->io = *io;
	cs->node = strdup(node);
	cs->run_dir = strdup(run_dir);
	if (!cs->node || !cs->run_dir)
		abort();
	LIST_INIT(&cs->ends);
	return cs;
}

void channels_close(struct channels *cs)
{
	if (!cs)
		return;
	while (!LIST_EMPTY(&cs->ends))
		end_close(LIST_FIRST(&cs->ends));
	free(cs->node);
	free(cs->run_dir);
	free(cs);
}
