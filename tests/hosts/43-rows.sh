#!/bin/bash
# Rows of the table in docs/failover.md that need real processes: a container
# that stops by itself, a dead agent in it, a start that hangs, a frozen node, an
# agent whose disk is full.
# deadline: 180
. "$(dirname "$0")/lib.sh"

try up

init_of() { on "$1" lxc-info -n vm1 -p -H; }
another_init() # HOST OLD
{
	local pid

	pid=$(init_of "$1") && [ -n "$pid" ] && [ "$pid" != "$2" ]
}

step "the container stops by itself"
on hv1 encap set web container#0.restart=1 container#0.monitor=true >/dev/null
within 10000 "it is up" equal up field hv2 web avail
was=$(init_of hv1)
on hv1 kill -KILL "$was"
within 30000 "it is started again, where it was" another_init hv1 "$was"
within 30000 "with what is inside" \
	equal up field hv2 web "instances/hv1/encap/container#0/resources/app#1/status"

step "its agent is dead"
agent=$(agent_pid vm1)
on vm1 kill -STOP "$agent"
within 20000 "that is seen" equal unreachable \
	field hv2 web "instances/hv1/channels/container#0/word"
must "what it runs goes on" on hv2 curl -s -m 2 http://10.99.0.102/ -o /dev/null
must "and a stop does not wait for ever" on hv1 encap stop web --timeout 60s

step "a start that hangs"
on hv1 sh -c 'cat >/tmp/slow.conf' <<'CONF'
[DEFAULT]
nodes = hv1 hv2 hv3
orchestrate = ha
start_retries = 0

[app#1]
type = forking
start = sh -c "if test -e /etc/hangs; then exec sleep 600; fi; touch /tmp/up"
stop = rm -f /tmp/up
check = test -e /tmp/up
start_timeout = 1s
CONF
on hv1 encap create slow --config /tmp/slow.conf >/dev/null
on hv1 touch /etc/hangs
must "it is ended, and the next node has it" \
	on hv1 encap start slow --timeout 30s
must "that is hv2" up_at hv1 hv2 slow
must "the hanging start is gone" differs on hv1 pgrep -fx "sleep 600"

step "a frozen node"
on hv1 encap node freeze hv3
on hv1 encap clear slow
on hv1 rm /etc/hangs
try kill hv2
within 20000 "is passed by" up_at hv3 hv1 slow
try boot hv2
on hv1 encap node thaw hv3
