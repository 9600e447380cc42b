#include "cluster/raft/log.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void drop(struct glog *l, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++) {
		l->bytes -= l->at[i].len;
		free(l->at[i].data);
	}
}

void glog_fini(struct glog *l)
{
	drop(l, 0, l->n);
	free(l->at);
	*l = (struct glog){ 0 };
}

const struct raft_log_entry *glog_get(const struct glog *l, uint64_t index)
{
	if (index <= l->base || index > glog_last(l))
		return NULL;
	return &l->at[index - l->base - 1];
}

static int reserve(struct glog *l)
{
	size_t cap = l->cap ? l->cap * 2 : 8;
	struct raft_log_entry *at;

	if (l->n < l->cap)
		return 0;
	at = realloc(l->at, cap * sizeof(*at));
	if (!at)
		return -ENOMEM;
	l->at = at;
	l->cap = cap;
	return 0;
}

int glog_append(struct glog *l, const struct raft_log_entry *e)
{
	struct raft_log_entry copy = *e;
	int rc = reserve(l);

	if (rc < 0)
		return rc;
	copy.data = malloc(e->len ? e->len : 1);
	if (!copy.data)
		return -ENOMEM;
	if (e->len)
		memcpy(copy.data, e->data, e->len);
	l->at[l->n++] = copy;
	l->bytes += e->len;
	return 0;
}

void glog_truncate(struct glog *l, uint64_t index)
{
	size_t keep;

	assert(index > l->base);
	if (index > glog_last(l))
		return;
	keep = (size_t)(index - l->base - 1);
	drop(l, keep, l->n);
	l->n = keep;
}

void glog_trim(struct glog *l, uint64_t index)
{
	size_t n;

	if (index <= l->base)
		return;
	assert(index <= glog_last(l));
	n = (size_t)(index - l->base);
	drop(l, 0, n);
	l->n -= n;
	memmove(l->at, l->at + n, l->n * sizeof(*l->at));
	l->base = index;
}

void glog_reset(struct glog *l, uint64_t base)
{
	drop(l, 0, l->n);
	l->n = 0;
	l->base = base;
}
