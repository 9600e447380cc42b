/*
 * Addresses for real: a host, and a neighbour on the other end of a cable, in
 * network namespaces of their own.
 */
#include "tests/unit/drivers/sandbox.h"

/* "ip netns" needs a name; "n" is known in here only, as /run is ours. */
static int setup(void **state)
{
	RIG(r, "ip#1", "ip", "host", "x", "x");

	(void)state;
	shell(r.arena, "sysctl -qw net.ipv6.conf.all.disable_ipv6=0 && "
		       "ip link set lo up && ip netns add n && "
		       "ip link add w0 type veth peer name w1 netns n && "
		       "ip link set w0 address 02:00:00:00:00:0a && "
		       "ip -n n link set w1 address 02:00:00:00:00:0b && "
		       "sysctl -qw net.ipv6.neigh.w0.retrans_time_ms=100 "
		       "net.ipv6.conf.w0.router_solicitation_delay=0 && "
		       "ip -n n link set w1 up && ip link set w0 up && "
		       "ip addr add 10.7.0.1/24 dev w0 && "
		       "ip addr add fd07::1/64 dev w0 nodad && "
		       "ip -n n addr add 10.7.0.2/24 dev w1 && "
		       "ip -n n addr add fd07::2/64 dev w1 nodad");
	return 0;
}

static bool on(struct rig *r, const char *dev, const char *text)
{
	return strstr(shell(r->arena,
			    arena_printf(r->arena, "ip addr show dev %s", dev)),
		      text) != NULL;
}

static void test_life(void **state)
{
	RIG(r, "ip#1", "ip", "host", "ipname", "10.7.0.10", "ipdev", "w0",
	    "netmask", "255.255.255.0", "gateway", "10.7.0.2");
	int64_t before;

	(void)state;
	rig_probe(&r, STATUS_DOWN, NULL);
	assert_string_equal(r.probe.label, "10.7.0.10@w0");
	rig_stop(&r, DRIVER_NOOP);
	before = driver_now_ms();
	rig_start(&r, 0);
	assert_true(driver_now_ms() - before < 1000);
	assert_true(on(&r, "w0", "inet 10.7.0.10/24 brd 10.7.0.255"));
	rig_start(&r, DRIVER_NOOP);
	rig_probe(&r, STATUS_UP, NULL);
	expect_text(shell(r.arena, "ip route show default"),
		    "default via 10.7.0.2 dev w0");
	rig_stop(&r, 0);
	rig_probe(&r, STATUS_DOWN, NULL);
	assert_false(on(&r, "w0", "10.7.0.10"));
	assert_string_equal(shell(r.arena, "ip route show default"), "");
}

/* The neighbour had it at another MAC; after the start it knows ours. */
static void test_announced(void **state)
{
	RIG(r, "ip#1", "ip", "host", "ipname", "10.7.0.11", "ipdev", "w0");
	RIG(six, "ip#2", "ip", "host", "ipname", "fd07::11", "ipdev", "w0");

	(void)state;
	shell(r.arena,
	      "ip -n n neigh replace 10.7.0.11 lladdr 02:00:00:00:00:99 dev w1 "
	      "nud stale && ip -n n neigh replace fd07::11 lladdr "
	      "02:00:00:00:00:99 dev w1 nud stale");
	rig_start(&r, 0);
	rig_start(&six, 0);
	assert_true(on(&r, "w0", "10.7.0.11/24")); /* as its neighbour is */
	assert_true(on(&six, "w0", "fd07::11/64"));
	usleep(20000);
	expect_text(shell(r.arena, "ip -n n neigh show 10.7.0.11"),
		    "02:00:00:00:00:0a");
	expect_text(shell(r.arena, "ip -n n neigh show fd07::11"),
		    "02:00:00:00:00:0a");
	rig_probe(&six, STATUS_UP, NULL);
	rig_stop(&r, 0);
	rig_stop(&six, 0);
}

static void test_duplicate(void **state)
{
	RIG(r, "ip#1", "ip", "host", "ipname", "10.7.0.2/24", "ipdev", "w0");
	RIG(six, "ip#2", "ip", "host", "ipname", "fd07::2", "ipdev", "w0");

	(void)state;
	rig_expect("start", -EADDRINUSE,
		   driver_start(rig_within(&r, 5000), &r.err), &r.err);
	expect_text(r.err.text, "10.7.0.2 is already up on another host: "
				"02:00:00:00:00:0b has it");
	assert_false(on(&r, "w0", "10.7.0.2/"));
	rig_expect("start", -EADDRINUSE,
		   driver_start(rig_within(&six, 5000), &six.err), &six.err);
	expect_text(six.err.text, "fd07::2 is already up on another host");
	assert_false(on(&six, "w0", "fd07::2/"));
}

/* An address is the first of its net, others are not taken with it. */
static void test_others_stay(void **state)
{
	RIG(first, "ip#1", "ip", "host", "ipname", "10.8.0.1", "ipdev",
	    "w0:web", "netmask", "24");
	RIG(second, "ip#2", "ip", "host", "ipname", "10.8.0.2/24", "ipdev",
	    "w0");

	(void)state;
	shell(first.arena, "sysctl -qw net.ipv4.conf.w0.promote_secondaries=0 "
			   "net.ipv4.conf.all.promote_secondaries=0");
	rig_start(&first, 0);
	rig_start(&second, 0);
	assert_true(on(&first, "w0",
		       "10.8.0.1/24 brd 10.8.0.255 scope global "
		       "w0:web"));
	rig_probe(&first, STATUS_UP, NULL);
	rig_stop(&first, 0);
	rig_probe(&second, STATUS_UP, NULL);
	rig_stop(&second, 0);
}

static void test_loopback(void **state)
{
	RIG(r, "ip#1", "ip", "host", "ipname", "128.0.0.2", "ipdev", "lo",
	    "netmask", "32");

	(void)state;
	rig_start(&r, 0);
	rig_probe(&r, STATUS_UP, NULL);
	assert_string_equal(r.probe.label, "128.0.0.2@lo");
	rig_kill(&r, 0);
	rig_probe(&r, STATUS_DOWN, NULL);
}

static void test_elsewhere(void **state)
{
	RIG(r, "ip#1", "ip", "host", "ipname", "10.7.0.12/24", "ipdev", "w0");
	RIG(mask, "ip#1", "ip", "host", "ipname", "10.7.0.1", "ipdev", "w0",
	    "netmask", "16");

	(void)state;
	shell(r.arena, "ip addr add 10.7.0.12/32 dev lo");
	rig_probe(&r, STATUS_DOWN, "warn: 10.7.0.12 is on lo, not on w0");
	rig_expect("start", -EADDRINUSE,
		   driver_start(rig_within(&r, 5000), &r.err), &r.err);
	expect_text(r.err.text, "already up on lo");
	rig_stop(&r, DRIVER_NOOP); /* not on its interface: not ours */
	shell(r.arena, "ip addr del 10.7.0.12/32 dev lo");
	rig_probe(&mask, STATUS_UP, "warn: netmask is /24, not /16");
}

static void test_no_link(void **state)
{
	RIG(r, "ip#1", "ip", "host", "ipname", "10.9.0.1/24", "ipdev", "w2");
	RIG(gone, "ip#1", "ip", "host", "ipname", "10.9.0.1/24", "ipdev",
	    "nonet0");
	RIG(any, "ip#1", "ip", "host", "ipname", "10.9.0.1/24", "ipdev", "w2",
	    "check_carrier", "false");

	(void)state;
	shell(r.arena, "ip link add w2 type veth peer name w3 netns n");
	rig_expect("start", -ENETDOWN,
		   driver_start(rig_within(&r, 5000), &r.err), &r.err);
	expect_text(r.err.text, "interface w2 no-carrier");
	rig_start(&any, 0);
	rig_probe(&any, STATUS_UP, NULL);
	rig_probe(&r, STATUS_DOWN, "warn: w2: no carrier");
	shell(r.arena, "ip -n n link set w3 up");
	usleep(50000);
	rig_probe(&r, STATUS_UP, NULL);
	rig_stop(&r, 0);
	rig_probe(&gone, STATUS_DOWN, "warn: interface nonet0 does not exist");
	rig_expect("start", -ENODEV,
		   driver_start(rig_within(&gone, 5000), &gone.err), &gone.err);
	rig_stop(&gone, DRIVER_NOOP);
}

/* A name that resolved at the start and does not any more. */
static void test_name(void **state)
{
	RIG(r, "ip#1", "ip", "host", "ipname", "encap-test-name/24", "ipdev",
	    "w0", "wait_dns", "3000");
	RIG(none, "ip#2", "ip", "host", "ipname", "no-such-name.invalid",
	    "ipdev", "w0");

	(void)state;
	if (access("/etc/hosts", F_OK) < 0)
		skip(); /* nothing to put another one over */
	shell(r.arena,
	      "touch /run/hosts && mount --bind /run/hosts "
	      "/etc/hosts && echo hosts: files >/run/nss && mount --bind "
	      "/run/nss /etc/nsswitch.conf");
	rig_probe(&r, STATUS_WARN, "name encap-test-name does not resolve");
	shell(r.arena, "(sleep 0.3; echo 10.7.0.13 encap-test-name "
		       ">>/etc/hosts) >/dev/null 2>&1 &");
	rig_start(&r, 0); /* it waits for the name */
	rig_probe(&r, STATUS_UP, NULL);
	assert_string_equal(r.probe.label, "encap-test-name/24@w0");
	shell(r.arena, "echo >/etc/hosts");
	rig_probe(&r, STATUS_UP,
		  "warn: name encap-test-name does not resolve; "
		  "it was 10.7.0.13 at the last start");
	rig_stop(&r, 0);
	assert_false(on(&r, "w0", "10.7.0.13"));
	rig_expect("start", -ENOENT,
		   driver_start(rig_within(&none, 5000), &none.err), &none.err);
	rig_stop(&none, DRIVER_NOOP);
}

static void test_bad_words(void **state)
{
	RIG(mask, "ip#1", "ip", "host", "ipname", "10.7.0.9", "ipdev", "w0",
	    "netmask", "255.0.255.0");
	RIG(dev, "ip#1", "ip", "host", "ipname", "10.7.0.9", "ipdev",
	    "a-name-that-is-too-long");
	RIG(none, "ip#1", "ip", "host", "ipname", "10.7.0.9");
	RIG(guess, "ip#1", "ip", "host", "ipname", "10.7.0.9", "ipdev", "w4");

	(void)state;
	rig_expect("start", -EINVAL,
		   driver_start(rig_within(&mask, 5000), &mask.err), &mask.err);
	rig_expect("start", -EINVAL,
		   driver_start(rig_within(&dev, 5000), &dev.err), &dev.err);
	rig_expect("start", -EINVAL,
		   driver_start(rig_within(&none, 5000), &none.err), &none.err);
	shell(guess.arena, "ip link add w4 type veth peer name w5 netns n");
	rig_expect("start", -EINVAL,
		   driver_start(rig_within(&guess, 5000), &guess.err),
		   &guess.err);
	expect_text(guess.err.text, "no address to take it from");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_life),
		cmocka_unit_test(test_announced),
		cmocka_unit_test(test_duplicate),
		cmocka_unit_test(test_others_stay),
		cmocka_unit_test(test_loopback),
		cmocka_unit_test(test_elsewhere),
		cmocka_unit_test(test_no_link),
		cmocka_unit_test(test_name),
		cmocka_unit_test(test_bad_words),
	};

	sandbox_enter(NULL);
	cmocka_set_test_filter(getenv("T"));
	sandbox_exit(cmocka_run_group_tests(tests, setup, NULL));
}
