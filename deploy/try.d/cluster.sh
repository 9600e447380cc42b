# cluster - from a source tree to a service that runs, and back to nothing.
# shellcheck shell=bash

readonly TRY_MAX_HOSTS=9
readonly TRY_SAMPLE=web TRY_CONTAINER=vm1
readonly TRY_API=/run/encap/api.sock

# Sets BUILD, the directory with the programs.
cluster_build()
{
	if [ -n "${ENCAP_TRY_BUILD:-}" ]; then
		BUILD=$(readlink -e "$ENCAP_TRY_BUILD") ||
			die "ENCAP_TRY_BUILD=$ENCAP_TRY_BUILD: no such directory"
		return
	fi
	BUILD=$TRY_SOURCE/build/release
	say "building (build/release)"
	(
		cd "$TRY_SOURCE"
		[ -e "$BUILD/build.ninja" ] || cmake --preset release
		cmake --build --preset release
	) >"$TRY/build.log" 2>&1 || {
		tail -n 20 "$TRY/build.log" >&2
		die "the build failed; all of its output: $TRY/build.log"
	}
}

# The programs as every host and container sees them, below /usr/local.
cluster_stage()
{
	cmake --install "$BUILD" --prefix "$TRY/local" >"$TRY/install.log" ||
		die "cannot install from $BUILD; see $TRY/install.log"
	install -D "$TRY_HERE/try.d/init" "$TRY/local/lib/encap-try/init"
}

agent_answers() { inside "$1" test -S "$TRY_API"; }

# The first host founds the cluster, each other one joins with its own token.
cluster_form() # MEMBERS LEASE
{
	local n host token

	for host in $(hosts); do
		wait_for 10000 agent_answers "$host" ||
			die "$host: its agent does not answer; see" \
				"deploy/try sh $host tail /var/log/encapd.log"
	done
	[ "$1" = 0 ] || inside hv1 encap cluster init "try" \
		--address "$NET_4.1" --lease "$2"
	for n in $(seq 2 "$1"); do
		token=$(inside hv1 encap cluster token)
		inside "hv$n" encap cluster join "$token" "$NET_4.1" \
			--address "$NET_4.$n"
	done
}

sample_config()
{
	local names

	names=$(hosts | xargs)
	sed "s/^nodes = .*/nodes = $names/" "$TRY_HERE/sample/$TRY_SAMPLE.conf"
}

# The containers of a topology: one, or one for each host.
sample_containers() # TOPOLOGY
{
	if [ "$1" = failover ]; then
		echo "$TRY_CONTAINER"
	else
		hosts | sed 's/^hv/vm/'
	fi
}

# The sample has three hosts; what it says of hv1 is said of each.
farmed_config() # TOPOLOGY
{
	local names vms

	names=$(hosts | xargs)
	vms=$(sample_containers "$1" | xargs)
	awk -v names="$names" -v vms="$vms" '
		/^nodes = / { print "nodes = " names; next }
		/^encapnodes = / { print "encapnodes = " vms; next }
		/^flex_min = / { print "flex_min = " split(names, n, " "); next }
		/@hv1 = / {
			for (i = 1; i <= split(names, n, " "); i++) {
				line = $0
				gsub("hv1", "hv" i, line)
				gsub("vm1", "vm" i, line)
				gsub("\\.101", "." 100 + i, line)
				print line
			}
			next
		}
		/@hv[0-9] = / { next }
		{ print }' "$TRY_HERE/sample/$1.conf"
}

topology_config() # TOPOLOGY
{
	if [ "$1" = failover ]; then
		sample_config
	else
		farmed_config "$1"
	fi
}

cluster_sample() # TOPOLOGY
{
	local vm page

	for vm in $(sample_containers "$1"); do
		say "service $TRY_SAMPLE with container $vm"
		page=$TRY/shared/$vm/var/www/index.html
		tree_container "$vm"
		mkdir -p "$(dirname "$page")"
		echo "<p>Served from within $vm.</p>" >"$page"
	done
	topology_config "$1" | inside hv1 encap create "$TRY_SAMPLE" --config -
	inside hv1 encap start "$TRY_SAMPLE" --timeout 60s ||
		die "$TRY_SAMPLE did not come up; see deploy/try status and" \
			"deploy/try sh hv1 encap log $TRY_SAMPLE"
}

cluster_hosts()
{
	local n

	[ -z "$(net_list)" ] || die "there are network namespaces already:" \
		"$(net_list | xargs); 'deploy/try down' removes them"
	say "hosts hv1..hv$1"
	mkdir -p "$TRY/shared"
	cgroup_save
	net_switch
	for n in $(seq "$1"); do
		tree_host "hv$n"
		host_start "hv$n"
	done
	for n in $(seq "$1"); do
		host_started "hv$n"
	done
}

cluster_is_up() { [ -n "$(hosts)" ] && net_there "$NET_SWITCH"; }

cluster_up()
{
	local hosts=3 members='' lease=3s sample=yes topology=failover

	while [ $# -gt 0 ]; do
		case $1 in
		--hosts) hosts=${2:-} && shift ;;
		--members) members=${2:-} && shift ;;
		--lease) lease=${2:-} && shift ;;
		--bare) sample= ;;
		--topology) topology=${2:-} && shift ;;
		*) die "up: '$1' is not known; see deploy/try help" ;;
		esac
		shift || die "up: a value is missing; see deploy/try help"
	done
	members=${members:-$hosts}
	[[ $hosts =~ ^[1-$TRY_MAX_HOSTS]$ ]] ||
		die "up: --hosts is a number from 1 to $TRY_MAX_HOSTS, not '$hosts'"
	[[ $topology =~ ^(failover|farmed-failover|farmed-farmed)$ ]] ||
		die "up: --topology is failover, farmed-failover or" \
			"farmed-farmed, not '$topology'"
	[[ $members =~ ^[0-9]$ && $members -le $hosts ]] ||
		die "up: --members is a number from 0 to $hosts, not '$members'"

	lock
	if cluster_is_up; then
		die "it is up: deploy/try status, or deploy/try down"
	fi
	remove # what a crash or a restart of the machine has left
	mkdir -p "$TRY"
	cluster_build
	cluster_stage
	cluster_hosts "$hosts"
	unlock
	[ "$members" = 0 ] || say "cluster of $members"
	cluster_form "$members" "$lease"
	[ -z "$sample" ] || [ "$members" = 0 ] || cluster_sample "$topology"
}

# Everything that is found, whatever state it is in; several times, as the
# kernel takes a moment to let go.
remove()
{
	local host pid

	for host in $(hosts); do
		! pid=$(host_pid "$host") || kill -KILL "$pid" 2>/dev/null || :
	done
	wait_for 10000 remove_processes ||
		die "processes that do not die: $(cgroup_pids | xargs)"
	net_remove
	# shellcheck disable=SC2046 # one word each
	loops_detach $(loops_of "$TRY")
	wait_for 5000 cgroup_remove || die "cgroups that cannot be removed:" \
		"$(cgroup_dirs | xargs)"
	rm -rf --one-file-system "$TRY"
}

remove_processes()
{
	local pids

	pids=$(cgroup_pids)
	[ -n "$pids" ] || return 0
	# shellcheck disable=SC2086 # one word each
	kill -KILL $pids 2>/dev/null || :
	return 1
}

cluster_down()
{
	lock
	remove
	unlock
}

agent_pid()
{
	local pid

	for pid in $(<"/proc/$1/task/$1/children"); do
		[ "$(cat "/proc/$pid/comm" 2>/dev/null)" != encapd ] ||
			echo "$pid"
	done
}

host_containers()
{
	local dir

	read -r _ _ dir <"$TRY/cgroups"
	find "$dir/$1" -type d -name 'lxc.payload.*' -printf '%f\n' |
		sed 's/^lxc\.payload\.//'
}

cluster_status()
{
	local host pid agent network containers

	cluster_is_up || die "it is not up: deploy/try up"
	printf '%-6s %-6s %-8s %-10s %-10s %s\n' \
		host power network address agent containers
	for host in $(hosts); do
		network=$(cat "$TRY/$host/cut" 2>/dev/null) || network='on'
		if pid=$(host_pid "$host"); then
			agent=$(agent_pid "$pid")
			containers=$(host_containers "$host" | xargs)
			printf '%-6s %-6s %-8s %-10s %-10s %s\n' "$host" on \
				$network "$NET_4.${host#hv}" \
				"${agent:-none}" "$containers"
		else
			printf '%-6s %-6s %-8s\n' "$host" off $network
		fi
	done
	for host in $(hosts); do
		if host_pid "$host" >/dev/null && agent_answers "$host"; then
			echo
			inside "$host" encap status
			break
		fi
	done
}

cluster_all()
{
	"$TRY_HERE/install-packages"
	if ! cluster_is_up; then
		cluster_up
	fi
	cat <<-TEXT

		$TRY_SAMPLE as the hypervisors see it (deploy/try sh hv1 encap status $TRY_SAMPLE):

	TEXT
	inside hv1 encap status "$TRY_SAMPLE"
	cat <<-TEXT

		$TRY_SAMPLE as its container sees it (deploy/try sh $TRY_CONTAINER encap status $TRY_SAMPLE):

	TEXT
	inside "$TRY_CONTAINER" encap status "$TRY_SAMPLE"
	cat <<-TEXT

		Three things to try next:
		  an edit made in the container is everybody's
		    deploy/try sh $TRY_CONTAINER encap set $TRY_SAMPLE app#1.comment=hello
		    deploy/try sh hv2 encap get $TRY_SAMPLE app#1.comment
		  a hypervisor dies, and the service goes on elsewhere
		    deploy/try kill hv1
		    deploy/try sh hv2 encap events -f
		  look around in a hypervisor or in the container
		    deploy/try sh $TRY_CONTAINER
		and deploy/try down removes it all.
	TEXT
}
