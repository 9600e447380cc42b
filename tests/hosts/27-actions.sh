#!/bin/bash
# What a node does with its resources: some of them alone, triggers, a start
# that fails, a monitored resource that stays down, tasks.
# deadline: 180
. "$(dirname "$0")/lib.sh"

try up

held() { field hv1 web "instances/hv1/encap/container#0/resources/app#1/status"; }
status_of() { field "$1" job "instances/$2/resources/$3/status"; }
ran() { on hv1 test -s /tmp/ran; }

step "some resources alone"
must_fail 2 "the level must be said" on hv2 encap stop web --rid app#1
must_fail 4 "not beside the node that runs it" \
	on hv1 encap start web --rid ip --master --node hv2
on hv2 encap stop web --rid app --slave vm1
must "stopped from another node" equal down held
for m in hv1 vm1; do
	pid=$(agent_pid "$m")
	on "$m" kill -KILL "$pid"
	within 10000 "$m: its agent is back" agent_is_new "$m" "$pid"
done
within 20000 "the container's agent is connected" equal up \
	field hv1 web "instances/hv1/channels/container#0/word"
sleep 3
within 15000 "and heard" equal down held
throughout 4000 "it stays down" equal down held
on hv1 encap start web
must "a start of the whole ends that" equal up held

step "a start that fails"
on vm1 encap set web "app#1.blocking_post_start=false" start_retries=0 >/dev/null
on hv1 encap stop web
must_fail 1 "a blocking trigger fails it, on each node" on hv1 encap start web
must "what it had started inside is stopped" \
	contains "stop fs#1: done" on hv1 encap log web
on hv1 encap unset web "app#1.blocking_post_start" >/dev/null
on hv1 encap move web hv1 --timeout 60s
must "and the next start goes well" equal up held

step "tasks, and what is monitored"
on hv1 sh -c 'cat >/tmp/job.conf' <<'CONF'
[DEFAULT]
nodes = hv1 hv2
orchestrate = ha
monitor_action = switch

[app#1]
type = simple
start = sleep 4711
monitor = true

[task#1]
command = sh -c "date >> /tmp/ran"
schedule = @4s

[task#2]
command = sh -c "echo three is bad; exit 3"
confirmation = true

[task#3]
command = sleep 4712
CONF
on hv1 encap create job --config /tmp/job.conf >/dev/null
must_fail 2 "a task that is to be confirmed" \
	on hv1 encap run job --rid "task#2"
must_fail 4 "a task runs only where it is up" \
	on hv1 encap run job --rid "task#2" --yes
on hv1 encap start job
must_fail 1 "its exit code is its result" on hv2 encap run job --rid "task#2" --yes
must "what it said is told" contains "it said: three is bad" \
	on hv1 encap log job
on hv1 encap run job --rid "task#3" --no-wait
within 15000 "the schedule is kept" ran
within 5000 "a task that runs on" on hv1 pgrep -fx "sleep 4712"
# shellcheck disable=SC2016 # in the host
on hv1 sh -c 'kill "$(pgrep -fx "sleep 4711")"'
within 20000 "what stays down moves" equal up status_of hv2 hv2 "app#1"
must "and its task was ended" differs on hv1 pgrep -fx "sleep 4712"
