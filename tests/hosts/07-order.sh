#!/bin/bash
# In which order a service stops and starts, by what is there and not by what
# is said; and what --master and --slaves leave alone.
# deadline: 180
. "$(dirname "$0")/lib.sh"

# What of the service is there, in the order in which it starts. Looked at in
# the order of $1, so that what goes (comes) while we look cannot mislead.
readonly ORDER="ip#0 fs#0 container#0 ip#1 app#1"

has() # RID
{
	local pid

	case $1 in
	ip#0) ip -n "$ENCAP_TRY_NAME-hv1" -br addr show dev br0 |
		grep -q '10\.99\.0\.100/' ;;
	fs#0)
		read -r pid _ <"$STATE/hv1/pid"
		grep -q ' /srv/vm1 ' "/proc/$pid/mountinfo"
		;;
	container#0) [ -n "$(container_on vm1)" ] ;;
	ip#1) on vm1 ip -br addr show dev eth0 2>/dev/null |
		grep -q '10\.99\.0\.102/' ;;
	app#1) on vm1 pgrep -f '^/usr/bin/python3 -m http.server' \
		>/dev/null 2>&1 ;;
	esac
}

look() # RID...
{
	local rid seen=''

	for rid in "$@"; do
		! has "$rid" || seen="$seen $rid"
	done
	# In the order of a start, whatever the order of looking.
	for rid in $ORDER; do
		[[ " $seen " != *" $rid "* ]] || echo -n "$rid "
	done
	echo
}

# Writes each state that it sees while a command runs.
observe() # start|stop COMMAND...
{
	local rids=$ORDER state='' pid

	[ "$1" = stop ] || rids=$(tr ' ' '\n' <<<"$ORDER" | tac | xargs)
	shift
	"$@" >"$SCRATCH/command" 2>&1 &
	pid=$!
	: >"$SCRATCH/seen"
	while :; do
		# shellcheck disable=SC2086 # one word each
		look $rids >"$SCRATCH/look"
		[ "$(<"$SCRATCH/look")" = "$state" ] || {
			state=$(<"$SCRATCH/look")
			echo "$state" >>"$SCRATCH/seen"
			echo "      [$state]"
		}
		kill -0 $pid 2>/dev/null || break
	done
	wait $pid || {
		cat "$SCRATCH/command"
		fail "$*"
	}
}

# Each state is the beginning of the order; none jumps back.
in_order() # start|stop
{
	local line n last

	[ "$1" = start ] && last=-1 || last=99
	while read -r line; do
		[[ "$ORDER " == "${line:+$line }"* ]] || {
			echo "[$line] is no beginning of: $ORDER"
			return 1
		}
		n=$(wc -w <<<"$line")
		if [ "$1" = start ]; then
			[ "$n" -ge "$last" ] || return 1
		else
			[ "$n" -le "$last" ] || return 1
		fi
		last=$n
	done <"$SCRATCH/seen"
}

there() { equal "$1" eval "look $ORDER | xargs"; }

try up
must "everything is there" there "$ORDER"

step "svcmgr -s web stop"
observe stop on hv1 svcmgr -s web stop
must "encap resources first, container next, hypervisor's last" in_order stop
must "nothing is left" there ""
must "several steps were seen" \
	eval "[ $(wc -l <"$SCRATCH/seen") -ge 3 ]"
must "the status says so" equal down field hv2 web avail

step "svcmgr -s web start"
observe start on hv1 svcmgr -s web start
must "the reverse" in_order start
must "everything is there" there "$ORDER"
must "the status says so" equal up field hv2 web avail

step "--slaves: the containers' part"
on hv1 svcmgr -s web stop --slaves
must "the container is there, its application is not" \
	there "ip#0 fs#0 container#0"
throughout 3000 "and stays so" there "ip#0 fs#0 container#0"
on hv1 svcmgr -s web start --slaves
must "everything is there" there "$ORDER"

step "--slave NAME"
on hv1 svcmgr -s web stop --slave vm1
must "likewise" there "ip#0 fs#0 container#0"
on hv1 svcmgr -s web start --slave vm1
must "everything is there" there "$ORDER"

step "in the container: its level alone"
on vm1 svcmgr -s web stop
must "the container is there" there "ip#0 fs#0 container#0"
on vm1 svcmgr -s web start
must "everything is there" there "$ORDER"

step "--master: the hypervisor's part"
on hv1 svcmgr -s web stop
on hv1 svcmgr -s web start --master
must "the container is there, its application is not" \
	there "ip#0 fs#0 container#0"
throughout 3000 "and stays so" there "ip#0 fs#0 container#0"
on hv1 svcmgr -s web start
must "everything is there" there "$ORDER"

step "part of a service with encap resources: at which level?"
must_fail 2 "it must be said" on hv1 svcmgr -s web stopfs
must "it says how" \
	grep -q 'specify either --master, --slave(s) or both (stopfs)' \
	"$SCRATCH/said"
must "nothing was done" there "$ORDER"

step "the other spellings of status"
must "print status" contains "container#0" on hv1 svcmgr -s web print status
must "json status" contains '"avail": "up"' on hv1 svcmgr -s web json status
