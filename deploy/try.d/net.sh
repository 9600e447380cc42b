# net - a switch, and a cable to each host.
# shellcheck shell=bash
#
# All of it is in network namespaces; the machine's own one never has an
# interface of ours. Host N has 10.99.0.N and fd99::N on br0, a bridge, so that
# containers can be plugged in beside it.

readonly NET_SWITCH=${TRY_PREFIX}hvsw
readonly NET_4=10.99.0 NET_6=fd99:

net_name() { echo "$TRY_PREFIX$1"; }

net_switch()
{
	ip netns add "$NET_SWITCH" ||
		die "network namespace $NET_SWITCH: is there one of that name?" \
			"'deploy/try down' removes it"
	ip -n "$NET_SWITCH" -batch - <<-TEXT
		link set lo up
		link add br0 type bridge mcast_snooping 0
		link set br0 up
	TEXT
}

# The namespace of a host with its cable, unplugged. It is made afresh at each
# boot, so nothing that was configured in it survives a power cut. The address
# of br0 is fixed: a bridge otherwise takes the lowest of its ports', and it
# would change with every container.
net_host()
{
	local n=${1#hv} ns

	ns=$(net_name "$1")
	ip netns add "$ns"
	ip -n "$NET_SWITCH" -batch - <<-TEXT
		link add p$n type veth peer name eth0 netns $ns
		link set p$n master br0
	TEXT
	ip -n "$ns" -batch - <<-TEXT
		link set lo up
		link add br0 type bridge mcast_snooping 0
		link set br0 address $(printf '02:ec:a9:00:%02x:%02x' \
			$((n / 256)) $((n % 256)))
		link set eth0 master br0
		link set eth0 up
		link set br0 up
		addr add $NET_4.$n/24 dev br0
		addr add $NET_6:$n/64 dev br0 nodad
	TEXT
}

net_plug()
{
	ip -n "$NET_SWITCH" link set "p${1#hv}" up
}

net_unplug()
{
	ip -n "$NET_SWITCH" link set "p${1#hv}" down 2>/dev/null || :
}

# The cable goes at once, the namespace when the kernel comes to it.
net_host_remove()
{
	ip -n "$NET_SWITCH" link delete "p${1#hv}" 2>/dev/null || :
	! net_there "$(net_name "$1")" || ip netns delete "$(net_name "$1")"
}

net_there() { [ -e "/run/netns/$1" ]; }

# Cut in the switch, not by taking a link down: that is noticed by both sides
# at once and undone up to a second later, as link events are rate-limited.
# Between the ports only: who listens on the switch itself hears all of them.
net_cut() # HOST [deaf|mute]
{
	local port=p${1#hv} way=${2:-cut} from='' to=''

	need_host "$1"
	case $way in
	cut) from="iifname $port drop" to="oifname $port drop" ;;
	deaf) to="oifname $port drop" ;;
	mute) from="iifname $port drop" ;;
	*) die "cut: '$way' is not known; see deploy/try help" ;;
	esac
	net_heal "$1"
	ip netns exec "$NET_SWITCH" nft -f - <<-TEXT
		table bridge cut_$1 {
			chain forward {
				type filter hook forward priority 0
				$from
				$to
			}
		}
	TEXT
	echo "$way" >"$TRY/$1/cut"
}

net_heal()
{
	need_host "$1"
	[ -e "$TRY/$1/cut" ] || return 0
	ip netns exec "$NET_SWITCH" nft delete table bridge "cut_$1"
	rm "$TRY/$1/cut"
}

# Every namespace of ours, also of a cluster without a state directory.
net_list()
{
	local file

	for file in "/run/netns/$TRY_PREFIX"hv*; do
		[[ ! ${file##*/} =~ ^${TRY_PREFIX}hv([0-9]+|sw)$ ]] ||
			echo "${file##*/}"
	done
}

net_remove()
{
	local ns

	for ns in $(net_list); do
		ip netns delete "$ns"
	done
	# ip mounts this at its first namespace, and never unmounts it.
	if [ -d /run/netns ] && [ -z "$(ls /run/netns)" ]; then
		umount /run/netns 2>/dev/null || :
		rmdir /run/netns 2>/dev/null || :
	fi
}
