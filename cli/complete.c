/*
 * How: the words before the current one are walked as the parser would: first
 * those of the command, then options with their values, and the rest are
 * arguments. That says what the current word is: a part of a command, an
 * option, an option's value, or an argument; and `kinds` says what values such
 * a word has.
 *
 * Anything that goes wrong means fewer candidates: whoever presses a key does
 * not want to read an error.
 */
#include "cli/complete.h"

#include <string.h>

#include "cli/line.h"
#include "cli/older.h"
#include "fsm/conf/explain.h"
#include "fsm/conf/ini.h"
#include "fsm/conf/keyword.h"

#define ASK_MS 1000

struct line {
	struct cli *c;
	const struct command *cmd;
	const char *first;   /* argument typed before, or NULL */
	const char *service; /* that the line is about, or NULL */
	size_t n_args;	     /* typed before */
	uint64_t given;	     /* options typed before */
	const char *lead;    /* stays in front: "--slave=vm1," */
	const char *cur;     /* what is to be completed of the word */
	struct conf *conf;   /* of the service; read once */
};

static void offer(const struct line *l, const char *word, const char *help)
{
	if (strncmp(word, l->cur, strlen(l->cur)) != 0)
		return;
	fprintf(l->c->out, "%s%s%s%s\n", l->lead, word, *help ? "\t" : "",
		help);
}

/* Those that @words has between @separators. */
static void offer_words(const struct line *l, char *words,
			const char *separators)
{
	char *save = NULL;

	for (char *w = strtok_r(words, separators, &save); w;
	     w = strtok_r(NULL, separators, &save))
		offer(l, w, "");
}

/* -- what the agent knows -------------------------------------------------- */

static struct doc *ask(const struct line *l, const char *op, const char *name)
{
	struct cli *c = l->c;
	struct doc *args = doc_map(c->arena);
	struct reply r;
	int64_t id;

	if (name)
		doc_put_str(c->arena, args, "name", name);
	if (!c->client && client_open(&c->client, NULL, NULL) < 0)
		return NULL;
	if (client_send(c->client, op, args, &id, NULL) < 0 ||
	    client_wait(c->client, c->arena, id, ASK_MS, &r, NULL) != 0 ||
	    r.code != CLI_DONE)
		return NULL;
	return r.data;
}

static struct conf *conf_of(struct line *l)
{
	struct problems p = { .arena = l->c->arena };
	const char *text;
	struct doc *d;

	if (l->conf || !l->service)
		return l->conf;
	d = ask(l, "svc_config", l->service);
	text = doc_get_str(d, "config", NULL);
	if (text)
		l->conf = conf_parse(l->c->arena, text, strlen(text), &p);
	return l->conf;
}

static void offer_services(struct line *l)
{
	const struct doc *all = doc_get(ask(l, "svc_ls", NULL), "services");

	for (size_t i = 0; i < doc_len(all); i++)
		offer(l, doc_get_str(doc_at(all, i), "service", ""),
		      doc_get_str(doc_at(all, i), "avail", ""));
}

static void offer_machines(struct line *l)
{
	const struct doc *all = doc_get(ask(l, "node_ls", NULL), "nodes");

	for (size_t i = 0; i < doc_len(all); i++)
		offer(l, doc_get_str(doc_at(all, i), "name", ""),
		      doc_get_str(doc_at(all, i), "state", ""));
}

static void offer_names(struct line *l, const struct names *names,
			const char *help)
{
	for (size_t i = 0; i < names->n; i++)
		offer(l, names->at[i], help);
}

static bool service_of(struct line *l, struct service_conf *ret)
{
	struct conf *conf = conf_of(l);

	return conf && service_eval(l->c->arena, conf, l->service, NULL, ret,
				    NULL) == 0;
}

/* Of a service those that its file names; else the cluster's. */
static void offer_nodes(struct line *l)
{
	struct service_conf sc;

	if (!l->service) {
		offer_machines(l);
	} else if (service_of(l, &sc)) {
		offer_names(l, &sc.nodes, "hypervisor");
		offer_names(l, &sc.drpnodes, "hypervisor, disaster recovery");
	}
}

static void offer_containers(struct line *l)
{
	struct service_conf sc;

	if (service_of(l, &sc))
		offer_names(l, &sc.encapnodes, "container");
}

static void offer_any_nodes(struct line *l)
{
	offer_nodes(l);
	offer_containers(l);
}

static void offer_secrets(struct line *l)
{
	const struct doc *all =
		l->service ? doc_get(ask(l, "secret_ls", l->service), "secrets")
			   : NULL;

	for (size_t i = 0; i < doc_len(all); i++)
		offer(l, doc_get_str(doc_at(all, i), "key", ""), "");
}

static void offer_drafts(struct line *l)
{
	const struct doc *all =
		doc_get(ask(l, "svc_drafts", l->service), "drafts");

	for (size_t i = 0; i < doc_len(all); i++) {
		const struct doc *d = doc_at(all, i);

		if (doc_get(d, "id"))
			offer(l, doc_get_str(d, "id", ""),
			      doc_get_str(d, "name", ""));
	}
}

static void offer_revisions(struct line *l)
{
	const struct doc *all =
		l->service ? doc_get(ask(l, "svc_history", l->service), "revs")
			   : NULL;

	offer(l, "HEAD", "");
	offer(l, "HEAD~1", "the one before");
	for (size_t i = 0; i < doc_len(all); i++) {
		const struct doc *d = doc_at(all, i);

		offer(l,
		      arena_printf(l->c->arena, "%.12s",
				   doc_get_str(d, "rev", "")),
		      doc_get_str(d, "comment", ""));
	}
}

/* -- the env file ---------------------------------------------------------- */

static const char *type_of(const struct conf *conf, const struct ini_section *s,
			   const struct section_id *id)
{
	const struct ini_key *k = ini_key(conf, s, "type", "");

	if (k)
		return k->value;
	return id->type ? id->type : id->group ? id->group->type : NULL;
}

static void offer_rids(struct line *l)
{
	struct conf *conf = conf_of(l);

	for (size_t i = 0; conf && i < conf->n; i++) {
		const struct ini_section *s = conf->sections[i];
		struct section_id id = section_id(l->c->arena, s->name);
		const char *type;

		if (!section_is_resource(&id))
			continue;
		type = type_of(conf, s, &id);
		offer(l, s->name, type ? type : "");
	}
}

static void offer_sections(struct line *l)
{
	struct conf *conf = conf_of(l);

	offer(l, "DEFAULT.", "");
	for (size_t i = 0; conf && i < conf->n; i++)
		if (strcmp(conf->sections[i]->name, "DEFAULT") != 0)
			offer(l,
			      arena_printf(l->c->arena, "%s.",
					   conf->sections[i]->name),
			      "");
}

/* The section that the current word names before its dot. */
static struct ini_section *section_typed(struct line *l, const char *dot)
{
	struct conf *conf = conf_of(l);

	return conf ? ini_section(conf,
				  arena_printf(l->c->arena, "%.*s",
					       (int)(dot - l->cur), l->cur))
		    : NULL;
}

/* The rows for a section of the file, of what its type says. */
static struct keyword_set keywords_for(struct line *l,
				       const struct ini_section *s)
{
	struct keywords k = keywords_index(l->c->arena, 0);
	struct section_id id = section_id(l->c->arena, s->name);
	const char *group = id.group ? id.group->name : s->name;

	return keywords_of(&k, group, type_of(l->conf, s, &id));
}

static void offer_values(struct line *l, const struct ini_section *s,
			 const char *key, const char *value)
{
	struct keyword_set set = keywords_for(l, s);
	size_t len = strcspn(key, "@+-|^=");

	l->lead = arena_printf(l->c->arena, "%s%.*s", l->lead,
			       (int)(value - l->cur), l->cur);
	l->cur = value;
	for (size_t i = 0; i < set.n; i++) {
		const struct keyword *row = set.at[i];

		if (strlen(row->name) != len || strncmp(row->name, key, len))
			continue;
		if (row->conv == CONV_BOOLEAN || row->conv == CONV_TRISTATE) {
			offer(l, "true", "");
			offer(l, "false", "");
		}
		if (row->candidates)
			offer_words(l,
				    arena_printf(l->c->arena, "%s",
						 row->candidates),
				    " ");
		return;
	}
}

/* section.keyword=value, one part after the other. */
static void offer_assignments(struct line *l)
{
	const char *dot = strchr(l->cur, '.'), *value = strchr(l->cur, '=');
	struct ini_section *s = dot ? section_typed(l, dot) : NULL;
	struct keyword_set set;

	if (!dot) {
		offer_sections(l);
		return;
	}
	if (!s)
		return;
	if (value) {
		offer_values(l, s, dot + 1, value + 1);
		return;
	}
	set = keywords_for(l, s);
	for (size_t i = 0; i < set.n; i++)
		offer(l,
		      arena_printf(l->c->arena, "%s.%s=", s->name,
				   set.at[i]->name),
		      set.at[i]->help);
}

/* Those that are in the file. */
static void offer_keys(struct line *l)
{
	const char *dot = strchr(l->cur, '.');
	struct ini_section *s = dot ? section_typed(l, dot) : NULL;

	if (!dot)
		offer_sections(l);
	for (const struct ini_key *k = s ? s->keys : NULL; k; k = k->next)
		if (!k->gone)
			offer(l,
			      arena_printf(l->c->arena, "%s.%s%s%s", s->name,
					   k->option, *k->scope ? "@" : "",
					   k->scope),
			      "");
}

/* -- what stands in the table ---------------------------------------------- */

static void offer_formats(struct line *l)
{
	offer(l, "text", "for people");
	offer(l, "json", "the document as it is");
	offer(l, "yaml", "the document as it is");
	offer(l, "flat", "a line per value");
	offer(l, "tab=", "a table of COLUMN:.path,...");
}

static void offer_explained(struct line *l)
{
	struct names all = explain_names(l->c->arena);

	for (size_t i = 0; i < all.n; i++)
		offer(l, all.at[i], "");
}

static void offer_files(struct line *l)
{
	fprintf(l->c->out, ":file\n");
}

static const struct kind {
	const char *word;
	void (*offer)(struct line *l); /* NULL: nothing is known of it */
} kinds[] = {
	{ "ADDRESS", NULL },
	{ "CLUSTER", NULL },
	{ "COMMAND", NULL }, /* by complete_encap() */
	{ "CONTAINER", offer_containers },
	{ "DRAFT", offer_drafts },
	{ "FILE", offer_files },
	{ "FORMAT", offer_formats },
	{ "KEY", offer_keys },
	{ "KEY=VALUE", offer_assignments },
	{ "LABEL=VALUE", NULL },
	{ "N", NULL },
	{ "NAME", offer_services },
	{ "NEW", offer_nodes },
	{ "NODE", offer_nodes },
	{ "OLD", offer_nodes },
	{ "OPTION=VALUE", NULL },
	{ "REV", offer_revisions },
	{ "RID", offer_rids },
	{ "SECRET", offer_secrets },
	{ "SERVICE", offer_services },
	{ "SUBSET", NULL },
	{ "TAG", NULL },
	{ "TEXT", NULL },
	{ "TIME", NULL },
	{ "TOKEN", NULL },
	{ "VALUE", NULL },
	{ "WHAT", offer_explained },
};

/* "[NAME]", "NAME,...", "KEY=VALUE..." -> the word itself. */
static const char *bare(struct arena *a, const char *word, size_t len)
{
	const char *dots = memmem(word, len, "...", 3);

	if (dots)
		len = (size_t)(dots - word);
	while (len > 0 && strchr("[],", word[len - 1]))
		len--;
	while (len > 0 && strchr("[", *word)) {
		word++;
		len--;
	}
	return arena_printf(a, "%.*s", (int)len, word);
}

static const struct kind *kind_of(struct arena *a, const char *word, size_t len)
{
	const char *name = bare(a, word, len);

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i].word, name) == 0)
			return &kinds[i];
	return NULL;
}

/* A word in lower case stands for itself. */
static bool is_literal(const char *word)
{
	return *word >= 'a' && *word <= 'z';
}

/* "RID|NODE": each of them. */
bool complete_knows(const char *word)
{
	SCOPED(arena) struct arena *a = arena_new();

	for (;;) {
		size_t len = strcspn(word, "|");

		if (!is_literal(bare(a, word, len)) && !kind_of(a, word, len))
			return false;
		if (!word[len])
			return true;
		word += len + 1;
	}
}

/* A value of one kind; of a list the last part is completed. */
static void offer_one_kind(struct line *l, const char *word, size_t len)
{
	const struct kind *k = kind_of(l->c->arena, word, len);
	const char *comma = strrchr(l->cur, ',');

	if (is_literal(bare(l->c->arena, word, len)))
		offer(l, bare(l->c->arena, word, len), "");
	if (!k || !k->offer)
		return;
	if (comma && memmem(word, len, ",...", 4)) {
		l->lead = arena_printf(l->c->arena, "%s%.*s", l->lead,
				       (int)(comma + 1 - l->cur), l->cur);
		l->cur = comma + 1;
	}
	k->offer(l);
}

static void offer_kind(struct line *l, const char *word, size_t len)
{
	const char *end = word + len;

	for (;;) {
		const char *bar = memchr(word, '|', (size_t)(end - word));

		offer_one_kind(l, word, (size_t)((bar ? bar : end) - word));
		if (!bar)
			return;
		word = bar + 1;
	}
}

/* -- where the current word stands ----------------------------------------- */

static void offer_value_of(struct line *l, enum option_id id)
{
	const char *word = option_table[id].arg;

	if (id == OPT_SLAVE)
		word = "CONTAINER,...";
	if (id == OPT_AS)
		offer_any_nodes(l);
	else
		offer_kind(l, word, strlen(word));
}

/* "--slave=vm1": the value, its option in front of it. */
static bool offer_joined(struct line *l, uint64_t allowed)
{
	const char *equals = strchr(l->cur, '=');
	enum option_id id;

	if (strncmp(l->cur, "--", 2) != 0 || !equals)
		return false;
	id = line_option(l->cur + 2, (size_t)(equals - l->cur) - 2);
	if (id == OPT_N || !(allowed >> id & 1) || !option_table[id].arg)
		return true;
	l->lead = arena_printf(l->c->arena, "%.*s", (int)(equals + 1 - l->cur),
			       l->cur);
	l->cur = equals + 1;
	offer_value_of(l, id);
	return true;
}

static void offer_options(struct line *l, uint64_t allowed)
{
	for (unsigned i = 0; i < OPT_N; i++) {
		const struct option_row *o = &option_table[i];

		if ((allowed & ~l->given) >> i & 1)
			offer(l, arena_printf(l->c->arena, "--%s", o->name),
			      o->help);
	}
}

/* The argument that comes next. */
static void offer_argument(struct line *l)
{
	const char *word = l->cmd->args;

	if (l->n_args >= l->cmd->max)
		return;
	for (size_t i = 0; i < l->n_args; i++) {
		size_t n = strcspn(word, " ");

		if (!word[n])
			break; /* the last one may be repeated */
		word += n + 1;
	}
	/* A service that is to be made has no name to complete. */
	if (strcmp(l->cmd->words, "create") != 0 || l->n_args > 0)
		offer_kind(l, word, strcspn(word, " "));
}

/* @argv up to the current word, as the parser would see it; the option whose
 * value the current word is, or OPT_N. */
static enum option_id walk(struct line *l, size_t argc, const char *const *argv)
{
	for (size_t i = 0; i < argc; i++) {
		const char *w = argv[i];
		bool is_long = strncmp(w, "--", 2) == 0;
		enum option_id id = OPT_N;

		if (*w != '-' || !w[1]) {
			if (l->n_args++ == 0)
				l->first = w;
			continue;
		}
		id = is_long ? line_option(w + 2, strcspn(w + 2, "="))
			     : line_option_lettered(
				       w[1], l->cmd ? l->cmd->options : 0);
		if (id == OPT_N)
			continue;
		l->given |= OPT_BIT(id);
		if (!option_table[id].arg || strchr(w, '=') ||
		    (!is_long && w[2]))
			continue;
		if (i + 1 == argc)
			return id;
		i++;
		if (id == OPT_SERVICE)
			l->service = argv[i];
	}
	return OPT_N;
}

static void complete_command(struct line *l, size_t argc,
			     const char *const *argv, uint64_t allowed)
{
	enum option_id id = walk(l, argc, argv);

	if (strncmp(l->cmd->args + strspn(l->cmd->args, "["), "NAME", 4) == 0)
		l->service = l->first;
	if (id != OPT_N && (allowed >> id & 1))
		offer_value_of(l, id);
	else if (*l->cur == '-' && !offer_joined(l, allowed))
		offer_options(l, allowed);
	else if (*l->cur != '-')
		offer_argument(l);
}

/* -- encap ----------------------------------------------------------------- */

/* What @words have behind the @n that are there; NULL if they begin otherwise,
 * or end before. */
static const char *rest_of(const char *words, size_t n, const char *const *argv)
{
	for (size_t i = 0; i < n; i++) {
		size_t len = strcspn(words, " ");

		if (!words[len] || strlen(argv[i]) != len ||
		    strncmp(argv[i], words, len) != 0)
			return NULL;
		words += len + 1;
	}
	return words;
}

/* The words of commands that go on from the @n that are there. */
static bool offer_next_words(struct line *l, size_t n, const char *const *argv)
{
	const char *last = "";
	bool any = false;

	for (const struct command *k = command_table; k->words; k++) {
		const char *rest = rest_of(k->words, n, argv);
		size_t len = rest ? strcspn(rest, " ") : 0;

		if (!rest)
			continue;
		any = true;
		if (strlen(last) == len && strncmp(last, rest, len) == 0)
			continue; /* the family's word, once */
		last = arena_printf(l->c->arena, "%.*s", (int)len, rest);
		offer(l, last, rest[len] ? "" : k->summary);
	}
	return any;
}

static void complete_encap(struct line *l, size_t argc, const char *const *argv)
{
	size_t used;

	l->cmd = line_command(argc, argv, &used);
	if (!l->cmd || used == argc)
		if (offer_next_words(l, argc, argv) && !l->cmd)
			return;
	if (!l->cmd)
		return;
	if (strcmp(l->cmd->words, "help") == 0) {
		offer_next_words(l, argc - used, argv + used);
		return;
	}
	complete_command(l, argc - used, argv + used,
			 l->cmd->options | OPT_BIT(OPT_HELP));
}

/* -- svcmgr, nodemgr ------------------------------------------------------- */

/* The next word of actions; what is typed of them are @args. */
static void offer_actions(struct line *l, const struct older *p, size_t n,
			  const char *const *args)
{
	const char *last = "";

	for (const struct older_action *o = p->actions; o->words; o++) {
		const char *rest = rest_of(o->words, n, args);
		size_t len = rest ? strcspn(rest, " ") : 0;

		if (!len || o->note)
			continue;
		if (strlen(last) == len && strncmp(last, rest, len) == 0)
			continue;
		last = arena_printf(l->c->arena, "%.*s", (int)len, rest);
		offer(l, last, "");
	}
}

/* The words of @argv that are no options. */
static size_t plain_words(struct line *l, size_t argc, const char *const *argv,
			  const char **ret)
{
	size_t n = 0;

	for (size_t i = 0; i < argc; i++) {
		struct line one = { .c = l->c };

		if (*argv[i] != '-')
			ret[n++] = argv[i];
		else if (i + 1 < argc && walk(&one, 1, argv + i) != OPT_N)
			i++;
	}
	return n;
}

/* What the action of @words takes, and what only older lines have; before
 * there is an action, everything. */
static uint64_t options_of(const struct older *p, size_t n,
			   const char *const *words)
{
	uint64_t older =
		OPT_BIT(OPT_SERVICE) | OPT_BIT(OPT_HELP) | OPT_BIT(OPT_TO) |
		OPT_BIT(OPT_PARAM) | OPT_BIT(OPT_VALUE) | OPT_BIT(OPT_KW) |
		OPT_BIT(OPT_RID) | OPT_BIT(OPT_NODE) | OPT_BIT(OPT_LOCAL);
	const struct command *k = NULL;
	size_t most = 0;

	for (const struct older_action *o = p->actions; o->words; o++) {
		size_t used = line_match(o->words, n, words);

		if (used > most && o->command) {
			most = used;
			k = line_command_named(o->command);
		}
	}
	return k ? k->options | older : OPT_BIT(OPT_N) - 1;
}

static void complete_older(struct line *l, const struct older *p, size_t argc,
			   const char *const *argv)
{
	const char **words = ARENA_VEC(l->c->arena, const char *, argc + 1);
	size_t n = plain_words(l, argc, argv, words);
	uint64_t allowed = options_of(p, n, words);
	enum option_id id = walk(l, argc, argv);

	if (id != OPT_N) {
		/* -s is before the service is known: of any. */
		if (id == OPT_SERVICE)
			offer_services(l);
		else
			offer_value_of(l, id);
	} else if (*l->cur == '-') {
		if (!offer_joined(l, allowed))
			offer_options(l, allowed);
	} else {
		offer_actions(l, p, n, words);
	}
}

int complete_run(struct cli *c, size_t argc, const char *const *argv)
{
	struct line l = { .c = c, .lead = "", .cur = "" };
	const char *program = argc > 0 ? strrchr(argv[0], '/') : NULL;
	const struct older *p;

	if (argc < 2)
		return CLI_DONE;
	program = program ? program + 1 : argv[0];
	l.cur = argv[argc - 1];
	p = older_program(program);
	if (!p && argc > 2 && older_program(argv[1])) {
		p = older_program(argv[1]);
		argv++;
		argc--;
	}
	if (p)
		complete_older(&l, p, argc - 2, argv + 1);
	else
		complete_encap(&l, argc - 2, argv + 1);
	return CLI_DONE;
}
