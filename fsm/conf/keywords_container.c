/* The rows of containers. */
#include "fsm/conf/keywords.h"

// clang-format off
const struct keyword keywords_container[] = {
	{ "container", "lxc sim", "name", STRING, 0, "what the container is called where it runs",
	  .fallback = "{svcname}" },
	{ "container", "lxc sim", "hostname", STRING, 0, "its host name, the one in encapnodes",
	  .fallback = "{{rid}.name}" },
	{ "container", "lxc", "guestos", STRING, LATER, "what runs in it",
	  .fallback = "unix", .candidates = "unix windows" },
	{ "container", "lxc", "osvc_root_path", STRING, LATER, "where the agent is installed in it" },
	{ "container", "lxc", "rcmd", SHLEX, LATER, "the command that runs another one in it" },
	{ "container", "lxc", "cf", STRING, 0, "its configuration file; none: made from the keywords below" },
	{ "container", "lxc", "data_dir", STRING, 0, "the directory of containers",
	  .aliases = "container_data_dir" },
	{ "container", "lxc", "rootfs", STRING, 0, "its root directory" },
	{ "container", "lxc", "template", STRING, LATER, "what its root directory is made from" },
	{ "container", "lxc", "template_options", SHLEX, LATER, "options of the template" },
	{ "container", "lxc", "network", STRING, 0, "the bridge that its interface is attached to" },
	{ "container", "lxc", "address", LIST, 0, "the addresses of that interface, as ADDRESS/LENGTH" },
	{ "container", "lxc", "gateway", STRING, 0, "its default route" },
	{ "container", "lxc", "init", SHLEX, 0, "the command that is its first process" },
	{ "container", "lxc", "mount", STRING, 0, "mount entries of the container, one a line" },
	{ "container", "lxc", "halt_signal", STRING, 0, "the signal that makes its first process halt; found out by default" },
	{ "container", "sim", "start_delay", TIME, 0, "how long its start takes",
	  .fallback = "0" },
	{ "container", "sim", "stop_delay", TIME, 0, "how long its stop takes",
	  .fallback = "0" },
	{ "container", "sim", "fail", LIST, 0, "the operations that fail: start, stop, probe" },
	{ 0 },
};
// clang-format on
