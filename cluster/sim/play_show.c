#include "cluster/sim/play.h"

static void service_text(struct buf *out, const struct play_outage *s)
{
	buf_printf(out, "%s: %s%s", s->service,
		   *s->where   ? "up on "
		   : s->wanted ? "down"
			       : "stopped",
		   s->where);
	if (s->down_us < 1000)
		buf_puts(out, "; never down while it was wanted");
	else if (s->times > 1)
		buf_printf(out,
			   "; down for %.1f s in all while it was wanted, %u "
			   "times, the longest %.1f s",
			   (double)s->down_us / 1e6, s->times,
			   (double)s->longest_us / 1e6);
	else
		buf_printf(out, "; down for %.1f s while it was wanted",
			   (double)s->down_us / 1e6);
	buf_puts(out, s->twice ? "; UP TWICE\n" : "; never up twice\n");
}

void play_text(struct buf *out, const struct play_result *r)
{
	diary_text(out, &r->diary);
	buf_printf(out, "\nafter %.1f s\n", (double)r->lasted_us / 1e6);
	for (size_t i = 0; i < r->n; i++)
		service_text(out, &r->services[i]);
	if (r->met + r->failed)
		buf_printf(out, "%u of %u expectations met\n", r->met,
			   r->met + r->failed);
}

struct doc *play_doc(struct arena *a, const struct play_result *r)
{
	struct doc *d = doc_map(a), *list = doc_list(a);

	for (size_t i = 0; i < r->n; i++) {
		const struct play_outage *s = &r->services[i];
		struct doc *row = doc_map(a);

		doc_put_str(a, row, "service", s->service);
		doc_put_str(a, row, "up_on", s->where);
		doc_put_bool(a, row, "wanted", s->wanted);
		doc_put_int(a, row, "down_ms", (int64_t)(s->down_us / 1000));
		doc_put_int(a, row, "longest_ms",
			    (int64_t)(s->longest_us / 1000));
		doc_put_int(a, row, "times", (int64_t)s->times);
		doc_put_bool(a, row, "twice", s->twice);
		doc_add(a, list, row);
	}
	doc_put_int(a, d, "version", 1);
	doc_put(a, d, "log", diary_doc(a, &r->diary));
	doc_put_int(a, d, "lasted_ms", (int64_t)(r->lasted_us / 1000));
	doc_put(a, d, "services", list);
	doc_put_int(a, d, "met", (int64_t)r->met);
	doc_put_int(a, d, "failed", (int64_t)r->failed);
	doc_put_bool(a, d, "broken", r->broken);
	return d;
}
