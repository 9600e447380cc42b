#!/bin/bash
# Nodes without a majority: what only one of them can run goes on, the rest is
# stopped; status and stop work; a start in an emergency, and what becomes of it
# when the others are back.
# deadline: 150
. "$(dirname "$0")/lib.sh"

try up --bare --members 3

service() # NAME NODES
{
	on hv1 encap create "$1" --config - >/dev/null <<CONF
[DEFAULT]
nodes = $2
orchestrate = ha

[app#1]
type = simple
start = sleep $3
CONF
}

runs() { on "$1" pgrep -fx "sleep $2"; } # HOST SECONDS
pid_of() { runs "$1" "$2" | head -1; }

service own hv3 4801
service web "hv1 hv2 hv3" 4802
service db "hv1 hv2 hv3" 4803
on hv1 encap start own --timeout 30s
on hv1 encap start web --timeout 30s
on hv1 encap start db --timeout 30s
on hv1 encap move db hv3 --timeout 30s
own=$(pid_of hv3 4801)

step "hv1 and hv2 are gone"
try kill hv1 hv2
within 10000 "what others may run is stopped on hv3" differs runs hv3 4803
throughout 3000 "what only hv3 can run goes on" equal "$own" pid_of hv3 4801
begin=$(now_ms)
must "status has the reason and the votes" \
	contains "no majority: hv3 reaches 1 of 3 votes, and 2 decide" \
	on hv3 encap status
[ $(($(now_ms) - begin)) -lt 3000 ] || fail "status took long"

step "a stop, alone"
must "it is stopped" on hv3 encap stop own --timeout 20s
must "there" differs runs hv3 4801

step "a start in an emergency"
must_fail 1 "not unless it is confirmed" \
	on hv3 encap start web --emergency </dev/null
must "with what there is to know" grep -q "web ran on hv1" "$SCRATCH/said"
must "confirmed, it is up" on hv3 encap start web --emergency --yes --timeout 20s
web=$(pid_of hv3 4802)
must "status says how" contains "started in an emergency" on hv3 encap status
pid=$(agent_pid hv3)
on hv3 kill -KILL "$pid"
within 10000 "another agent" agent_is_new hv3 "$pid"
throughout 3000 "has it go on" equal "$web" pid_of hv3 4802

step "a majority again"
try boot hv2
within 30000 "the cluster takes it as it is" eval \
	'[ "$(field hv2 web assigns/hv3/want)" = up ]'
must "the same process" equal "$web" pid_of hv3 4802
within 5000 "the audit log has it" contains "in an emergency on hv3" \
	on hv2 encap audit web
within 5000 "and the stop" contains "was stopped on hv3 without a majority" \
	on hv2 encap audit own
must "which holds" equal down field hv2 own avail
must_fail 4 "now it is no emergency" \
	on hv3 encap start db --emergency --yes
try boot hv1
within 20000 "hv1 is back" eval 'on hv3 encap node ls | grep -q "^hv1 *up "'
throughout 2000 "web is where it is" up_at hv3 hv3
