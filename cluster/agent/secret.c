/*
 * Secrets on their way to the processes that need them.
 *
 *     [sealed row] + [service's key] ──▶ VARIABLE=value of one process
 *
 * A hypervisor derives a service's key from the cluster's; a container is told
 * its own service's by its host when it is welcomed, and keeps it in memory
 * alone. Nothing opened ever becomes part of a document, a log or a file.
 */
#include <errno.h>
#include <string.h>

#include "cluster/agent/internal.h"
#include "fsm/conf/convert.h"

static int own_key(struct agent *g, struct err *err)
{
	int rc;

	if (g->has_secret_key)
		return 0;
	if (g->level == LEVEL_ENCAP)
		return err_set(err, -ENOKEY,
			       "the hypervisor's agent has not told the key "
			       "yet");
	if (!g->io.secret_key)
		return err_set(err, -ENOKEY, "this agent has no key");
	rc = g->io.secret_key(g->io.ctx, &g->secret_key, err);
	g->has_secret_key = rc == 0;
	return rc;
}

int secret_service_key(struct agent *g, const char *service,
		       struct seal_key *ret, struct err *err)
{
	int rc = own_key(g, err);

	if (rc < 0)
		return rc;
	if (g->level == LEVEL_ENCAP)
		*ret = g->secret_key;
	else
		seal_service_key(&g->secret_key, service, ret);
	return 0;
}

void secret_keep_key(struct agent *g, const struct doc *welcome)
{
	const struct doc *key = doc_get(welcome, "secret_key");

	if (!key || key->type != DOC_BIN || key->str.len != SEAL_KEY_SIZE)
		return;
	memcpy(g->secret_key.bytes, key->str.data, SEAL_KEY_SIZE);
	g->has_secret_key = true;
}

void secret_free(struct agent *g)
{
	explicit_bzero(&g->secret_key, sizeof(g->secret_key));
}

/* The value of one secret, on @a. */
static int secret_value(const struct seal_key *k, const struct state *s,
			const char *service, const char *name, const char **ret,
			struct err *err)
{
	struct state_key at = state_key(service, name);
	const struct doc *row = op_secret_key_refused(name)
					? NULL
					: state_row(s, TABLE_SECRET, &at);
	size_t len;
	int rc;

	if (!row)
		return err_set(err, -ENOENT,
			       "%s has no secret '%.64s': 'encap secret set %s "
			       "%.64s' makes it",
			       service, name, service, name);
	rc = seal_open(s->arena, k, service, name, doc_get(row, "sealed"), ret,
		       &len, err);
	if (rc == 0 && strlen(*ret) != len)
		return err_set(err, -EINVAL,
			       "the secret %s has a byte 0: no variable can "
			       "hold it",
			       name);
	return rc;
}

static int put_word(const struct seal_key *k, const struct state *s,
		    const char *service, const char *word, const char **ret,
		    struct err *err)
{
	const char *eq = strchr(word, '='), *value;
	int rc;

	if (!eq || eq == word || !eq[1])
		return err_set(err, -EINVAL, "'%.64s' is not VARIABLE=SECRET",
			       word);
	rc = secret_value(k, s, service, eq + 1, &value, err);
	if (rc == 0)
		*ret = arena_printf(s->arena, "%.*s=%s", (int)(eq - word), word,
				    value);
	return rc;
}

const char *const *secret_words(struct agent *g, struct arena *a,
				const char *service, uint64_t gid,
				const struct resource *r, struct err *err)
{
	const char *text = resource_kw(r, "secrets_environment");
	struct txn *t;
	struct state s;
	struct names words;
	struct seal_key k;
	const char **at;
	size_t n = 0;

	if (!text || !*text)
		return NULL;
	if (shlex_split(a, text, &words, err) < 0 ||
	    secret_service_key(g, service, &k, err) < 0)
		return ARENA_VEC(a, const char *, 1);
	at = ARENA_VEC(a, const char *, words.n + 1);
	t = txn_begin_read(g->db, err);
	if (!t)
		return at;
	s = (struct state){ t, gid, a };
	for (size_t i = 0; i < words.n; i++)
		if (put_word(&k, &s, service, words.at[i], &at[n], err) == 0)
			n++;
	txn_abort(t);
	return at;
}
