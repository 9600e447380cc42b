#!/bin/bash
# A start that fails on one node, then on all, and what ends that; a drain, with
# and without a place to go to; maintenance.
# deadline: 120
. "$(dirname "$0")/lib.sh"

try up --bare --members 3

service() # NAME NODES
{
	on hv1 encap create "$1" --config - <<CONF
[DEFAULT]
nodes = $2
orchestrate = ha
start_retry_delay = 500ms

[app#1]
type = simple
start = sh -c "test ! -e /etc/fails && exec sleep 4712"
pre_start = sh -c "echo tried >>/tmp/tried; test ! -e /etc/fails"
blocking_pre_start = sh -c "test ! -e /etc/fails"
CONF
}

is_at() { equal "$3" field "$1" "$2" "$4"; }
blocked() { contains "$2" field hv1 "$1" blocked; }

step "it fails on hv1, and then on all"
service web "hv1 hv2 hv3" >/dev/null
on hv1 touch /etc/fails
on hv1 encap start web --timeout 30s
must "it is up on the next" up_at hv1 hv2
must "after a second try on hv1" equal 2 on hv1 sh -c 'wc -l </tmp/tried'
on hv2 touch /etc/fails
on hv3 touch /etc/fails
on hv1 encap stop web
must_fail 1 "it fails everywhere" on hv1 encap start web --timeout 60s
within 5000 "status says where, why, and what to do" \
	blocked web "mend the cause, then 'encap clear web'"
must "naming all three" blocked web "hv1 ("

step "mended and cleared"
for h in hv1 hv2 hv3; do on "$h" rm /etc/fails; done
on hv2 encap clear web
within 15000 "it is up" equal up field hv1 web avail
must "what is up has nothing to clear" \
	contains "nothing of web has failed" on hv2 encap clear web

step "drain"
service one "hv1" >/dev/null
on hv1 encap start one --timeout 30s
on hv1 encap move web hv1 --timeout 30s
must_fail 7 "what can go has gone, what cannot is named" \
	on hv2 encap node drain hv1 --timeout 8s
must "by its name, with the reason" grep -q "^one is still there: hv1 is being" \
	"$SCRATCH/said"
must "the other is up elsewhere" up_at hv1 hv2
must_fail 4 "nothing comes" on hv1 encap move web hv1
must "node ls says so" contains "being drained, 1 service left" \
	on hv3 encap node ls
on hv2 encap node drain hv1 --deadline 2s --timeout 30s
must "then it is stopped" equal down field hv1 one avail
on hv2 encap node undrain hv1
within 15000 "and started again" equal up field hv1 one avail
throughout 1500 "the other does not come back" up_at hv1 hv2

step "maintenance"
on hv1 encap maintenance on web
within 5000 "the node has heard of it" contains "in maintenance" \
	field hv2 web instances/hv2/wait
on hv2 pkill -f 'sleep 4712'
within 15000 "status is true" equal down field hv1 web instances/hv2/avail
must_fail 4 "a person's start is refused" on hv1 encap start web
throughout 4000 "nothing is done" differs on hv2 pgrep -f 'sleep 4712'
on hv1 encap maintenance off web
within 15000 "at its end it is started again" up_at hv1 hv2
