/*
 * A recursive descent that computes as it reads: each rule returns a value.
 * The side of `and` and `or` that does not count is read with `dead` set, so
 * that what has no value there is no error.
 */
#include "fsm/conf/expr.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "fsm/conf/text.h"

enum kind { NONE, BOOL, INT, REAL, TEXT, LIST };

struct val {
	enum kind kind;
	int64_t num; /* BOOL, INT */
	double real;
	const char *text;
	struct val *items;
	size_t n;
};

struct reader {
	struct arena *arena;
	const char *begin, *at;
	const char *fault; /* what is no expression; NULL as long as it is */
	const char *wrong; /* what has no value */
	unsigned dead, depth;
	bool has_words; /* bare or quoted */
	bool has_bare;
};

static const struct val none = { .kind = NONE };

/* -- what goes wrong: the first thing counts ------------------------------- */

static struct val fault(struct reader *r, const char *what)
{
	if (!r->fault)
		r->fault = what;
	return none;
}

static const char *shown(struct reader *r, const struct val *v);

/* With bare words in it, it was not meant to be computed: $(ls | wc -l). */
static struct val wrong(struct reader *r, const struct val *a, const char *op,
			const struct val *b, const char *why)
{
	if (!r->dead && r->has_bare)
		return fault(r, why);
	if (!r->wrong && !r->dead && !r->fault)
		r->wrong = arena_printf(r->arena, "%s%s%s %s: %s",
					a ? shown(r, a) : "", a ? " " : "", op,
					b ? shown(r, b) : "", why);
	return none;
}

/* -- values ------------------------------------------------------------------
 */

static struct val int_of(int64_t num)
{
	return (struct val){ .kind = INT, .num = num };
}

static struct val bool_of(bool yes)
{
	return (struct val){ .kind = BOOL, .num = yes };
}

static struct val real_of(double real)
{
	return (struct val){ .kind = REAL, .real = real };
}

static struct val text_of(const char *text)
{
	return (struct val){ .kind = TEXT, .text = text };
}

static bool is_whole(const struct val *v)
{
	return v->kind == INT || v->kind == BOOL;
}

static bool is_number(const struct val *v)
{
	return is_whole(v) || v->kind == REAL;
}

static double as_real(const struct val *v)
{
	return v->kind == REAL ? v->real : (double)v->num;
}

static bool is_true(const struct val *v)
{
	switch (v->kind) {
	case NONE:
		return false;
	case BOOL:
	case INT:
		return v->num != 0;
	case REAL:
		return v->real != 0;
	case TEXT:
		return *v->text != '\0';
	case LIST:
		return v->n != 0;
	}
	return false;
}

static const char *written(struct arena *a, const struct val *v)
{
	struct buf b = BUF(a);

	switch (v->kind) {
	case NONE:
		return "none";
	case BOOL:
		return v->num ? "true" : "false";
	case INT:
		return arena_printf(a, "%lld", (long long)v->num);
	case REAL:
		return arena_printf(a, "%.15g", v->real);
	case TEXT:
		return v->text;
	case LIST:
		break;
	}
	for (size_t i = 0; i < v->n; i++)
		buf_printf(&b, "%s%s", i ? " " : "", written(a, &v->items[i]));
	return buf_text(&b);
}

static const char *shown(struct reader *r, const struct val *v)
{
	const char *text = text_shown(r->arena, written(r->arena, v));

	if (v->kind == TEXT)
		return arena_printf(r->arena, "'%s'", text);
	return v->kind == LIST ? arena_printf(r->arena, "(%s)", text) : text;
}

static bool is_same(const struct val *a, const struct val *b)
{
	if (is_whole(a) && is_whole(b))
		return a->num == b->num;
	if (is_number(a) && is_number(b))
		return as_real(a) == as_real(b);
	if (a->kind != b->kind)
		return false;
	if (a->kind == TEXT)
		return text_equal(a->text, b->text);
	if (a->kind == NONE)
		return true;
	for (size_t i = 0; a->n == b->n && i < a->n; i++)
		if (!is_same(&a->items[i], &b->items[i]))
			return false;
	return a->n == b->n;
}

/* -- operators ----------------------------------------------------------------
 */

static const char not_numbers[] =
	"numbers are expected; quote what is one text, as in \"n1.acme.com\"";
static const char too_large[] = "the number is too large";

/* Towards minus infinity, as the rest has the sign of the divisor. */
static int64_t floor_div(int64_t a, int64_t b)
{
	int64_t q = a / b;

	return a % b && (a < 0) != (b < 0) ? q - 1 : q;
}

static double real_floor(double x)
{
	double whole;

	if (x >= 4503599627370496.0 || x <= -4503599627370496.0)
		return x; /* 2^52: there are no fractions any more */
	whole = (double)(int64_t)x;
	return whole > x ? whole - 1 : whole;
}

static bool int_power(int64_t a, int64_t b, int64_t *ret)
{
	for (*ret = 1; b > 0; b >>= 1) {
		if (b & 1 && __builtin_mul_overflow(*ret, a, ret))
			return false;
		if (b > 1 && __builtin_mul_overflow(a, a, &a))
			return false;
	}
	return true;
}

/* A result that is a number, and no infinity. */
static struct val real_result(struct reader *r, const struct val *a,
			      const char *op, const struct val *b, double real)
{
	return real - real == 0 ? real_of(real) : wrong(r, a, op, b, too_large);
}

static struct val power(struct reader *r, const struct val *a,
			const struct val *b)
{
	int64_t num, n;
	double real = 1;

	if (!is_whole(b))
		return wrong(r, a, "**", b, "the exponent must be an integer");
	if (is_whole(a) && b->num >= 0)
		return int_power(a->num, b->num, &num)
			       ? int_of(num)
			       : wrong(r, a, "**", b, too_large);
	if (b->num > 1024 || b->num < -1024)
		return wrong(r, a, "**", b, too_large);
	if (b->num < 0 && as_real(a) == 0)
		return wrong(r, a, "**", b, "a division by zero");
	for (n = b->num < 0 ? -b->num : b->num; n > 0; n--)
		real *= as_real(a);
	return real_result(r, a, "**", b, b->num < 0 ? 1 / real : real);
}

static struct val divided(struct reader *r, const struct val *a, const char *op,
			  const struct val *b)
{
	bool floored = !text_equal(op, "/");
	double real = as_real(a) / as_real(b);

	if (as_real(b) == 0)
		return wrong(r, a, op, b, "a division by zero");
	if (is_whole(a) && is_whole(b)) {
		if (a->num == INT64_MIN && b->num == -1)
			return wrong(r, a, op, b, too_large);
		if (*op == '%')
			return int_of(a->num -
				      floor_div(a->num, b->num) * b->num);
		if (floored || a->num % b->num == 0)
			return int_of(floor_div(a->num, b->num));
	}
	if (*op == '%')
		real = as_real(a) - real_floor(real) * as_real(b);
	else if (floored)
		real = real_floor(real);
	return real_result(r, a, op, b, real);
}

static struct val joined(struct reader *r, const struct val *a,
			 const struct val *b)
{
	struct val v = { .kind = LIST, .n = a->n + b->n };

	if (a->kind == TEXT)
		return text_of(
			arena_printf(r->arena, "%s%s", a->text, b->text));
	v.items = ARENA_VEC(r->arena, struct val, v.n + 1);
	for (size_t i = 0; i < v.n; i++)
		v.items[i] = i < a->n ? a->items[i] : b->items[i - a->n];
	return v;
}

static struct val calculated(struct reader *r, const struct val *a,
			     const char *op, const struct val *b)
{
	int64_t num = 0;
	bool lost;

	if (*op == '+' && a->kind == b->kind &&
	    (a->kind == TEXT || a->kind == LIST))
		return joined(r, a, b);
	if (!is_number(a) || !is_number(b))
		return wrong(r, a, op, b, not_numbers);
	if (text_equal(op, "**"))
		return power(r, a, b);
	if (*op == '/' || *op == '%')
		return divided(r, a, op, b);
	if (!is_whole(a) || !is_whole(b)) {
		double x = as_real(a), y = as_real(b);

		if (strchr("|&^", *op))
			return wrong(r, a, op, b, "integers are expected");
		return real_result(r, a, op, b,
				   *op == '+'	? x + y
				   : *op == '-' ? x - y
						: x * y);
	}
	if (*op == '|')
		return int_of(a->num | b->num);
	if (*op == '&')
		return int_of(a->num & b->num);
	if (*op == '^')
		return int_of(a->num ^ b->num);
	lost = *op == '+'   ? __builtin_add_overflow(a->num, b->num, &num)
	       : *op == '-' ? __builtin_sub_overflow(a->num, b->num, &num)
			    : __builtin_mul_overflow(a->num, b->num, &num);
	return lost ? wrong(r, a, op, b, too_large) : int_of(num);
}

static struct val is_in(struct reader *r, const struct val *a, const char *op,
			const struct val *b)
{
	if (a->kind == TEXT && b->kind == TEXT)
		return bool_of(strstr(b->text, a->text));
	if (b->kind != LIST)
		return wrong(r, a, op, b,
			     "a list is expected, or texts on both sides");
	for (size_t i = 0; i < b->n; i++)
		if (is_same(a, &b->items[i]))
			return bool_of(true);
	return bool_of(false);
}

static struct val compared(struct reader *r, const struct val *a,
			   const char *op, const struct val *b)
{
	int cmp;

	if (text_equal(op, "=="))
		return bool_of(is_same(a, b));
	if (text_equal(op, "!="))
		return bool_of(!is_same(a, b));
	if (text_equal(op, "in"))
		return is_in(r, a, op, b);
	if (text_equal(op, "not in")) {
		struct val v = is_in(r, a, op, b);

		return bool_of(!v.num);
	}
	if (a->kind == TEXT && b->kind == TEXT)
		cmp = strcmp(a->text, b->text);
	else if (is_whole(a) && is_whole(b))
		cmp = a->num < b->num ? -1 : a->num > b->num;
	else if (is_number(a) && is_number(b))
		cmp = as_real(a) < as_real(b) ? -1 : as_real(a) > as_real(b);
	else
		return wrong(r, a, op, b, "these have no order");
	if (*op == '<')
		return bool_of(op[1] ? cmp <= 0 : cmp < 0);
	return bool_of(op[1] ? cmp >= 0 : cmp > 0);
}

/* -- reading ------------------------------------------------------------------
 */

static struct val read_or(struct reader *r);

static bool is_word_char(char c)
{
	return text_is_letter(c) || text_is_digit(c) || c == '_';
}

static void skip_blanks(struct reader *r)
{
	while (text_is_blank(*r->at))
		r->at++;
}

/* Takes the operator @op, if it is next: a word as a whole, and no sign that
 * is the beginning of a longer one. */
static bool took(struct reader *r, const char *op, const char *not_before)
{
	size_t n = strlen(op);

	skip_blanks(r);
	if (strncmp(r->at, op, n) != 0 ||
	    (r->at[n] && strchr(not_before, r->at[n])))
		return false;
	if (text_is_letter(*op) && is_word_char(r->at[n]))
		return false;
	r->at += n;
	return true;
}

static bool deeper(struct reader *r)
{
	if (r->depth == EXPR_MAX_DEPTH)
		fault(r, "it is too deep");
	else
		r->depth++;
	return !r->fault;
}

/* What stands between brackets: "(a)" is a, "(a,)" and "[a]" are lists. */
static struct val read_items(struct reader *r, const char *close)
{
	struct val items[64], v = { .kind = LIST };
	bool comma = false;

	if (!deeper(r))
		return none;
	while (!r->fault && !took(r, close, "")) {
		if (v.n && !comma)
			return fault(r, "a closing bracket is missing");
		if (v.n == 64)
			return fault(r, "a list has more than 64 items");
		items[v.n++] = read_or(r);
		comma = took(r, ",", "");
	}
	r->depth--;
	if (r->fault)
		return none;
	if (*close == ')' && v.n == 1 && !comma)
		return items[0];
	v.items = ARENA_VEC(r->arena, struct val, v.n + 1);
	memcpy(v.items, items, v.n * sizeof(*items));
	return v;
}

static struct val read_text(struct reader *r)
{
	char quote = *r->at++;
	struct buf b = BUF(r->arena);

	r->has_words = true;
	for (; *r->at && *r->at != quote; r->at++) {
		if (r->at - r->begin > EXPR_MAX_LEN)
			return fault(r, "it is too long");
		if (*r->at == '\\' && (r->at[1] == quote || r->at[1] == '\\'))
			r->at++;
		buf_add(&b, r->at, 1);
	}
	if (!*r->at)
		return fault(r, "a quote is not closed");
	r->at++;
	return text_of(buf_text(&b));
}

static struct val read_real(struct reader *r, int64_t whole)
{
	double real = (double)whole, unit = 1;

	for (r->at++; text_is_digit(*r->at); r->at++) {
		unit /= 10;
		real += unit * (*r->at - '0');
	}
	return real_of(real);
}

static struct val read_number(struct reader *r)
{
	int64_t num = 0;
	bool lost = false;
	struct val v;

	for (; text_is_digit(*r->at); r->at++)
		lost |= __builtin_mul_overflow(num, 10, &num) ||
			__builtin_add_overflow(num, *r->at - '0', &num);
	v = *r->at == '.' ? read_real(r, num) : int_of(num);
	if (is_word_char(*r->at) || *r->at == '.')
		return fault(r, "a number is followed by something else; quote "
				"what is one text");
	return lost ? fault(r, too_large) : v;
}

static struct val read_word(struct reader *r)
{
	const char *from = r->at, *word;
	char *low;

	while (is_word_char(*r->at))
		r->at++;
	if (*r->at == '.')
		return fault(r, "a name with dots is to be quoted");
	word = text_copy(r->arena, from, (size_t)(r->at - from));
	if (words_have("and or in", word))
		return fault(r, "an operand is expected");
	low = text_lowered(r->arena, word);
	if (words_have("true false", low))
		return bool_of(*low == 't');
	if (text_equal(low, "none"))
		return none;
	r->has_words = r->has_bare = true;
	return text_of(word);
}

static struct val read_operand(struct reader *r)
{
	skip_blanks(r);
	if (r->at - r->begin > EXPR_MAX_LEN)
		return fault(r, "it is too long");
	if (text_is_digit(*r->at))
		return read_number(r);
	if (text_is_letter(*r->at) || *r->at == '_')
		return read_word(r);
	if (*r->at == '"' || *r->at == '\'')
		return read_text(r);
	if (*r->at == '(' || *r->at == '[')
		return read_items(r, *r->at++ == '(' ? ")" : "]");
	return fault(r, *r->at == '{' ? "a reference in it is not known"
				      : "an operand is expected");
}

/* -x and +x; ** is tighter to its left and looser to its right. */
static struct val read_unary(struct reader *r)
{
	struct val v, other;
	bool minus = took(r, "-", "");

	if (minus || took(r, "+", "")) {
		if (!deeper(r))
			return none;
		v = read_unary(r);
		r->depth--;
		other = int_of(0);
		return calculated(r, &other, minus ? "-" : "+", &v);
	}
	v = read_operand(r);
	if (r->fault || !took(r, "**", ""))
		return v;
	if (!deeper(r))
		return none;
	other = read_unary(r);
	r->depth--;
	return calculated(r, &v, "**", &other);
}

/* Operators of one strength, from the left. */
struct tier {
	const char *ops[4], *not_before[4];
	struct val (*operand)(struct reader *r);
};

static struct val read_tier(struct reader *r, const struct tier *t)
{
	struct val v = t->operand(r);

	for (size_t i = 0; i < 4 && t->ops[i] && !r->fault;) {
		struct val other;

		if (!took(r, t->ops[i], t->not_before[i])) {
			i++;
			continue;
		}
		other = t->operand(r);
		v = calculated(r, &v, t->ops[i], &other);
		i = 0;
	}
	return v;
}

static struct val read_product(struct reader *r)
{
	static const struct tier t = { { "*", "//", "/", "%" },
				       { "*", "", "/", "" },
				       read_unary };

	return read_tier(r, &t);
}

static struct val read_sum(struct reader *r)
{
	static const struct tier t = { { "+", "-" }, { "", "" }, read_product };

	return read_tier(r, &t);
}

static struct val read_and_bits(struct reader *r)
{
	static const struct tier t = { { "&" }, { "" }, read_sum };

	return read_tier(r, &t);
}

static struct val read_xor_bits(struct reader *r)
{
	static const struct tier t = { { "^" }, { "" }, read_and_bits };

	return read_tier(r, &t);
}

static struct val read_or_bits(struct reader *r)
{
	static const struct tier t = { { "|" }, { "" }, read_xor_bits };

	return read_tier(r, &t);
}

static const char *took_comparison(struct reader *r)
{
	static const char *const ops[] = { "==", "!=", "<=", ">=",
					   "<",	 ">",  "in" };
	const char *before = r->at;

	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
		if (took(r, ops[i], ""))
			return ops[i];
	if (took(r, "not", "") && took(r, "in", ""))
		return "not in";
	r->at = before;
	return NULL;
}

/* a < b < c is a < b and b < c. */
static struct val read_comparison(struct reader *r)
{
	struct val v = read_or_bits(r), left = v;
	const char *op;
	bool first = true;

	while (!r->fault && (op = took_comparison(r))) {
		struct val right = read_or_bits(r), is;

		is = compared(r, &left, op, &right);
		v = first || is_true(&v) ? is : v;
		left = right;
		first = false;
	}
	return v;
}

static struct val read_not(struct reader *r)
{
	struct val v;

	if (!took(r, "not", ""))
		return read_comparison(r);
	if (!deeper(r))
		return none;
	v = read_not(r);
	r->depth--;
	return bool_of(!is_true(&v));
}

/* `and` and `or`: the operand that decided, as it is. @decisive: which truth of
 * the left one does. */
static struct val read_logic(struct reader *r, const char *op, bool decisive,
			     struct val (*operand)(struct reader *r))
{
	struct val v = operand(r);

	while (!r->fault && took(r, op, "")) {
		bool decided = is_true(&v) == decisive;
		struct val other;

		r->dead += decided;
		other = operand(r);
		r->dead -= decided;
		v = decided ? v : other;
	}
	return v;
}

static struct val read_and(struct reader *r)
{
	return read_logic(r, "and", false, read_not);
}

static struct val read_or(struct reader *r)
{
	return read_logic(r, "or", true, read_and);
}

static bool is_bare_word(const struct reader *r, const struct val *v)
{
	const char *p = r->begin;

	while (text_is_blank(*p))
		p++;
	return v->kind == TEXT && text_starts(p, v->text) &&
	       (text_is_blank(p[strlen(v->text)]) || p[strlen(v->text)] == ')');
}

int expr_eval(struct arena *a, const char *text, struct expr *ret,
	      struct err *err)
{
	struct reader r = { .arena = a, .begin = text, .at = text };
	struct val v;

	skip_blanks(&r);
	if (*r.at == ')')
		fault(&r, "there is nothing in it");
	v = read_items(&r, ")");
	*ret = (struct expr){ .text = "", .end = r.at };
	if (r.fault) {
		ret->text = r.fault;
		return EXPR_NONE;
	}
	if (r.wrong)
		return err_set(err, -EINVAL, "%s", r.wrong);
	ret->text = written(a, &v);
	ret->has_words = r.has_words;
	ret->is_word = is_bare_word(&r, &v);
	return 0;
}
