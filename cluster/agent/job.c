/*
 * Driver operations on workers. A job owns a copy of nothing: it points into
 * its run's evaluated configuration, which is not replaced while a job is
 * under way; its own results are on its own arena.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cluster/agent/internal.h"
#include "fsm/plan/actions.h"

struct job_item {
	size_t res;
	enum drive_op op;
	struct probe probe;
	struct err err;
	int rc;
	bool has_run; /* a probe of a task */
	int last_code;
	bool ask_system; /* a probe of a container whose agent is not there */
	bool alone;	 /* a probe: of what it stands on, not all is up */
	const char *const *secrets;
	const char *missing;   /* of them */
	struct job_copy *copy; /* of a sync */
	const char *said;      /* by a task */
};

struct run_job {
	struct agent *agent;
	struct instance_run *run;
	struct arena *arena;
	uint64_t begun_ms, token;
	struct job_item *items;
	size_t n;
	/* Of a task: */
	struct task *task;
	const struct resource *res;
	const char *const *env;
	const char *command; /* instead of an operation */
	/* Of a start, a stop, or the triggers around many: */
	const char *action;  /* "start", "stop" */
	bool after;	     /* the post triggers */
	int64_t steps;	     /* begun so far */
	uint64_t act;	     /* what a person had asked for when it began */
	int64_t timeout_ms;  /* of a sync: sync_timeout; 0: none */
	const char *warning; /* triggers that failed and do not block */
	const char **hidden; /* mount points that are not mounted */
};

static struct run_job *job_new(struct agent *g, struct instance_run *run,
			       size_t n)
{
	struct run_job *j = calloc(1, sizeof(*j));

	if (!j)
		abort();
	j->agent = g;
	j->run = run;
	j->arena = arena_new();
	j->begun_ms = g->now_ms;
	j->token = run->token;
	j->act = run->act;
	j->items = ARENA_VEC(j->arena, struct job_item, n ? n : 1);
	j->n = n;
	run->busy++;
	return j;
}

static void job_free(struct run_job *j)
{
	j->run->busy--;
	arena_free(j->arena);
	free(j);
}

/* @i is a mount of the instance that is not there: what is below cannot be
 * seen. */
static void note_hidden(struct run_job *j, size_t i, enum status st)
{
	const struct resource *r = &j->run->inst.res[i];
	const char *mnt = resource_kw(r, "mnt");
	size_t n = 0;

	if (st == STATUS_UP || !mnt || strcmp(r->group, "fs") != 0)
		return;
	if (!j->hidden)
		j->hidden =
			ARENA_VEC(j->arena, const char *, j->run->inst.n + 1);
	while (j->hidden[n])
		n++;
	j->hidden[n] = mnt;
}

/* As the last look had it. */
static void job_hides(struct run_job *j)
{
	for (size_t i = 0; j->run->probes && i < j->run->inst.n; i++)
		note_hidden(j, i, j->run->probes[i].status);
}

static bool is_app(const struct resource *r)
{
	return strcmp(r->group, "app") == 0;
}

/* A row at the hypervisor's level of what runs inside a container. */
static bool is_elsewhere(const struct instance *inst, const struct resource *r)
{
	return inst->level == LEVEL_HYPERVISOR && r->encap;
}

/* On the agent's thread: what the workers must not read for themselves. */
static void job_secrets(struct run_job *j)
{
	for (size_t i = 0; i < j->n; i++) {
		struct job_item *it = &j->items[i];
		struct err err = { 0 };

		it->secrets = secret_words(j->agent, j->arena, j->run->service,
					   j->run->group,
					   &j->run->inst.res[it->res], &err);
		if (err.code < 0)
			it->missing = arena_printf(j->arena, "%s", err.text);
	}
}

static struct job job_for(const struct run_job *j, const struct job_item *it,
			  const struct resource *r, int64_t timeout_ms)
{
	return (struct job){
		.service = j->run->service,
		.node = j->agent->node,
		.res = r,
		.level = j->run->inst.level,
		.ask_system = it->ask_system,
		.instance_up = !it->alone,
		.deadline_ms = (int64_t)j->begun_ms + timeout_ms,
		.token = j->token,
		.has_run = it->has_run,
		.last_code = it->last_code,
		.run_dir = j->agent->run_dir,
		.etc_dir = j->agent->etc_dir,
		.secrets = it->secrets,
		.secrets_missing = it->missing,
		.hidden = j->hidden,
		.copy = it->copy,
		.arena = j->arena,
	};
}

static int job_drive(const struct run_job *j, struct job_item *it,
		     const struct resource *r, int64_t timeout_ms)
{
	struct job dj = job_for(j, it, r, timeout_ms);

	dj.ret_said = &it->said;

	return j->agent->io.drive(j->agent->io.ctx, it->op, &dj, &it->probe,
				  &it->err);
}

/* -- probe ---------------------------------------------------------------- */

#define PROBE_TIMEOUT_MS 10000

static void probe_run(void *arg)
{
	struct run_job *j = arg;
	const struct instance *inst = &j->run->inst;
	bool up = true;

	for (size_t i = 0; i < j->n; i++) {
		const struct resource *r = &inst->res[i];
		struct job_item *it = &j->items[i];

		it->op = DRIVE_PROBE;
		it->probe.status = STATUS_UNDEF;
		it->probe.label = it->probe.log = "";
		if (is_elsewhere(inst, r))
			continue;
		if (r->disable) {
			it->probe.status = STATUS_NA;
			continue;
		}
		it->alone = !up;
		it->rc = job_drive(j, it, r, PROBE_TIMEOUT_MS);
		if (it->rc < 0) {
			it->probe.status = STATUS_UNDEF;
			it->probe.log = arena_printf(j->arena, "error: %s",
						     it->err.text);
		}
		if (!it->probe.label)
			it->probe.label = "";
		if (!it->probe.log)
			it->probe.log = "";
		note_hidden(j, i, it->probe.status);
		if (!is_app(r) && !r->optional &&
		    it->probe.status != STATUS_UP &&
		    it->probe.status != STATUS_NA)
			up = false;
	}
}

static void probe_done(void *arg)
{
	struct run_job *j = arg;
	struct instance_run *run = j->run;
	struct probe *probes =
		ARENA_VEC(j->arena, struct probe, j->n ? j->n : 1);

	for (size_t i = 0; i < j->n; i++) {
		bool up;

		probes[i] = j->items[i].probe;
		up = probes[i].status == STATUS_UP;
		if (!up)
			run->up_since[i] = 0;
		else if (!run->up_since[i])
			run->up_since[i] = j->agent->now_ms;
		if (up && run->memory && run->was_up)
			run->memory[i].restarts = 0;
	}
	arena_free(run->probe_arena);
	run->probe_arena = j->arena;
	run->probes = probes;
	run->probed_begun_ms = run->probe_begun_ms;
	run->probe_token = j->token;
	run->probed = true;
	run->probing = false;
	run->moved = true;
	run->busy--;
	guard_probed(j->agent, run);
	free(j); /* its arena lives on in the run */
}

/* The channels are the loop's: they are looked at before the job begins. */
static bool job_asks_system(struct agent *g, const struct instance_run *run,
			    const struct resource *r)
{
	const struct channel *c;

	if (!channel_is_for(r))
		return false;
	c = channel_find(g, run->service, r->rid);
	return !c || !c->welcomed;
}

static void item_of_task(struct job_item *it, const struct task *t)
{
	it->has_run = t && t->ran;
	it->last_code = t ? t->code : 0;
}

void job_probe(struct agent *g, struct instance_run *run)
{
	struct run_job *j = job_new(g, run, run->inst.n);

	for (size_t i = 0; i < j->n; i++) {
		j->items[i].res = i;
		item_of_task(&j->items[i],
			     task_find(run, run->inst.res[i].rid));
		j->items[i].ask_system =
			job_asks_system(g, run, &run->inst.res[i]);
		if (copies_is(&run->inst.res[i]))
			j->items[i].copy =
				copy_of(g, j->arena, run, &run->inst.res[i],
					task_find(run, run->inst.res[i].rid));
	}
	job_secrets(j);
	run->probing = true;
	run->probe_begun_ms = g->now_ms;
	run->poked = false;
	g->io.work(g->io.ctx, AGENT_LANE_OPS, probe_run, probe_done, j);
}

/* -- start, stop, kill --------------------------------------------- */

#define HOOK_TIMEOUT_MS 60000

static const char *const op_words[] = {
	[DRIVE_PROBE] = "probe",
	[DRIVE_START] = "start",
	[DRIVE_STOP] = "stop",
	[DRIVE_KILL] = "kill",
	[DRIVE_RUN] = "run",
	[DRIVE_COMMAND] = "command",
	[DRIVE_PROVISION] = "provision",
	[DRIVE_UNPROVISION] = "unprovision",
	[DRIVE_CUT] = "cut",
};

/* @rid: NULL of the instance as a whole. */
static void job_tell(struct agent *g, const struct instance_run *run,
		     const char *rid, const char *what, const char *word,
		     const char *more)
{
	SCOPED(arena) struct arena *a = arena_new();

	agent_event(g, run->group, "action", run->service, rid,
		    arena_printf(a, "%s%s%s%s%s", word, rid ? " " : "",
				 rid ? rid : "", what, more));
}

static bool is_making(enum drive_op op)
{
	return op == DRIVE_PROVISION || op == DRIVE_UNPROVISION;
}

static int64_t making_timeout(const struct instance *inst, enum drive_op op)
{
	const char *text = kw_find(inst->kw, op == DRIVE_PROVISION
						     ? "provision_timeout"
						     : "unprovision_timeout");
	int64_t ms = text ? strtoll(text, NULL, 10) : 0;

	return ms > 0 ? ms : DRIVER_PROVISION_MS;
}

static int64_t op_timeout(const struct instance *inst, const struct resource *r,
			  enum drive_op op)
{
	if (op == DRIVE_KILL || op == DRIVE_CUT)
		return 5000;
	if (is_making(op))
		return making_timeout(inst, op);
	return driver_timeout_ms(r, op == DRIVE_START);
}

/* -- triggers -------------------------------------------------------------- */

/* Each step of a job has the whole time: this is that of the next. */
static int64_t step_ms(struct run_job *j, const struct resource *r)
{
	int64_t ms = r ? op_timeout(&j->run->inst, r, j->items[0].op)
		       : HOOK_TIMEOUT_MS;

	return ms * ++j->steps;
}

/* A command of the file, on the worker. */
static int run_command(struct run_job *j, const struct resource *r,
		       const char *command)
{
	struct job dj = job_for(j, &j->items[0], r, step_ms(j, r));
	struct probe none;

	dj.command = command;
	dj.action = j->action;
	dj.env = j->env ? j->env : j->run->inst.env;
	return j->agent->io.drive(j->agent->io.ctx, DRIVE_COMMAND, &dj, &none,
				  &j->items[0].err);
}

static void note_warning(struct run_job *j, const char *when,
			 const char *action, const char *text)
{
	j->warning = arena_printf(j->arena, "%s%s%s_%s: %s",
				  j->warning ? j->warning : "",
				  j->warning ? "; " : "", when, action, text);
}

/* pre_X, then blocking_pre_X; likewise after. Negative if the blocking one has
 * failed; a failure of the other is only noted. */
static int run_triggers(struct run_job *j, const struct resource *r,
			const char *const *kw, bool after)
{
	const char *when = after ? "post" : "pre", *command;
	struct job_item *it = &j->items[0];
	int rc;

	command = actions_trigger(kw, j->action, after, false);
	if (command && run_command(j, r, command) < 0)
		note_warning(j, when, j->action, it->err.text);
	command = actions_trigger(kw, j->action, after, true);
	if (!command)
		return 0;
	rc = run_command(j, r, command);
	return rc < 0 ? err_wrap(&it->err, rc, "blocking_%s_%s", when,
				 j->action)
		      : 0;
}

static void act_run(void *arg)
{
	struct run_job *j = arg;
	struct job_item *it = &j->items[0];
	const struct resource *r = &j->run->inst.res[it->res];
	int rc = run_triggers(j, r, r->common, false);

	it->rc = rc;
	if (rc == 0)
		it->rc = job_drive(j, it, r, step_ms(j, r));
	if (it->rc < 0)
		return;
	rc = run_triggers(j, r, r->common, true);
	if (rc < 0)
		it->rc = rc;
}

static void kill_run(void *arg)
{
	struct run_job *j = arg;

	for (size_t i = 0; i < j->n; i++) {
		struct job_item *it = &j->items[i];
		const struct resource *r = &j->run->inst.res[it->res];

		it->rc = job_drive(j, it, r,
				   op_timeout(&j->run->inst, r, it->op));
	}
}

/* What went wrong, without the verb and the resource that a driver's error
 * begins with: whoever shows it names them. */
static const char *why_failed(const struct job_item *it, const char *word,
			      const char *rid)
{
	const char *text = it->err.text;
	size_t n = strlen(word), m = strlen(rid);

	if (strncmp(text, word, n) == 0 && text[n] == ' ' &&
	    strncmp(text + n + 1, rid, m) == 0 &&
	    strncmp(text + n + 1 + m, ": ", 2) == 0)
		return text + n + 1 + m + 2;
	return text;
}

static void act_log(struct run_job *j, const struct job_item *it)
{
	struct agent *g = j->agent;
	struct instance_run *run = j->run;
	const struct resource *r = &run->inst.res[it->res];
	const char *word = op_words[it->op];

	if (j->warning) {
		agent_log(g, 4, "%s: %s %s: %s", run->service, word, r->rid,
			  j->warning);
		job_tell(g, run, r->rid, ": a trigger failed: ", word,
			 j->warning);
	}
	if (it->rc < 0) {
		const char *why = why_failed(it, word, r->rid);

		agent_log(g, 3, "%s: %s %s: %s", run->service, word, r->rid,
			  why);
		job_tell(g, run, r->rid, " failed: ", word, why);
		return;
	}
	agent_log(g, 6, "%s: %s %s: done in %llu ms", run->service, word,
		  r->rid, (unsigned long long)(g->now_ms - j->begun_ms));
	job_tell(g, run, r->rid,
		 it->rc == DRIVER_NOOP	 ? ": was so already"
		 : it->rc == DRIVER_LEFT ? ": left as it is: it was not made "
					   "by a provision, or cannot be seen"
					 : ": done",
		 word, "");
}

static void record_made(const struct job_item *it, struct recon_memory *m)
{
	m->turned = it->rc >= 0;
	if (it->op == DRIVE_PROVISION)
		m->start_failed = it->rc < 0;
	else
		m->unmade = it->rc < 0;
}

/* Of a stop that was tried by more than one rung, each of them. */
static void note_failure(struct instance_run *run, struct recon_memory *m,
			 const struct job_item *it, const char *rid)
{
	bool more = m->rung > RUNG_SOFT && m->error && run->error[0];
	size_t at = more ? strlen(run->error) : 0;
	const char *word = op_words[it->op];

	if (it->op == DRIVE_CUT && it->rc >= 0)
		snprintf(run->error + at, sizeof(run->error) - at,
			 "%sthe network of %.120s is cut", more ? "; " : "",
			 rid);
	else
		snprintf(run->error + at, sizeof(run->error) - at,
			 "%s%.16s %.120s: %.255s", more ? "; " : "", word, rid,
			 why_failed(it, word, rid));
	m->error = run->error;
}

static void act_record(struct run_job *j, const struct job_item *it)
{
	struct instance_run *run = j->run;
	const struct resource *r = &run->inst.res[it->res];
	struct recon_memory *m = &run->memory[it->res];

	act_log(j, it);
	if (run->memory_token != j->token || run->act != j->act)
		return; /* it was done for another assignment */
	if (is_making(it->op))
		record_made(it, m);
	else if (it->op != DRIVE_CUT)
		m->done = it->rc >= 0;
	if (it->rc < 0 || it->op == DRIVE_CUT) {
		if (it->op == DRIVE_START)
			m->start_failed = true;
		else if (!is_making(it->op))
			m->stop_failed = true;
		note_failure(run, m, it, r->rid);
	} else if (it->op == DRIVE_START) {
		/* What was up already is not ours to roll back. */
		m->started = it->rc != DRIVER_NOOP || m->started;
	} else if (!is_making(it->op)) {
		m->started = false;
	}
}

static void act_ended(struct run_job *j)
{
	struct instance_run *run = j->run;

	run->acting--;
	if (!run->acting) {
		run->poked = j->agent->guard.stale = true;
		guard_forget(run);
		run->running[0] = '\0';
	}
	run->moved = true;
	job_free(j);
}

static void act_done(void *arg)
{
	struct run_job *j = arg;

	j->run->memory[j->items[0].res].busy = false;
	act_record(j, &j->items[0]);
	act_ended(j);
}

/* -- triggers around the whole, and around subsets ------------------------- */

static const char *const *hook_kw(const struct instance *inst, size_t scope)
{
	return scope ? inst->subsets[scope - 1].kw : inst->kw;
}

static void hook_run(void *arg)
{
	struct run_job *j = arg;
	struct job_item *it = &j->items[0];

	it->rc = run_triggers(j, NULL, hook_kw(&j->run->inst, it->res),
			      j->after);
}

static void hook_done(void *arg)
{
	struct run_job *j = arg;
	struct instance_run *run = j->run;
	const struct job_item *it = &j->items[0];
	struct recon_hooks *h = &run->hooks[it->res];
	const char *word = arena_printf(j->arena, "%s_%s",
					j->after ? "post" : "pre", j->action);

	if (j->warning)
		job_tell(j->agent, run, NULL, " failed: ", word, j->warning);
	if (it->rc < 0)
		job_tell(j->agent, run, NULL, " failed: ", word, it->err.text);
	if (run->memory_token == j->token) {
		*(j->after ? &h->after : &h->before) = true;
		h->failed = it->rc < 0;
		if (h->failed)
			snprintf(run->error, sizeof(run->error), "%.390s",
				 it->err.text);
		h->error = h->failed ? run->error : NULL;
	}
	act_ended(j);
}

/* -- before a monitor action ------------------------------------------------
 */

static void before_monitor_run(void *arg)
{
	struct run_job *j = arg;

	j->items[0].rc = run_command(j, NULL, j->command);
}

static void before_monitor_done(void *arg)
{
	struct run_job *j = arg;
	struct agent *g = j->agent;
	struct instance_run *run = j->run;

	if (j->items[0].rc < 0)
		job_tell(g, run, NULL, " failed: ", "pre_monitor_action",
			 j->items[0].err.text);
	if (run->memory_token == j->token)
		monitor_act(g, run);
	act_ended(j);
}

void job_before_monitor(struct agent *g, struct instance_run *run,
			const char *command)
{
	struct run_job *j = job_new(g, run, 1);

	j->command = command;
	j->action = "monitor_action";
	run->acting++;
	g->io.work(g->io.ctx, AGENT_LANE_OPS, before_monitor_run,
		   before_monitor_done, j);
}

/* -- tasks ------------------------------------------------------------------
 */

#define TASK_END_MS 30000

static const char *const *kw_copy(struct arena *a, const char *const *kw)
{
	const char **copy;
	size_t n = 0;

	while (kw && kw[n])
		n++;
	copy = ARENA_VEC(a, const char *, n + 1);
	for (size_t i = 0; i < n; i++)
		copy[i] = arena_printf(a, "%s", kw[i]);
	return copy;
}

/* A task may run for hours: it looks at a copy, so that the env file can be
 * replaced meanwhile. */
static struct run_job *task_job(struct agent *g, struct instance_run *run,
				size_t res, struct task *t, enum drive_op op)
{
	struct run_job *j = job_new(g, run, 1);
	struct resource *r = ARENA_NEW(j->arena, struct resource);
	const struct resource *from = &run->inst.res[res];

	j->items[0].res = res;
	j->items[0].op = op;
	job_secrets(j);
	r->rid = arena_printf(j->arena, "%s", from->rid);
	r->group = arena_printf(j->arena, "%s", from->group);
	r->type = arena_printf(j->arena, "%s", from->type);
	r->subset = r->encapnode = "";
	r->kw = kw_copy(j->arena, from->kw);
	r->common = kw_copy(j->arena, from->common);
	j->env = kw_copy(j->arena, run->inst.env);
	j->res = r;
	j->task = t;
	j->action = copies_is(r) ? copies_action(t->which) : "run";
	if (copies_is(r))
		j->items[0].copy = copy_of(g, j->arena, run, from, t);
	j->timeout_ms = kw_find(run->inst.kw, "sync_timeout")
				? strtoll(kw_find(run->inst.kw, "sync_timeout"),
					  NULL, 10)
				: 0;
	return j;
}

static int64_t task_ms(const struct run_job *j, const struct resource *r)
{
	const char *text = resource_kw(r, "timeout");
	int64_t ms = text ? strtoll(text, NULL, 10) : 0;

	if (ms <= 0 && copies_is(r))
		ms = j->timeout_ms;

	return ms > 0 ? ms : INT64_C(10) * 365 * 86400 * 1000;
}

static void task_run(void *arg)
{
	struct run_job *j = arg;
	struct job_item *it = &j->items[0];

	it->rc = run_triggers(j, j->res, j->res->common, false);
	if (it->rc == 0)
		it->rc = job_drive(j, it, j->res, task_ms(j, j->res));
	if (it->rc == 0 && run_triggers(j, j->res, j->res->common, true) < 0)
		it->rc = it->err.code;
}

static const char *task_result(struct run_job *j)
{
	const struct job_item *it = &j->items[0];
	size_t n = strlen(j->res->rid);

	/* Who shows it names them. */
	if (it->rc < 0 && strncmp(it->err.text, "run ", 4) == 0 &&
	    strncmp(it->err.text + 4, j->res->rid, n) == 0 &&
	    strncmp(it->err.text + 4 + n, ": ", 2) == 0)
		return it->err.text + 4 + n + 2;
	if (it->rc < 0)
		return it->err.text;
	return it->rc ? arena_printf(j->arena, "exit code %d", it->rc) : "";
}

static void task_done(void *arg)
{
	struct run_job *j = arg;
	struct agent *g = j->agent;
	struct instance_run *run = j->run;
	struct task *t = j->task;
	int rc = j->items[0].rc;

	if (j->warning)
		job_tell(g, run, t->rid, ": a trigger failed: ", j->action,
			 j->warning);
	job_tell(g, run, t->rid, rc ? " failed: " : ": done", j->action,
		 task_result(j));
	agent_log(g, rc ? 4 : 6, "%s: %s %s: %s", run->service, j->action,
		  t->rid, rc ? task_result(j) : "done");
	if (j->items[0].said && *j->items[0].said)
		job_tell(g, run, t->rid, ": it said: ", j->action,
			 j->items[0].said);
	copy_done(t, j->items[0].copy);
	t->running = false;
	t->ran = true;
	t->code = rc;
	t->next_ms = 0;
	if (rc && t->by_order)
		snprintf(run->act_error, sizeof(run->act_error),
			 "%s %.120s: %.250s", j->action, t->rid,
			 task_result(j));
	run->poked = run->moved = true;
	job_free(j);
}

void job_task(struct agent *g, struct instance_run *run, size_t res,
	      struct task *t)
{
	struct run_job *j = task_job(g, run, res, t, DRIVE_RUN);

	t->at_ms = g->io.wall_ms(g->io.ctx);
	job_tell(g, run, t->rid, "", j->action, "");
	g->io.work(g->io.ctx, AGENT_LANE_OPS, task_run, task_done, j);
}

static void task_end_run(void *arg)
{
	struct run_job *j = arg;
	struct job_item *it = &j->items[0];

	it->rc = job_drive(j, it, j->res, TASK_END_MS);
}

static void task_end_done(void *arg)
{
	struct run_job *j = arg;

	if (j->items[0].rc < 0)
		agent_log(j->agent, 3, "%s: stop %s: %s", j->run->service,
			  j->task->rid, j->items[0].err.text);
	else if (j->items[0].rc != DRIVER_NOOP)
		job_tell(j->agent, j->run, j->task->rid, ": done", "stop", "");
	j->task->ending = false;
	j->run->poked = true;
	job_free(j);
}

void job_task_end(struct agent *g, struct instance_run *run, size_t res,
		  struct task *t, bool kill)
{
	struct run_job *j =
		task_job(g, run, res, t, kill ? DRIVE_KILL : DRIVE_STOP);

	g->io.work(g->io.ctx, kill ? AGENT_LANE_KILL : AGENT_LANE_OPS,
		   task_end_run, task_end_done, j);
}

#define KILL_AGAIN_MS 300

static void kill_done(void *arg)
{
	struct run_job *j = arg;

	for (size_t i = 0; i < j->n; i++)
		if (j->items[i].rc < 0)
			agent_log(j->agent, 3, "%s: kill %s: %s",
				  j->run->service,
				  j->run->inst.res[j->items[i].res].rid,
				  j->items[i].err.text);
	j->run->killing = false;
	j->run->moved = true;
	/* What cannot be killed is tried again, but not without a pause. */
	j->run->next_probe_ms = j->agent->now_ms + KILL_AGAIN_MS;
	job_free(j);
}

static enum drive_op op_of(enum recon_op op)
{
	static const enum drive_op ops[] = {
		[RECON_START] = DRIVE_START,
		[RECON_STOP] = DRIVE_STOP,
		[RECON_KILL] = DRIVE_KILL,
		[RECON_PROVISION] = DRIVE_PROVISION,
		[RECON_UNPROVISION] = DRIVE_UNPROVISION,
		[RECON_CUT] = DRIVE_CUT,
	};

	return ops[op];
}

static void note_running(struct instance_run *run, const char *rid)
{
	size_t n = strlen(run->running);

	if (n + 2 < sizeof(run->running))
		snprintf(run->running + n, sizeof(run->running) - n, "%s%s",
			 n ? " " : "", rid);
}

static void job_hook(struct agent *g, struct instance_run *run,
		     const struct recon_action *act)
{
	struct run_job *j = job_new(g, run, 1);

	j->items[0].res = act->res;
	j->action = act->action;
	j->after = act->after;
	g->io.work(g->io.ctx, AGENT_LANE_OPS, hook_run, hook_done, j);
}

static void job_drive_one(struct agent *g, struct instance_run *run,
			  const struct recon_action *act)
{
	struct run_job *j = job_new(g, run, 1);
	const struct resource *r = &run->inst.res[act->res];
	struct recon_memory *m = &run->memory[act->res];

	j->items[0].res = act->res;
	j->items[0].op = op_of(act->op);
	job_hides(j);
	job_secrets(j);
	j->action = op_words[j->items[0].op];
	note_running(run, r->rid);
	if (act->op == RECON_START && ((run->was_up && !m->asked) || m->done)) {
		m->restarts++;
		m->last_ms = (int64_t)g->now_ms;
	}
	m->rung = recon_rung(act->op, m->rung);
	m->busy = true;
	job_tell(g, run, r->rid, "", j->action,
		 m->rung ? arena_printf(j->arena, ": %s", act->why) : "");
	/* By force, beside what hangs. */
	g->io.work(g->io.ctx, m->rung ? AGENT_LANE_KILL : AGENT_LANE_OPS,
		   act_run, act_done, j);
}

void job_act(struct agent *g, struct instance_run *run,
	     const struct recon_action *acts, size_t n)
{
	run->moved = true;
	run->acting = (unsigned)n;
	for (size_t i = 0; i < n; i++) {
		if (acts[i].op == RECON_HOOK)
			job_hook(g, run, &acts[i]);
		else
			job_drive_one(g, run, &acts[i]);
	}
}

void job_kill(struct agent *g, struct instance_run *run,
	      const struct recon_action *acts, size_t n)
{
	struct run_job *j = job_new(g, run, n);

	for (size_t i = 0; i < n; i++) {
		j->items[i].res = acts[i].res;
		j->items[i].op = DRIVE_KILL;
	}
	run->killing = true;
	agent_log(g, 4,
		  "%s: the lease runs out, or is of another epoch: "
		  "stopping it the hard way",
		  run->service);
	g->io.work(g->io.ctx, AGENT_LANE_KILL, kill_run, kill_done, j);
}
