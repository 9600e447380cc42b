#!/bin/bash
# The agent hangs, or dies and is not started again: the guard stops what runs
# before another node starts it.
# deadline: 180
. "$(dirname "$0")/lib.sh"
. "$HERE/twice.sh"

guard_pid() # HOST
{
	on "$1" pgrep -x encap-guard
}

another_guard() # HOST OLD-PID
{
	local pid

	pid=$(guard_pid "$1") && [ "$pid" != "$2" ]
}

twice_up
within 5000 "node ls says what protects a node" \
	contains "hv1 is protected by its agent, the guard; no watchdog" \
	on hv1 encap node ls

step "the agent of hv1 hangs"
agent=$(agent_pid hv1)
on hv1 kill -STOP "$agent"
within 10000 "it is stopped there" differs contains hv1 container_on vm1
within 1000 "its address is gone" differs contains 10.99.0.100 on hv1 ip addr
within 1000 "so is its file system" differs on hv1 mountpoint -q /srv/vm1
within 10000 "hv1 has a new agent" agent_is_new hv1 "$agent"
within 20000 "the service is up again" equal up field hv3 web avail

step "the agent dies, and nothing starts it again"
on hv3 encap move web hv1 --timeout 60s
within 10000 "it is on hv1" equal hv1 container_on vm1
kill -STOP "$(cut -d' ' -f1 "$STATE/hv1/pid")"
on hv1 kill -KILL "$(agent_pid hv1)"
within 10000 "it is stopped there" differs contains hv1 container_on vm1
within 20000 "it is up on hv2" up_at hv3 hv2
kill -CONT "$(cut -d' ' -f1 "$STATE/hv1/pid")"
within 10000 "hv1 is back" up_at hv1 hv2
throughout 3000 "it stays on hv2" equal hv2 container_on vm1

step "the guard dies"
pid=$(guard_pid hv3)
on hv3 kill -KILL "$pid"
within 10000 "it is started again" another_guard hv3 "$pid"
must "and is one" [ "$(guard_pid hv3 | wc -l)" = 1 ]

step "an agent that is replaced"
pid=$(guard_pid hv3)
on hv3 kill -TERM "$(agent_pid hv3)"
within 10000 "is back" on hv3 encap status
must "and keeps its guard" equal "$pid" guard_pid hv3

step "was it ever up twice?"
twice_never
