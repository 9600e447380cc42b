/*
 * The world as the agent sees it: each callback of agent_io, on libuv, our
 * threads and the drivers.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/reboot.h>
#include <time.h>
#include <unistd.h>

#include "cluster/loop/daemon_internal.h"
#include "drivers/driver.h"
#include "drivers/fence.h"

#define SLOW_MS	 1000
#define NAMED_MS 60000 /* with a leader: every service there is was named */

/* -- time, chance, words --------------------------------------------------- */

static int64_t on_wall(void *ctx)
{
	(void)ctx;
	return clock_wall_ms();
}

static int64_t on_local(void *ctx)
{
	int64_t ms = clock_wall_ms();
	time_t now = (time_t)(ms / 1000);
	struct tm local;

	(void)ctx;
	if (!localtime_r(&now, &local))
		return ms;
	return ms + (int64_t)local.tm_gmtoff * 1000;
}

static void on_random(void *ctx, void *buf, size_t n)
{
	(void)ctx;
	if (getrandom(buf, n, 0) != (ssize_t)n)
		abort();
}

static void on_log(void *ctx, int level, const char *text)
{
	(void)ctx;
	report(level, "%s", text);
}

/* Whatever is in memory cannot be trusted to be on the disk any more: the next
 * start begins with what is there. */
static void on_fatal(void *ctx, const struct err *err)
{
	(void)ctx;
	report(2, "the agent stops: %s", err->text);
	_exit(1);
}

/* -- work --------------------------------------------------------------------
 */

static void on_work(void *ctx, int lane, void (*run)(void *arg),
		    void (*done)(void *arg), void *arg)
{
	static const enum crew_name crews[] = {
		[AGENT_LANE_OPS] = CREW_OPS,
		[AGENT_LANE_LOG] = CREW_LOG,
		[AGENT_LANE_SNAP] = CREW_SNAP,
		[AGENT_LANE_KILL] = CREW_KILLS,
	};
	struct daemon *d = ctx;

	assert(lane >= 0 && (size_t)lane < sizeof(crews) / sizeof(crews[0]));
	crew_work(d->crews[crews[lane]], run, done, arg);
}

/* On a worker. Drivers count on CLOCK_MONOTONIC. */
static int on_drive(void *ctx, enum drive_op op, const struct job *j,
		    struct probe *ret, struct err *err)
{
	struct daemon *d = ctx;
	struct job job = *j;

	if (job.copy)
		job.copy->pki_dir = d->pki_dir;
	job.deadline_ms = clock_to_monotonic(j->deadline_ms);
	switch (op) {
	case DRIVE_PROBE:
		return driver_probe(&job, ret, err);
	case DRIVE_START:
		return driver_start(&job, err);
	case DRIVE_STOP:
		return driver_stop(&job, err);
	case DRIVE_KILL:
		return driver_kill(&job, err);
	case DRIVE_PROVISION:
		return driver_provision(&job, err);
	case DRIVE_UNPROVISION:
		return driver_unprovision(&job, err);
	case DRIVE_CUT:
		return driver_cut(&job, err);
	case DRIVE_RUN:
		return driver_run(&job, err);
	case DRIVE_COMMAND:
		return driver_command(&job, err);
	}
	return err_set(err, -EINVAL, "no such operation");
}

static int on_fence(void *ctx, const struct fence_call *c, struct err *err)
{
	(void)ctx;
	return fence_call(c, err);
}

/* -- memory
 * -------------------------------------------------------------------- */

static int on_save_identity(void *ctx, const struct doc *identity,
			    struct err *err)
{
	struct daemon *d = ctx;

	return keep_save(&d->keep, "identity", identity, err);
}

static int on_save_local(void *ctx, const struct doc *orders, struct err *err)
{
	struct daemon *d = ctx;

	return keep_save(&d->keep, "local", orders, err);
}

static void on_save_lease(void *ctx, uint64_t until_ms, uint64_t epoch)
{
	struct daemon *d = ctx;
	struct err err;

	if (keep_lease(&d->keep, until_ms, epoch, &err) < 0)
		report(3, "%s", err.text);
}

/* -- peers
 * --------------------------------------------------------------------- */

static bool on_send(void *ctx, uint64_t peer, struct arena *a,
		    struct doc *frame)
{
	struct daemon *d = ctx;
	struct buf out = BUF(a);

	if (!d->links || !link_is_up(d->links, peer))
		return false;
	doc_encode(&out, frame);
	return link_send(d->links, peer, out.data, out.len);
}

static void on_link_frame(void *data, uint64_t peer, struct arena *a,
			  struct doc *frame)
{
	struct daemon *d = data;

	agent_recv(d->agent, clock_ms(), peer, a, frame);
}

static void on_link_peer(void *data, uint64_t peer, bool up)
{
	struct daemon *d = data;

	agent_peer(d->agent, clock_ms(), peer, up);
}

/* Of a hypervisor, from its start on; in a container, once it has something to
 * guard. Without one it is as safe as its agent. */
static void open_guard(struct daemon *d)
{
	if (d->o->no_guard || d->guard.path[0])
		return;
	guard_open(&d->guard, d->o->run, d->o->guard ? d->o->guard : "",
		   d->o->watchdog ? d->o->watchdog : "");
}

int world_open_links(struct daemon *d, uint64_t self, const char *cluster_id,
		     bool witness, struct err *err)
{
	const struct links_options lo = {
		.loop = &d->loop,
		.pki_dir = d->pki_dir,
		.self = self,
		.cluster_id = cluster_id,
		.listen = d->o->listen,
		.data = d,
		.on_frame = on_link_frame,
		.on_peer = on_link_peer,
		.on_stranger = enrol_stranger,
		.on_bridge = receive_bridge,
		.log = on_log,
	};
	int rc = links_open(&d->links, &lo, err);

	/* Who only votes has nothing that could be taken away. */
	if (rc == 0 && !witness)
		open_guard(d);
	return rc;
}

static const char *const *addresses_of(struct arena *a, const struct doc *row)
{
	const struct doc *list = doc_get(row, "addresses");
	const char **at = ARENA_VEC(a, const char *, doc_len(list) + 1);

	for (size_t i = 0; i < doc_len(list); i++)
		at[i] = doc_text(doc_at(list, i), "");
	return at;
}

/* Only what the links care about: the nodes' rows change otherwise, too. */
static struct doc *peers_of(struct arena *a, const struct doc *nodes)
{
	struct doc *list = doc_list(a);

	for (size_t i = 0; i < doc_len(nodes); i++) {
		const struct doc *row = doc_at(nodes, i);
		const struct doc *addresses = doc_get(row, "addresses");
		struct doc *peer;

		if (doc_get_bool(row, "gone", false))
			continue;
		peer = doc_add(a, list, doc_map(a));
		doc_put_int(a, peer, "id", doc_get_int(row, "id", 0));
		doc_put_str(a, peer, "name", doc_get_str(row, "name", ""));
		if (doc_get(row, "cert"))
			doc_put_str(a, peer, "cert",
				    doc_get_str(row, "cert", ""));
		if (addresses)
			doc_put(a, peer, "addresses", doc_copy(a, addresses));
	}
	return list;
}

static void links_take(struct daemon *d, const struct doc *peers)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct link_peer *at = ARENA_VEC(a, struct link_peer, doc_len(peers));
	uint64_t self =
		(uint64_t)doc_get_int(agent_identity(d->agent), "id", 0);
	size_t n = 0;

	for (size_t i = 0; i < doc_len(peers); i++) {
		const struct doc *row = doc_at(peers, i);
		uint64_t id = (uint64_t)doc_get_int(row, "id", 0);

		if (id == 0 || id == self)
			continue;
		at[n++] = (struct link_peer){
			.id = id,
			.name = doc_get_str(row, "name", ""),
			.addresses = addresses_of(a, row),
			.cert = doc_get_str(row, "cert", NULL),
		};
	}
	links_set_peers(d->links, at, n);
}

/* They are kept as well: a database that is lost is filled again by them. */
void world_set_peers(struct daemon *d, const struct doc *nodes)
{
	struct arena *a = arena_new();
	struct doc *peers = peers_of(a, nodes);
	struct err err;

	if (!d->links || (d->peers && doc_equal(d->peers, peers))) {
		arena_free(a);
		return;
	}
	arena_free(d->peers_arena);
	d->peers_arena = a;
	d->peers = peers;
	links_take(d, peers);
	if (keep_save(&d->keep, "peers", peers, &err) < 0)
		report(4, "who the other hypervisors are: %s", err.text);
}

static void on_peers(void *ctx, const struct doc *nodes)
{
	world_set_peers(ctx, nodes);
}

/* -- channels
 * ------------------------------------------------------------------- */

static bool on_channel_send(void *ctx, const char *service, const char *rid,
			    struct arena *a, struct doc *frame)
{
	struct daemon *d = ctx;

	if (!service)
		return d->host && host_send(d->host, a, frame);
	return d->channels &&
	       channels_send(d->channels, service, rid, a, frame);
}

static void on_channel_close(void *ctx, const char *service, const char *rid)
{
	struct daemon *d = ctx;

	if (d->channels)
		channels_drop(d->channels, service, rid);
}

static void on_channels(void *ctx, const struct doc *list)
{
	struct daemon *d = ctx;

	if (d->channels)
		channels_set(d->channels, list);
}

static void on_channel_up(void *ctx, const char *service, const char *rid,
			  bool up)
{
	struct daemon *d = ctx;

	agent_channel(d->agent, clock_ms(), service, rid, up);
}

static void on_channel_frame(void *ctx, const char *service, const char *rid,
			     struct arena *a, struct doc *frame)
{
	struct daemon *d = ctx;

	agent_channel_recv(d->agent, clock_ms(), service, rid, a, frame);
}

static void on_host_up(void *ctx, bool up)
{
	struct daemon *d = ctx;

	agent_host(d->agent, clock_ms(), up);
}

static void on_host_frame(void *ctx, struct arena *a, struct doc *frame)
{
	struct daemon *d = ctx;

	agent_host_recv(d->agent, clock_ms(), a, frame);
}

static enum host_want on_host_want(void *ctx)
{
	struct daemon *d = ctx;
	const struct doc *id = agent_identity(d->agent);

	if (!id)
		return d->enrolling ? HOST_NO : HOST_IF_THERE;
	return strcmp(doc_get_str(id, "level", ""), "encap") == 0 ? HOST_YES
								  : HOST_NO;
}

/* -- env files and requests
 * -------------------------------------------------------- */

static void on_head(void *ctx, const char *service, const char *rev,
		    const char *config)
{
	struct daemon *d = ctx;

	if (d->envfiles)
		envfiles_head(d->envfiles, service, rev, config);
}

static void on_file_request(void *ctx, const struct doc *req, agent_answer done,
			    void *arg)
{
	struct daemon *d = ctx;

	agent_request(d->agent, clock_ms(), req, done, arg);
}

static void on_drafts(void *ctx, const char *service, const struct doc *list,
		      const char *news)
{
	struct daemon *d = ctx;

	agent_drafts(d->agent, clock_ms(), service, list, news);
}

static void on_waits(void *ctx, const char *service, uint64_t since_ms,
		     const char *why)
{
	struct daemon *d = ctx;

	agent_waits(d->agent, clock_ms(), service, since_ms, why);
}

void world_answer(struct arena *a, agent_answer done, void *arg, int code,
		  const char *text, struct doc *data)
{
	struct doc *d = doc_map(a);

	doc_put_int(a, d, "code", code);
	if (text)
		doc_put_str(a, d, "err", text);
	if (data)
		doc_put(a, d, "data", data);
	done(arg, a, d);
}

static void on_api_request(void *data, struct arena *a, struct doc *req,
			   agent_answer done, void *arg)
{
	struct daemon *d = data;

	if (!enrol_request(d, a, req, done, arg) &&
	    !backup_request(d, req, done, arg) &&
	    !recover_request(d, req, done, arg))
		agent_request(d->agent, clock_ms(), req, done, arg);
}

static int on_secret_key(void *ctx, struct seal_key *ret, struct err *err)
{
	struct daemon *d = ctx;
	const char *cluster =
		doc_get_str(agent_identity(d->agent), "cluster_id", "");

	return seal_cluster_key(d->pki_dir, cluster, ret, err);
}

static void on_guard(void *ctx, uint64_t until_ms, const char *list, size_t len)
{
	struct daemon *d = ctx;

	open_guard(d);
	guard_set(&d->guard, until_ms, list, len);
}

static const char *on_protection(void *ctx)
{
	struct daemon *d = ctx;

	return guard_says(&d->guard, clock_ms());
}

/* A container ends with its first process, which this is a signal to. */
static void on_node_action(void *ctx, bool crash)
{
	(void)ctx;
	report(2, "monitor_action: this machine is %s",
	       crash ? "stopped at once" : "rebooted");
	if (!crash)
		sync();
	if (reboot(RB_AUTOBOOT) < 0)
		report(2, "reboot: %s", strerror(errno));
}

static void on_left(void *ctx)
{
	struct daemon *d = ctx;

	d->has_left = true; /* it is in a turn: what it uses must stay */
}

struct agent_io world_io(struct daemon *d)
{
	return (struct agent_io){
		.ctx = d,
		.wall_ms = on_wall,
		.local_ms = on_local,
		.random = on_random,
		.send = on_send,
		.channel_send = on_channel_send,
		.channel_close = on_channel_close,
		.work = on_work,
		.drive = on_drive,
		.save_identity = on_save_identity,
		.save_lease = on_save_lease,
		.save_local = on_save_local,
		.peers = on_peers,
		.channels = on_channels,
		.head = on_head,
		.secret_key = on_secret_key,
		.guard = on_guard,
		.protection = on_protection,
		.left = on_left,
		.fence = on_fence,
		.node_action = d->o->monitor_reboots ? on_node_action : NULL,
		.fatal = on_fatal,
		.log = on_log,
	};
}

/* -- time
 * ----------------------------------------------------------------------- */

static void on_leader(void *arg, struct arena *a, struct doc *answer)
{
	struct daemon *d = arg;
	const struct doc *group = doc_get(doc_get(answer, "data"), "group");
	uint64_t now = clock_ms();

	(void)a;
	if (!doc_get_str(group, "leader", NULL))
		d->named_ms = 0;
	else if (!d->named_ms)
		d->named_ms = now;
	else if (now >= d->named_ms + NAMED_MS)
		d->all_named = true;
	if (d->all_named && d->envfiles)
		envfiles_all_named(d->envfiles);
}

/* After a while with a leader, the services that were not named are gone. */
static void look_named(struct daemon *d, uint64_t now_ms)
{
	SCOPED(arena) struct arena *a = arena_new();
	const struct doc *id = agent_identity(d->agent);
	struct doc *req = doc_map(a);

	if (d->all_named || !id ||
	    strcmp(doc_get_str(id, "level", ""), "hypervisor") != 0)
		return;
	doc_put_str(a, req, "op", "cluster_status");
	agent_request(d->agent, now_ms, req, on_leader, d);
}

void world_tick(struct daemon *d, uint64_t now_ms)
{
	if (d->host && now_ms >= host_next_ms(d->host))
		host_tick(d->host, now_ms);
	if (now_ms >= channels_next_ms(d->channels))
		channels_tick(d->channels, now_ms);
	if (now_ms < d->slow_ms)
		return;
	d->slow_ms = now_ms + SLOW_MS;
	if (d->guard.path[0])
		guard_look(&d->guard, now_ms);
	api_tick(d->api, now_ms);
	look_named(d, now_ms);
}

uint64_t world_next_ms(const struct daemon *d)
{
	uint64_t next = d->slow_ms;

	if (channels_next_ms(d->channels) < next)
		next = channels_next_ms(d->channels);
	if (d->host && host_next_ms(d->host) < next)
		next = host_next_ms(d->host);
	return next;
}

/* -- life
 * ------------------------------------------------------------------------ */

static int open_as_member(struct daemon *d, struct err *err)
{
	SCOPED(arena) struct arena *a = arena_new();
	const struct doc *id = agent_identity(d->agent);
	struct doc *peers;
	int rc;

	if (!id || strcmp(doc_get_str(id, "level", ""), "hypervisor") != 0)
		return 0;
	rc = world_open_links(d, (uint64_t)doc_get_int(id, "id", 0),
			      doc_get_str(id, "cluster_id", ""),
			      doc_get_bool(id, "witness", false), err);
	if (rc < 0)
		return rc;
	rc = keep_load(&d->keep, a, "peers", &peers, err);
	if (rc < 0)
		report(4, "who the other hypervisors are is not known: %s",
		       err->text);
	if (rc == 0)
		world_set_peers(d, peers);
	return 0;
}

int world_open(struct daemon *d, struct err *err)
{
	const struct channels_io cio = { d, on_channel_up, on_channel_frame };
	const struct host_io hio = { d, on_host_up, on_host_frame,
				     on_host_want };
	const struct envfiles_options eo = {
		.loop = &d->loop,
		.crew = d->crews[CREW_FILES],
		.etc = d->o->etc,
		.var = d->o->var,
		.io = { d, on_file_request, on_drafts, on_waits },
	};
	SCOPED(arena) struct arena *a = arena_new();
	int rc;

	d->channels = channels_new(&d->loop, d->o->node, d->o->run, &cio);
	if (d->o->channel)
		d->host = host_new(&d->loop, d->o->channel, &hio);
	rc = envfiles_open(&d->envfiles, &eo, err);
	if (rc == 0)
		rc = open_as_member(d, err);
	if (rc == 0)
		rc = api_open(&d->api, &d->loop,
			      arena_printf(a, "%s/api.sock", d->o->run),
			      on_api_request, d, err);
	return rc;
}

static void on_links_closed(void *data)
{
	(void)data;
}

void world_close_links(struct daemon *d)
{
	if (d->links)
		links_close(d->links, on_links_closed);
	d->links = NULL;
}

/* No event comes any more; work that is under way still ends. */
void world_close(struct daemon *d)
{
	api_close(d->api);
	channels_close(d->channels);
	host_close(d->host);
	world_close_links(d);
	d->api = NULL;
	d->channels = NULL;
	d->host = NULL;
}
