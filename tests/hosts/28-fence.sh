#!/bin/bash
# Machines are ended by fence devices: a power switch outside of them that
# really does it. By a person; before a failover (stonith = true), with devices
# that fail, hang, or lie in another level; and by a person's word.
# deadline: 300
. "$(dirname "$0")/lib.sh"
. "$HERE/twice.sh"
. "$HERE/power.sh"

twice_up
fence_install
in_background switch_power

step "devices are configured, and asked"
must "a device for each machine" on hv1 encap cluster set \
	fence#hv1.agent=/shared/fence_try fence#hv1.options=plug=hv1 \
	fence#hv2.agent=/shared/fence_try fence#hv2.options=plug=hv2 \
	fence#hv3.agent=/shared/fence_try fence#hv3.options=plug=hv3
must_fail 1 "a password is refused there" on hv1 encap cluster set \
	fence#hv1.options+=password=s3cret-of-plug
must_fail 1 "it does not answer without one" on hv2 encap fence test hv1
printf s3cret-of-no | on hv1 encap secret set fence#hv1 password
must_fail 1 "nor with a wrong one" on hv2 encap fence test hv1
must "which is not told" differs grep -q s3cret "$SCRATCH/said"
for host in hv1 hv2 hv3; do
	printf s3cret-of-plug | on hv1 encap secret set "fence#$host" password
done
within 5000 "they all answer" on hv3 encap fence test hv1
must "the secret is only named" contains "(secret: password)" \
	on hv2 encap fence ls
must "node ls says so" contains "fence#hv1" on hv2 encap node ls
must "no argument was ever given" \
	differs grep -v ": 0 arguments" "$STATE/shared/power/log"

if command -v fence_dummy >/dev/null; then
	step "an agent of the package fence-agents"
	must "hv3 has it, too" on hv1 encap cluster set \
		fence#hv3:dummy.agent=fence_dummy fence#hv3:dummy.level=2 \
		'fence#hv3:dummy.options=type=file status_file=/run/dummy'
	must "it answers" contains "fence#hv3:dummy, asked by hv2: o" \
		on hv2 encap fence test hv3
	on hv1 encap cluster unset fence#hv3:dummy
fi

step "a person ends hv1, where the service runs"
begin=$(now_ms)
must "it is done" on hv3 encap node fence hv1 --off --yes
within 15000 "the service is up on hv2" up_at hv3 hv2
echo "   from the word to up: $(($(now_ms) - begin)) ms"
must "the events tell" contains "off: done by" on hv3 encap events -n 100
must "it is known to be down" equal fenced fence_state hv3 hv1 sure
must "it is switched on again" on hv3 encap node fence hv1 --on
within 20000 "and is back" equal up fence_state hv3 hv1 node

step "stonith = true: the first device of hv2 hangs, the second works"
must "the service asks for it" on hv3 encap set web DEFAULT.stonith=true
must "a device before the other" on hv3 encap cluster set \
	fence#hv2.level=2 \
	fence#hv2:first.command=/shared/fence_hang \
	fence#hv2:first.timeout=1s fence#hv2:first.retries=1
try kill hv2
within 30000 "it was ended before the service started elsewhere" \
	equal "done" fence_state hv3 hv2 state
within 20000 "the service is up" \
	eval 'up_at hv3 hv1 || up_at hv3 hv3'
must "the device that hangs was tried twice" \
	[ "$(grep -c hang "$STATE/shared/power/log")" = 2 ]
within 20000 "it is on again: a reboot" equal up fence_state hv3 hv2 node
runs=$(container_on vm1)
[ "$runs" = hv1 ] && asks=hv3 || asks=hv1

step "no device can end it: nothing starts until a person vouches"
must "the device is taken away" on "$asks" encap cluster set \
	"fence#$runs.command=/bin/false" "fence#$runs.agent=" \
	"fence#$runs.retries=0"
try kill "$runs"
within 20000 "it was tried" equal failed fence_state "$asks" "$runs" state
within 5000 "status says why nothing is started" \
	contains "confirm-down $runs" on "$asks" encap status web
throughout 2000 "nothing is started" \
	equal down field "$asks" web avail
must_fail 4 "nobody can vouch for what is up" \
	on "$asks" encap node confirm-down hv2 --yes
must "a person vouches" on "$asks" encap node confirm-down "$runs" --yes
within 20000 "the service is up" equal up field "$asks" web avail
must "the events tell who" contains "vouches that it is down" \
	on "$asks" encap events -n 100
try boot "$runs"

step "was it ever up twice?"
twice_never
