#include "cli/manual/roff.h"

#include <string.h>

static void put_char(FILE *f, char c)
{
	switch (c) {
	case '\\':
		fputs("\\e", f);
		break;
	case '-':
		fputs("\\-", f);
		break;
	case '`':
		fputs("\\(ga", f);
		break;
	case '\'':
		fputs("\\(aq", f);
		break;
	case '^':
		fputs("\\(ha", f);
		break;
	case '~':
		fputs("\\(ti", f);
		break;
	default:
		fputc(c, f);
	}
}

void roff_text(FILE *f, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		/* Only what begins a line can be a request. */
		if (text[i] == '.' && (i == 0 || text[i - 1] == '\n'))
			fputs("\\&", f);
		put_char(f, text[i]);
	}
}

void roff_bold(FILE *f, const char *text, size_t len)
{
	fputs("\\fB", f);
	roff_text(f, text, len);
	fputs("\\fR", f);
}

void roff_italic(FILE *f, const char *text, size_t len)
{
	fputs("\\fI", f);
	roff_text(f, text, len);
	fputs("\\fR", f);
}

static void put_quoted(FILE *f, const char *text)
{
	fputc('"', f);
	for (; *text; text++)
		if (*text == '"')
			fputs("\\(dq", f);
		else
			put_char(f, *text);
	fputc('"', f);
}

void roff_page(FILE *f, const char *title, const char *section,
	       const char *heading)
{
	fputs(".TH ", f);
	put_quoted(f, title);
	fprintf(f, " %s \"\" ", section);
	put_quoted(f, "encap " ENCAP_VERSION);
	fputc(' ', f);
	put_quoted(f, heading);
	/* Ragged, and no word is broken: names are to be searched for. */
	fputs("\n.ad l\n.nh\n", f);
}

void roff_section(FILE *f, const char *title)
{
	fputs(".SH ", f);
	put_quoted(f, title);
	fputc('\n', f);
}

void roff_subsection(FILE *f, const char *title)
{
	fputs(".SS ", f);
	put_quoted(f, title);
	fputc('\n', f);
}

void roff_paragraph(FILE *f)
{
	fputs(".PP\n", f);
}

void roff_tag(FILE *f)
{
	fputs(".TP\n", f);
}

void roff_body(FILE *f)
{
	fputc('\n', f);
}

void roff_bullet(FILE *f)
{
	fputs(".IP \\(bu 2\n", f);
}

void roff_literal_begin(FILE *f)
{
	fputs(".PP\n.RS 4\n.nf\n", f);
}

void roff_literal_line(FILE *f, const char *text, size_t len)
{
	if (len > 0 && (*text == '.' || *text == '\''))
		fputs("\\&", f);
	for (size_t i = 0; i < len; i++)
		put_char(f, text[i]);
	fputc('\n', f);
}

void roff_literal_end(FILE *f)
{
	fputs(".fi\n.RE\n", f);
}

void roff_prose(FILE *f, const char *text)
{
	while (*text) {
		size_t n = strcspn(text, " ");
		size_t word = n;

		while (word > 0 && strchr(",.;:)", text[word - 1]))
			word--;
		if (*text == '-' && word > 1) {
			roff_bold(f, text, word);
			roff_text(f, text + word, n - word);
		} else {
			roff_text(f, text, n);
		}
		text += n;
		if (*text)
			fputc(' ', f);
		text += strspn(text, " ");
	}
	fputc('\n', f);
}
