#!/bin/bash
# Work on the network: while the cluster is disarmed a node that is cut off goes
# on, and is not taken over; afterwards all is as it was, and it was never up
# twice.
# deadline: 120
. "$(dirname "$0")/lib.sh"

try up --bare --members 3
on hv1 encap create web --config - >/dev/null <<'CONF'
[DEFAULT]
nodes = hv1 hv2 hv3
orchestrate = ha

[app#1]
type = simple
start = sleep 4901
CONF
on hv1 encap start web --timeout 30s

runs() { on "$1" pgrep -fx "sleep 4901"; } # HOST
first=$(runs hv1)
is_member() { on hv2 encap node ls | grep -q "^hv1 *up " && hv1_hears; }
hv1_hears() { differs contains "is cut off" on hv1 encap status; }
twice()
{
	local h n=0

	for h in hv1 hv2 hv3; do
		if runs "$h" >/dev/null; then n=$((n + 1)); fi
	done
	[ $n -lt 2 ]
}

step "disarmed, hv1 is cut off"
must "all nodes have heard of it" on hv2 encap cluster disarm --for 2m --timeout 10s
within 2000 "status says so" contains "disarmed  for another" \
	on hv3 encap cluster status
try cut hv1
throughout 7000 "the same process goes on, and is not taken over" \
	eval 'equal "$first" runs hv1 && twice'
try heal hv1
within 15000 "the network is back" contains '"leader": "hv' \
	on hv1 encap cluster status -o json
must "armed, and all have heard of it" on hv3 encap cluster arm --timeout 20s
must "it never stopped" equal "$first" runs hv1

step "armed: a cut is a cut"
try cut hv1
within 20000 "it is taken over" eval 'runs hv2 || runs hv3'
must "and runs on hv1 no more" differs runs hv1
try heal hv1
within 15000 "hv1 is back" is_member
on hv2 encap move web hv1 --timeout 30s

step "its time is over while hv1 is cut off"
on hv2 encap cluster disarm --for 6s --timeout 10s
try cut hv1
throughout 3000 "it goes on" runs hv1
begin=$(now_ms)
while runs hv1 >/dev/null; do
	must "not twice" twice >/dev/null
	[ $(($(now_ms) - begin)) -lt 20000 ] || fail "it goes on for ever"
	sleep 0.05
done
within 20000 "then it is taken over" eval 'runs hv2 || runs hv3'
try heal hv1
within 15000 "hv1 is back" is_member
