#include "drivers/fence.h"

#include <errno.h>
#include <string.h>

#include "drivers/job.h"
#include "drivers/run.h"

/* -- one try ----------------------------------------------------------------
 */

static const char *input_of(const struct fence_call *c)
{
	struct buf b = BUF(c->arena);

	buf_printf(&b, "action=%s\nnodename=%s\n", c->action, c->node);
	for (size_t i = 0; i < c->device->options.n; i++)
		buf_printf(&b, "%s\n", c->device->options.at[i]);
	buf_puts(&b, c->secrets);
	return buf_text(&b);
}

/* What a program says of a failure may have in it what it was told. */
static void hide_secrets(const struct fence_call *c, struct err *err)
{
	for (const char *line = c->secrets; *line;) {
		size_t n = strcspn(line, "\n"), skip = strcspn(line, "=") + 1;
		const char *value =
			skip < n ? arena_printf(c->arena, "%.*s",
						(int)(n - skip), line + skip)
				 : "";

		for (char *at = *value ? strstr(err->text, value) : NULL; at;
		     at = strstr(at + strlen(value), value))
			memset(at, '*', strlen(value));
		line += n + (line[n] == '\n');
	}
}

static int argv_of(const struct fence_call *c, const char *const **ret,
		   struct err *err)
{
	const char **argv;

	if (c->device->command)
		return run_split(c->arena, c->device->command, ret, err);
	argv = ARENA_VEC(c->arena, const char *, 2);
	argv[0] = c->device->agent;
	*ret = argv;
	return 0;
}

int fence_call(const struct fence_call *c, struct err *err)
{
	const char *const env[] = {
		arena_printf(c->arena, "ENCAP_FENCE_NODE=%s", c->node),
		arena_printf(c->arena, "ENCAP_FENCE_ACTION=%s", c->action),
		NULL,
	};
	struct run r = {
		.env = env,
		.input = input_of(c),
		.deadline_ms = driver_now_ms() + c->device->timeout_ms,
	};
	struct err own = { 0 };
	int rc = argv_of(c, &r.argv, &own);

	if (rc == 0)
		rc = run_wait(&r, &own);
	if (rc == RUN_FAILED && r.code == 2 && strcmp(c->action, "status") == 0)
		return FENCE_IS_OFF;
	if (rc == RUN_FAILED)
		rc = err_set(&own, -EIO, "%s: exit code %d%s%s", r.argv[0],
			     r.code, *run_said(&r) ? ": " : "", run_said(&r));
	if (rc < 0) {
		hide_secrets(c, &own);
		if (err)
			*err = own;
	}
	return rc;
}

/* -- all of them ------------------------------------------------------------
 */

struct walk {
	const struct fence_order *o;
	fence_fn fn;
	void *ctx;
	struct err *err;
	struct buf by, note;
};

static int try_device(struct walk *w, size_t i, const char *action)
{
	const struct fence_device *d = &w->o->devices->at[i];
	const struct fence_call c = {
		.node = w->o->node,
		.action = action,
		.device = d,
		.secrets = w->o->secrets[i],
		.arena = w->o->arena,
	};
	int rc = -EIO;

	for (unsigned k = 0; k <= d->retries && rc < 0; k++)
		rc = w->fn(w->ctx, &c, w->err);
	if (rc < 0)
		return err_wrap(w->err, rc, "%s %s", d->section, action);
	return 0;
}

/* The devices from @i to before @to, of which each has to succeed. */
static int try_level(struct walk *w, size_t i, size_t to, const char *action)
{
	for (; i < to; i++) {
		int rc = try_device(w, i, action);

		if (rc < 0)
			return rc;
	}
	return 0;
}

/* One of two supplies that goes off and on again ends nothing: all go off, then
 * all go on. Once they were off it is done, whatever comes of the rest. */
static int reboot_level(struct walk *w, size_t i, size_t to)
{
	int rc;

	if (to - i == 1)
		return try_device(w, i, "reboot");
	rc = try_level(w, i, to, "off");
	if (rc < 0)
		return rc;
	for (; i < to; i++)
		if (try_device(w, i, "on") < 0)
			buf_printf(&w->note, "%s%s", w->note.len ? "; " : "",
				   w->err->text);
	return 0;
}

int fence_carry_out(const struct fence_order *o, fence_fn fn, void *ctx,
		    const char **ret_by, const char **ret_note, struct err *err)
{
	struct walk w = { o, fn, ctx, err, BUF(o->arena), BUF(o->arena) };
	const struct fence_devices *d = o->devices;
	struct buf why = BUF(o->arena);
	int rc = -ENODEV;

	for (size_t i = 0, to; i < d->n; i = to) {
		for (to = i; to < d->n && d->at[to].level == d->at[i].level;)
			to++;
		rc = strcmp(o->action, "reboot") == 0
			     ? reboot_level(&w, i, to)
			     : try_level(&w, i, to, o->action);
		if (rc == 0) {
			for (; i < to; i++)
				buf_printf(&w.by, "%s%s", w.by.len ? " " : "",
					   d->at[i].section);
			*ret_by = buf_text(&w.by);
			*ret_note = buf_text(&w.note);
			return 0;
		}
		buf_printf(&why, "%s%s", why.len ? "; " : "", err->text);
	}
	return err_set(err, rc, "%s",
		       d->n ? buf_text(&why) : "there is no fence device");
}
