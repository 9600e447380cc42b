/*
 * Actions on some resources of a service alone: start, stop and restart with
 * --rid and its like; the older startip, stopfs, ... are these.
 */
#include <string.h>

#include "cli/command.h"
#include "cli/plan.h"
#include "cli/wait.h"
#include "fsm/conf/conf.h"
#include "fsm/plan/actions.h"
#include "fsm/plan/copies.h"

struct act {
	const char *action; /* "start" */
	const char *level;  /* of the agent that is asked */
};

bool cli_selects(const struct cli *c)
{
	return c->opt[OPT_RID] || c->opt[OPT_TAGS] || c->opt[OPT_SUBSETS] ||
	       c->opt[OPT_UPTO] || c->opt[OPT_DOWNTO] || c->opt[OPT_STANDBY];
}

/* -- levels ---------------------------------------------------------------- */

int cli_conf(struct cli *c, struct conf **ret)
{
	struct problems p = { .arena = c->arena, .name = c->args[0] };
	struct doc *data;
	const char *text;
	int rc = cli_call(c, "svc_config", cli_args_name(c), &data);

	if (rc != CLI_DONE)
		return rc;
	text = doc_get_str(data, "config", "");
	*ret = conf_parse(c->arena, text, strlen(text), &p);
	if (*ret)
		return CLI_DONE;
	return cli_error(c, CLI_FAILED, "the env file cannot be read: %s",
			 p.n ? p.at[0].text : "?");
}

/* Does anything of the service run in a container, seen from any node? */
static bool has_encap(struct cli *c, const struct conf *conf)
{
	struct service_conf sc = { 0 };
	struct instance inst;
	struct err err;

	if (service_eval(c->arena, conf, c->args[0], NULL, &sc, &err) < 0)
		return false;
	for (size_t i = 0; i < sc.nodes.n; i++) {
		if (instance_eval(c->arena, conf, c->args[0], sc.nodes.at[i],
				  LEVEL_HYPERVISOR, &inst, &err) < 0)
			continue;
		for (size_t j = 0; j < inst.n; j++)
			if (inst.res[j].encap)
				return true;
	}
	return false;
}

static bool is_inside(const struct act *x)
{
	return strcmp(x->level, "encap") == 0;
}

/* Changes nothing of what is up. */
static bool is_run(const struct act *x)
{
	return strcmp(x->action, "run") == 0 ||
	       strncmp(x->action, "sync_", 5) == 0;
}

/* It may be of all of the service, on one node. */
static bool is_making(const struct act *x)
{
	return strcmp(x->action, "provision") == 0 ||
	       strcmp(x->action, "unprovision") == 0;
}

/* An action on some resources must say which level it means where there are
 * two; a whole class of them, standby, is both. */
static int check_levels(struct cli *c, const struct act *x, bool *ret_encap)
{
	bool leveled =
		c->opt[OPT_MASTER] || c->opt[OPT_SLAVE] || c->opt[OPT_SLAVES];
	struct conf *conf;
	int rc = cli_conf(c, &conf);

	if (rc != CLI_DONE)
		return rc;
	*ret_encap = has_encap(c, conf);
	if (leveled || c->opt[OPT_STANDBY] || is_run(x) || is_inside(x) ||
	    !*ret_encap || (is_making(x) && !cli_selects(c)))
		return CLI_DONE;
	return cli_error(c, CLI_USAGE,
			 "specify either --master, --slave(s) or both (%s)",
			 c->words ? c->words : x->action);
}

static const char *level_word(const struct cli *c, const struct act *x,
			      bool has_both)
{
	bool master = c->opt[OPT_MASTER] != NULL;
	bool slaves = c->opt[OPT_SLAVES] || c->opt[OPT_SLAVE];

	if (is_inside(x))
		return "encap";
	if (!has_both)
		return "hypervisor";
	if (is_run(x) && !slaves) /* the hypervisor's, if nothing is said */
		return "hypervisor";
	return master == slaves ? "both" : master ? "hypervisor" : "encap";
}

/* -- asking ---------------------------------------------------------------- */

static struct doc *act_args(struct cli *c, const struct act *x,
			    const char *level, struct doc *slaves)
{
	static const struct {
		enum option_id id;
		const char *key;
	} words[] = {
		{ OPT_RID, "rid" },	    { OPT_TAGS, "tags" },
		{ OPT_SUBSETS, "subsets" }, { OPT_UPTO, "upto" },
		{ OPT_DOWNTO, "downto" },   { OPT_NODE, "node" },
	};
	struct doc *args = cli_args_name(c);

	doc_put_str(c->arena, args, "action", x->action);
	doc_put_str(c->arena, args, "level", level);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		const char *value = c->opt[words[i].id];

		if (value && *value)
			doc_put_str(c->arena, args, words[i].key, value);
	}
	if (c->opt[OPT_STANDBY])
		doc_put_bool(c->arena, args, "standby", true);
	if (c->opt[OPT_STOP])
		doc_put_bool(c->arena, args, "stop", true);
	if (doc_len(slaves))
		doc_put(c->arena, args, "slave", slaves);
	cli_put_author(c, args);
	return args;
}

int cmd_act_args(struct cli *c, const char *action, struct doc **ret)
{
	struct act x = { .action = action };
	struct doc *slaves;
	bool encap = false;
	int rc = cli_slaves(c, &slaves);

	if (rc == CLI_DONE)
		rc = cli_agent(c, NULL, &x.level);
	if (rc == CLI_DONE)
		rc = check_levels(c, &x, &encap);
	if (rc == CLI_DONE)
		*ret = act_args(c, &x, level_word(c, &x, encap), slaves);
	return rc;
}

int cmd_act(struct cli *c, const char *action)
{
	struct wait_goal goal = { .want = WAIT_ACT, .service = c->args[0] };
	struct doc *data, *args, *cursor;
	int64_t ms;
	int rc = wait_timeout(c, &ms);

	if (rc == CLI_DONE)
		rc = cmd_act_args(c, action, &args);
	if (rc != CLI_DONE)
		return rc;
	if (c->opt[OPT_DRY_RUN])
		return plan_request(c, "svc_act", args);
	cursor = wait_cursor(c, c->args[0]);
	rc = cli_call(c, "svc_act", args, &data);
	if (rc != CLI_DONE || c->opt[OPT_NO_WAIT])
		return rc;
	goal.seq = doc_get_int(data, "act", 0);
	goal.nodes = doc_get(data, "nodes");
	goal.peers = doc_get(data, "peers");
	return wait_run(c, &goal, cursor, ms);
}

/* The first task that is meant and is to be confirmed, seen from @node. */
static const char *unconfirmed(struct cli *c, const struct conf *conf,
			       const char *node)
{
	const struct selection sel = { .rids = c->opt[OPT_RID], .run = true };
	struct instance inst;
	enum level level;
	bool *picked;

	if (conf_level(c->arena, conf, c->args[0], node, &level, NULL) < 0 ||
	    instance_eval(c->arena, conf, c->args[0], node, level, &inst,
			  NULL) < 0)
		return NULL;
	picked = ARENA_VEC(c->arena, bool, inst.n + 1);
	if (actions_select(&inst, &sel, picked, NULL) < 0)
		return NULL;
	for (size_t i = 0; i < inst.n; i++) {
		const char *kw = resource_kw(&inst.res[i], "confirmation");

		if (picked[i] && kw && strcmp(kw, "true") == 0)
			return inst.res[i].rid;
	}
	return NULL;
}

static const char *unconfirmed_of(struct cli *c, const struct conf *conf,
				  const struct names *nodes)
{
	const char *rid = NULL;

	for (size_t i = 0; i < nodes->n && !rid; i++)
		rid = unconfirmed(c, conf, nodes->at[i]);
	return rid;
}

int cmd_run(struct cli *c)
{
	struct service_conf sc;
	const char *rid = NULL;
	struct conf *conf;
	int rc = cli_conf(c, &conf);

	if (rc != CLI_DONE)
		return rc;
	if (service_eval(c->arena, conf, c->args[0], NULL, &sc, NULL) == 0) {
		rid = unconfirmed_of(c, conf, &sc.nodes);
		if (!rid && (c->opt[OPT_SLAVE] || c->opt[OPT_SLAVES]))
			rid = unconfirmed_of(c, conf, &sc.encapnodes);
	}
	if (rid)
		rc = cli_yes(c, arena_printf(c->arena,
					     "%s of %s is to be confirmed.",
					     rid, c->args[0]));
	return rc == CLI_DONE ? cmd_act(c, "run") : rc;
}

int cmd_provision(struct cli *c)
{
	return cmd_act(c, "provision");
}

int cmd_unprovision(struct cli *c)
{
	int rc = CLI_DONE;

	if (!c->opt[OPT_DRY_RUN])
		rc = cli_yes(c, arena_printf(c->arena,
					     "What provisions of %s have made "
					     "is destroyed, with all that is "
					     "in it.",
					     c->args[0]));
	return rc == CLI_DONE ? cmd_act(c, "unprovision") : rc;
}

int cmd_sync(struct cli *c)
{
	const char *word = c->n_args > 1 ? c->args[1] : "all";
	enum copies which = copies_word(word);

	if (which == COPIES_NONE)
		return cli_usage(c,
				 "'%s' is no set of nodes to copy to: nodes, "
				 "drp or all",
				 word);
	return cmd_act(c, copies_action(which));
}
