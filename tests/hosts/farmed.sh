# farmed - is what runs in the containers ever up in two of them?
# shellcheck shell=bash
#
# An application in each container writes every 20 ms to the shared storage that
# it runs, and where, and says so to the switch, which hears it from a host that
# is cut off, too. No agent is asked.

readonly SWITCH=$ENCAP_TRY_NAME-hvsw EAR=10.99.0.250 EAR_PORT=9999
readonly FARM="vm1 vm2 vm3"

beats_install()
{
	local vm

	for vm in $FARM; do
		try tree "$vm"
		mkdir -p "$STATE/shared/$vm/var/lib" "$STATE/shared/$vm/var/www"
		: >"$STATE/shared/$vm/var/beats"
		cat >"$STATE/shared/$vm/var/lib/beat" <<-TEXT
			#!/bin/bash
			while :; do
				echo "\${EPOCHREALTIME/[.,]/} $vm" >>/var/beats
				{ echo "$vm" >/dev/udp/$EAR/$EAR_PORT; } 2>/dev/null
				sleep 0.02
			done
		TEXT
		chmod +x "$STATE/shared/$vm/var/lib/beat"
	done
}

# Three hosts, and the sample of that topology with the application.
farmed_up() # TOPOLOGY
{
	try up --bare
	cat "$SOURCE/deploy/sample/$1.conf" - <<-'TEXT' >"$SCRATCH/web.conf"

		[app#2]
		encap = true
		type = simple
		start = /var/lib/beat
	TEXT
	beats_install
	ip -n "$SWITCH" addr add "$EAR/24" dev br0
	in_background ip netns exec "$SWITCH" \
		"$HERE/hear.py" "$EAR_PORT" "$SCRATCH/heard"
	on hv1 encap create web --config - <"$SCRATCH/web.conf"
	on hv1 encap start web --timeout 60s
}

# By the application itself: the last beat is no older than that.
beats_in() # VM
{
	local last

	read -r last _ < <(tail -n 1 "$STATE/shared/$1/var/beats")
	[ -n "${last:-}" ] && [ $(($(now_ms) - last / 1000)) -lt 300 ]
}

silent_in() { ! beats_in "$1"; }

# In just this one, by what a host says and by the application.
up_in() # HOST(to ask) VM
{
	equal "['$2']" field "$1" web encap/up && beats_in "$2"
}

# All of a container at once, as when its kernel had died.
container_kill() # HOST VM
{
	on "$1" lxc-stop -k -n "$2"
}

# In the order of time: where the container changes there is a gap of 100 ms at
# least. Two at once would take turns every few milliseconds.
farmed_in_turn() # FILE
{
	sort -n "$1" | awk '
		vm != "" && $2 != vm {
			gap = ($1 - last) / 1000
			print "from " vm " to " $2 " after " gap " ms"
			if (gap < 100)
				bad = 1
		}
		{ vm = $2; last = $1 }
		END { exit bad || NR < 40 }'
}

farmed_never_twice()
{
	local vm

	for vm in $FARM; do
		cat "$STATE/shared/$vm/var/beats"
	done >"$SCRATCH/beats"
	must "not by the application ($(wc -l <"$SCRATCH/beats") beats)" \
		farmed_in_turn "$SCRATCH/beats"
	sed 's/^/   /' "$SCRATCH/must"
	must "not by the network ($(wc -l <"$SCRATCH/heard") heard)" \
		farmed_in_turn "$SCRATCH/heard"
}
