/*
 * scene - a cluster in a simulated world (cluster/sim/world.h), its services,
 * and what was asked of them.
 *
 *     hypervisors hv1..hv5 ─┬─ web   a file system, a container, an app in it
 *                           ├─ db    a file system, an app
 *                           └─ api   an app; needs db, and would rather be
 *                                    elsewhere
 */
#pragma once

#include "cluster/sim/image.h"
#include "cluster/sim/world.h"
#include "tests/sim/editors.h"
#include "tests/sim/invariants.h"
#include "tests/sim/plan.h"

enum {
	SCENE_HOSTS = 5,
	SCENE_SERVICES = 3,
};

struct service {
	const char *name;
	bool asking;	/* an answer is awaited */
	bool want_up;	/* by the last intent that was acknowledged ... */
	bool unsure;	/* ... unless one after it may have been, too */
	bool disturbed; /* something has happened since that needs a person:
			   a start or a stop that failed, a part of it that
			   was started or stopped by itself */
};

struct scene {
	struct world *w;
	const struct plan *plan;
	uint64_t chance; /* of the step that is played */
	unsigned hosts, services;
	uint64_t lease_ms;
	struct world_node *hv[SCENE_HOSTS], *vm;
	struct service svc[SCENE_SERVICES];
	struct editors *editors;
	struct image *image; /* of the container; NULL: none yet */
	struct invariants *invariants;
	unsigned n_troubles, n_intents, n_moves;
};

void scene_begin(struct scene *s, const struct plan *p,
		 void (*tell)(const char *line));
void scene_free(struct scene *s);

/* Found the cluster, create the services, wait until they are up. */
void scene_build(struct scene *s);
/* Nothing goes wrong any more: does it come to what was asked? */
void scene_end(struct scene *s);

uint64_t scene_pick(struct scene *s, uint64_t n);
struct world_node *scene_host(struct scene *s); /* any hypervisor */
struct service *scene_service(struct scene *s); /* any service */
/* Can it be asked something? */
bool scene_answers(const struct world_node *n);
struct doc *scene_request(struct arena *a, const char *op, const char *name);
int scene_code(const struct doc *answer); /* -2: there was none */
void scene_disturbed(struct scene *s);	  /* all services are */

/* What people ask for; people.c. */
void people_start(struct scene *s);
void people_stop(struct scene *s);
void people_move(struct scene *s);
void people_hasty(struct scene *s);
void people_tangle(struct scene *s);
void people_restart(struct scene *s);
void people_freeze(struct scene *s);
void people_thaw(struct scene *s);
void people_node_freeze(struct scene *s);
void people_node_thaw(struct scene *s);
void people_part(struct scene *s);
void people_edit(struct scene *s);

/* What goes wrong; faults.c. */
void fault_kill(struct scene *s);
void fault_dead(struct scene *s);
void fault_power(struct scene *s);
void fault_power_all(struct scene *s);
void fault_boot(struct scene *s);
void fault_cut(struct scene *s);
void fault_one_way(struct scene *s);
void fault_split(struct scene *s);
void fault_heal(struct scene *s);
void fault_late(struct scene *s);
void fault_pause(struct scene *s);
void fault_sleep(struct scene *s);
void fault_wall(struct scene *s);
void fault_disk_full(struct scene *s);
void fault_disk_room(struct scene *s);
void fault_disk_error(struct scene *s);
void fault_disk_slow(struct scene *s);
void fault_fails(struct scene *s);
void fault_hangs(struct scene *s);
void fault_is_late(struct scene *s);
void fault_lies(struct scene *s);
void fault_blind(struct scene *s);
void fault_container(struct scene *s);
void fault_container_agent(struct scene *s);
void fault_container_pause(struct scene *s);
void fault_snapshot(struct scene *s);
