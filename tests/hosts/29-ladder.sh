#!/bin/bash
# A stop that fails: by force; then it is "stop failed", and the service is
# nowhere else until it is down there; then the machine is ended.
# deadline: 240
. "$(dirname "$0")/lib.sh"
. "$HERE/twice.sh"
. "$HERE/power.sh"

web_set() { on hv3 encap set web "$@"; }

# A daemon whose stop does nothing: it has to be killed.
daemon_install()
{
	cat >"$STATE/shared/daemon" <<-'TEXT'
		#!/bin/bash
		setsid sleep 1000000 </dev/null >/dev/null 2>&1 &
		echo $! >/run/daemon.pid
	TEXT
	chmod +x "$STATE/shared/daemon"
}

twice_up
fence_install
daemon_install
in_background switch_power
must "the service has a daemon that its stop does not end" web_set \
	app#3.type=forking app#3.start=/shared/daemon app#3.stop=/bin/false \
	app#3.check='pgrep -F /run/daemon.pid'
must "it is started" on hv3 encap start web --timeout 60s
within 10000 "and runs" on hv1 pgrep -F /run/daemon.pid

step "a stop that fails goes on by force"
must "the plan tells" \
	contains "if a stop fails: web on hv1: it is stopped by force (5s)" \
	on hv3 encap plan stop web
must "it is moved" on hv3 encap move web hv2 --timeout 60s
must "it is on hv2" equal hv2 container_on vm1
must "the events tell that its stop has failed" \
	contains "stop app#3 failed" on hv3 encap events web -n 200
must "and what was done then" \
	contains "kill app#3: by force, as its stop has failed" \
	on hv3 encap events web -n 200

step "what cannot be stopped by force is stop failed"
must "something that does not go down" web_set app#4.type=forking \
	app#4.start='touch /run/stuck' app#4.stop=/bin/false \
	app#4.check='test -e /run/stuck'
must "the service has it" on hv3 encap start web --timeout 60s
within 10000 "on hv2" on hv2 test -e /run/stuck
must_fail 1 "it cannot be moved" on hv3 encap move web hv1 --timeout 60s
must "its state says so" equal "stop failed" \
	field hv3 web instances/hv2/state
must "and why nothing is started" contains "hv2 could not stop it" \
	on hv3 encap status web
must "why tells, too" contains "app#4" on hv3 encap why web
throughout 2000 "it is started nowhere else" \
	differs up_at hv3 hv1
must "somebody takes it away there" on hv2 rm /run/stuck
within 20000 "then it goes on" up_at hv3 hv1

step "the last rung: the machine is ended"
must "hv1 has a device" on hv3 encap cluster set \
	fence#hv1.agent=/shared/fence_try fence#hv1.options=plug=hv1
must "with a password" eval \
	'printf s3cret-of-plug | on hv3 encap secret set fence#hv1 password'
must "the service may go so far" web_set DEFAULT.stop_failed=fence
must "the plan tells" contains "then hv1 is fenced" on hv3 encap plan stop web
in_background on hv3 encap move web hv3 --no-wait
within 60000 "hv1 was ended" grep -q "reboot hv1" "$STATE/shared/power/log"
within 60000 "the service is up on hv3" up_at hv3 hv3
must "the events tell why" contains "(stop_failed = fence)" \
	on hv3 encap events -n 200
within 30000 "hv1 is back" on hv1 encap status
within 30000 "and knows where the service is" up_at hv1 hv3

step "no device can: the machine ends itself, where it may"
must "hv3 may reboot itself" on hv3 sh -c \
	'echo --allow-reboot >/etc/encapd.options'
agent=$(agent_pid hv3)
on hv3 kill -TERM "$agent"
within 10000 "its agent is started anew" agent_is_new hv3 "$agent"
within 15000 "and tells the others" contains \
	"hv3 is protected by its agent, the guard; no watchdog; it may reboot" \
	on hv1 encap node ls
within 20000 "the service is still there" up_at hv1 hv3
in_background on hv1 encap move web hv2 --no-wait
within 60000 "hv3 has ended" differs kill -0 "$(cut -d' ' -f1 "$STATE/hv3/pid")"
must "and its network with it" try cut hv3
within 60000 "the service is up on hv2" up_at hv1 hv2
must "the events tell that no device could do it" \
	contains "no fence device is configured for hv3" \
	on hv1 encap events -n 200

step "was it ever up twice?"
twice_never
