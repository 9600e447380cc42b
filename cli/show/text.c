#include "cli/show/text.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define WIDTH_DEFAULT 80

static unsigned width_of(int fd)
{
	const char *columns = getenv("COLUMNS");
	struct winsize w;

	if (columns && atoi(columns) > 0)
		return (unsigned)atoi(columns);
	if (ioctl(fd, TIOCGWINSZ, &w) == 0 && w.ws_col > 0)
		return w.ws_col;
	return WIDTH_DEFAULT;
}

struct term term_of(FILE *f)
{
	const char *no_color = getenv("NO_COLOR"), *type = getenv("TERM");
	int fd = fileno(f); /* -1 for a stream in memory */
	struct term t = { .tty = fd >= 0 && isatty(fd) };

	if (!t.tty)
		return t;
	t.width = width_of(fd);
	t.colour =
		!(no_color && *no_color) && type && strcmp(type, "dumb") != 0;
	return t;
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
		t->cells[t->n * t->n_cols + i] = cells[i] ? cells[i] : "";
	t->n++;
}

void text_table_print(const struct text_table *t, const struct term *term,
		      FILE *out)
{
	size_t *width = ARENA_VEC(t->arena, size_t, t->n_cols);

	for (size_t i = 0; i < t->n * t->n_cols; i++) {
		size_t w = text_width(t->cells[i]);

		if (w > width[i % t->n_cols])
			width[i % t->n_cols] = w;
	}
	for (size_t row = 0; row < t->n; row++) {
		struct buf b = BUF(t->arena);

		for (size_t i = 0; i < t->n_cols; i++) {
			static const struct term plain = { 0 };
			const char *cell = t->cells[row * t->n_cols + i];
			bool paint = row > 0 && (t->status_cols >> i & 1);

			text_status(&b, paint ? term : &plain, cell,
				    i + 1 < t->n_cols ? width[i] + 2 : 0);
		}
		while (b.len > 0 && b.data[b.len - 1] == ' ')
			b.data[--b.len] = '\0';
		fprintf(out, "%s\n", buf_text(&b));
	}
}
