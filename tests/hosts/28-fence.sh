#!/bin/bash
# Machines are ended by fence devices: a power switch outside of them that
# really does it. By a person; before a failover (stonith = true), with devices
# that fail, hang, or lie in another level; and by a person's word.
# deadline: 300
. "$(dirname "$0")/lib.sh"
. "$HERE/twice.sh"

# The power switch: requests lie in /shared/power as HOST.ACTION and are gone
# when they are carried out. Nothing of it is in any of the machines.
switch_power()
{
	local file host action

	while sleep 0.05; do
		for file in "$STATE"/shared/power/*.ask; do
			[ -e "$file" ] || continue
			file=${file%.ask}
			host=${file##*/} action=${host#*.} host=${host%%.*}
			case $action in
			off | reboot) try kill "$host" || : ;;
			esac
			case $action in
			on | reboot) try boot "$host" || : ;;
			esac
			rm -f "$file.ask"
		done
	done >/dev/null 2>&1
}

# An agent that keeps the conventions of fence-agents and asks that switch.
fence_install()
{
	mkdir -p "$STATE/shared/power"
	cat >"$STATE/shared/fence_try" <<-'TEXT'
		#!/bin/bash
		exec 9>>/shared/power/log
		while IFS='=' read -r name value; do
			case $name in
			action) action=$value ;;
			plug) plug=$value ;;
			password) password=$value ;;
			esac
		done
		echo "$(hostname): $action $plug: $# arguments" >&9
		[ "$password" = s3cret-of-plug ] || {
			echo "wrong password: $password" >&2
			exit 1
		}
		case $action in
		status | monitor)
			grep -q . "/shared/power/$plug.off" 2>/dev/null && exit 2
			exit 0
			;;
		off | on | reboot) ;;
		*) exit 1 ;;
		esac
		touch "/shared/power/$plug.$action.ask"
		for ((i = 0; i < 600; i++)); do
			[ -e "/shared/power/$plug.$action.ask" ] || exit 0
			sleep 0.05
		done
		exit 1
	TEXT
	cat >"$STATE/shared/fence_hang" <<-'TEXT'
		#!/bin/bash
		echo "$(hostname): hang" >>/shared/power/log
		exec sleep 1000
	TEXT
	chmod +x "$STATE"/shared/fence_*
}

fence_state() # HOST(to ask) NODE FIELD
{
	on "$1" encap fence ls -o json | python3 -c '
import json, sys
for n in json.load(sys.stdin)["nodes"]:
    if n["name"] == sys.argv[1]:
        f = n.get("fence", {})
        print(n.get("sure", "-") if sys.argv[2] == "sure" else
              n["state"] if sys.argv[2] == "node" else
              f.get(sys.argv[2], "-"))' "$2" "$3"
}

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
where=$(field hv3 web instances/hv1/avail)
[ "$where" = up ] && runs=hv1 asks=hv3 || runs=hv3 asks=hv1

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
