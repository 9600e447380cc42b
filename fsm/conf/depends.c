/* Whether a keyword means something, by the values of those beside it. */
#include <string.h>

#include "fsm/conf/eval.h"
#include "fsm/conf/text.h"

/* "mode=bridge,macvlan": has the keyword one of these values? "size": any? */
static bool one_holds(struct eval *e, const char *section, const char *type,
		      const char *word)
{
	const char *equal = strchr(word, '=');
	const char *name = word;
	const struct keyword *row;
	struct value v, values;
	int rc;

	if (equal)
		name = text_copy(e->arena, word, (size_t)(equal - word));
	row = eval_row(e, section, type, name);
	if (!row)
		return false;
	rc = eval_value(e, section, row, &v, NULL, NULL);
	if (rc < 0) /* which is told elsewhere */
		return true;
	if (rc > 0 || !equal)
		return rc == 0;
	convert(e->arena, CONV_LIST_COMMA, equal + 1, &values, NULL);
	return names_have(&values.words, v.text);
}

bool eval_depends(struct eval *e, const char *section, const char *type,
		  const struct keyword *row)
{
	struct names all =
		words_split(e->arena, row->depends ? row->depends : "");

	for (size_t i = 0; i < all.n; i++)
		if (!one_holds(e, section, type, all.at[i]))
			return false;
	return true;
}

const char *depends_text(struct arena *a, const struct keyword *row)
{
	struct names all = words_split(a, row->depends ? row->depends : "");
	struct buf b = BUF(a);

	for (size_t i = 0; i < all.n; i++) {
		size_t n = strcspn(all.at[i], "=");
		struct value v = { 0 };

		buf_printf(&b, "%s%.*s", i ? " and " : "", (int)n, all.at[i]);
		if (!all.at[i][n]) {
			buf_puts(&b, " is given");
			continue;
		}
		convert(a, CONV_LIST_COMMA, all.at[i] + n + 1, &v, NULL);
		for (size_t j = 0; j < v.words.n; j++)
			buf_printf(&b, "%s%s", j ? " or " : " is ",
				   v.words.at[j]);
	}
	return buf_text(&b);
}
