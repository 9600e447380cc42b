/*
 * foreseen - services in a database, as a forecast looks at them, and what it
 * ends in as what there is.
 */
#pragma once

#include <string.h>

#include "fsm/plan/forecast.h"
#include "fsm/state/state.h"

/* As its rows are now; ->intent is NULL if there are none. @k: of all that are
 * looked at (conf_share). */
static inline struct forecast_service
foreseen_service(const struct state *s, const char *name, struct keywords *k)
{
	struct doc *row = state_service(s, name);
	struct doc *rev = state_revision(s, name, doc_get_str(row, "head", ""));
	const char *text = doc_get_str(rev, "config", "");
	struct problems p = { .arena = s->arena, .name = name };
	struct conf *conf = conf_parse(s->arena, text, strlen(text), &p);

	if (conf)
		conf_share(conf, k);
	return (struct forecast_service){
		.name = name,
		.conf = conf,
		.intent = doc_get(row, "intent"),
		.assigns = state_assigns(s, name),
		.instances = state_instances(s, name),
		.orders = state_orders(s, name),
		.frozen = doc_get_bool(row, "frozen", false),
		.maintenance = doc_get_bool(row, "maintenance", false),
		.next_token = (uint64_t)doc_get_int(row, "token", 0) + 1,
	};
}

static inline void foreseen_put(const struct state *s, enum table table,
				const char *service, const struct doc *rows)
{
	for (size_t i = 0; i < doc_len(rows); i++) {
		struct state_key k = state_key(service, doc_at(rows, i)->key);

		state_put(s, table, &k, doc_at(rows, i));
	}
}

static inline void foreseen_keep(const struct state *s,
				 const struct forecast_service *after)
{
	struct state_key k = state_key(after->name, NULL);
	struct doc *row = state_service(s, after->name);

	doc_put(s->arena, row, "intent", doc_copy(s->arena, after->intent));
	doc_put_int(s->arena, row, "token", (int64_t)after->next_token - 1);
	state_put(s, TABLE_SERVICE, &k, row);
	foreseen_put(s, TABLE_ASSIGN, after->name, after->assigns);
	foreseen_put(s, TABLE_INSTANCE, after->name, after->instances);
}
