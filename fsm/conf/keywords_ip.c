/* The rows of ip resources. */
#include "fsm/conf/keywords.h"

// clang-format off
const struct keyword keywords_ip[] = {
	{ "ip", "host", "ipname", STRING, MUST, "a host name or address, with /length if wanted" },
	{ "ip", "host", "ipdev", STRING, MUST, "the network interface" },
	{ "ip", "host", "netmask", STRING, 0, "as 255.255.255.0 or 24; that of the interface if not given" },
	{ "ip", "host", "gateway", STRING, 0, "the default route to set" },
	{ "ip", "host", "alias", BOOL, LATER, "false: the interface's only address",
	  .fallback = "true" },
	{ "ip", "host", "check_carrier", BOOL, 0, "refuse to start on an interface without a link",
	  .fallback = "true" },
	{ "ip", "host", "wait_dns", TIME, 0, "how long to wait for the name to resolve",
	  .fallback = "0" },
	{ "ip", "host", "dns_name_suffix", STRING, 0, "appended to the name in the DNS" },
	{ "ip", "host", "expose", LIST, LATER, "ports, as 443/tcp, for the DNS" },
	{ "ip", "host", "provisioner", STRING, LATER, "who allocates the address" },
	{ 0 },
};
// clang-format on
