# twice - was a container ever on two hosts at once?
# shellcheck shell=bash
#
# Three witnesses, none of them an agent: the kernel's control groups, looked at
# every 20 ms; an application in the container that writes every 20 ms to the
# shared storage when and on which host it runs; and the switch, which hears the
# same application say so, also from a host that is cut off from the others.

readonly SWITCH=$ENCAP_TRY_NAME-hvsw EAR=10.99.0.250 EAR_PORT=9999

beat_install()
{
	try tree vm1
	mkdir -p "$STATE/shared/vm1/var/lib"
	cat >"$STATE/shared/vm1/var/lib/beat" <<-'TEXT'
		#!/bin/bash
		read -r host </etc/hypervisor
		while :; do
			echo "${EPOCHREALTIME/[.,]/} $host" >>/var/beats
			{ echo "$host" >/dev/udp/EAR; } 2>/dev/null
			sleep 0.02
		done
	TEXT
	sed -i "s|EAR|$EAR/$EAR_PORT|" "$STATE/shared/vm1/var/lib/beat"
	chmod +x "$STATE/shared/vm1/var/lib/beat"
}

# Three hosts, the service with that application, up on hv1, and the witnesses.
twice_up() # [OPTION OF deploy/try up...]
{
	try up --bare "$@"
	sample "hv1 hv2 hv3" <<-'TEXT' >"$SCRATCH/web.conf"

		[app#2]
		encap = true
		type = simple
		start = /var/lib/beat
	TEXT
	beat_install
	ip -n "$SWITCH" addr add "$EAR/24" dev br0
	in_background ip netns exec "$SWITCH" \
		"$HERE/hear.py" "$EAR_PORT" "$SCRATCH/heard"
	create "$SCRATCH/web.conf"
	must "it is up on hv1" up_at hv2 hv1
	in_background "$HERE/watch.py" "$STATE" vm1 "$SCRATCH/watch"
	within 2000 "the application tells where it is" \
		grep -q . "$STATE/shared/vm1/var/beats"
	within 2000 "and the network hears it" grep -q . "$SCRATCH/heard"
}

# In the order of time: where the host changes, there is a gap of 100 ms at
# least. Two at once would take turns every few milliseconds.
taken_in_turn() # FILE AT-LEAST
{
	sort -n "$1" | awk -v least="$2" '
		host != "" && $2 != host {
			gap = ($1 - last) / 1000
			print "from " host " to " $2 " after " gap " ms"
			if (gap < 100)
				bad = 1
		}
		{ host = $2; last = $1 }
		END { exit bad || NR < least }'
}

twice_never()
{
	local beats=$STATE/shared/vm1/var/beats

	sed 's/^/   /' "$SCRATCH/watch"
	must "not by the control groups" \
		awk 'NF > 2 { bad = 1 } END { exit bad }' "$SCRATCH/watch"
	must "not by the application ($(wc -l <"$beats") beats)" \
		taken_in_turn "$beats" 40
	sed 's/^/   /' "$SCRATCH/must"
	must "not by the network ($(wc -l <"$SCRATCH/heard") heard)" \
		taken_in_turn "$SCRATCH/heard" 20
}
