#include "cli/show/text.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "fsm/base/utf8.h"

#define WIDTH_DEFAULT 80
#define WRAP_MIN      20 /* narrower than this, do not wrap */

/* What was set by hand counts, whatever it is written to. */
static unsigned width_set(void)
{
	const char *columns = getenv("COLUMNS");
	int n = columns ? atoi(columns) : 0;

	return n > 0 ? (unsigned)n : 0;
}

static unsigned width_of(int fd)
{
	struct winsize w;

	if (ioctl(fd, TIOCGWINSZ, &w) == 0 && w.ws_col > 0)
		return w.ws_col;
	return WIDTH_DEFAULT;
}

struct term term_of(FILE *f)
{
	const char *no_color = getenv("NO_COLOR"), *type = getenv("TERM");
	int fd = fileno(f); /* -1 for a stream in memory */
	struct term t = { .tty = fd >= 0 && isatty(fd) };

	t.width = width_set();
	if (!t.tty)
		return t;
	if (!t.width)
		t.width = width_of(fd);
	t.colour =
		!(no_color && *no_color) && type && strcmp(type, "dumb") != 0;
	return t;
}

const char *text_clean(struct arena *a, const char *text)
{
	size_t left = strlen(text), n;
	struct buf b = BUF(a);

	for (; left > 0; text += n, left -= n) {
		const unsigned char *c = (const unsigned char *)text;

		n = utf8_char(text, left);
		if (*c == '\n' || *c == '\t')
			buf_puts(&b, " ");
		else if (n == 0 || *c < ' ' || *c == 0x7f ||
			 (*c == 0xc2 && c[1] < 0xa0))
			buf_puts(&b, "?");
		else
			buf_add(&b, text, n);
		n = n ? n : 1;
	}
	return buf_text(&b);
}

static bool starts_character(char c)
{
	return ((unsigned char)c & 0xc0) != 0x80;
}

size_t text_width(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += starts_character(*text);
	return n;
}

static const char *colour_of(const char *word)
{
	static const struct {
		const char *word, *code;
	} rows[] = {
		{ "up", "32" },	   { "down", "31" },	 { "warn", "33" },
		{ "lost", "31" },  { "stdby up", "32" }, { "stdby down", "33" },
		{ "undef", "33" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcmp(word, rows[i].word) == 0)
			return rows[i].code;
	return NULL;
}

void text_status(struct buf *b, const struct term *t, const char *word,
		 size_t pad)
{
	const char *code = t->colour ? colour_of(word) : NULL;
	size_t n = text_width(word);

	if (code)
		buf_printf(b, "\033[%sm%s\033[0m", code, word);
	else
		buf_puts(b, word);
	for (; n < pad; n++)
		buf_puts(b, " ");
}

size_t text_fit(const char *text, size_t width)
{
	size_t columns = 0, blank = 0, i;

	if (width == 0)
		return strlen(text);
	for (i = 0; text[i]; i++) {
		if (text[i] == ' ')
			blank = i;
		if (starts_character(text[i]) && ++columns > width)
			return blank ? blank : i;
	}
	return i;
}

void text_note(struct buf *b, const char *text)
{
	if (*text)
		buf_printf(b, "%s%s", b->len ? ", " : "", text);
}

const char *text_age(struct arena *a, int64_t ms)
{
	long long s = ms / 1000;

	if (ms < 1000)
		return arena_printf(a, "%lldms", ms < 0 ? 0LL : (long long)ms);
	if (s < 120)
		return arena_printf(a, "%llds", s);
	if (s < 2 * 3600)
		return arena_printf(a, "%lldm", s / 60);
	if (s < 2 * 86400)
		return arena_printf(a, "%lldh", s / 3600);
	return arena_printf(a, "%lldd", s / 86400);
}

const char *text_time(struct arena *a, int64_t epoch_ms)
{
	time_t s = (time_t)(epoch_ms / 1000);
	char day[32];
	struct tm tm;

	if (!localtime_r(&s, &tm) ||
	    strftime(day, sizeof(day), "%Y-%m-%d %H:%M:%S", &tm) == 0)
		return "?";
	return arena_printf(a, "%s.%03d", day, (int)(epoch_ms % 1000));
}

void text_table_add(struct text_table *t, const char *const *cells)
{
	if (t->n == t->cap) {
		size_t cap = t->cap ? t->cap * 2 : 16;
		const char **more =
			ARENA_VEC(t->arena, const char *, cap * t->n_cols);

		if (t->n)
			memcpy(more, t->cells,
			       t->n * t->n_cols * sizeof(*more));
		t->cells = more;
		t->cap = cap;
	}
	for (size_t i = 0; i < t->n_cols; i++)
		t->cells[t->n * t->n_cols + i] =
			cells[i] ? text_clean(t->arena, cells[i]) : "";
	t->n++;
}

/* The last cell in lines as wide as what is left of the screen. */
static void print_wrapped(FILE *out, struct buf *line, size_t used,
			  const char *cell, size_t width)
{
	size_t n = text_fit(cell, width);

	buf_add(line, cell, n);
	for (cell += n + (cell[n] == ' '); *cell;
	     cell += n + (cell[n] == ' ')) {
		n = text_fit(cell, width);
		buf_printf(line, "\n%*s%.*s", (int)used, "", (int)n, cell);
	}
	while (line->len > 0 && line->data[line->len - 1] == ' ')
		line->data[--line->len] = '\0';
	fprintf(out, "%s\n", buf_text(line));
}

/* The word in a cell decides on its colour, the marks behind it do not. */
static void put_cell(struct buf *b, const struct term *t, const char *cell,
		     size_t pad)
{
	size_t n = strcspn(cell, "!*?");

	text_status(b, t, arena_printf(b->arena, "%.*s", (int)n, cell), 0);
	buf_puts(b, cell + n);
	for (n = text_width(cell); n < pad; n++)
		buf_puts(b, " ");
}

void text_table_print(const struct text_table *t, const struct term *term,
		      FILE *out)
{
	static const struct term plain = { 0 };
	size_t *width = ARENA_VEC(t->arena, size_t, t->n_cols);
	size_t used = 0, last = t->n_cols - 1, left = 0;

	for (size_t i = 0; i < t->n * t->n_cols; i++) {
		size_t w = text_width(t->cells[i]);

		if (w > width[i % t->n_cols])
			width[i % t->n_cols] = w;
	}
	for (size_t i = 0; i < last; i++)
		used += width[i] + 2;
	if (t->wrap && term->width >= used + WRAP_MIN)
		left = term->width - used;
	for (size_t row = 0; row < t->n; row++) {
		const char **cells = t->cells + row * t->n_cols;
		struct buf b = BUF(t->arena);

		for (size_t i = 0; i < last; i++) {
			bool paint = row > 0 && (t->status_cols >> i & 1);

			put_cell(&b, paint ? term : &plain, cells[i],
				 width[i] + 2);
		}
		print_wrapped(out, &b, used, cells[last], left);
	}
}
