/*
 * Greedy, in the order of preference, in three rounds: of those that are there
 * only while no domain of theirs gets a majority; then without that; then,
 * where seats are left, of those that vote though they are gone. Domains lie
 * within each other (a rack in a room in a site), for which taking the
 * preferred one that fits is known to leave no better choice (a laminar
 * matroid). Fewer seats are taken where only that keeps a domain from the
 * majority, but not fewer than three.
 */
#include "fsm/plan/voters.h"

#include <string.h>

const char *const voters_domains[] = { "region", "zone", "site",
				       "room",	 "rack", NULL };

/* Who may have a seat at all. */
static bool may_vote(const struct voter *v)
{
	return !v->leaving && (v->votes || (v->up && !v->gone));
}

/* The largest odd number of seats with witnesses in the minority. */
static size_t seats(const struct voter *at, size_t n)
{
	size_t hypervisors = 0, witnesses = 0;

	for (size_t i = 0; i < n; i++) {
		hypervisors += may_vote(&at[i]) && !at[i].witness;
		witnesses += may_vote(&at[i]) && at[i].witness;
	}
	for (size_t k = VOTERS_MAX; k > 1; k -= 2) {
		size_t w = witnesses < k / 2 ? witnesses : k / 2;

		if (hypervisors + w >= k)
			return k;
	}
	return hypervisors > 0;
}

/* Is @a preferred to @b? */
static bool before(const struct voter *a, const struct voter *b)
{
	if (a->witness != b->witness)
		return b->witness;
	if (a->votes != b->votes)
		return a->votes;
	if (a->leads != b->leads)
		return a->leads;
	if (a->up != b->up)
		return a->up;
	return a->id < b->id;
}

static size_t chosen_in(const struct voter *at, size_t n, const char *domain,
			const char *value)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		count += at[i].shall &&
			 strcmp(doc_get_str(at[i].labels, domain, ""), value) ==
				 0;
	return count;
}

static bool tips_a_domain(const struct voter *at, size_t n, size_t k,
			  const struct voter *v)
{
	for (size_t d = 0; voters_domains[d]; d++) {
		const char *value =
			doc_get_str(v->labels, voters_domains[d], "");

		if (*value && chosen_in(at, n, voters_domains[d], value) >=
				      (k > 1 ? k / 2 : 1))
			return true;
	}
	return false;
}

enum round { SPREAD, THERE, GONE, ROUNDS };

static struct voter *next_best(struct voter *at, size_t n, size_t k,
			       enum round round, size_t witnesses)
{
	struct voter *best = NULL;

	for (size_t i = 0; i < n; i++) {
		struct voter *v = &at[i];

		if (v->shall || !may_vote(v) || v->gone != (round == GONE) ||
		    (v->witness && witnesses >= k / 2) ||
		    (round == SPREAD && tips_a_domain(at, n, k, v)))
			continue;
		if (!best || before(v, best))
			best = v;
	}
	return best;
}

static void choose(struct voter *at, size_t n, size_t k)
{
	size_t chosen = 0, witnesses = 0;

	for (size_t i = 0; i < n; i++)
		at[i].shall = false;
	for (enum round r = SPREAD; r < ROUNDS; r++) {
		struct voter *v;

		while (chosen < k &&
		       (v = next_best(at, n, k, r, witnesses)) != NULL) {
			v->shall = true;
			chosen++;
			witnesses += v->witness;
		}
	}
}

static bool is_spread(const struct voter *at, size_t n, size_t k)
{
	for (size_t i = 0; i < n; i++)
		for (size_t d = 0; at[i].shall && voters_domains[d]; d++) {
			const char *value = doc_get_str(at[i].labels,
							voters_domains[d], "");

			if (*value &&
			    chosen_in(at, n, voters_domains[d], value) > k / 2)
				return false;
		}
	return true;
}

/* Two who vote may become three in a moment: they do not become one before. */
static bool waits_for_joiner(const struct voter *at, size_t n, size_t most)
{
	bool joins = false;
	size_t votes = 0;

	for (size_t i = 0; i < n; i++) {
		joins = joins || (at[i].joining && !at[i].gone);
		votes += at[i].votes && !at[i].leaving;
	}
	return joins && votes > most;
}

void voters_choose(struct voter *at, size_t n)
{
	size_t most = seats(at, n);
	bool stay = !most || waits_for_joiner(at, n, most);

	for (size_t k = most; !stay && k > 1; k -= 2) {
		choose(at, n, k);
		if (is_spread(at, n, k))
			return;
	}
	choose(at, n, most);
	for (size_t i = 0; stay && i < n; i++)
		at[i].shall = at[i].votes && (!most || !at[i].leaving);
}
