# beats - an application that tells every 20 ms that it is alive, and where.
# shellcheck shell=bash
#
# It writes to the shared storage, and says so to the switch, which hears it also
# from a host that is cut off from the others. No agent is asked.

readonly SWITCH=$ENCAP_TRY_NAME-hvsw EAR=10.99.0.250 EAR_PORT=9999

# In a container's tree; what it says of where it is, is a shell word.
beat_install() # CONTAINER WORD
{
	local beat=$STATE/shared/$1/var/lib/beat

	try tree "$1"
	mkdir -p "$STATE/shared/$1/var/lib"
	cat >"$beat" <<-TEXT
		#!/bin/bash
		where=$2
		while :; do
			echo "\${EPOCHREALTIME/[.,]/} \$where" >>/var/beats
			{ echo "\$where" >/dev/udp/$EAR/$EAR_PORT; } 2>/dev/null
			sleep 0.02
		done
	TEXT
	chmod +x "$beat"
}

# The service of standard input, with that application.
beat_service()
{
	cat - <(printf '%s\n' '' '[app#2]' 'encap = true' 'type = simple' \
		'start = /var/lib/beat') >"$SCRATCH/web.conf"
}

# From here on the switch hears it.
beat_hear()
{
	ip -n "$SWITCH" addr add "$EAR/24" dev br0
	in_background ip netns exec "$SWITCH" \
		"$HERE/hear.py" "$EAR_PORT" "$SCRATCH/heard"
}

# In the order of time: where the place changes, there is a gap of 100 ms at
# least. Two at once would take turns every few milliseconds.
taken_in_turn() # FILE AT-LEAST
{
	sort -n "$1" | awk -v least="$2" '
		where != "" && $2 != where {
			gap = ($1 - last) / 1000
			print "from " where " to " $2 " after " gap " ms"
			if (gap < 100)
				bad = 1
		}
		{ where = $2; last = $1 }
		END { exit bad || NR < least }'
}

has_lines() { [ "$(wc -l <"$1")" -ge "$2" ]; }

# By what it wrote, and by what was heard of it. A service is up with its
# container, before what is inside has started: that is waited for.
beats_in_turn() # FILE AT-LEAST HEARD-AT-LEAST
{
	within 20000 "there are signs of life" has_lines "$1" "$2"
	within 20000 "that were heard" has_lines "$SCRATCH/heard" "$3"
	must "not by the application ($(wc -l <"$1") beats)" \
		taken_in_turn "$1" "$2"
	sed 's/^/   /' "$SCRATCH/must"
	must "not by the network ($(wc -l <"$SCRATCH/heard") heard)" \
		taken_in_turn "$SCRATCH/heard" "$3"
}
