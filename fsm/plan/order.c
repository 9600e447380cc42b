#include "fsm/plan/order.h"

#include <string.h>

int64_t order_intent_seq(const struct doc *intent, const char *node,
			 bool container)
{
	const struct doc *own = doc_get(doc_get(intent, "slaves"), node);

	if (!container)
		return doc_get_int(intent, "want_seq", 0);
	return own ? doc_get_int(own, "seq", 0)
		   : doc_get_int(intent, "encap_seq", 0);
}

bool order_counts(const struct doc *order, const struct doc *intent,
		  const char *node, bool container, const struct doc *assign)
{
	int64_t seq = doc_get_int(order, "seq", 0);
	int64_t token = doc_get_int(order, "token", 0);

	if (!order || seq != order_intent_seq(intent, node, container))
		return false;
	/* One that came with its assignment did not know its token yet. */
	if (doc_get_bool(order, "keep", false) && !token)
		return doc_get_int(assign, "seq", -1) == seq;
	return doc_get_int(assign, "token", 0) == token;
}

static enum hold hold_word(const char *word)
{
	if (strcmp(word, "up") == 0)
		return HOLD_UP;
	if (strcmp(word, "down") == 0)
		return HOLD_DOWN;
	if (strcmp(word, "provision") == 0)
		return HOLD_PROVISION;
	if (strcmp(word, "make") == 0)
		return HOLD_MAKE;
	if (strcmp(word, "unprovision") == 0)
		return HOLD_UNPROVISION;
	return strcmp(word, "restart") == 0 ? HOLD_RESTART : HOLD_NOT;
}

const char *order_whole(const struct doc *order)
{
	const char *word = doc_get_str(order, "whole", "");

	return *word ? word : NULL;
}

enum hold order_hold(const struct instance *inst, const struct doc *order,
		     size_t i, uint64_t *ret_act)
{
	const struct doc *hold =
		doc_get(doc_get(order, "holds"), inst->res[i].rid);

	*ret_act = (uint64_t)doc_get_int(hold, "act", 0);
	if (hold)
		return hold_word(doc_get_str(hold, "want", ""));
	return doc_get_bool(order, "keep", false) ? HOLD_KEEP : HOLD_NOT;
}
