/* Links between nodes that keep to the rules. */
#include "tests/unit/net/rig.h"

#define CLUSTER "good"

/* Milliseconds after which what is waited for will not come any more. */
#define SOON 3000

struct pair {
	uv_loop_t loop;
	struct node one, two;
};

static void pair_open(struct pair *p)
{
	memset(p, 0, sizeof(*p));
	uv_loop_init(&p->loop);
	node_open(&p->one, &p->loop, 1, CLUSTER);
	node_open(&p->two, &p->loop, 2, CLUSTER);
	node_meet(&p->one, NODES(&p->two));
	node_meet(&p->two, NODES(&p->one));
	assert_true(RIG_UNTIL(&p->loop, SOON, p->one.up[2] && p->two.up[1]));
}

static void pair_close(struct pair *p)
{
	if (p->one.links)
		node_close(&p->one);
	if (p->two.links)
		node_close(&p->two);
	rig_loop_end(&p->loop);
	assert_true(p->one.closed && p->two.closed);
}

static void frames_arrive_both_ways_in_order(void **state)
{
	struct pair p;

	(void)state;
	pair_open(&p);
	for (int64_t i = 1; i <= 200; i++) {
		node_say(&p.one, 2, i, (size_t)(i * 37) % 5000);
		node_say(&p.two, 1, i, (size_t)(i * 53) % 5000);
	}
	assert_true(
		RIG_UNTIL(&p.loop, SOON,
			  p.two.frames[1] == 200 && p.one.frames[2] == 200));
	assert_false(p.one.disorder || p.two.disorder);
	assert_int_equal(p.one.sum[2], 200 * 201 / 2);
	assert_int_equal(p.two.sum[1], 200 * 201 / 2);
	pair_close(&p);
}

static void one_connection_per_pair_dialed_by_the_lower_id(void **state)
{
	struct pair p;

	(void)state;
	pair_open(&p);
	RIG_UNTIL(&p.loop, 300, false);
	assert_non_null(p.one.links->conns);
	assert_null(p.one.links->conns->next);
	assert_true(p.one.links->conns->dialed);
	assert_non_null(p.two.links->conns);
	assert_null(p.two.links->conns->next);
	assert_false(p.two.links->conns->dialed);
	assert_int_equal(p.two.links->guests, 0);
	assert_int_equal(p.one.ups[2], 1);
	assert_int_equal(p.two.ups[1], 1);
	pair_close(&p);
}

static void three_nodes_are_all_connected(void **state)
{
	struct node n[4] = { 0 };
	uv_loop_t loop;

	(void)state;
	uv_loop_init(&loop);
	for (uint64_t i = 1; i <= 3; i++)
		node_open(&n[i], &loop, i, CLUSTER);
	for (int i = 1; i <= 3; i++) /* itself is named, too: ignored */
		node_meet(&n[i], NODES(&n[1], &n[2], &n[3]));
	assert_true(RIG_UNTIL(&loop, SOON,
			      n[1].up[2] && n[1].up[3] && n[2].up[1] &&
				      n[2].up[3] && n[3].up[1] && n[3].up[2]));
	for (uint64_t from = 1; from <= 3; from++)
		for (uint64_t to = 1; to <= 3; to++)
			if (from != to)
				node_say(&n[from], to, 1, 0);
	assert_true(RIG_UNTIL(&loop, SOON,
			      n[1].frames[2] + n[1].frames[3] + n[2].frames[1] +
					      n[2].frames[3] + n[3].frames[1] +
					      n[3].frames[2] ==
				      6));
	for (int i = 1; i <= 3; i++)
		node_close(&n[i]);
	rig_loop_end(&loop);
}

static void what_a_turn_sends_leaves_as_one_write(void **state)
{
	struct pair p;
	struct conn *c;

	(void)state;
	pair_open(&p);
	c = p.one.links->conns;
	for (int64_t i = 1; i <= 50; i++)
		node_say(&p.one, 2, i, 100);
	/* Nothing was encrypted or written yet ... */
	assert_true(c->out.len - c->out.at > 50 * 100);
	assert_int_equal(c->wire.len, 0);
	links_flush(p.one.links);
	/* ... now all of it, as one record. */
	assert_int_equal(tls_conn_waiting(c), 0);
	assert_false(uv_is_active((uv_handle_t *)&p.one.links->idle));
	assert_true(RIG_UNTIL(&p.loop, SOON, p.two.frames[1] == 50));
	/* Without the call it leaves by itself. */
	p.one.links->timing.ping = 100000;
	node_say(&p.one, 2, 51, 100);
	assert_true(RIG_UNTIL(&p.loop, SOON, p.two.frames[1] == 51));
	pair_close(&p);
}

static void the_largest_frame_passes_and_a_larger_one_is_not_sent(void **st)
{
	static unsigned char big[LINK_MAX_FRAME + 1];
	struct pair p;

	(void)st;
	pair_open(&p);
	/* {"n": 1, "p": bin 32} of exactly the limit. */
	memcpy(big, "\x82\xa1n\x01\xa1p\xc6", 7);
	big[7] = (unsigned char)((LINK_MAX_FRAME - 11) >> 24);
	big[8] = (unsigned char)((LINK_MAX_FRAME - 11) >> 16);
	big[9] = (unsigned char)((LINK_MAX_FRAME - 11) >> 8);
	big[10] = (unsigned char)((LINK_MAX_FRAME - 11) & 0xff);
	assert_false(link_send(p.one.links, 2, big, LINK_MAX_FRAME + 1));
	assert_non_null(strstr(p.one.log, "is not sent"));
	assert_false(link_send(p.one.links, 2, big, 0));
	assert_true(link_send(p.one.links, 2, big, LINK_MAX_FRAME));
	assert_true(RIG_UNTIL(&p.loop, SOON, p.two.frames[1] == 1));
	assert_int_equal(p.two.sum[1], 1);
	/* The memory of the burst is given back. */
	assert_true(p.one.links->conns->out.cap <= 1u << 20);
	pair_close(&p);
}

static void a_peer_that_restarts_is_connected_again(void **state)
{
	struct pair p;
	char listen[32];
	uint64_t began;

	(void)state;
	pair_open(&p);
	for (int round = 1; round <= 2; round++) {
		struct node *gone = round == 1 ? &p.two : &p.one;
		struct node *here = round == 1 ? &p.one : &p.two;
		uint64_t id = gone->id;

		snprintf(listen, sizeof(listen), "127.0.0.1:%u",
			 links_port(gone->links));
		node_close(gone);
		assert_true(RIG_UNTIL(&p.loop, SOON,
				      gone->closed && !here->up[id]));
		assert_int_equal(here->downs[id], 1);
		assert_false(link_send(here->links, id, "\x80", 1));
		RIG_UNTIL(&p.loop, 250, false);
		node_open_at(gone, &p.loop, id, CLUSTER, listen);
		node_meet(gone, NODES(here));
		began = uv_hrtime();
		assert_true(RIG_UNTIL(&p.loop, SOON,
				      here->up[id] && gone->up[here->id]));
		assert_true(uv_hrtime() - began < 1500000000u);
	}
	node_say(&p.one, 2, 1, 0);
	assert_true(RIG_UNTIL(&p.loop, SOON, p.two.frames[1] == 1));
	pair_close(&p);
}

static void a_newer_connection_takes_the_place_of_the_old(void **state)
{
	struct pair p;

	(void)state;
	pair_open(&p);
	/* As after a power cut at node 1: node 2 has not noticed yet. The
	 * connection ends at node 1 only, and nobody says so to node 2. */
	uv_read_stop((uv_stream_t *)&p.two.links->conns->tcp);
	conn_end(p.one.links->conns);
	assert_true(p.two.up[1]);
	assert_true(RIG_UNTIL(&p.loop, SOON,
			      p.one.ups[2] == 2 && p.two.ups[1] == 2));
	assert_int_equal(p.two.downs[1], 1);
	assert_true(p.two.up[1]);
	RIG_UNTIL(&p.loop, 100, false);
	assert_null(p.two.links->conns->next);
	pair_close(&p);
}

static void an_idle_link_stays_up(void **state)
{
	struct pair p;

	(void)state;
	pair_open(&p);
	p.one.links->timing.ping = p.two.links->timing.ping = 50;
	p.one.links->timing.dead = p.two.links->timing.dead = 250;
	RIG_UNTIL(&p.loop, 600, false);
	assert_int_equal(p.one.downs[2] + p.two.downs[1], 0);
	assert_int_equal(p.one.frames[2] + p.two.frames[1], 0);
	/* Without pings from one side, the other gives it up. */
	p.one.links->timing.ping = 100000;
	assert_true(RIG_UNTIL(&p.loop, SOON, p.two.downs[1] == 1));
	assert_non_null(strstr(p.two.log, "nothing was heard for 250 ms"));
	pair_close(&p);
}

static void a_loop_that_stood_still_blames_nobody(void **state)
{
	struct pair p;

	(void)state;
	pair_open(&p);
	p.one.links->timing.dead = p.two.links->timing.dead = 300;
	p.one.links->timing.ping = p.two.links->timing.ping = 50;
	RIG_UNTIL(&p.loop, 100, false);
	usleep(500000);
	RIG_UNTIL(&p.loop, 200, false);
	assert_int_equal(p.one.downs[2] + p.two.downs[1], 0);
	pair_close(&p);
}

static void a_peer_that_is_not_named_any_more_is_disconnected(void **state)
{
	struct pair p;

	(void)state;
	pair_open(&p);
	links_set_peers(p.two.links, NULL, 0);
	assert_true(p.two.up[1]); /* no callback from inside the call */
	assert_false(link_is_up(p.two.links, 1));
	assert_true(RIG_UNTIL(&p.loop, SOON, !p.two.up[1] && !p.one.up[2]));
	/* Node 1 goes on asking, and is told why not. */
	assert_true(RIG_UNTIL(&p.loop, SOON,
			      strstr(p.one.log, "it refuses this node: node 1 "
						"(hv1) is no member")));
	node_meet(&p.two, NODES(&p.one));
	assert_true(RIG_UNTIL(&p.loop, SOON, p.two.up[1] && p.one.up[2]));
	pair_close(&p);
}

/* Not on a machine without /etc/hosts, as debootstrap makes them. */
static bool has_localhost(void)
{
	struct addrinfo *found = NULL;
	bool yes = getaddrinfo("localhost", NULL, NULL, &found) == 0;

	if (yes)
		freeaddrinfo(found);
	return yes;
}

static void addresses_are_tried_in_turn(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct node one = { 0 }, two = { 0 };
	struct link_peer peer = { .id = 2, .name = "hv2" };
	const char *list[6] = { 0 };
	uv_loop_t loop;

	(void)state;
	uv_loop_init(&loop);
	node_open(&one, &loop, 1, CLUSTER);
	node_open(&two, &loop, 2, CLUSTER);
	node_meet(&two, NODES(&one));
	list[0] = "not an address:99999";
	list[1] = "127.0.0.1:1"; /* nobody listens there */
	list[2] = "no-such-host.invalid:7600";
	list[3] = arena_printf(a, "%s:%u",
			       has_localhost() ? "localhost" : "127.0.0.1",
			       links_port(two.links));
	peer.addresses = list;
	links_set_peers(one.links, &peer, 1);
	assert_true(RIG_UNTIL(&loop, SOON, one.up[2]));
	assert_non_null(strstr(one.log, "a port from 0 to 65535"));
	assert_non_null(strstr(one.log, "connection refused"));
	assert_non_null(strstr(one.log, "no-such-host.invalid"));
	/* The next round begins with the one that worked. */
	assert_int_equal(links_find(one.links, 2)->first, 3);
	node_close(&one);
	node_close(&two);
	rig_loop_end(&loop);
}

static void a_peer_may_get_another_address(void **state)
{
	struct pair p;

	(void)state;
	pair_open(&p);
	node_close(&p.two);
	assert_true(RIG_UNTIL(&p.loop, SOON, p.two.closed));
	node_open(&p.two, &p.loop, 2, CLUSTER);
	node_meet(&p.two, NODES(&p.one));
	node_meet(&p.one, NODES(&p.two));
	assert_true(RIG_UNTIL(&p.loop, SOON, p.one.ups[2] == 2 && p.one.up[2]));
	pair_close(&p);
}

/* -- where to listen ------------------------------------------------------ */

static bool has_ipv6(void)
{
	struct sockaddr_in6 a = { .sin6_family = AF_INET6,
				  .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool yes = fd >= 0 && bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0;

	if (fd >= 0)
		close(fd);
	return yes;
}

static const struct listening {
	const char *name, *listen, *dial;
	bool six;
} listen_rows[] = {
	{ "everywhere, by IPv4", ":0", "127.0.0.1", false },
	{ "everywhere, by IPv6", ":0", "[::1]", true },
	{ "IPv6", "[::1]:0", "[::1]", true },
	{ "a name", "localhost:0", "localhost", false },
	{ "a name, by IPv4", "localhost:0", "127.0.0.1", false },
};

static void listening_row(void **state)
{
	const struct listening *row = *state;
	struct node one = { 0 }, two = { 0 };
	struct link_peer peer = { .id = 2, .name = "hv2" };
	char dial[64], *list[2] = { dial, NULL };
	uv_loop_t loop;

	if (row->six && !has_ipv6())
		skip();
	if (strstr(row->listen, "localhost") && !has_localhost())
		skip();
	uv_loop_init(&loop);
	node_open(&one, &loop, 1, CLUSTER);
	node_open_at(&two, &loop, 2, CLUSTER, row->listen);
	node_meet(&two, NODES(&one));
	snprintf(dial, sizeof(dial), "%s:%u", row->dial, links_port(two.links));
	peer.addresses = (const char *const *)list;
	links_set_peers(one.links, &peer, 1);
	assert_true(RIG_UNTIL(&loop, SOON, one.up[2] && two.up[1]));
	/* An IPv4 peer on a socket for both is shown as what it is. */
	assert_null(strstr(two.log, "ffff"));
	node_close(&one);
	node_close(&two);
	rig_loop_end(&loop);
}

/* A machine that was removed has a certificate of a name that another one has
 * now: it counts only if the node joined with it. */
static void another_certificate_of_its_name(void **state)
{
	char wrong[65], *list[2] = { NULL, NULL }, dial[64];
	struct node one = { 0 }, two = { 0 };
	struct link_peer peer = { .id = 2, .name = "hv2", .cert = wrong };
	uv_loop_t loop;

	(void)state;
	memset(wrong, 'a', 64);
	wrong[64] = '\0';
	uv_loop_init(&loop);
	node_open(&one, &loop, 1, CLUSTER);
	node_open(&two, &loop, 2, CLUSTER);
	node_meet(&two, NODES(&one));
	snprintf(dial, sizeof(dial), "127.0.0.1:%u", links_port(two.links));
	list[0] = dial;
	peer.addresses = (const char *const *)list;
	links_set_peers(one.links, &peer, 1);
	assert_true(RIG_UNTIL(&loop, SOON,
			      strstr(one.log, "not the one that hv2 joined")));
	assert_false(one.up[2] || two.up[1]);
	peer.cert = NULL;
	links_set_peers(one.links, &peer, 1);
	assert_true(RIG_UNTIL(&loop, SOON, one.up[2] && two.up[1]));
	node_close(&one);
	node_close(&two);
	rig_loop_end(&loop);
}

static void what_cannot_be_opened_leaves_nothing(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct node one = { .id = 1 }, two = { .id = 2 };
	const struct {
		const char *listen, *pki, *text;
	} rows[] = {
		{ "", NULL, "host:port is expected" },
		{ "1.2.3.4:99999", NULL, "a port from 0" },
		{ "::1:7600", NULL, "written [address]:port" },
		{ "192.0.2.1:0", NULL, "cannot listen on '192.0.2.1:0'" },
		{ "no-such-host.invalid:0", NULL, "cannot listen" },
		{ NULL, NULL, "in use" },
		{ "127.0.0.1:0", "/nonexistent", "ca.pem cannot be read" },
	};
	uv_loop_t loop;

	(void)state;
	uv_loop_init(&loop);
	node_open(&one, &loop, 1, CLUSTER);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct links_options o = node_options(a, &loop, &two, CLUSTER);
		struct links *l = NULL;
		struct err err = { 0 };

		o.listen = rows[i].listen ? rows[i].listen
					  : arena_printf(a, "127.0.0.1:%u",
							 links_port(one.links));
		if (rows[i].pki)
			o.pki_dir = rows[i].pki;
		assert_true(links_open(&l, &o, &err) < 0);
		assert_null(l);
		assert_non_null(strstr(err.text, rows[i].text));
	}
	node_close(&one);
	rig_loop_end(&loop);
}

/* -- closing -------------------------------------------------------------- */

static void on_frame_close(void *data, uint64_t peer, struct arena *a,
			   struct doc *frame)
{
	struct node *n = data;

	(void)peer;
	(void)a;
	(void)frame;
	n->frames[0]++;
	node_close(n);
}

static void on_peer_close(void *data, uint64_t peer, bool up)
{
	struct node *n = data;

	(void)peer;
	(void)up;
	n->ups[0]++;
	node_close(n);
}

static void links_may_be_closed_from_any_callback(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();

	(void)state;
	for (int how = 0; how < 3; how++) {
		struct node one = { .id = 1 }, two = { .id = 2 };
		struct links_options o;
		uv_loop_t loop;

		uv_loop_init(&loop);
		o = node_options(a, &loop, &one, CLUSTER);
		if (how == 0)
			o.on_peer = on_peer_close;
		else
			o.on_frame = on_frame_close;
		assert_int_equal(links_open(&one.links, &o, NULL), 0);
		node_open(&two, &loop, 2, CLUSTER);
		node_meet(&one, NODES(&two));
		node_meet(&two, NODES(&one));
		assert_true(RIG_UNTIL(&loop, SOON, two.up[1]));
		for (int64_t i = 0; i < 10 && how > 0; i++)
			node_say(&two, 1, i, how == 2 ? 100000 : 10);
		assert_true(RIG_UNTIL(&loop, SOON, one.closed && !two.up[1]));
		assert_int_equal(one.frames[0] + one.ups[0], 1);
		node_close(&two);
		rig_loop_end(&loop);
	}
}

static void closing_in_the_middle_of_everything(void **state)
{
	(void)state;
	for (unsigned ms = 0; ms < 12; ms++) {
		struct node one = { 0 }, two = { 0 };
		const char *list[] = { "localhost:1", "127.0.0.1:2", NULL };
		struct link_peer peer = { 3, "hv3", list, NULL };
		uv_loop_t loop;

		uv_loop_init(&loop);
		node_open(&one, &loop, 1, CLUSTER);
		node_open(&two, &loop, 2, CLUSTER);
		node_meet(&one, NODES(&two));
		node_meet(&two, NODES(&one));
		links_set_peers(two.links, &peer, 1);
		RIG_UNTIL(&loop, ms, false);
		node_say(&one, 2, 1, 1000000);
		node_close(&one);
		node_close(&two);
		rig_loop_end(&loop);
		assert_true(one.closed && two.closed);
	}
}

/* -- speed ---------------------------------------------------------------- */

static void a_burst_is_taken_in_good_time(void **state)
{
	struct pair p;
	uint64_t began;

	(void)state;
	pair_open(&p);
	began = uv_hrtime();
	for (int64_t i = 1; i <= 80; i++)
		node_say(&p.one, 2, i, 256 << 10);
	assert_true(RIG_UNTIL(&p.loop, SOON, p.two.frames[1] == 80));
	assert_false(p.two.disorder);
	print_message("20 MiB in %d ms\n",
		      (int)((uv_hrtime() - began) / 1000000));
	pair_close(&p);
}

static void round_trips_are_quick(void **state)
{
	struct pair p;
	uint64_t began;

	(void)state;
	pair_open(&p);
	p.two.echo = true;
	began = uv_hrtime();
	for (int64_t i = 1; i <= 1000; i++) {
		node_say(&p.one, 2, i, 240);
		links_flush(p.one.links);
		while (p.one.frames[2] < i)
			uv_run(&p.loop, UV_RUN_ONCE);
	}
	print_message("%d us for a round trip of 256 bytes\n",
		      (int)((uv_hrtime() - began) / 1000000));
	assert_true(uv_hrtime() - began < 2000000000u);
	pair_close(&p);
}

static int begin(void **state)
{
	int rc = rig_begin(state);

	if (!rc)
		rig_cluster(CLUSTER, 3);
	return rc;
}

int main(void)
{
	struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_arrive_both_ways_in_order),
		cmocka_unit_test(
			one_connection_per_pair_dialed_by_the_lower_id),
		cmocka_unit_test(three_nodes_are_all_connected),
		cmocka_unit_test(what_a_turn_sends_leaves_as_one_write),
		cmocka_unit_test(
			the_largest_frame_passes_and_a_larger_one_is_not_sent),
		cmocka_unit_test(a_peer_that_restarts_is_connected_again),
		cmocka_unit_test(a_newer_connection_takes_the_place_of_the_old),
		cmocka_unit_test(an_idle_link_stays_up),
		cmocka_unit_test(a_loop_that_stood_still_blames_nobody),
		cmocka_unit_test(
			a_peer_that_is_not_named_any_more_is_disconnected),
		cmocka_unit_test(addresses_are_tried_in_turn),
		cmocka_unit_test(a_peer_may_get_another_address),
		cmocka_unit_test(what_cannot_be_opened_leaves_nothing),
		cmocka_unit_test(another_certificate_of_its_name),
		cmocka_unit_test(links_may_be_closed_from_any_callback),
		cmocka_unit_test(closing_in_the_middle_of_everything),
		cmocka_unit_test(a_burst_is_taken_in_good_time),
		cmocka_unit_test(round_trips_are_quick),
	};
	int failed;

	cmocka_set_test_filter(getenv("T"));
	if (begin(NULL))
		return 1;
	failed = cmocka_run_group_tests_name("link", tests, NULL, NULL);
	failed += TABLE_RUN(listen_rows, listening_row);
	return failed + (rig_end(NULL) != 0);
}
