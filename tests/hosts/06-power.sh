#!/bin/bash
# Power loss: all hosts at once, while edits are being made. After it every
# edit that was acknowledged is there, and the service comes back.
# deadline: 180
. "$(dirname "$0")/lib.sh"

# Prints each edit once it is acknowledged. When the other writer was faster it
# is made anew; anything else ends it.
edits() # HOST ROUND
{
	# shellcheck disable=SC2016 # for the shell there
	on "$1" bash -c '
		for i in $(seq 100000); do
			rc=4
			while [ $rc = 4 ]; do
				encap set web "env.$1_$2_$i=$i" >/dev/null 2>&1
				rc=$?
			done
			[ $rc = 0 ] || exit
			echo "$1_$2_$i = $i"
		done' edits "$1" "$2" || :
}

no_longer() { ! kill -0 "$1" 2>/dev/null; }

acknowledged_are_there()
{
	on "$1" encap config web >"$SCRATCH/config" || return
	sort "$SCRATCH"/acked.* >"$SCRATCH/want"
	sort "$SCRATCH/config" >"$SCRATCH/have"
	[ -z "$(comm -23 "$SCRATCH/want" "$SCRATCH/have" | tee /dev/stderr)" ]
}

try up
on vm1 sh -c 'echo precious >/var/www/data'

for round in 1 2; do
	step "power loss $round"
	writers=()
	for host in hv1 hv3; do
		edits $host $round >>"$SCRATCH/acked.$host" &
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
	within 10000 "$(cat "$SCRATCH"/acked.* | wc -l) acknowledged edits are there" \
		acknowledged_are_there hv2
	within 30000 "the service is up" equal up field hv2 web avail
	within 10000 "with its data" \
		equal precious on hv3 curl -s -m 2 http://10.99.0.102/data
	within 10000 "the container has the edits" acknowledged_are_there vm1
done
