/*
 * The env file of a service: read it, change keys.
 *
 * Every change is computed here from the head that was fetched, checked here,
 * and sent with that head's revision as its base, so that an edit in between
 * is never undone: it is merged with this one, or in conflict with it. What
 * adds to a value, or takes from it, means the value of the moment: where
 * another edit was faster it is computed again from the new head. --if-rev
 * says which head is expected, and no other will do.
 */
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/file.h"
#include "cli/plan.h"
#include "cli/rev.h"
#include "fsm/conf/conf.h"
#include "fsm/conf/select.h"
#include "fsm/conf/text.h"

#define FASTER_MAX 5 /* edits in between, before we give up */

struct head {
	const char *rev, *text;
	struct conf *conf;
};

static int fetch_text(struct cli *c, struct head *ret)
{
	struct doc *args = cli_args_name(c), *data;
	int rc;

	if (c->opt[OPT_REV])
		doc_put_str(c->arena, args, "rev", c->opt[OPT_REV]);
	rc = cli_call(c, "svc_config", args, &data);
	if (rc != CLI_DONE)
		return rc;
	*ret = (struct head){ .rev = doc_get_str(data, "rev", ""),
			      .text = doc_get_str(data, "config", "") };
	return CLI_DONE;
}

static int fetch_head(struct cli *c, struct head *ret)
{
	struct problems p = { .arena = c->arena, .name = c->args[0] };
	int rc = fetch_text(c, ret);

	if (rc != CLI_DONE)
		return rc;
	ret->conf = conf_parse(c->arena, ret->text, strlen(ret->text), &p);
	if (ret->conf)
		return CLI_DONE;
	return cli_error(c, CLI_FAILED, "revision %s cannot be read: %s",
			 ret->rev, p.n ? p.at[0].text : "?");
}

/* -- set and unset --------------------------------------------------------- */

/* The names of the cluster's nodes that one word of a list means. */
static int put_nodes(struct cli *c, const char *word, const struct doc *nodes,
		     struct buf *out)
{
	size_t before = out->len;

	if (!strpbrk(word, "*?[")) {
		buf_printf(out, "%s%s", out->len ? " " : "", word);
		return CLI_DONE;
	}
	for (size_t i = 0; i < doc_len(nodes); i++) {
		const char *name = doc_get_str(doc_at(nodes, i), "name", "");

		if (select_glob(word, name))
			buf_printf(out, "%s%s", out->len ? " " : "", name);
	}
	if (out->len > before)
		return CLI_DONE;
	return cli_error(c, CLI_NOT_FOUND, "no node of the cluster matches %s",
			 word);
}

/* nodes=hv*: the file has the names themselves, so that it means the same on
 * each of them; they are written out here. */
static int expand_nodes(struct cli *c, const char *assignment, const char **ret)
{
	const char *equals = strchr(assignment, '=');
	size_t n = strncmp(assignment, "DEFAULT.", 8) == 0 ? 8 : 0;
	struct buf out = BUF(c->arena);
	struct names words;
	struct doc *data;
	int rc;

	*ret = assignment;
	n += strncmp(assignment + n, "drp", 3) == 0 ? 3 : 0;
	if (strncmp(assignment + n, "nodes", 5) != 0 || !equals ||
	    !strchr("=@+-|^[", assignment[n + 5]) || !strpbrk(equals, "*?["))
		return CLI_DONE;
	rc = cli_call(c, "node_ls", NULL, &data);
	words = words_split(c->arena, equals + 1);
	for (size_t i = 0; i < words.n && rc == CLI_DONE; i++)
		rc = put_nodes(c, words.at[i], doc_get(data, "nodes"), &out);
	*ret = arena_printf(c->arena, "%.*s%s", (int)(equals + 1 - assignment),
			    assignment, buf_text(&out));
	return rc;
}

static int apply_set(struct cli *c, struct conf *conf)
{
	struct err err = { 0 };

	for (size_t i = 1; i < c->n_args; i++) {
		const char *assignment;
		int rc = expand_nodes(c, c->args[i], &assignment);

		if (rc != CLI_DONE)
			return rc;
		if (conf_assign(conf, assignment, &err) < 0)
			return cli_error(c, CLI_USAGE, "%s: %s", c->args[i],
					 err.text);
	}
	return CLI_DONE;
}

static int apply_unset(struct cli *c, struct conf *conf)
{
	for (size_t i = 1; i < c->n_args; i++) {
		struct err err = { 0 };
		int rc = conf_remove(conf, c->args[i], &err);

		if (rc < 0)
			return cli_error(c, CLI_USAGE, "%s: %s", c->args[i],
					 err.text);
		if (rc > 0)
			return cli_error(c, CLI_NOT_FOUND,
					 "%s: %s is not set; nothing was "
					 "changed",
					 c->args[0], c->args[i]);
	}
	return CLI_DONE;
}

struct change {
	int (*apply)(struct cli *, struct conf *);
	const char *expected; /* --if-rev, or NULL */
	bool strict; /* do not merge: refuse if the head has moved on */
};

static int send_edit(struct cli *c, const struct change *how, const char *base,
		     const struct buf *text, struct reply *ret)
{
	struct doc *args = cli_args_name(c);

	doc_put_str(c->arena, args, "base", base);
	doc_put(c->arena, args, "config",
		doc_strn(c->arena, buf_text(text), text->len));
	if (how->strict)
		doc_put_bool(c->arena, args, "strict", true);
	if (c->opt[OPT_COMMENT])
		doc_put_str(c->arena, args, "comment", c->opt[OPT_COMMENT]);
	cli_put_author(c, args);
	if (c->opt[OPT_DRY_RUN])
		return cli_ask(c, "plan", plan_args(c, "svc_edit", args), ret);
	return cli_ask(c, "svc_edit", args, ret);
}

static int change_once(struct cli *c, const struct change *how,
		       struct reply *ret)
{
	struct buf text = BUF(c->arena);
	struct head head;
	const char *base;
	int rc = fetch_head(c, &head);

	if (rc == CLI_DONE)
		rc = how->apply(c, head.conf);
	if (rc != CLI_DONE)
		return rc;
	conf_text(head.conf, &text);
	base = how->expected ? how->expected : head.rev;
	if (strcmp(base, head.rev) == 0 &&
	    strcmp(buf_text(&text), head.text) == 0) {
		struct doc *same = doc_map(c->arena);

		doc_put_str(c->arena, same, "rev", head.rev);
		*ret = (struct reply){ .err = "", .data = same };
		return CLI_DONE;
	}
	if (!file_check(c, c->args[0], c->args[0], buf_text(&text), text.len))
		return cli_error(c, CLI_FAILED,
				 "%s: this would not be valid; nothing was "
				 "changed",
				 c->args[0]);
	return send_edit(c, how, base, &text, ret);
}

static int change(struct cli *c, struct change how)
{
	bool again = how.strict;
	struct reply r;
	int rc = rev_expected(c, c->args[0], &how.expected);

	how.strict = how.strict || how.expected;
	for (unsigned i = 0; rc == CLI_DONE; i++) {
		rc = change_once(c, &how, &r);
		if (rc != CLI_DONE)
			break;
		if (r.code == CLI_DONE)
			return rev_done(c, c->args[0], &r);
		if (r.code != CLI_CONFLICT || how.expected || !again ||
		    i == FASTER_MAX)
			return rev_refused(c, c->args[0], &r);
	}
	return rc;
}

int cli_change(struct cli *c, int (*apply)(struct cli *, struct conf *))
{
	return change(c, (struct change){ .apply = apply, .strict = true });
}

/* "+=", "key[2]=", ...: to the value that there is, whatever that be. */
static bool is_relative(const char *assignment)
{
	size_t n = strcspn(assignment, "=");

	return n && strchr("+-|^]", assignment[n - 1]);
}

int cmd_set(struct cli *c)
{
	struct change how = { .apply = apply_set };

	for (size_t i = 1; i < c->n_args; i++)
		how.strict = how.strict || is_relative(c->args[i]);
	return change(c, how);
}

int cmd_unset(struct cli *c)
{
	return change(c, (struct change){ .apply = apply_unset });
}

/* -- get and config -------------------------------------------------------- */

/* For whom to evaluate: --as, or the agent's own node; NULL: not at all. */
static int eval_node(struct cli *c, const char **ret)
{
	*ret = c->opt[OPT_AS];
	if (*ret || (!c->opt[OPT_EVAL] && !c->opt[OPT_WHY]))
		return CLI_DONE;
	return cli_agent(c, ret, NULL);
}

/* The head, which must know the node that --as names. */
static int fetch_head_as(struct cli *c, struct head *ret)
{
	int rc = fetch_head(c, ret);
	enum level level;
	struct err err;

	if (rc == CLI_DONE && c->opt[OPT_AS] &&
	    conf_level(c->arena, ret->conf, c->args[0], c->opt[OPT_AS], &level,
		       &err) < 0)
		return cli_error(c, CLI_NOT_FOUND, "%s", err.text);
	return rc;
}

/* What the arguments ask for: a key each, or one of each section of a group. */
struct wanted {
	const char *text; /* as it is shown */
	struct conf_key key;
	bool of_group; /* a section need not have it */
};

static struct wanted *wanted_add(struct cli *c, const struct head *head,
				 const char *text, const struct conf_key *k,
				 struct wanted *at)
{
	struct names sections = conf_key_sections(c->arena, head->conf, k);

	*at = (struct wanted){ text, *k, false };
	if (sections.n == 1 && strcmp(sections.at[0], k->section) == 0)
		return at + 1;
	for (size_t i = 0; i < sections.n; i++) {
		struct conf_key one = { sections.at[i], k->option, k->scope };

		*at++ = (struct wanted){ arena_printf(c->arena, "%s.%s%s%s",
						      one.section, one.option,
						      *one.scope ? "@" : "",
						      one.scope),
					 one, true };
	}
	return at;
}

static int wanted_all(struct cli *c, const struct head *head,
		      struct wanted **ret, size_t *ret_n)
{
	struct conf_key *keys = ARENA_VEC(c->arena, struct conf_key, c->n_args);
	struct err err = { 0 };
	struct wanted *end;
	size_t n = 1;

	for (size_t i = 1; i < c->n_args; i++) {
		if (conf_key_parse(c->arena, c->args[i], &keys[i], &err) < 0)
			return cli_error(c, CLI_USAGE, "%s: %s", c->args[i],
					 err.text);
		n += 1 + conf_key_sections(c->arena, head->conf, &keys[i]).n;
	}
	*ret = end = ARENA_VEC(c->arena, struct wanted, n);
	for (size_t i = 1; i < c->n_args; i++)
		end = wanted_add(c, head, c->args[i], &keys[i], end);
	*ret_n = (size_t)(end - *ret);
	return CLI_DONE;
}

/* 0, 1 if unset, or negative. */
static int get_one(struct cli *c, const struct head *head, const char *node,
		   const struct conf_key *k, const char **ret, struct err *err)
{
	if (node)
		return conf_eval_key(c->arena, head->conf, c->args[0], node, k,
				     ret, err);
	*ret = conf_raw(head->conf, k);
	return *ret ? 0 : 1;
}

/* -- why a value is what it is --------------------------------------------- */

static const char *conf_name(struct cli *c)
{
	return arena_printf(c->arena, "%s.conf", c->args[0]);
}

static int why_keys(struct cli *c, const struct head *head, const char *node,
		    const struct wanted *w, size_t n)
{
	struct doc *all = doc_list(c->arena);
	struct buf text = BUF(c->arena);

	for (size_t i = 0; i < n; i++) {
		struct err err = { 0 };
		struct doc *d;

		if (*w[i].key.scope)
			return cli_usage(c,
					 "%s: --why looks at the keyword "
					 "without a scope",
					 w[i].text);
		d = conf_why_key(c->arena, head->conf, c->args[0], node,
				 &w[i].key, &err);
		if (!d)
			return cli_error(c, CLI_FAILED, "%s: %s", w[i].text,
					 err.text);
		doc_put_str(c->arena, d, "section", w[i].key.section);
		doc_add(c->arena, all, d);
		if (n > 1)
			buf_printf(&text, "[%s]\n", w[i].key.section);
		conf_why_value(&text, conf_name(c), w[i].key.section, d);
	}
	if (cli_wants_doc(c))
		cli_print_doc(c, all, NULL);
	else
		fputs(buf_text(&text), c->out);
	return CLI_DONE;
}

static int why_all(struct cli *c, const struct head *head, const char *node)
{
	struct buf text = BUF(c->arena);
	struct err err = { 0 };
	struct doc *d = conf_why(c->arena, head->conf, c->args[0], node, &err);

	if (!d)
		return cli_error(c, CLI_FAILED, "%s for %s: %s", c->args[0],
				 node, err.text);
	conf_why_text(&text, conf_name(c), d);
	if (cli_wants_doc(c))
		cli_print_doc(c, d, NULL);
	else
		fputs(buf_text(&text), c->out);
	return CLI_DONE;
}

static int get_all(struct cli *c, const struct head *head, const char *node,
		   const struct wanted *w, size_t n)
{
	struct doc *all = doc_map(c->arena);
	int result = CLI_DONE;
	size_t found = 0;

	for (size_t i = 0; i < n; i++) {
		struct err err = { 0 };
		const char *value;
		int rc = get_one(c, head, node, &w[i].key, &value, &err);

		if (rc < 0)
			return cli_error(c, CLI_FAILED, "%s: %s", w[i].text,
					 err.text);
		found += rc == 0;
		if (rc > 0 && !w[i].of_group)
			result =
				cli_error(c, CLI_NOT_FOUND, "%s: %s is not set",
					  c->args[0], w[i].text);
		if (rc > 0)
			continue;
		doc_put_str(c->arena, all, w[i].text, value);
		if (!cli_wants_doc(c))
			fprintf(c->out, "%s%s%s\n", n > 1 ? w[i].text : "",
				n > 1 ? "=" : "", value);
	}
	if (!found && result == CLI_DONE)
		result = cli_error(c, CLI_NOT_FOUND, "%s: %s is not set",
				   c->args[0], c->args[1]);
	if (cli_wants_doc(c))
		cli_print_doc(c, all, NULL);
	return result;
}

int cmd_get(struct cli *c)
{
	struct wanted *wanted;
	const char *node;
	struct head head;
	size_t n;
	int rc = eval_node(c, &node);

	if (rc == CLI_DONE)
		rc = fetch_head_as(c, &head);
	if (rc == CLI_DONE)
		rc = wanted_all(c, &head, &wanted, &n);
	if (rc != CLI_DONE)
		return rc;
	return c->opt[OPT_WHY] ? why_keys(c, &head, node, wanted, n)
			       : get_all(c, &head, node, wanted, n);
}

static void print_value(FILE *out, const char *value)
{
	for (; *value; value++) {
		fputc(*value, out);
		if (*value == '\n')
			fputc('\t', out); /* a continuation */
	}
	fputc('\n', out);
}

static void print_evaluated(struct cli *c, const struct doc *all)
{
	for (size_t i = 0; i < doc_len(all); i++) {
		const struct doc *section = doc_at(all, i);

		fprintf(c->out, "%s[%s]\n", i ? "\n" : "", section->key);
		for (size_t j = 0; j < doc_len(section); j++) {
			const struct doc *v = doc_at(section, j);
			struct buf b = BUF(c->arena);

			if (v->type != DOC_STR)
				doc_json(&b, v, 0);
			fprintf(c->out, "%s = ", v->key);
			print_value(c->out, doc_text(v, buf_text(&b)));
		}
	}
}

int cmd_config(struct cli *c)
{
	struct err err = { 0 };
	struct head head;
	const char *node;
	struct doc *all;
	int rc = eval_node(c, &node);

	if (rc == CLI_DONE && !node) {
		if (cli_wants_doc(c))
			return cli_usage(c, "-o needs --eval: the file "
					    "itself is text");
		rc = fetch_text(c, &head);
		if (rc == CLI_DONE)
			fputs(head.text, c->out);
		return rc;
	}
	if (rc == CLI_DONE)
		rc = fetch_head_as(c, &head);
	if (rc != CLI_DONE)
		return rc;
	if (c->opt[OPT_WHY])
		return why_all(c, &head, node);
	all = conf_eval_all(c->arena, head.conf, c->args[0], node, &err);
	if (!all)
		return cli_error(c, CLI_FAILED, "%s for %s: %s", c->args[0],
				 node, err.text);
	if (cli_wants_doc(c))
		cli_print_doc(c, all, NULL);
	else
		print_evaluated(c, all);
	return CLI_DONE;
}

/* -- validate -------------------------------------------------------------- */

/* "web" of "/etc/web.conf", for what the file says of its own name. */
static const char *name_of_file(struct cli *c, const char *path)
{
	const char *base = strrchr(path, '/');
	const char *name;

	base = base ? base + 1 : path;
	name = arena_printf(c->arena, "%.*s", (int)strcspn(base, "."), base);
	return name_check(name, NULL) == 0 ? name : "service";
}

int cmd_validate(struct cli *c)
{
	const char *path = c->opt[OPT_CONFIG];
	const char *name = c->n_args ? c->args[0] : NULL;
	struct buf text = BUF(c->arena);
	struct err err = { 0 };
	struct head head;
	int rc;

	if (!path && !name)
		return cli_usage(c, "which one? NAME, or --config FILE");
	if (path) {
		if (file_read(path, &text, &err) < 0)
			return cli_error(c, CLI_FAILED, "%s", err.text);
		name = name ? name : name_of_file(c, path);
	} else {
		rc = fetch_text(c, &head);
		if (rc != CLI_DONE)
			return rc;
		buf_puts(&text, head.text);
		path = name;
	}
	if (!file_check(c, name, path, buf_text(&text), text.len))
		return CLI_FAILED;
	fprintf(c->out, "%s: valid\n", path);
	return CLI_DONE;
}
