/*
 * A row is matched word by word. Words in small letters stand for themselves,
 * `a|b` for one of them; in capitals they are places:
 *
 *     NODE, NODE...   a node or container, or several, up to the next word of
 *                     the row that stands for itself
 *     SERVICE RID TIME NUMBER FILE STATE
 *     TEXT...         the rest of the line
 *
 * and what is in brackets may be there or not, in any order, at the end. Of
 * several rows that begin alike the first that fits counts; where none does,
 * what is said is about the one that came furthest.
 */
#include "cluster/sim/scenario.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fsm/conf/text.h"

struct form {
	enum act act;
	const char *text;
};

// clang-format off
static const struct form forms[] = {
	{ ACT_CLUSTER,         "cluster FILE" },
	{ ACT_SEED,            "seed NUMBER" },
	{ ACT_BEGIN_STOPPED,   "begin stopped" },
	{ ACT_AGENT_KILL,      "kill agent NODE..." },
	{ ACT_KILL,            "kill NODE..." },
	{ ACT_BOOT,            "boot NODE..." },
	{ ACT_REBOOT,          "reboot NODE... [for TIME]" },
	{ ACT_AGENT_START,     "start agent NODE..." },
	{ ACT_AGENT_RESTART,   "restart agent NODE... [for TIME]" },
	{ ACT_PAUSE,           "pause NODE TIME" },
	{ ACT_SLEEP,           "sleep NODE TIME" },
	{ ACT_ADD,             "add NODE" },
	{ ACT_SNAPSHOT,        "snapshot NODE" },
	{ ACT_RESTORE,         "restore NODE" },
	{ ACT_CUT_BETWEEN,     "cut NODE... from NODE..." },
	{ ACT_CUT_TO,          "cut NODE... to NODE..." },
	{ ACT_CUT,             "cut NODE..." },
	{ ACT_HEAL,            "heal" },
	{ ACT_DISK,            "disk NODE full|slow|broken|ok" },
	{ ACT_DRIFT,           "drift NODE NUMBER" },
	{ ACT_CLOCK,           "clock NODE TIME" },
	{ ACT_DOWN,            "down SERVICE RID [on NODE]" },
	{ ACT_FAIL_FENCE,      "fail fence NODE [times NUMBER]" },
	{ ACT_FAIL,            "fail start|stop|kill SERVICE RID [on NODE] [times NUMBER]" },
	{ ACT_HANG,            "hang start|stop SERVICE RID [on NODE] [times NUMBER]" },
	{ ACT_SLOW,            "slow start|stop SERVICE RID TIME [on NODE]" },
	{ ACT_MEND,            "mend SERVICE" },
	{ ACT_FREEZE_NODE,     "freeze node NODE [via NODE]" },
	{ ACT_THAW_NODE,       "thaw node NODE [via NODE]" },
	{ ACT_FREEZE,          "freeze SERVICE [via NODE]" },
	{ ACT_THAW,            "thaw SERVICE [via NODE]" },
	{ ACT_WANT,            "start|stop|restart SERVICE [via NODE]" },
	{ ACT_MOVE,            "move SERVICE NODE [via NODE]" },
	{ ACT_SET,             "set SERVICE [via NODE] TEXT..." },
	{ ACT_UNSET,           "unset SERVICE [via NODE] TEXT..." },
	{ ACT_EDIT,            "edit SERVICE FILE [via NODE]" },
	{ ACT_CREATE,          "create SERVICE FILE [via NODE]" },
	{ ACT_DELETE,          "delete SERVICE [via NODE]" },
	{ ACT_DRAIN,           "drain NODE [for TIME] [via NODE]" },
	{ ACT_UNDRAIN,         "undrain NODE [via NODE]" },
	{ ACT_MAINTENANCE_NODE, "maintenance on|off node NODE [via NODE]" },
	{ ACT_MAINTENANCE,     "maintenance on|off SERVICE [via NODE]" },
	{ ACT_FENCE,           "fence NODE [via NODE]" },
	{ ACT_CONFIRM_DOWN,    "confirm-down NODE [via NODE]" },
	{ ACT_DISARM,          "disarm TIME [via NODE]" },
	{ ACT_ARM,             "arm [via NODE]" },
	{ ACT_EMERGENCY,       "emergency SERVICE via NODE" },
	{ ACT_CLEAR,           "clear SERVICE [via NODE]" },
	{ ACT_LEAVE,           "leave NODE" },
	{ ACT_REMOVE,          "remove NODE [via NODE]" },
	{ ACT_ASK,             "ask [via NODE] TEXT..." },
	{ ACT_RUN,             "run TIME" },
	{ ACT_EXPECT_LEADER,   "expect leader [on NODE] [within TIME]" },
	{ ACT_EXPECT_LEADER,   "expect no leader [within TIME]" },
	{ ACT_EXPECT_DONE,     "expect done [within TIME]" },
	{ ACT_EXPECT_REFUSED,  "expect refused [within TIME] [TEXT...]" },
	{ ACT_EXPECT_SAID,     "expect said [within TIME] TEXT..." },
	{ ACT_EXPECT_NODE,     "expect node NODE alive|lost [within TIME] [for TIME]" },
	{ ACT_EXPECT_SERVICE,  "expect SERVICE up|down [on NODE...] [within TIME] [for TIME]" },
	{ ACT_EXPECT_RESOURCE, "expect SERVICE RID up|down [on NODE...] [within TIME] [for TIME]" },
};
// clang-format on

#define N_FORMS (sizeof(forms) / sizeof(forms[0]))

const char *scenario_form(size_t i)
{
	return i < N_FORMS ? forms[i].text : NULL;
}

int scenario_time(const char *word, int64_t *ret_ms, struct err *err)
{
	static const struct {
		const char *unit;
		double ms;
	} units[] = { { "", 1000 },   { "ms", 1 },	{ "s", 1000 },
		      { "m", 60000 }, { "h", 3600000 }, { "d", 86400000 } };
	size_t digits = strspn(word + (*word == '-'), "0123456789.");
	char *end;
	double v;

	if (digits) {
		v = strtod(word, &end);
		for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
			double ms = v * units[i].ms;

			if (strcmp(end, units[i].unit) != 0)
				continue;
			if (ms > (double)SCENARIO_MAX_MS ||
			    ms < -(double)SCENARIO_MAX_MS)
				break;
			*ret_ms = (int64_t)(ms + (ms < 0 ? -0.5 : 0.5));
			return 0;
		}
	}
	return err_set(err, -EINVAL,
		       "'%.40s' is no time of at most 30 days: 10s, 1.5s, "
		       "200ms, 2m, 1h",
		       word);
}

/* -- one row ---------------------------------------------------------------
 */

struct match {
	struct arena *arena;
	const struct names *words; /* of the line */
	size_t at;		   /* the next of them */
	struct names form;	   /* the row's words */
	struct scenario_step *step;
	const char *why; /* it does not fit; NULL: it does */
	size_t furthest; /* words that fitted; one that nearly did is two */
};

static bool is_place(const char *form)
{
	return *form >= 'A' && *form <= 'Z';
}

/* Is @word one of `a|b`? */
static bool is_word(const char *form, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = form; *p; p += strcspn(p, "|"), p += *p == '|')
		if (strcspn(p, "|") == n && memcmp(p, word, n) == 0)
			return true;
	return false;
}

static bool ends_list(const struct match *m, const char *word)
{
	for (size_t i = 0; i < m->form.n; i++) {
		const char *f = m->form.at[i];

		f += *f == '[';
		if (i && !is_place(f) && is_word(f, word))
			return true;
	}
	return false;
}

static void name_add(struct arena *a, struct names *l, const char *word)
{
	const char **at = ARENA_VEC(a, const char *, l->n + 1);

	if (l->n)
		memcpy(at, l->at, l->n * sizeof(*at));
	at[l->n] = text_lowered(a, word);
	l->at = at;
	l->n++;
}

static bool misfit(struct match *m, const char *why)
{
	m->why = why;
	return false;
}

static bool take_number(struct match *m, const char *word, int64_t *ret)
{
	char *end;
	double v = strtod(word, &end);

	if (end == word || (*end && strcmp(end, "%") != 0) || v > 1e9 ||
	    v < -1e9)
		return misfit(m, arena_printf(m->arena, "'%.40s' is no number",
					      word));
	/* A drift of 0.5 % is one of 5 per mille. */
	*ret = *end ? (int64_t)(v * 10) : (int64_t)v;
	return true;
}

static struct names *list_of(struct match *m, const char *before)
{
	if (strcmp(before, "on") == 0)
		return &m->step->on;
	if (strcmp(before, "from") == 0 || strcmp(before, "to") == 0)
		return &m->step->others;
	return &m->step->nodes;
}

static bool take_nodes(struct match *m, const char *before)
{
	struct names *l = list_of(m, before);

	while (m->at < m->words->n && !ends_list(m, m->words->at[m->at]))
		name_add(m->arena, l, m->words->at[m->at++]);
	return l->n || misfit(m, "a node is missing");
}

static bool take_time(struct match *m, const char *word, const char *before)
{
	struct scenario_step *s = m->step;
	int64_t *to = strcmp(before, "within") == 0 ? &s->within_ms
		      : strcmp(before, "for") == 0  ? &s->for_ms
						    : &s->ms;
	struct err err;

	if (scenario_time(word, to, &err) < 0)
		return misfit(m, arena_printf(m->arena, "%s", err.text));
	if (*to < 0 && s->act != ACT_CLOCK)
		return misfit(m, "a time that is to pass is below 0");
	return true;
}

/* `via NODE` may stand behind it, too. */
static bool take_rest(struct match *m)
{
	struct buf b = BUF(m->arena);
	size_t end = m->words->n;

	if (end >= m->at + 3 && !m->step->via && ends_list(m, "via") &&
	    strcmp(m->words->at[end - 2], "via") == 0) {
		m->step->via = text_lowered(m->arena, m->words->at[end - 1]);
		end -= 2;
	}
	while (m->at < end)
		buf_printf(&b, "%s%s", b.len ? " " : "", m->words->at[m->at++]);
	m->at = m->words->n;
	m->step->rest = buf_text(&b);
	return b.len || misfit(m, "there is something missing at the end");
}

/* A place of the row; @before is the row's word before it. */
static bool take_place(struct match *m, const char *form, const char *before)
{
	struct scenario_step *s = m->step;
	const char *word;

	if (strcmp(form, "TEXT...") == 0)
		return take_rest(m);
	if (m->at == m->words->n)
		return misfit(m, arena_printf(m->arena, "%s is missing", form));
	if (strcmp(form, "NODE...") == 0)
		return take_nodes(m, before);
	word = m->words->at[m->at++];
	if (strcmp(form, "NODE") == 0 && strcmp(before, "via") == 0)
		s->via = text_lowered(m->arena, word);
	else if (strcmp(form, "NODE") == 0)
		name_add(m->arena, list_of(m, before), word);
	else if (strcmp(form, "TIME") == 0)
		return take_time(m, word, before);
	else if (strcmp(form, "NUMBER") == 0)
		return take_number(m, word,
				   strcmp(before, "times") == 0 ? &s->times
								: &s->number);
	else if (strcmp(form, "SERVICE") == 0)
		s->service = word;
	else if (strcmp(form, "RID") == 0)
		s->rid = word;
	else
		s->file = word;
	return true;
}

static bool take_word(struct match *m, const char *form)
{
	struct nearest near;
	char *copy, *save;

	if (m->at == m->words->n)
		return misfit(m,
			      arena_printf(m->arena, "'%s' is missing", form));
	if (is_word(form, m->words->at[m->at])) {
		/* up, down, start, ...: which one of them it is. */
		if (strchr(form, '|') || strcmp(form, "no") == 0)
			m->step->word = m->words->at[m->at];
		m->at++;
		return true;
	}
	near = nearest_to(m->words->at[m->at]);
	copy = text_copy(m->arena, form, strlen(form));
	for (char *w = strtok_r(copy, "|", &save); w;
	     w = strtok_r(NULL, "|", &save))
		nearest_try(&near, w);
	m->furthest += near.best ? 2 : 0;
	return misfit(m, arena_printf(m->arena, "'%.40s' where '%s' belongs%s",
				      m->words->at[m->at], form,
				      nearest_hint(m->arena, &near)));
}

/* The form's word at @i without its brackets. */
static const char *bare(struct match *m, size_t i)
{
	const char *f = m->form.at[i];
	size_t n;

	f += *f == '[';
	n = strlen(f);
	return n && f[n - 1] == ']' ? text_copy(m->arena, f, n - 1) : f;
}

static size_t group_end(const struct match *m, size_t i)
{
	while (!strchr(m->form.at[i], ']'))
		i++;
	return i + 1;
}

/* One of the groups in brackets from @i on that the next word begins. */
static bool take_option(struct match *m, size_t i, bool *taken)
{
	size_t end;

	for (; i < m->form.n; i = end) {
		if (m->form.at[i][0] != '[')
			return misfit(m, "");
		end = group_end(m, i);
		if (taken[i] || !is_word(bare(m, i), m->words->at[m->at]))
			continue;
		taken[i] = true;
		m->at++;
		return end == i + 1 ||
		       take_place(m, bare(m, i + 1), bare(m, i));
	}
	return misfit(m, "");
}

static const char *left_over(struct match *m, size_t i)
{
	struct nearest near = nearest_to(m->words->at[m->at]);

	for (; i < m->form.n; i++)
		if (m->form.at[i][0] == '[')
			nearest_try(&near, bare(m, i));
	m->furthest += near.best ? 2 : 0;
	return arena_printf(m->arena, "'%.40s' is too much here%s",
			    m->words->at[m->at], nearest_hint(m->arena, &near));
}

/* What follows the words that must be there. */
static bool take_options(struct match *m, size_t i)
{
	bool *taken = ARENA_VEC(m->arena, bool, m->form.n + 1);
	const char *last = m->form.n ? m->form.at[m->form.n - 1] : "";

	while (m->at < m->words->n) {
		size_t before = m->at;

		if (take_option(m, i, taken))
			continue;
		if (m->at != before)
			return false;
		if (text_starts(last + (*last == '['), "TEXT..."))
			break;
		return misfit(m, left_over(m, i));
	}
	m->why = NULL;
	if (strcmp(last, "TEXT...") == 0)
		return take_rest(m);
	if (m->at < m->words->n)
		take_rest(m);
	return true;
}

static bool row_fits(struct match *m, const struct form *f)
{
	size_t i = 0;

	m->step->act = f->act;
	m->form = words_split(m->arena, f->text);
	for (; i < m->form.n; i++) {
		const char *w = m->form.at[i];

		if (*w == '[' || strcmp(w, "TEXT...") == 0)
			break;
		if (is_place(w) ? !take_place(m, w, i ? m->form.at[i - 1] : "")
				: !take_word(m, w))
			break;
		m->furthest++;
	}
	return !m->why && take_options(m, i);
}

/* -- a line ----------------------------------------------------------------
 */

static const char *form_of_verb(struct arena *a, const char *verb,
				struct nearest *near)
{
	struct names w;

	for (size_t i = 0; i < N_FORMS; i++) {
		char *copy, *save;

		w = words_split(a, forms[i].text);
		if (is_word(w.at[0], verb))
			return forms[i].text;
		copy = text_copy(a, w.at[0], strlen(w.at[0]));
		for (char *p = strtok_r(copy, "|", &save); p;
		     p = strtok_r(NULL, "|", &save))
			nearest_try(near, p);
	}
	return NULL;
}

static bool step_parse(struct arena *a, const struct names *words,
		       struct scenario_step *step, struct problems *p)
{
	const struct scenario_step empty = *step;
	struct nearest near = nearest_to(words->at[0]);
	struct match best = { 0 };
	const char *form = form_of_verb(a, words->at[0], &near);

	if (!form) {
		problem_add(p, step->line, true, "'%.40s' is no step%s",
			    words->at[0], nearest_hint(a, &near));
		return false;
	}
	for (size_t i = 0; i < N_FORMS; i++) {
		struct match m = { .arena = a, .words = words, .step = step };

		*step = empty;
		if (row_fits(&m, &forms[i]))
			return true;
		if (m.furthest >= best.furthest) {
			best = m;
			form = forms[i].text;
		}
	}
	problem_add(p, step->line, true, "%s; it is written: %s",
		    best.why ? best.why : "it is not understood", form);
	return false;
}

/* The words without a comment, which begins where a word does: app#1 is one. */
static struct names line_words(struct arena *a, const char *line, size_t len)
{
	const char *text = text_copy(a, line, len);
	struct names w = words_split(a, text);

	for (size_t i = 0; i < w.n; i++)
		if (w.at[i][0] == '#')
			w.n = i;
	return w;
}

static void line_parse(struct scenario *s, struct arena *a, unsigned line,
		       struct names words, struct problems *p)
{
	struct scenario_step *step = &s->at[s->n];
	struct err err;

	*step = (struct scenario_step){ .line = line };
	if (strcmp(words.at[0], "at") == 0 && words.n > 1) {
		if (scenario_time(words.at[1], &step->at_ms, &err) < 0) {
			problem_add(p, line, true, "%s", err.text);
			return;
		}
		if (step->at_ms < 0) {
			problem_add(p, line, true, "there is no time before 0");
			return;
		}
		step->timed = true;
		words = (struct names){ words.at + 2, words.n - 2 };
	}
	if (!words.n) {
		problem_add(p, line, true, "what is to happen then is missing");
		return;
	}
	step->text = words_join(a, &words);
	if (step_parse(a, &words, step, p))
		s->n++;
}

/* What is read before anything happens stands before all else. */
static void order_check(const struct scenario *s, struct problems *p)
{
	bool begun = false;
	int64_t now = 0;

	for (size_t i = 0; i < s->n; i++) {
		const struct scenario_step *e = &s->at[i];

		if (e->act > ACT_BEGIN_STOPPED)
			begun = true;
		else if (begun)
			problem_add(p, e->line, true,
				    "this belongs before the first step");
		if (e->timed && e->at_ms < now)
			problem_add(p, e->line, true,
				    "this is earlier than the step before it");
		if (e->timed)
			now = e->at_ms;
	}
}

struct scenario *scenario_parse(struct arena *a, const char *name,
				const char *text, size_t len,
				struct problems *p)
{
	struct scenario *s = ARENA_NEW(a, struct scenario);
	unsigned line = 0;
	size_t lines = 1;

	s->name = name;
	if (len > SCENARIO_MAX_BYTES || text_bad_utf8(text, len) < len) {
		problem_add(p, 0, true, "a scenario is text of at most 1 MiB");
		return NULL;
	}
	for (size_t i = 0; i < len; i++)
		lines += text[i] == '\n';
	s->at = ARENA_VEC(a, struct scenario_step, lines);
	for (size_t i = 0, end; i < len && !problems_full(p); i = end + 1) {
		const char *nl = memchr(text + i, '\n', len - i);
		struct names words;

		end = nl ? (size_t)(nl - text) : len;
		line++;
		words = line_words(a, text + i, end - i);
		if (words.n)
			line_parse(s, a, line, words, p);
	}
	order_check(s, p);
	return p->fatal ? NULL : s;
}
