/*
 * ip.host - an address on an interface of this machine.
 *
 *   ipname          an address, or a name that resolves to one; /LENGTH allowed
 *   ipdev           the interface; "eth0:1" gives the address that label
 *   netmask         255.255.255.0 or 24. By default what ipname says, else that
 *                   of the interface's own address in the same net
 *   gateway         a default route over this interface
 *   check_carrier   false: start on an interface without a link as well
 *   wait_dns        how long a start waits for the name to resolve
 *
 * Happy path of a start: the interface has a link (it is set up for that),
 * nobody on the link has the address, ip addr add, all neighbours are told.
 * IPv6 addresses are probed by the kernel, and it is waited for.
 *
 * What can go wrong: somebody has the address (an error that names the MAC),
 * no link, no such interface, the name does not resolve.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "drivers/announce.h"
#include "drivers/drivers.h"
#include "drivers/job.h"
#include "drivers/netif.h"
#include "drivers/run.h"

#define CARRIER_WAIT_MS 2000

struct addr {
	const char *name, *ipdev; /* as written */
	char dev[16];
	const char *label; /* of the address, or NULL */
	struct ip ip;
	int prefix;    /* < 0: not said */
	bool recalled; /* the name does not resolve now */
};

/* -- what is wanted ----------------------------------------------------- */

/* The first address that getent prints: "10.0.0.1  STREAM host". */
static int resolve_once(const struct job *j, const char *name, struct ip *ip,
			struct err *err)
{
	const char *const argv[] = { "getent", "ahosts", name, NULL };
	struct run r = { .argv = argv, .deadline_ms = j->deadline_ms };
	char text[64];
	int rc = run_wait(&r, err);

	if (rc < 0)
		return rc;
	if (rc == 0 && sscanf(r.tail, "%63s", text) == 1 && ip_parse(text, ip))
		return 0;
	return err_set(err, -ENOENT, "name %s does not resolve", name);
}

static int resolve(const struct job *j, const char *name, int64_t until_ms,
		   struct ip *ip, struct err *err)
{
	int rc;

	if (ip_parse(name, ip))
		return 0;
	for (;;) {
		rc = resolve_once(j, name, ip, err);
		if (rc != -ENOENT || driver_now_ms() >= until_ms ||
		    job_sleep(j, 500, name, NULL) < 0)
			return rc;
	}
}

/* What the name stood for at the last start: without a name server (say, cut
 * off from it) what was started must still be found and stopped. */
static int remember(const struct job *j, const struct addr *a, struct err *err)
{
	const char *path;
	int rc = job_file(j, "ip", ".addr", false, &path, err);

	if (rc < 0)
		return rc;
	return job_file_write(path,
			      arena_printf(j->arena, "%s %s\n", a->name,
					   ip_text(j->arena, &a->ip)),
			      err);
}

static bool recall(const struct job *j, const char *name, struct ip *ip)
{
	char *text, of[256], address[64];
	const char *path;

	return job_file(j, "ip", ".addr", false, &path, NULL) == 0 &&
	       job_file_read(j->arena, path, &text, NULL) == 0 &&
	       sscanf(text, "%255s %63s", of, address) == 2 &&
	       strcmp(of, name) == 0 && ip_parse(address, ip);
}

static int read_prefix(const struct job *j, const char *length, struct addr *a,
		       struct err *err)
{
	const char *mask = job_kw(j, "netmask");

	a->prefix = -1;
	if (!mask)
		mask = length;
	if (!mask)
		return 0;
	a->prefix = ip_prefix_parse(mask, a->ip.family);
	if (a->prefix >= 0)
		return 0;
	return err_set(err, -EINVAL, "netmask '%s' does not fit address %s",
		       mask, ip_text(j->arena, &a->ip));
}

static int read_names(const struct job *j, struct addr *a, struct err *err)
{
	int rc;

	*a = (struct addr){ 0 };
	rc = job_need(j, "ipname", &a->name, err);
	if (rc == 0)
		rc = job_need(j, "ipdev", &a->ipdev, err);
	if (rc < 0)
		return rc;
	if (strchr(a->ipdev, ':'))
		a->label = a->ipdev;
	if (strlen(a->ipdev) >= sizeof(a->dev))
		return err_set(err, -EINVAL, "ipdev '%s' is too long",
			       a->ipdev);
	snprintf(a->dev, sizeof(a->dev), "%.*s", (int)strcspn(a->ipdev, ":"),
		 a->ipdev);
	return 0;
}

/* The address that is wanted; @wait: for its name to resolve. */
static int read_addr(const struct job *j, bool wait, struct addr *a,
		     struct err *err)
{
	const char *slash, *host, *suffix = job_kw(j, "dns_name_suffix");
	int64_t until = driver_now_ms();
	int rc = read_names(j, a, err);

	if (rc < 0)
		return rc;
	if (wait)
		until += job_kw_int(j, "wait_dns", 0);
	slash = strchr(a->name, '/');
	host = arena_printf(j->arena, "%.*s", (int)strcspn(a->name, "/"),
			    a->name);
	if (suffix && !ip_parse(host, &a->ip))
		host = arena_printf(j->arena, "%s%s", host, suffix);
	rc = resolve(j, host, until, &a->ip, err);
	if (rc == -ENOENT || rc == -ETIMEDOUT)
		a->recalled = !wait && recall(j, a->name, &a->ip);
	if (a->recalled)
		rc = 0;
	return rc < 0 ? rc : read_prefix(j, slash ? slash + 1 : NULL, a, err);
}

static const char *label(const struct job *j, const struct addr *a)
{
	return arena_printf(j->arena, "%s@%s", a->name ? a->name : "",
			    a->ipdev ? a->ipdev : "");
}

/* -- what is there ------------------------------------------------------ */

/* On its interface, or else on any other: NULL if nowhere. */
static const struct netif_addr *find(const struct netif_list *l,
				     const struct addr *a)
{
	const struct netif_addr *other = NULL;

	for (size_t i = 0; i < l->n; i++) {
		if (!ip_equal(&l->at[i].ip, &a->ip))
			continue;
		if (strcmp(l->at[i].dev, a->dev) == 0)
			return &l->at[i];
		other = &l->at[i];
	}
	return other;
}

static bool is_here(const struct netif_addr *at, const struct addr *a)
{
	return at && strcmp(at->dev, a->dev) == 0;
}

static void judge(const struct job *j, const struct addr *a,
		  const struct netif_addr *at, const struct netif *dev,
		  struct probe *ret)
{
	bool carrier = job_kw_bool(j, "check_carrier", true);

	ret->status = STATUS_DOWN;
	if (at && !is_here(at, a))
		probe_log(j, ret, "warn", "%s is on %s, not on %s",
			  ip_text(j->arena, &a->ip), at->dev, a->dev);
	if (!is_here(at, a))
		return;
	if (carrier && !dev->carrier) {
		probe_log(j, ret, "warn", "%s: no carrier", a->dev);
		return;
	}
	if (a->ip.family == AF_INET6 &&
	    netif_dad(a->dev, &a->ip) == DAD_FAILED) {
		probe_log(j, ret, "warn",
			  "another host has it: the kernel found a duplicate");
		return;
	}
	ret->status = STATUS_UP;
	if (a->prefix >= 0 && (unsigned)a->prefix != at->prefix)
		probe_log(j, ret, "warn", "netmask is /%u, not /%d", at->prefix,
			  a->prefix);
}

static int probe(const struct job *j, struct probe *ret, struct err *err)
{
	struct netif_list list;
	struct netif dev;
	struct addr a;
	struct err e = { 0 };
	int rc = read_addr(j, false, &a, &e);

	ret->label = label(j, &a);
	if (rc == -ENOENT) {
		ret->status = STATUS_WARN;
		probe_log(j, ret, "warn", "%s", e.text);
		return 0;
	}
	if (rc < 0)
		return err_set(err, rc, "%s", e.text);
	rc = netif_addresses(j->arena, &list, err);
	if (rc == 0)
		rc = netif_look(a.dev, &dev, err);
	if (rc < 0)
		return rc;
	if (!dev.exists) {
		ret->status = STATUS_DOWN;
		probe_log(j, ret, "warn", "interface %s does not exist", a.dev);
		return 0;
	}
	judge(j, &a, find(&list, &a), &dev, ret);
	if (a.recalled)
		probe_log(j, ret, "warn", "%s; it was %s at the last start",
			  e.text, ip_text(j->arena, &a.ip));
	return 0;
}

/* -- start ------------------------------------------------------------------
 */

static int ip_command(const struct job *j, const char *const *argv,
		      struct err *err)
{
	struct run r = { .argv = argv, .deadline_ms = j->deadline_ms };
	const char *line = argv[0];
	int rc = run_ok(&r, err);

	if (rc == 0)
		return 0;
	for (size_t i = 1; argv[i]; i++)
		line = arena_printf(j->arena, "%s %s", line, argv[i]);
	return err_wrap(err, rc, "%s", line);
}

/* A link that is set up takes a moment to have a carrier. */
static int need_link(const struct job *j, const struct addr *a,
		     struct netif *dev, struct err *err)
{
	const char *const up[] = { "ip", "link", "set", a->dev, "up", NULL };
	int64_t until = driver_now_ms() + CARRIER_WAIT_MS;
	bool carrier = job_kw_bool(j, "check_carrier", true);
	int rc = netif_look(a->dev, dev, err);

	if (rc == 0 && !dev->exists)
		rc = err_set(err, -ENODEV, "interface %s does not exist",
			     a->dev);
	if (rc == 0 && !dev->up)
		rc = ip_command(j, up, err);
	while (rc == 0 && carrier && !(dev->up && dev->carrier) &&
	       driver_now_ms() < until) {
		rc = job_sleep(j, 50, a->dev, err);
		if (rc == 0)
			rc = netif_look(a->dev, dev, err);
	}
	if (rc == 0 && carrier && !dev->carrier)
		rc = err_set(err, -ENETDOWN,
			     "interface %s no-carrier: it has no link", a->dev);
	return rc;
}

/* That of the interface's own address in the same net, or of its first one. */
static int need_prefix(const struct netif_list *l, struct addr *a,
		       struct err *err)
{
	int first = -1;

	for (size_t i = 0; i < l->n && a->prefix < 0; i++) {
		const struct netif_addr *o = &l->at[i];

		if (strcmp(o->dev, a->dev) != 0 || o->ip.family != a->ip.family)
			continue;
		if (ip_same_net(&o->ip, &a->ip, o->prefix))
			a->prefix = (int)o->prefix;
		if (first < 0)
			first = (int)o->prefix;
	}
	if (a->prefix < 0)
		a->prefix = first;
	if (a->prefix >= 0)
		return 0;
	return err_set(err, -EINVAL,
		       "netmask is not set, and %s has no address to take it "
		       "from",
		       a->dev);
}

static bool speaks_arp(const struct netif *dev)
{
	return dev->has_mac && !dev->noarp && !dev->loopback && dev->carrier;
}

static int nobody_has_it(const struct job *j, const struct addr *a,
			 const struct netif *dev, struct err *err)
{
	unsigned char m[6];
	int rc;

	if (a->ip.family != AF_INET || !speaks_arp(dev))
		return 0;
	rc = arp_probe(dev, &a->ip, m, err);
	if (rc <= 0)
		return rc;
	return err_set(err, -EADDRINUSE,
		       "%s is already up on another host: "
		       "%02x:%02x:%02x:%02x:%02x:%02x has it",
		       ip_text(j->arena, &a->ip), m[0], m[1], m[2], m[3], m[4],
		       m[5]);
}

static const char *with_prefix(const struct job *j, const struct addr *a)
{
	return arena_printf(j->arena, "%s/%d", ip_text(j->arena, &a->ip),
			    a->prefix);
}

static int add(const struct job *j, const struct addr *a, struct err *err)
{
	const char *argv[16] = { "ip",	"addr", "add", with_prefix(j, a),
				 "dev", a->dev };
	size_t n = 6;

	if (a->ip.family == AF_INET && a->prefix < 31) {
		argv[n++] = "brd";
		argv[n++] = "+";
	}
	if (a->label && a->ip.family == AF_INET) {
		argv[n++] = "label";
		argv[n++] = a->label;
	}
	return ip_command(j, argv, err);
}

static int del(const struct job *j, const struct addr *a, struct err *err)
{
	const char *const argv[] = { "ip",  "addr", "del", with_prefix(j, a),
				     "dev", a->dev, NULL };

	return ip_command(j, argv, err);
}

/* The kernel asks the link whether somebody has it; that takes about 1 s. */
static int wait_dad(const struct job *j, const struct addr *a, struct err *err)
{
	enum dad dad;
	int rc = 0;

	while ((dad = netif_dad(a->dev, &a->ip)) == DAD_TENTATIVE && rc == 0)
		rc = job_sleep(j, 50, "duplicate address detection", err);
	if (rc == 0 && dad != DAD_DONE)
		rc = err_set(err, -EADDRINUSE,
			     "%s is already up on another host",
			     ip_text(j->arena, &a->ip));
	return rc;
}

static int add_route(const struct job *j, const struct addr *a, struct err *err)
{
	const char *gateway = job_kw(j, "gateway");
	const char *const argv[] = { "ip",	"route", "replace",
				     "default", "via",	 gateway,
				     "dev",	a->dev,	 NULL };

	return gateway ? ip_command(j, argv, err) : 0;
}

static int bring_up(const struct job *j, struct addr *a, struct err *err)
{
	struct netif dev;
	int rc = need_link(j, a, &dev, err);

	if (rc == 0)
		rc = remember(j, a, err);
	if (rc == 0)
		rc = nobody_has_it(j, a, &dev, err);
	if (rc == 0)
		rc = add(j, a, err);
	if (rc < 0)
		return rc;
	if (a->ip.family == AF_INET6 && dev.carrier)
		rc = wait_dad(j, a, err);
	if (rc == 0 && speaks_arp(&dev))
		rc = announce(&dev, &a->ip, err);
	if (rc == 0)
		rc = add_route(j, a, err);
	if (rc < 0)
		del(j, a, NULL);
	return rc;
}

static int start(const struct job *j, struct err *err)
{
	const struct netif_addr *at;
	struct netif_list list;
	struct addr a;
	int rc = read_addr(j, true, &a, err);

	if (rc == 0)
		rc = netif_addresses(j->arena, &list, err);
	if (rc < 0)
		return rc;
	at = find(&list, &a);
	if (is_here(at, &a) && netif_dad(a.dev, &a.ip) != DAD_FAILED) {
		rc = remember(j, &a, err);
		return rc < 0 ? rc : DRIVER_NOOP;
	}
	if (is_here(at, &a)) { /* it is there, but does not work: anew */
		a.prefix = (int)at->prefix;
		rc = del(j, &a, err);
	} else if (at) {
		rc = err_set(err, -EADDRINUSE, "%s is already up on %s",
			     ip_text(j->arena, &a.ip), at->dev);
	}
	if (rc == 0)
		rc = need_prefix(&list, &a, err);
	return rc < 0 ? rc : bring_up(j, &a, err);
}

/* -- stop -------------------------------------------------------------------
 */

/* With the first address of a net the kernel removes the others in it, unless
 * this says that they stay. They may be other resources'. */
static void keep_others(const struct addr *a)
{
	char path[96];
	int fd;

	snprintf(path, sizeof(path),
		 "/proc/sys/net/ipv4/conf/%s/promote_secondaries", a->dev);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (write(fd, "1\n", 2) < 0) {
		/* read-only in a container: then as its owner has it */
	}
	close(fd);
}

static void del_route(const struct job *j, const struct addr *a)
{
	const char *gateway = job_kw(j, "gateway");
	const char *const argv[] = { "ip",    "route", "del",  "default", "via",
				     gateway, "dev",   a->dev, NULL };

	if (gateway)
		ip_command(j, argv, NULL); /* it may be gone already */
}

static int stop(const struct job *j, struct err *err)
{
	const struct netif_addr *at;
	struct netif_list list;
	struct addr a;
	int rc = read_addr(j, false, &a, err);

	if (rc == -ENOENT)
		return DRIVER_NOOP; /* it never resolved: it is not here */
	if (rc == 0)
		rc = netif_addresses(j->arena, &list, err);
	if (rc < 0)
		return rc;
	at = find(&list, &a);
	if (!is_here(at, &a))
		return DRIVER_NOOP;
	a.prefix = (int)at->prefix;
	del_route(j, &a);
	keep_others(&a);
	rc = del(j, &a, err);
	if (rc == 0)
		rc = netif_addresses(j->arena, &list, err);
	if (rc == 0 && is_here(find(&list, &a), &a))
		rc = err_set(err, -EIO, "%s refuses to go down",
			     ip_text(j->arena, &a.ip));
	return rc;
}

/* A name is what it stood for at the last start. An address of version 6 is
 * found only with its length: where that is the interface's, the usual ones
 * are tried. */
static void guard(const struct job *j, struct buf *out)
{
	struct addr a;
	const char *slash, *host;
	struct err err;

	if (read_names(j, &a, &err) < 0)
		return;
	slash = strchr(a.name, '/');
	host = arena_printf(j->arena, "%.*s", (int)strcspn(a.name, "/"),
			    a.name);
	if ((!ip_parse(host, &a.ip) && !recall(j, a.name, &a.ip)) ||
	    read_prefix(j, slash ? slash + 1 : NULL, &a, &err) < 0)
		return;
	host = ip_text(j->arena, &a.ip);
	if (a.prefix >= 0 || a.ip.family == AF_INET) {
		driver_guard_item(out, "address", a.dev,
				  a.prefix >= 0 ? with_prefix(j, &a) : host);
		return;
	}
	for (a.prefix = 64; a.prefix <= 128; a.prefix += 64)
		driver_guard_item(out, "address", a.dev, with_prefix(j, &a));
}

const struct driver driver_ip_host = {
	.group = "ip",
	.kind = "host",
	.summary = "an address on an interface of this machine",
	.start_timeout_ms = 60000,
	.stop_timeout_ms = 30000,
	.probe = probe,
	.start = start,
	.stop = stop,
	.guard = guard,
};
