/*
 * The reconciler in rows: what is wanted, what is there and remembered, and
 * the next step. Whole starts and stops are in order_test.c.
 */
#include "tests/lib/table.h"

#include "tests/unit/plan/plan_res.h"

struct row {
	const char *name;
	const char *want; /* up, down, nothing, kill; was_up, frozen, keep */
	const char *res;
	/* The container's agent: [VM'S-WANT TOKEN up_for TOKEN-SAID STATE
	 * AVAIL], "once" it was all up, "asked" for as long as one may be; or
	 * "off MS"; "" if there is none. */
	const char *vm;
	const char *step;
};

// clang-format off
static const struct row starts[] = {
	{ "nothing wanted", "nothing", "fs#1=up fs#2=down", "", "settled idle" },
	{ "the first that is down", "up", "ip#1=up fs#1=down fs#2=down", "", "start fs#1" },
	{ "all up", "up", "ip#1=up fs#1=up", "", "settled idle" },
	{ "no resources", "up", "", "", "settled idle" },
	{ "half up is started", "up", "fs#1=warn", "", "start fs#1" },
	{ "half up after a good start is taken", "up", "fs#1=warn!ds", "", "settled idle" },
	{ "unknown is started once", "up", "fs#1=undef", "", "start fs#1" },
	{ "unknown after a good start is taken", "up", "fs#1=undef!d", "", "settled idle" },
	{ "n/a is not started", "up", "fs#1=na", "", "settled idle" },
	{ "what has no driver is not passed over", "up", "container#1=undriven", "", "start container#1" },
	{ "what has no driver has nothing to stop", "down", "container#1=undriven", "", "settled idle" },
	{ "an app without check is started once", "up", "app#1=na", "", "start app#1" },
	{ "an app without check was started", "up", "app#1=na!ds", "", "settled idle" },
	{ "disabled ones are left out", "up", "fs#1:d=down", "", "settled idle" },
	{ "noaction ones are left out", "up", "fs#1:n=down", "", "settled idle" },
	{ "encap ones are not this level's", "up", "fs#1:e=down", "", "settled idle" },
	{ "standby ones are part of a start", "up", "fs#1:s=down", "", "start fs#1" },
	{ "frozen does not hinder a start", "up frozen", "fs#1=down", "", "start fs#1" },

	{ "fell down before all was up: no restarts", "up", "fs#1=down!ds fs#2=up!ds", "",
	  "stop fs#2 (rollback: fs#1 did not stay up after its start)" },
	{ "fell down before all was up: restart", "up", "fs#1:r1=down!ds fs#2=up!ds", "",
	  "start fs#1 (it fell down: restart 1 of 1)" },
	{ "fell down before all was up: no more restarts", "up", "fs#1:r1=down!dsr1 fs#2=up!ds", "",
	  "stop fs#2 (rollback: fs#1 did not stay up after its start)" },
	{ "fell down before all was up, optional", "up", "fs#1:o=down!ds fs#2=down", "", "start fs#2" },

	{ "fell down: left", "up was_up", "fs#1=down fs#2=up", "", "settled idle" },
	{ "fell down: restart", "up was_up", "fs#1:r3=down!r1 fs#2=up", "", "start fs#1 (it fell down: restart 2 of 3)" },
	{ "fell down: no more restarts", "up was_up", "fs#1:r3=down!r3 fs#2=up", "", "settled idle" },
	{ "fell down: a restart that failed is no rollback", "up was_up", "fs#1:r2=down!Fr1 fs#2=up!ds", "", "start fs#1 (it fell down: restart 2 of 2)" },
	{ "fell down: standby has two restarts", "up was_up", "fs#1:s=down!r1", "", "start fs#1 (it fell down: restart 2 of 2)" },
	{ "fell down: standby, no more", "up was_up", "fs#1:s=down!r2", "", "settled idle" },
	{ "fell down: frozen", "up was_up frozen", "fs#1:r3=down", "", "settled idle" },
	{ "fell down: half up, unknown and n/a are not down", "up was_up", "fs#1:r1=warn fs#2:r1=undef app#1:r1=na", "", "settled idle" },
};

static const struct row failures[] = {
	{ "a start failed: stop what was started, last first", "up", "ip#1=up!ds fs#1=up!ds fs#2=down!FE fs#3=down", "",
	  "stop fs#1 (rollback: no such device)" },
	{ "rollback: next", "up", "ip#1=up!ds fs#1=down!d fs#2=down!FE", "", "stop ip#1 (rollback: no such device)" },
	{ "rollback: done", "up", "ip#1=down!d fs#1=down!d fs#2=down!FE", "", "failed start failed: no such device" },
	{ "rollback: what was up before stays", "up", "ip#1=up!d fs#1=down!FE", "", "failed start failed: no such device" },
	{ "rollback: what failed half-way is stopped, too", "up", "ip#1=up!d fs#1=warn!FE", "", "stop fs#1 (rollback: no such device)" },
	{ "rollback: ... once", "up", "fs#1=warn!dFE", "", "failed start failed: no such device" },
	{ "rollback: standby stays", "up", "fs#1:s=up!ds fs#2=down!FE", "", "failed start failed: no such device" },
	{ "rollback: an app that cannot be asked", "up", "app#1=na!ds app#2=down!FE", "", "stop app#1 (rollback: no such device)" },
	{ "rollback: a stop that fails is given up", "up", "ip#1=up!ds fs#1=up!dsS fs#2=down!FE", "", "stop ip#1 (rollback: no such device)" },
	{ "rollback: not asked for", "up keep", "ip#1=up!ds fs#1=down!FE", "", "failed start failed: no such device" },
	{ "a start failed, optional", "up", "fs#1:o=down!FE fs#2=down", "", "start fs#2" },
	{ "a start failed, optional, all else up", "up", "fs#1:o=down!FE fs#2=up", "", "settled idle" },
	{ "a start failed, reason not known any more", "up", "fs#1=down!F", "", "failed start failed: the start of fs#1 failed" },
};

static const struct row stops[] = {
	{ "the last that is up", "down", "ip#1=up fs#1=up app#1=up", "", "stop app#1" },
	{ "the next", "down", "ip#1=up fs#1=up app#1=down!d", "", "stop fs#1" },
	{ "all down", "down", "ip#1=down fs#1=down", "", "settled idle" },
	{ "half up is stopped", "down", "fs#1=warn", "", "stop fs#1" },
	{ "unknown is stopped", "down", "fs#1=undef", "", "stop fs#1" },
	{ "unknown after a good stop", "down", "fs#1=undef!d", "", "failed stop failed: stop fs#1: it came back well, but fs#1 is not down" },
	{ "up after a good stop", "down", "fs#1=up!d", "", "failed stop failed: stop fs#1: it came back well, but fs#1 is not down" },
	{ "n/a is not stopped", "down", "fs#1=na", "", "settled idle" },
	{ "an app without check: its stop is run", "down", "fs#1=up app#1=na", "", "stop app#1" },
	{ "an app without check: once", "down", "fs#1=up app#1=na!d", "", "stop fs#1" },
	{ "an app that is n/a as the rest is down", "down", "fs#1=down app#1=na", "", "settled idle" },
	{ "a stop failed: the rest is not touched", "down", "ip#1=up fs#1=up!SE", "", "failed stop failed: no such device" },
	{ "a stop failed, but it is down now", "down", "ip#1=up fs#1=down!SE", "", "stop ip#1" },
	{ "a stop failed, optional", "down", "ip#1=up fs#1:o=up!SE", "", "stop ip#1" },
	{ "disabled, noaction and encap ones are left", "down", "fs#1:d=up fs#2:n=up fs#3:e=up", "", "settled idle" },
	{ "standby ones stay up", "down", "fs#1:s=up", "", "settled idle" },
	{ "standby ones are started, last", "down", "fs#1:s=down fs#2=up", "", "stop fs#2" },
	{ "standby ones are started", "down", "fs#1:s=down fs#2=down", "", "start fs#1 (it is standby: up whether the rest is or not)" },
	{ "standby ones whose start failed", "down", "fs#1:s=down!F", "", "settled idle" },
	{ "standby ones that fell down: twice", "down", "fs#1:s=down!dr2", "", "settled idle" },
	{ "standby ones when frozen", "down frozen", "fs#1:s=down!d", "", "settled idle" },
};

#define UPRES   "fs#1=up container#0@vm1=up!ds fs#e:e=down app#1=down"
#define ROLLRES "fs#1=up!d container#0@vm1=up!ds fs#e:e=up app#1=down!FE"
#define DOWNRES "fs#1=up container#0@vm1=up fs#e:e=up app#1=down"
#define NO_ANSWER " (its agent does not answer: what runs in it ends with it)"
static const struct row encaps[] = {
	{ "start: the container", "up", "fs#1=up container#0@vm1=down app#1=down", "up 5 off 0", "start container#0" },
	{ "start: its agent does not answer yet", "up", UPRES, "up 5 off 1000", "wait starting: container#0 is up, its agent does not answer yet" },
	{ "start: its agent never answers", "up", UPRES, "up 5 off 20000", "start app#1" },
	{ "start: its agent has said nothing yet", "up", UPRES, "up 5 on 0 idle n/a", "wait starting: the encap resources in container#0 are not up yet" },
	{ "start: its agent speaks of another assignment", "up", UPRES, "up 5 on 4 idle up once", "wait starting: the encap resources in container#0 are not up yet" },
	{ "start: it starts", "up", UPRES, "up 5 on 5 starting warn", "wait starting: the encap resources in container#0 are not up yet" },
	{ "start: down and idle has only just booted", "up", UPRES, "up 5 on 5 idle down", "wait starting: the encap resources in container#0 are not up yet" },
	{ "start: all up inside", "up", UPRES, "up 5 on 5 idle up once", "start app#1" },
	{ "start: n/a inside", "up", UPRES, "up 5 on 5 idle n/a once", "start app#1" },
	{ "start: half up inside, and settled", "up", UPRES, "up 5 on 5 idle warn once", "start app#1" },
	{ "start: fallen down inside since", "up", UPRES, "up 5 on 5 idle down once", "start app#1" },
	{ "start: its agent never says anything", "up", UPRES, "up 5 on 0 idle n/a asked", "start app#1" },
	{ "start: its agent never speaks of the assignment", "up", UPRES, "up 5 on 4 idle up once asked", "start app#1" },
	{ "start: it is at work for long", "up", UPRES, "up 5 on 5 starting warn asked", "wait starting: the encap resources in container#0 are not up yet" },
	{ "start: it is at work for long, on another assignment", "up", UPRES, "up 5 on 4 starting warn asked", "start app#1" },
	{ "start: it knows, and never begins", "up", UPRES, "up 5 on 5 idle down asked", "start app#1" },
	{ "start: failed inside, after long", "up", "fs#1=up container#0@vm1=up!d app#1=down", "up 5 on 5 start-failed down asked",
	  "failed start failed: what runs in container#0: start failed: no reason given failed=container#0" },
	{ "start: failed inside: it is told to halt", "up", UPRES, "up 5 on 5 start-failed down",
	  "wait starting: what runs in container#0 is stopped before it halt=container#0 failed=container#0" },
	{ "start: failed inside, at work on it", "up", "fs#1=up container#0@vm1=up!dsFE app#1=down", "up 5 on 5 start-failed down halted stopping",
	  "wait starting: what runs in container#0 is stopped before it halt=container#0" },
	{ "start: failed inside, nothing is left there", "up", UPRES, "up 5 on 5 start-failed down halted",
	  "stop container#0 (rollback: what runs in container#0: start failed: no reason given) failed=container#0" },
	{ "rollback: what is up inside is stopped first", "up", ROLLRES, "up 5 on 5 idle up once", "wait starting: what runs in container#0 is stopped before it halt=container#0" },
	{ "rollback: ... also what has not begun yet", "up", ROLLRES, "up 5 on 4 idle down", "wait starting: what runs in container#0 is stopped before it halt=container#0" },
	{ "rollback: ... as long as it takes", "up", ROLLRES, "up 5 on 5 stopping warn halted late", "wait starting: what runs in container#0 is stopped before it halt=container#0" },
	{ "rollback: ... not for ever", "up", ROLLRES, "up 5 on 5 idle up once late", "stop container#0 (rollback: no such device)" },
	{ "rollback: what is stopped inside", "up", ROLLRES, "up 5 on 5 idle down halted", "stop container#0 (rollback: no such device)" },
	{ "rollback: what cannot be stopped inside ends with it", "up", ROLLRES, "up 5 on 5 stop-failed up halted", "stop container#0 (rollback: no such device)" },
	{ "rollback: the agent inside is not there", "up", ROLLRES, "up 5 off 0", "stop container#0 (rollback: no such device)" },
	{ "rollback: the inside is not to be up", "up", ROLLRES, "down 5 on 5 idle up", "stop container#0 (rollback: no such device)" },
	{ "start: failed inside, the container was up before", "up", "fs#1=up container#0@vm1=up!d app#1=down", "up 5 on 5 start-failed down",
	  "failed start failed: what runs in container#0: start failed: no reason given failed=container#0" },
	{ "start: the failure inside is of an older assignment", "up", UPRES, "up 5 on 4 start-failed down", "wait starting: the encap resources in container#0 are not up yet" },
	{ "start: only the hypervisor level", "up", UPRES, "down 5 off 0", "start app#1" },
	{ "start: the inside was never asked for", "up", UPRES, "nothing 0 off 0", "start app#1" },
	{ "start: the container is optional and failed", "up", "container#0@vm1:o=down!F app#1=down", "up 5 off 0", "start app#1" },
	{ "up: what fails inside later is no failed start", "up was_up", "fs#1=up container#0@vm1=up app#1=up", "up 5 on 5 start-failed down", "settled idle" },
	{ "up: the container is started again", "up was_up", "fs#1=up container#0@vm1:r1=down app#1=up", "up 5 off 0", "start container#0 (it fell down: restart 1 of 1)" },

	{ "stop: what comes after the container first", "down", "fs#1=up container#0@vm1=up app#1=up", "down 5 on 5 idle up", "stop app#1" },
	{ "stop: the inside before the container", "down", DOWNRES, "down 5 on 5 stopping up", "wait stopping: the encap resources in container#0 are not down yet" },
	{ "stop: the inside has not heard of it", "down", DOWNRES, "down 5 on 4 idle up once", "wait stopping: the encap resources in container#0 are not down yet" },
	{ "stop: all down inside", "down", DOWNRES, "down 5 on 5 idle down", "stop container#0" },
	{ "stop: n/a inside, but not settled", "down", DOWNRES, "down 5 on 5 stopping n/a", "wait stopping: the encap resources in container#0 are not down yet" },
	{ "stop: the agent is not there", "down", DOWNRES, "down 5 off 0", "stop container#0" NO_ANSWER },
	{ "stop: the agent never says anything", "down", DOWNRES, "down 5 on 0 idle n/a asked", "stop container#0" NO_ANSWER },
	{ "stop: the agent never speaks of the assignment", "down", DOWNRES, "down 5 on 4 idle up once asked", "stop container#0" NO_ANSWER },
	{ "stop: it is at work for long", "down", DOWNRES, "down 5 on 5 stopping up asked", "wait stopping: the encap resources in container#0 are not down yet" },
	{ "stop: it is at work for long, on another assignment", "down", DOWNRES, "down 5 on 4 stopping up asked", "stop container#0" NO_ANSWER },
	{ "stop: it is done, and something optional is left", "down", DOWNRES, "down 5 on 5 idle up", "wait stopping: the encap resources in container#0 are not down yet" },
	{ "stop: ... and not for ever", "down", DOWNRES, "down 5 on 5 idle up asked", "stop container#0" NO_ANSWER },
	{ "stop: failed inside, after long", "down", DOWNRES, "down 5 on 5 stop-failed warn asked", "failed stop failed: what runs in container#0: stop failed: no reason given" },
	{ "stop: failed inside", "down", DOWNRES, "down 5 on 5 stop-failed warn", "failed stop failed: what runs in container#0: stop failed: no reason given" },
	{ "stop: only the hypervisor level", "down", DOWNRES, "up 5 on 5 idle up once", "stop container#0" },
	{ "stop: the container is down already", "down", "fs#1=up container#0@vm1=down app#1=down", "down 5 off 0", "stop fs#1" },
};

static const struct row kills[] = {
	{ "all at once", "kill", "ip#1=up fs#1=warn fs#2=undef app#1=up", "", "kill ip#1 fs#1 fs#2 app#1" },
	{ "not what is down", "kill", "ip#1=down fs#1=up", "", "kill fs#1" },
	{ "what was down, and is being started", "kill", "ip#1=down!b fs#1=down", "", "kill ip#1" },
	{ "not what is standby, disabled, noaction or of the other level", "kill", "ip#1:s=up fs#1:d=up fs#2:n=up fs#3:e=up", "", "settled idle" },
	{ "waits for nobody", "kill", DOWNRES, "up 5 on 5 idle up", "kill fs#1 container#0" },
	{ "all down", "kill", "ip#1=down fs#1=na", "", "settled idle" },
	{ "an app that cannot be asked, if it was up", "kill was_up", "app#1=na", "", "kill app#1" },
	{ "an app that cannot be asked, if it was started", "kill", "app#1=na!ds", "", "kill app#1" },
	{ "an app that cannot be asked, once", "kill", "app#1=na", "", "settled idle" },
	{ "whatever has failed before", "kill", "fs#1=up!SE fs#2=warn!F", "", "kill fs#1 fs#2" },
	{ "optional ones, too", "kill", "fs#1:o=up", "", "kill fs#1" },
};
// clang-format on

static bool has(const char *words, const char *word)
{
	return strstr(words, word) != NULL;
}

static enum want want_of(const char *word)
{
	if (strncmp(word, "up", 2) == 0 || strncmp(word, "kill", 4) == 0)
		return WANT_UP;
	return strncmp(word, "down", 4) == 0 ? WANT_DOWN : WANT_NOTHING;
}

static void view_parse(struct arena *a, const char *text, struct encap_view *v)
{
	char want[16], on[16], state[32] = "", avail[16] = "";
	unsigned token, n;
	struct doc *d = doc_map(a);
	int got = sscanf(text, "%15s %u %15s %u %31s %15s", want, &token, on,
			 &n, state, avail);

	assert_true(got >= 4);
	for (char *p = state; *p; p++)
		if (*p == '-')
			*p = ' ';
	*v = (struct encap_view){
		.rid = "container#0",
		.connected = strcmp(on, "on") == 0,
		.want = want_of(want),
		.token = token,
		.since_ms = n,
	};
	if (!v->connected)
		return;
	v->asked_ms = has(text, "asked") ? 20000 : 19999;
	doc_put_int(a, d, "token", n);
	doc_put_str(a, d, "state", state);
	doc_put_str(a, d, "avail", avail);
	if (has(text, "once"))
		doc_put_bool(a, d, "up_once", true);
	if (has(text, "halted")) {
		doc_put_bool(a, d, "halted", true);
		doc_put_str(a, d, "state",
			    has(text, "halted stopping") ? "stopping"
			    : has(text, "stop-failed")	 ? "stop failed"
							 : state);
	}
	v->halted_ms = has(text, "late") ? 20000 : 0;
	v->status = d;
}

static const char *op_word(enum recon_op op)
{
	static const char *const words[] = { "start", "stop", "kill" };

	return words[op];
}

static void put_actions(struct buf *b, const struct plan_inst *p,
			const struct recon_out *out)
{
	buf_puts(b, op_word(out->at[0].op));
	for (size_t i = 0; i < out->n; i++)
		buf_printf(b, " %s", p->res[out->at[i].res].rid);
	if (out->at[0].op != RECON_KILL && !has(out->at[0].why, "next in"))
		buf_printf(b, " (%s)", out->at[0].why);
}

/* What came out; and which resource was noted as failed. */
static const char *step_text(struct arena *a, const struct plan_inst *p,
			     const struct plan_inst *before,
			     const struct recon_out *out)
{
	struct buf b = BUF(a);

	switch (out->state) {
	case RECON_SETTLED:
		buf_printf(&b, "settled %s", out->word);
		break;
	case RECON_ACT:
		put_actions(&b, p, out);
		break;
	case RECON_WAIT:
		buf_printf(&b, "wait %s: %s", out->word, out->wait);
		break;
	case RECON_FAILED:
		buf_printf(&b, "failed %s: %s", out->word, out->wait);
		break;
	}
	if (out->halt)
		buf_printf(&b, " halt=%s", out->halt);
	for (size_t i = 0; i < p->inst.n; i++)
		if (p->memory[i].start_failed &&
		    !before->memory[i].start_failed &&
		    strcmp(p->res[i].group, "container") == 0)
			buf_printf(&b, " failed=%s", p->res[i].rid);
	return buf_text(&b);
}

static void steps(void **state)
{
	const struct row *row = *state;
	SCOPED(arena) struct arena *a = arena_new();
	struct plan_inst *p = plan_inst(a, row->res, LEVEL_HYPERVISOR, "hv1");
	struct plan_inst before = *p;
	/* Before and behind the one that counts: of other containers. */
	struct encap_view views[3] = { { .rid = "container#8" },
				       { .rid = "container#0" },
				       { .rid = "container#9" } };
	struct recon_in in = {
		.inst = &p->inst,
		.want = want_of(row->want),
		.kill = has(row->want, "kill"),
		.frozen = has(row->want, "frozen"),
		.was_up = has(row->want, "was_up"),
		.probes = p->probes,
		.memory = p->memory,
		.encaps = views,
		.n_encaps = row->vm[0] ? 3 : 0,
		.agent_timeout_ms = 20000,
	};
	struct recon_out out;

	p->inst.conf.rollback = !has(row->want, "keep");
	for (size_t i = 0; i < 3; i++) {
		struct encap_view other = { .rid = "container#7" };

		if (row->vm[0])
			view_parse(a, row->vm, &views[i]);
		if (i)
			views[i - 1] = other;
		memcpy(p->memory, before.memory, sizeof(p->memory));
		reconcile(a, &in, &out);
		assert_string_equal(step_text(a, p, &before, &out), row->step);
	}
}

int main(void)
{
	return TABLE_RUN(starts, steps) + TABLE_RUN(failures, steps) +
	       TABLE_RUN(stops, steps) + TABLE_RUN(encaps, steps) +
	       TABLE_RUN(kills, steps);
}
