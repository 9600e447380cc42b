# twice - was a container ever on two hosts at once?
# shellcheck shell=bash
#
# Two witnesses, neither of them an agent: the kernel's control groups, looked
# at every 20 ms, and an application in the container that writes every 20 ms
# when and on which host it runs.

beat_install()
{
	try tree vm1
	mkdir -p "$STATE/shared/vm1/var/lib"
	cat >"$STATE/shared/vm1/var/lib/beat" <<-'TEXT'
		#!/bin/bash
		read -r host </etc/hypervisor
		while :; do
			echo "${EPOCHREALTIME/[.,]/} $host" >>/var/beats
			sleep 0.02
		done
	TEXT
	chmod +x "$STATE/shared/vm1/var/lib/beat"
}

# Three hosts, the service with that application, up on hv1, and the witnesses.
twice_up()
{
	try up --bare
	sample "hv1 hv2 hv3" <<-'TEXT' >"$SCRATCH/web.conf"

		[app#2]
		encap = true
		type = simple
		start = /var/lib/beat
	TEXT
	beat_install
	create "$SCRATCH/web.conf"
	must "it is up on hv1" up_at hv2 hv1
	in_background "$HERE/watch.py" "$STATE" vm1 "$SCRATCH/watch"
	within 2000 "the application tells where it is" \
		grep -q . "$STATE/shared/vm1/var/beats"
}

# In the order of time: where the host changes, there is a gap of 100 ms at
# least. Two at once would take turns every few milliseconds.
twice_never()
{
	sed 's/^/   /' "$SCRATCH/watch"
	must "not by the control groups" \
		awk 'NF > 2 { bad = 1 } END { exit bad }' "$SCRATCH/watch"
	sort -n "$STATE/shared/vm1/var/beats" >"$SCRATCH/beats"
	must "not by the application ($(wc -l <"$SCRATCH/beats") beats)" awk '
		host != "" && $2 != host {
			gap = ($1 - last) / 1000
			print "from " host " to " $2 " after " gap " ms"
			if (gap < 100)
				bad = 1
		}
		{ host = $2; last = $1 }
		END { exit bad || NR < 100 }' "$SCRATCH/beats"
	sed 's/^/   /' "$SCRATCH/must"
}
