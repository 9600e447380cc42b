/*
 * A case is three texts, each after a line "--- base", "--- ours" or
 * "--- theirs". Words behind the name: "crlf" (the lines end so), "bom",
 * "open" (the last line has no end). A side that is absent is as the base.
 * Settings: "@service: NAME" has the result validated, "@take: ours|theirs".
 *
 * Every case is merged both ways round, too, and what comes of the other way
 * must mean the same.
 */
#include <string.h>

#include "fsm/rev/merge.h"
#include "golden.h"

static bool word_in(const char *line, const char *end, const char *word)
{
	const char *at = strstr(line, word);

	return at && at < end;
}

/* The text after "--- NAME", or NULL. */
static const char *side(struct arena *a, const char *body, const char *name)
{
	const char *mark = arena_printf(a, "--- %s", name), *at = body, *end;
	struct buf b = BUF(a);
	const char *head, *nl;

	while (at && strncmp(at, mark, strlen(mark)) != 0)
		at = strchr(at, '\n') ? strchr(at, '\n') + 1 : NULL;
	if (!at)
		return NULL;
	head = at;
	nl = strchr(head, '\n');
	if (word_in(head, nl, "bom"))
		buf_puts(&b, "\xef\xbb\xbf");
	for (at = nl + 1; *at && strncmp(at, "--- ", 4) != 0; at = end + 1) {
		end = strchr(at, '\n');
		buf_add(&b, at, (size_t)(end - at));
		buf_puts(&b, word_in(head, nl, "crlf") ? "\r\n" : "\n");
	}
	if (word_in(head, nl, "open") && b.len)
		b.data[b.len - 1] = '\0';
	return buf_text(&b);
}

/* The ends of lines and a mark before the text are shown. */
static void show_text(const char *text, struct buf *out)
{
	if (strncmp(text, "\xef\xbb\xbf", 3) == 0) {
		buf_puts(out, "<bom>");
		text += 3;
	}
	for (; *text; text++)
		if (*text == '\r')
			buf_puts(out, "<cr>");
		else
			buf_add(out, text, 1);
	if (out->len && out->data[out->len - 1] != '\n')
		buf_puts(out, "<open>\n");
}

static void show_value(const char *what, const char *value, struct buf *out)
{
	buf_printf(out, "  %s: ", what);
	for (const char *p = value ? value : "(none)"; *p; p++)
		buf_puts(out, *p == '\n' ? "\\n" : (char[]){ *p, '\0' });
	buf_puts(out, "\n");
}

static void show(struct arena *a, const struct merge *m, struct buf *out)
{
	if (m->code == MERGE_DONE) {
		show_text(m->text, out);
	} else if (m->code == MERGE_CONFLICT) {
		buf_puts(out, "CONFLICT\n");
	} else {
		buf_puts(out, "INVALID\n");
	}
	for (size_t i = 0; i < m->n; i++) {
		const struct merge_key *k = &m->at[i];

		buf_printf(out, "%s\n",
			   doc_get_str(doc_at(merge_doc(a, m, m->n), i), "key",
				       "?"));
		show_value("base", k->base, out);
		show_value("ours", k->ours, out);
		show_value("theirs", k->theirs, out);
	}
	for (size_t i = 0; i < m->problems.n; i++)
		buf_printf(out, "! %s\n", m->problems.at[i].text);
}

static enum merge_take taken(const char *word)
{
	if (!word)
		return MERGE_NEITHER;
	return strcmp(word, "ours") == 0 ? MERGE_OURS : MERGE_THEIRS;
}

static void check_turned(struct arena *a, const struct merge_in *in,
			 const struct merge *m, struct buf *out)
{
	struct merge_in turned = *in;
	struct merge other;

	turned.ours = in->theirs;
	turned.theirs = in->ours;
	if (in->take)
		turned.take =
			in->take == MERGE_OURS ? MERGE_THEIRS : MERGE_OURS;
	merge_texts(a, &turned, &other);
	if (other.code != m->code || other.n != m->n)
		buf_puts(out, "BUT NOT THE OTHER WAY ROUND\n");
	else if (m->code == MERGE_DONE && !m->problems.n &&
		 !merge_is_whole(a, in, other.text))
		buf_puts(out, "BUT ANOTHER TEXT THE OTHER WAY ROUND\n");
	if (m->code == MERGE_DONE && !merge_is_whole(a, in, m->text))
		buf_puts(out, "BUT NOT WHOLE\n");
}

static void show_case(struct arena *a, const struct golden_case *c,
		      struct buf *out)
{
	const char *body = golden_body(c->text);
	struct merge_in in = {
		.service = golden_setting(a, c->text, "service"),
		.base = side(a, body, "base"),
		.ours = side(a, body, "ours"),
		.theirs = side(a, body, "theirs"),
		.take = taken(golden_setting(a, c->text, "take")),
	};
	struct merge m;

	if (!in.base)
		in.base = "";
	if (!in.ours)
		in.ours = in.base;
	if (!in.theirs)
		in.theirs = in.base;
	merge_texts(a, &in, &m);
	show(a, &m, out);
	if (in.service == NULL || m.code != MERGE_INVALID)
		check_turned(a, &in, &m, out);
}

int main(int argc, char **argv)
{
	return golden_main(argc, argv, show_case);
}
