#!/bin/bash
# Power loss: all hosts at once, while edits are being made. After it every
# edit that was acknowledged is there, and the service comes back.
# deadline: 180
. "$(dirname "$0")/lib.sh"

# Prints the number of each edit once it is acknowledged.
edits() # HOST
{
	local i

	for i in $(seq 100000); do
		on "$1" encap set web "env.$1_$i=$i" >/dev/null 2>&1 || return 0
		echo "env.$1_$i"
	done
}

no_longer() { ! kill -0 "$1" 2>/dev/null; }

acknowledged_are_there()
{
	on "$1" encap config web >"$SCRATCH/config" || return
	sed 's/^env\.//; s/hv._\(.*\)/& = \1/' "$SCRATCH"/acked.* |
		sort >"$SCRATCH/want"
	sed -n '/^hv._/p' "$SCRATCH/config" | sort >"$SCRATCH/have"
	[ -z "$(comm -23 "$SCRATCH/want" "$SCRATCH/have" | tee /dev/stderr)" ]
}

try up
on vm1 sh -c 'echo precious >/var/www/data'

for round in 1 2; do
	step "power loss $round"
	writers=()
	for host in hv1 hv3; do
		edits $host >>"$SCRATCH/acked.$host" &
		background+=($!)
		writers+=($!)
	done
	sleep 3
	try kill hv1 hv2 hv3
	for pid in "${writers[@]}"; do
		within 10000 "a writer has noticed" no_longer "$pid"
	done
	must "nothing runs" equal "" container_on vm1
	sleep 1
	try boot hv1 hv2 hv3
	for host in hv1 hv2 hv3; do
		within 30000 "$host answers" on $host encap status web
	done
	must "$(cat "$SCRATCH"/acked.* | wc -l) acknowledged edits are there" \
		acknowledged_are_there hv2
	within 30000 "the service is up" equal up field hv2 web avail
	within 10000 "with its data" \
		equal precious on hv3 curl -s -m 2 http://10.99.0.102/data
	within 10000 "the container has the edits" acknowledged_are_there vm1
done
