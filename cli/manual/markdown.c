/*
 * How: line by line; what kind a line is says its beginning. Lines of one kind
 * that follow each other are one block. Code in lines is bold, emphasis is
 * italic, of a link its text stays.
 */
#include "cli/manual/markdown.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "cli/manual/roff.h"

#define CELLS 8

struct line {
	const char *text;
	size_t len; /* without its end */
};

struct page {
	FILE *f;
	const char *next;
	bool began; /* there is a section already */
	struct line head[CELLS];
	size_t n_head;
};

static bool next_line(struct page *p, struct line *ret)
{
	if (!*p->next)
		return false;
	ret->text = p->next;
	ret->len = strcspn(p->next, "\n");
	p->next += ret->len + (p->next[ret->len] == '\n');
	return true;
}

static bool begins(const struct line *l, const char *with)
{
	size_t n = strlen(with);

	return l->len >= n && strncmp(l->text, with, n) == 0;
}

static bool is_blank(const struct line *l)
{
	for (size_t i = 0; i < l->len; i++)
		if (!isspace((unsigned char)l->text[i]))
			return false;
	return true;
}

static bool is_block(const struct line *l)
{
	return is_blank(l) || begins(l, "#") || begins(l, "|") ||
	       begins(l, "- ") || begins(l, "    ") || begins(l, "```");
}

static struct line trimmed(struct line l)
{
	while (l.len > 0 && isspace((unsigned char)*l.text)) {
		l.text++;
		l.len--;
	}
	while (l.len > 0 && isspace((unsigned char)l.text[l.len - 1]))
		l.len--;
	return l;
}

/* -- within a line --------------------------------------------------------- */

/* Where @mark comes again behind text[i], or 0. */
static size_t closing(const struct line *l, size_t i, const char *mark)
{
	size_t n = strlen(mark);

	for (size_t j = i + n; j + n <= l->len; j++)
		if (strncmp(l->text + j, mark, n) == 0)
			return j;
	return 0;
}

static size_t put_link(FILE *f, const struct line *l, size_t i)
{
	const char *end = memchr(l->text + i, ']', l->len - i);
	size_t close = end ? (size_t)(end - l->text) : 0;
	const char *paren;

	if (!close || close + 1 >= l->len || l->text[close + 1] != '(')
		return 0;
	paren = memchr(l->text + close, ')', l->len - close);
	if (!paren)
		return 0;
	roff_text(f, l->text + i + 1, close - i - 1);
	return (size_t)(paren - l->text) + 1;
}

static void put_cell(FILE *f, const char *text, size_t len, bool bold)
{
	char plain[1024];
	size_t n = 0;

	/* In tables a bar of the text is "\|". */
	for (size_t i = 0; i < len && n < sizeof(plain); i++)
		if (text[i] != '\\' || i + 1 == len || text[i + 1] != '|')
			plain[n++] = text[i];
	if (bold)
		roff_bold(f, plain, n);
	else
		roff_italic(f, plain, n);
}

/* One of the marks at text[i] taken to its end; 0 if there is none. */
static size_t put_marked(FILE *f, const struct line *l, size_t i)
{
	static const char *const marks[] = { "`", "**", "*" };

	if (l->text[i] == '[')
		return put_link(f, l, i);
	for (size_t m = 0; m < 3; m++) {
		size_t n = strlen(marks[m]), end;

		if (l->len - i < n || strncmp(l->text + i, marks[m], n) != 0)
			continue;
		end = closing(l, i, marks[m]);
		if (!end || isspace((unsigned char)l->text[i + n]))
			return 0;
		put_cell(f, l->text + i + n, end - i - n, m < 2);
		return end + n;
	}
	return 0;
}

static void put_inline(FILE *f, struct line l)
{
	size_t from = 0;

	l = trimmed(l);
	for (size_t i = 0; i < l.len;) {
		size_t end = 0;

		if (strchr("`*[", l.text[i])) {
			roff_text(f, l.text + from, i - from);
			from = i;
			end = put_marked(f, &l, i);
		}
		i = end ? end : i + 1;
		from = end ? end : from;
	}
	roff_text(f, l.text + from, l.len - from);
}

/* -- blocks ---------------------------------------------------------------- */

/* @first and the lines that go on with it. */
static void put_paragraph(struct page *p, struct line first)
{
	struct line l = first;

	put_inline(p->f, l);
	for (;;) {
		const char *back = p->next;

		if (!next_line(p, &l) || is_block(&l)) {
			p->next = back;
			break;
		}
		fputc('\n', p->f);
		put_inline(p->f, l);
	}
	fputc('\n', p->f);
}

static void put_heading(struct page *p, struct line l)
{
	char title[256];
	size_t depth = strspn(l.text, "#"), n = 0;

	l.text += depth;
	l.len -= depth;
	l = trimmed(l);
	for (size_t i = 0; i < l.len && n + 1 < sizeof(title); i++)
		if (l.text[i] != '`')
			title[n++] = l.text[i];
	title[n] = '\0';
	if (depth == 1)
		return;
	if (depth > 2) {
		roff_subsection(p->f, title);
	} else {
		for (char *c = title; *c; c++)
			*c = (char)toupper((unsigned char)*c);
		roff_section(p->f, title);
		p->began = true;
	}
}

static void put_code(struct page *p, struct line l, bool fenced)
{
	roff_literal_begin(p->f);
	if (!fenced)
		roff_literal_line(p->f, l.text + 4, l.len - 4);
	for (;;) {
		const char *back = p->next;

		if (!next_line(p, &l) || (fenced && begins(&l, "```")))
			break;
		if (!fenced && !begins(&l, "    ")) {
			const char *after = p->next;
			struct line then;

			/* A blank line between two of code belongs to it. */
			if (!is_blank(&l) || !next_line(p, &then) ||
			    !begins(&then, "    ")) {
				p->next = back;
				break;
			}
			p->next = after;
			roff_literal_line(p->f, "", 0);
			continue;
		}
		roff_literal_line(p->f, l.text + (fenced ? 0 : 4),
				  l.len - (fenced ? 0 : 4));
	}
	roff_literal_end(p->f);
}

static size_t split_row(struct line l, struct line *cells)
{
	size_t n = 0, from = 1;

	l = trimmed(l);
	for (size_t i = 1; i < l.len && n < CELLS; i++) {
		if (l.text[i] != '|' || l.text[i - 1] == '\\')
			continue;
		cells[n++] = trimmed((struct line){ l.text + from, i - from });
		from = i + 1;
	}
	return n;
}

static void put_row(struct page *p, const struct line *cells, size_t n)
{
	bool open = false;

	roff_tag(p->f);
	put_inline(p->f, cells[0]);
	roff_body(p->f);
	if (n > 1)
		put_inline(p->f, cells[n - 1]);
	for (size_t i = 1; i + 1 < n; i++) {
		if (cells[i].len == 0)
			continue;
		fputs(open ? "; " : cells[n - 1].len ? " (" : "(", p->f);
		open = true;
		if (i < p->n_head && p->head[i].len) {
			put_inline(p->f, p->head[i]);
			fputs(": ", p->f);
		}
		put_inline(p->f, cells[i]);
	}
	fputs(open ? ")\n" : "\n", p->f);
}

static void put_table(struct page *p, struct line first)
{
	struct line cells[CELLS], l;

	p->n_head = split_row(first, p->head);
	for (;;) {
		const char *back = p->next;

		if (!next_line(p, &l) || !begins(&l, "|")) {
			p->next = back;
			return;
		}
		if (!begins(&l, "|--") && !begins(&l, "|:-"))
			put_row(p, cells, split_row(l, cells));
	}
}

static void put_block(struct page *p, struct line l)
{
	if (!p->began && !begins(&l, "#")) {
		roff_section(p->f, "DESCRIPTION");
		p->began = true;
	}
	if (begins(&l, "#")) {
		put_heading(p, l);
	} else if (begins(&l, "```")) {
		put_code(p, l, true);
	} else if (begins(&l, "    ")) {
		put_code(p, l, false);
	} else if (begins(&l, "|")) {
		put_table(p, l);
	} else if (begins(&l, "- ")) {
		roff_bullet(p->f);
		put_paragraph(p, (struct line){ l.text + 2, l.len - 2 });
	} else {
		roff_paragraph(p->f);
		put_paragraph(p, l);
	}
}

void markdown_page(FILE *f, const char *text)
{
	struct page p = { .f = f, .next = text };
	struct line l;

	while (next_line(&p, &l))
		if (!is_blank(&l))
			put_block(&p, l);
}
