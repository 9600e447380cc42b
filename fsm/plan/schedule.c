#include "fsm/plan/schedule.h"

#include <errno.h>
#include <string.h>

#include "fsm/conf/convert.h"
#include "fsm/plan/actions.h"

#define DAY	  86400
#define LOOK_DAYS (5 * 366)

/* -- the calendar -----------------------------------------------------------
 */

/* Days since 1970-01-01 of the proleptic Gregorian calendar, and back (Hinnant,
 * "chrono-compatible low-level date algorithms", 2013). */
static int64_t days_of(int64_t y, int m, int d)
{
	int64_t era, yoe, doy;

	y -= m <= 2;
	era = (y >= 0 ? y : y - 399) / 400;
	yoe = y - era * 400;
	doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static void date_of(int64_t days, int *ret_y, int *ret_m, int *ret_d)
{
	int64_t z = days + 719468;
	int64_t era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t mp = (5 * doy + 2) / 153;

	*ret_d = (int)(doy - (153 * mp + 2) / 5 + 1);
	*ret_m = (int)(mp < 10 ? mp + 3 : mp - 9);
	*ret_y = (int)(yoe + era * 400 + (*ret_m <= 2));
}

static int64_t day_number(wall_time t)
{
	return (t >= 0 ? t : t - (DAY - 1)) / DAY;
}

wall_time wall_make(int year, int month, int day, int hour, int minute,
		    int second)
{
	return days_of(year, month, day) * DAY + hour * 3600 + minute * 60 +
	       second;
}

void wall_split(wall_time t, int *year, int *month, int *day, int *second)
{
	date_of(day_number(t), year, month, day);
	*second = (int)(t - day_number(t) * DAY);
}

static int weekday_of(int64_t days)
{
	int64_t w = (days + 3) % 7; /* 1970-01-01 was a Thursday */

	return (int)(w < 0 ? w + 7 : w) + 1;
}

/* Of ISO 8601: that of the Thursday of the same week. */
static int week_of(int64_t days)
{
	int64_t thursday = days + 4 - weekday_of(days);
	int y, m, d;

	date_of(thursday, &y, &m, &d);
	return (int)((thursday - days_of(y, 1, 1)) / 7) + 1;
}

static int month_days(int y, int m)
{
	return (int)(days_of(m == 12 ? y + 1 : y, m == 12 ? 1 : m + 1, 1) -
		     days_of(y, m, 1));
}

/* -- words ------------------------------------------------------------------
 */

struct word {
	const char *at;
	size_t len;
};

static bool word_is(struct word w, const char *text)
{
	return strlen(text) == w.len && memcmp(w.at, text, w.len) == 0;
}

/* What stands before @c; @rest gets what is behind it, .at NULL if @c is not
 * there. */
static struct word cut(struct word w, char c, struct word *rest)
{
	const char *p = memchr(w.at, c, w.len);

	*rest = (struct word){ NULL, 0 };
	if (!p)
		return w;
	*rest = (struct word){ p + 1, (size_t)(w.at + w.len - p - 1) };
	return (struct word){ w.at, (size_t)(p - w.at) };
}

static bool number(struct word w, int low, int high, int *ret)
{
	int n = 0;

	if (!w.len || w.len > 6)
		return false;
	for (size_t i = 0; i < w.len; i++) {
		if (w.at[i] < '0' || w.at[i] > '9')
			return false;
		n = n * 10 + (w.at[i] - '0');
	}
	*ret = n;
	return n >= low && n <= high;
}

/* A number, a whole name, or its first three letters. */
static bool named(struct word w, const char *const *names, int n, int *ret)
{
	if (number(w, 1, n, ret))
		return true;
	for (int i = 0; i < n; i++)
		if (word_is(w, names[i]) ||
		    (w.len == 3 && memcmp(w.at, names[i], 3) == 0)) {
			*ret = i + 1;
			return true;
		}
	return false;
}

static const char *const weekdays[] = { "monday",   "tuesday", "wednesday",
					"thursday", "friday",  "saturday",
					"sunday" };
static const char *const months[] = { "january", "february", "march",
				      "april",	 "may",	     "june",
				      "july",	 "august",   "september",
				      "october", "november", "december" };

static bool time_of_day(struct word w, int *ret)
{
	struct word m, s, none;
	struct word h = cut(w, ':', &m);
	int hour, minute, second = 0;

	if (!m.at)
		return false;
	m = cut(m, ':', &s);
	if (!number(h, 0, 24, &hour) || !number(m, 0, 59, &minute) ||
	    (s.at && !number(cut(s, ':', &none), 0, 59, &second)) ||
	    (s.at && none.at))
		return false;
	*ret = hour * 3600 + minute * 60 + second;
	return *ret <= DAY;
}

static bool range_parse(struct schedule_def *d, struct word w)
{
	struct word end;
	struct word begin = cut(w, '-', &end);
	int from = 0, to = DAY;

	if (d->n_ranges == SCHEDULE_RANGES)
		return false;
	if (!w.len || word_is(w, "*")) {
		from = 0;
	} else if (!time_of_day(begin, &from) || from == DAY) {
		return false;
	} else if (!end.at) {
		to = from + 1;
	} else if (!time_of_day(end, &to)) {
		return false;
	}
	if (to <= from)
		to += DAY;
	d->ranges[d->n_ranges].from = from;
	d->ranges[d->n_ranges++].len = to - from;
	return true;
}

static bool interval_parse(struct arena *a, struct schedule_def *d,
			   struct word w)
{
	struct value v;

	d->interval = -1;
	if (!w.at)
		return true;
	if (convert(a, CONV_MINUTES, arena_printf(a, "%.*s", (int)w.len, w.at),
		    &v, NULL) < 0)
		return false;
	d->interval = v.num / 1000;
	return v.num >= 0;
}

static bool times_parse(struct arena *a, struct schedule_def *d, struct word w)
{
	struct word interval, rest;

	if (w.len && *w.at == '!') {
		d->exclude = true;
		w = (struct word){ w.at + 1, w.len - 1 };
	}
	if (w.len && *w.at == '~') {
		d->random = true;
		w = (struct word){ w.at + 1, w.len - 1 };
	}
	w = cut(w, '@', &interval);
	if (!w.len && !interval.at)
		return false;
	do {
		if (!range_parse(d, cut(w, ',', &rest)))
			return false;
		w = rest;
	} while (w.at);
	return interval_parse(a, d, interval);
}

/* -- days, weeks, months -----------------------------------------------------
 */

static bool dom_parse(struct word w, int *ret)
{
	static const char *const words[][2] = { { "first", "1st" },
						{ "second", "2nd" },
						{ "third", "3rd" },
						{ "fourth", "4th" },
						{ "fifth", "5th" } };

	for (int i = 0; i < 5; i++)
		if (word_is(w, words[i][0]) || word_is(w, words[i][1])) {
			*ret = i + 1;
			return true;
		}
	if (word_is(w, "last")) {
		*ret = -1;
		return true;
	}
	if (w.len && *w.at == '-') {
		bool ok = number((struct word){ w.at + 1, w.len - 1 }, 1, 31,
				 ret);

		*ret = -*ret;
		return ok;
	}
	return number(w, 0, 31, ret);
}

static bool day_parse(struct schedule_def *d, struct word w)
{
	struct word dom, end;
	struct word days = cut(w, ':', &dom);
	struct word begin = cut(days, '-', &end);
	int from = 1, to = 7, n = 0;

	if (d->n_days == SCHEDULE_DAYS || (!w.len))
		return false;
	if (dom.at && !dom_parse(dom, &n))
		return false;
	if (days.len && !word_is(days, "*")) {
		if (!named(begin, weekdays, 7, &from))
			return false;
		to = from;
		if (end.at && !named(end, weekdays, 7, &to))
			return false;
	}
	if (dom.at && n == 0) /* no day is the 0th */
		from = to = 0;
	d->days[d->n_days].from = from;
	d->days[d->n_days].to = to;
	d->days[d->n_days++].dom = n;
	return true;
}

static bool week_parse(struct schedule_def *d, struct word w)
{
	struct word end;
	struct word begin = cut(w, '-', &end);
	int from = 1, to = 53;

	if (!word_is(w, "*")) {
		if (!number(begin, 1, 53, &from))
			return false;
		to = from;
		if (end.at && !number(end, 1, 53, &to))
			return false;
	}
	for (int i = from;; i = i == 53 ? 1 : i + 1) {
		d->weeks |= UINT64_C(1) << i;
		if (i == to)
			return true;
	}
}

static bool modulo_parse(struct schedule_def *d, struct word w)
{
	struct word plus;
	struct word m = cut((struct word){ w.at + 1, w.len - 1 }, '+', &plus);
	int mod, add = 0;

	if (!number(m, 1, 12, &mod) || (plus.at && !number(plus, 0, 12, &add)))
		return false;
	for (int i = 1; i <= 12; i++)
		if ((i + add) % mod == 0)
			d->months |= 1U << i;
	return true;
}

static bool month_parse(struct schedule_def *d, struct word w)
{
	struct word end;
	struct word begin = cut(w, '-', &end);
	int from = 1, to = 12;

	if (w.len && *w.at == '%')
		return modulo_parse(d, w);
	if (!word_is(w, "*")) {
		if (!named(begin, months, 12, &from))
			return false;
		to = from;
		if (end.at && !named(end, months, 12, &to))
			return false;
	}
	for (int i = from;; i = i == 12 ? 1 : i + 1) {
		d->months |= 1U << i;
		if (i == to)
			return true;
	}
}

typedef bool (*item_fn)(struct schedule_def *d, struct word w);

static bool list_parse(struct schedule_def *d, struct word w, item_fn parse)
{
	struct word rest;

	do {
		if (!parse(d, cut(w, ',', &rest)))
			return false;
		w = rest;
	} while (w.at);
	return true;
}

/* -- definitions --------------------------------------------------------------
 */

static struct word field(struct word *w)
{
	struct word f;

	while (w->len && *w->at == ' ') {
		w->at++;
		w->len--;
	}
	f = *w;
	f.len = 0;
	while (f.len < w->len && w->at[f.len] != ' ')
		f.len++;
	w->at += f.len;
	w->len -= f.len;
	return f;
}

static bool def_parse(struct arena *a, struct schedule_def *d, struct word w)
{
	static const item_fn parts[] = { day_parse, week_parse, month_parse };
	struct word f = field(&w);

	memset(d, 0, sizeof(*d));
	if (!f.len || !times_parse(a, d, f))
		return false;
	for (size_t i = 0; i < 3; i++) {
		f = field(&w);
		if (!f.len)
			return true;
		if (!list_parse(d, f, parts[i]))
			return false;
	}
	return !field(&w).len;
}

static unsigned def_add(struct arena *a, struct schedule *s, struct word w,
			struct err *err)
{
	struct word look = w;

	if (!field(&look).len) /* never */
		return 0;
	if (s->n < SCHEDULE_DEFS && def_parse(a, &s->defs[s->n], w)) {
		s->n++;
		return 0;
	}
	err_set(err, -EINVAL,
		"'%.*s' is no schedule: [!][~]HH:MM-HH:MM,...[@INTERVAL] "
		"[DAYS] [WEEKS] [MONTHS]",
		(int)(w.len < 80 ? w.len : 80), w.at);
	return 1;
}

unsigned schedule_parse(struct arena *a, const char *text, struct schedule *ret,
			struct err *err)
{
	const char *p = text + strspn(text, " ");
	struct err first = { 0 }, other;
	unsigned dropped = 0;

	ret->n = 0;
	if (*p != '[')
		return def_add(a, ret, (struct word){ text, strlen(text) },
			       err);
	while ((p = strchr(p, '"'))) {
		const char *end = strchr(p + 1, '"');

		if (!end)
			break;
		dropped += def_add(
			a, ret, (struct word){ p + 1, (size_t)(end - p - 1) },
			dropped ? &other : &first);
		p = end + 1;
	}
	if (dropped && err)
		*err = first;
	return dropped;
}

/* -- when
 * ---------------------------------------------------------------------- */

static bool dom_is(int dom, int64_t days)
{
	int y, m, d;

	date_of(days, &y, &m, &d);
	return d == (dom > 0 ? dom : month_days(y, m) + dom + 1);
}

static bool weekday_in(int day, int from, int to)
{
	return from <= to ? day >= from && day <= to : day >= from || day <= to;
}

static bool day_fits(const struct schedule_def *d, int64_t days)
{
	int y, m, dom;
	bool fits = d->n_days == 0;

	date_of(days, &y, &m, &dom);
	if (d->months && !(d->months >> m & 1))
		return false;
	if (d->weeks && !(d->weeks >> week_of(days) & 1))
		return false;
	for (unsigned i = 0; i < d->n_days && !fits; i++)
		fits = weekday_in(weekday_of(days), d->days[i].from,
				  d->days[i].to) &&
		       (!d->days[i].dom || dom_is(d->days[i].dom, days));
	return fits;
}

/* The end of an exclusion that holds at @t, or @t. */
static wall_time excluded_until(const struct schedule *s, wall_time t)
{
	for (unsigned i = 0; i < s->n; i++) {
		const struct schedule_def *d = &s->defs[i];

		for (int64_t day = day_number(t) - 1;
		     d->exclude && day <= day_number(t); day++)
			for (unsigned k = 0; k < d->n_ranges; k++) {
				wall_time b = day * DAY + d->ranges[k].from;

				if (t >= b && t < b + d->ranges[k].len &&
				    day_fits(d, day))
					return b + d->ranges[k].len;
			}
	}
	return t;
}

struct asking {
	const struct schedule *s;
	wall_time from, last;
	uint64_t seed;
};

/* In the range @k of @d that begins on @day. */
static wall_time next_in(const struct asking *q, const struct schedule_def *d,
			 unsigned k, int64_t day)
{
	int len = d->ranges[k].len;
	int64_t interval = d->interval < 0 ? len : d->interval;
	int64_t spread = interval < len ? interval : len;
	wall_time begin = day * DAY + d->ranges[k].from, t = begin, until;

	if (d->random)
		t += (int64_t)(actions_hash(NULL, 0,
					    q->seed ^ (uint64_t)begin) %
			       (uint64_t)spread);
	if (t < q->from)
		t = q->from;
	if (q->last != WALL_NEVER && t < q->last + interval)
		t = q->last + interval;
	/* Once per range, whatever ran how long before. */
	if (d->interval < 0 && q->last != WALL_NEVER && q->last >= begin)
		return WALL_NEVER;
	while ((until = excluded_until(q->s, t)) != t && until < begin + len)
		t = until;
	return until == t && t < begin + len ? t : WALL_NEVER;
}

static wall_time earlier(wall_time a, wall_time b)
{
	if (a == WALL_NEVER || b == WALL_NEVER)
		return a == WALL_NEVER ? b : a;
	return a < b ? a : b;
}

static wall_time next_on(const struct asking *q, int64_t day)
{
	wall_time best = WALL_NEVER;

	for (unsigned i = 0; i < q->s->n; i++) {
		const struct schedule_def *d = &q->s->defs[i];

		if (d->exclude || d->interval == 0 || !day_fits(d, day))
			continue;
		for (unsigned k = 0; k < d->n_ranges; k++)
			best = earlier(best, next_in(q, d, k, day));
	}
	return best;
}

wall_time schedule_next(const struct schedule *s, wall_time from,
			wall_time last, uint64_t seed)
{
	const struct asking q = { s, from, last, seed };
	int64_t today = day_number(from);
	wall_time best = WALL_NEVER;

	/* A range that goes over midnight began the day before; the first time
	 * of a day may lie behind that of such a one. */
	for (int64_t day = today - 1; day < today + LOOK_DAYS; day++) {
		if (best != WALL_NEVER && day * DAY > best)
			break;
		best = earlier(best, next_on(&q, day));
	}
	return best;
}
