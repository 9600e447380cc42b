#include "fsm/conf/fence.h"

#include <errno.h>
#include <string.h>

#include "fsm/conf/convert.h"
#include "fsm/conf/ini.h"
#include "fsm/conf/text.h"

#define TIMEOUT_MS 60000
#define RETRIES	   2
#define MARGIN_MS  3000 /* of a try: to end a program that hangs */

enum word {
	WORD_AGENT,
	WORD_COMMAND,
	WORD_OPTIONS,
	WORD_ACTION,
	WORD_LEVEL,
	WORD_TIMEOUT,
	WORD_RETRIES,
	WORD_DELAY,
	WORD_COMMENT,
	WORDS,
};

static const struct {
	const char *name;
	enum conv conv;
	int64_t min, max; /* of a number */
} words[WORDS] = {
	[WORD_AGENT] = { "agent", CONV_STRING, 0, 0 },
	[WORD_COMMAND] = { "command", CONV_STRING, 0, 0 },
	[WORD_OPTIONS] = { "options", CONV_SHLEX, 0, 0 },
	[WORD_ACTION] = { "action", CONV_STRING, 0, 0 },
	[WORD_LEVEL] = { "level", CONV_INTEGER, 1, FENCE_LEVELS },
	[WORD_TIMEOUT] = { "timeout", CONV_DURATION, 100, 3600000 },
	[WORD_RETRIES] = { "retries", CONV_INTEGER, 0, 20 },
	[WORD_DELAY] = { "delay", CONV_DURATION, 0, 600000 },
	[WORD_COMMENT] = { "comment", CONV_STRING, 0, 0 },
};

const char *fence_section_node(struct arena *a, const char *section)
{
	const char *node, *colon;

	if (strncmp(section, "fence#", 6) != 0)
		return NULL;
	node = section + 6;
	colon = strchr(node, ':');
	if (colon && !colon[1])
		return NULL;
	node = text_lowered(a, arena_printf(a, "%.*s",
					    (int)(colon ? colon - node
							: (long)strlen(node)),
					    node));
	return name_check(node, NULL) == 0 ? node : NULL;
}

static enum word word_find(const char *name)
{
	enum word w = 0;

	while (w < WORDS && strcmp(words[w].name, name) != 0)
		w++;
	return w;
}

/* -- one section ------------------------------------------------------------
 */

static const char *known_words(struct arena *a)
{
	struct buf b = BUF(a);

	for (size_t i = 0; i < WORDS; i++)
		buf_printf(&b, "%s%s", i ? ", " : "", words[i].name);
	return buf_text(&b);
}

/* Passwords would be there for everybody who reads the configuration. */
static bool is_secret(struct arena *a, const char *option)
{
	static const char *const parts[] = { "passw", "secret",
					     "token=", "api_key=" };
	size_t n = strcspn(option, "=") + 1;
	const char *name =
		text_lowered(a, arena_printf(a, "%.*s", (int)n, option));

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (strstr(name, parts[i]))
			return true;
	return false;
}

static int check_options(struct arena *a, const struct names *l,
			 const char *section, struct err *err)
{
	static const char *const ours[] = { "action=", "nodename=", NULL };

	for (size_t i = 0; i < l->n; i++) {
		const char *o = l->at[i];

		if (!strchr(o, '=') || *o == '=')
			return err_set(err, -EINVAL,
				       "options: '%.60s' is not NAME=VALUE", o);
		if (is_secret(a, o))
			return err_set(err, -EINVAL,
				       "options: %.*s is kept as a secret, not "
				       "here: 'encap secret set %.80s %.*s'",
				       (int)strcspn(o, "="), o, section,
				       (int)strcspn(o, "="), o);
		for (size_t k = 0; ours[k]; k++)
			if (strncmp(o, ours[k], strlen(ours[k])) == 0)
				return err_set(err, -EINVAL,
					       "options: %.*s is said by the "
					       "agent itself",
					       (int)strcspn(o, "="), o);
		if (strpbrk(o, "\r\n"))
			return err_set(err, -EINVAL,
				       "options: a line break in %.*s",
				       (int)strcspn(o, "="), o);
	}
	return 0;
}

static int take_word(struct arena *a, struct fence_device *d, enum word w,
		     const struct value *v, struct err *err)
{
	switch (w) {
	case WORD_AGENT:
		d->agent = *v->text ? v->text : NULL;
		return 0;
	case WORD_COMMAND:
		d->command = *v->text ? v->text : NULL;
		return 0;
	case WORD_OPTIONS:
		d->options = v->words;
		return check_options(a, &v->words, d->section, err);
	case WORD_ACTION:
		d->off = strcmp(v->text, "off") == 0;
		if (!d->off && strcmp(v->text, "reboot") != 0)
			return err_set(err, -EINVAL,
				       "action: '%.30s' is not reboot or off",
				       v->text);
		return 0;
	case WORD_LEVEL:
		d->level = (unsigned)v->num;
		return 0;
	case WORD_TIMEOUT:
		d->timeout_ms = v->num;
		return 0;
	case WORD_RETRIES:
		d->retries = (unsigned)v->num;
		return 0;
	case WORD_DELAY:
		d->delay_ms = v->num;
		return 0;
	case WORD_COMMENT:
	case WORDS:
		break;
	}
	return 0;
}

static int take_key(struct arena *a, struct fence_device *d,
		    const struct ini_key *k, struct err *err)
{
	enum word w = word_find(k->option);
	struct value v;
	int rc;

	if (w == WORDS)
		return err_set(err, -EINVAL,
			       "'%.40s' is no keyword of a fence device: those "
			       "are %s",
			       k->option, known_words(a));
	if (*k->scope)
		return err_set(err, -EINVAL,
			       "%s@%.40s: the cluster's configuration has no "
			       "scopes",
			       k->option, k->scope);
	rc = convert(a, words[w].conv, k->value, &v, err);
	if (rc < 0)
		return err_wrap(err, rc, "%s", k->option);
	if (words[w].max && (v.num < words[w].min || v.num > words[w].max))
		return err_set(err, -EINVAL, "%s: '%.30s' is not %s", k->option,
			       k->value,
			       w == WORD_TIMEOUT   ? "100ms to 1h"
			       : w == WORD_DELAY   ? "0 to 10m"
			       : w == WORD_RETRIES ? "0 to 20"
						   : "1 to 9");
	return take_word(a, d, w, &v, err);
}

/* @p: NULL where the first problem ends it. */
static int read_section(struct arena *a, const struct ini_section *s,
			struct fence_device *d, struct problems *p,
			struct err *err)
{
	int rc = 0;

	*d = (struct fence_device){ .section = s->name,
				    .level = 1,
				    .retries = RETRIES,
				    .timeout_ms = TIMEOUT_MS };
	for (const struct ini_key *k = s->keys; k && rc == 0; k = k->next) {
		if (k->gone)
			continue;
		rc = take_key(a, d, k, err);
		if (rc < 0 && p) {
			problem_add(p, k->line, true, "[%s] %s", s->name,
				    err->text);
			rc = 0;
		}
	}
	if (rc == 0 && !d->agent == !d->command) {
		rc = err_set(err, -EINVAL,
			     "a fence device has either an agent or a command");
		if (p)
			problem_add(p, s->line, true, "[%s] %s", s->name,
				    err->text);
	}
	return p ? 0 : rc;
}

/* -- the whole --------------------------------------------------------------
 */

void cluster_config_validate(struct arena *a, const struct conf *c,
			     struct problems *p)
{
	for (size_t i = 0; i < c->n; i++) {
		const struct ini_section *s = c->sections[i];
		struct fence_device d;
		struct err err = { 0 };

		if (s->gone || (strcmp(s->name, "DEFAULT") == 0 && !s->keys))
			continue;
		if (!fence_section_node(a, s->name))
			problem_add(p, s->line, true,
				    "[%s] is no section of a cluster's "
				    "configuration: those are fence#NODE and "
				    "fence#NODE:NAME",
				    s->name);
		else
			read_section(a, s, &d, p, &err);
	}
}

struct names fence_sections(struct arena *a, const struct conf *c)
{
	struct names l = { .at = ARENA_VEC(a, const char *,
					   (c ? c->n : 0) + 1) };

	for (size_t i = 0; c && i < c->n; i++)
		if (!c->sections[i]->gone &&
		    fence_section_node(a, c->sections[i]->name))
			l.at[l.n++] = c->sections[i]->name;
	return l;
}

bool fence_has_section(const struct conf *c, const char *section)
{
	const struct ini_section *s = ini_section(c, section);

	return s && !s->gone;
}

/* In place, and those of a level stay in their order. */
static void sort(struct fence_devices *d)
{
	for (size_t i = 1; i < d->n; i++) {
		struct fence_device x = d->at[i];
		size_t k = i;

		for (; k > 0 && d->at[k - 1].level > x.level; k--)
			d->at[k] = d->at[k - 1];
		d->at[k] = x;
	}
}

int fence_devices(struct arena *a, const char *text, const char *node,
		  struct fence_devices *ret, struct err *err)
{
	struct problems p = { .arena = a };
	struct conf *c =
		conf_parse(a, text ? text : "", text ? strlen(text) : 0, &p);

	*ret = (struct fence_devices){ 0 };
	if (!c)
		return err_set(err, -EINVAL,
			       "the cluster's configuration: %.400s",
			       p.n ? p.at[0].text : "cannot be read");
	ret->at = ARENA_VEC(a, struct fence_device, c->n + 1);
	for (size_t i = 0; i < c->n; i++) {
		const struct ini_section *s = c->sections[i];
		const char *of =
			s->gone ? NULL : fence_section_node(a, s->name);
		int rc;

		if (!of || strcmp(of, node) != 0)
			continue;
		rc = read_section(a, s, &ret->at[ret->n], NULL, err);
		if (rc < 0)
			return err_wrap(err, rc, "[%s]", s->name);
		ret->n++;
	}
	sort(ret);
	return 0;
}

int64_t fence_limit_ms(const struct fence_devices *d)
{
	int64_t ms = MARGIN_MS;

	/* Twice: a reboot by several devices is off, then on. */
	for (size_t i = 0; i < d->n; i++)
		ms += 2 * (d->at[i].retries + 1) *
		      (d->at[i].timeout_ms + MARGIN_MS);
	return ms;
}

int64_t fence_delay_ms(const struct fence_devices *d)
{
	int64_t ms = 0;

	for (size_t i = 0; i < d->n; i++)
		if (d->at[i].delay_ms > ms)
			ms = d->at[i].delay_ms;
	return ms;
}

const char *fence_default_action(const struct fence_devices *d)
{
	return d->n && d->at[0].off ? "off" : "reboot";
}
