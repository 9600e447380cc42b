#!/bin/bash
# deploy/try alone: from a source tree to a service that is up, and shown at
# both levels; and again, in under ten seconds.
# deadline: 300
. "$(dirname "$0")/lib.sh"

unset ENCAP_TRY_BUILD # with what deploy/try itself builds
step "deploy/try"
try | tee "$SCRATCH/out"
must "it shows the hypervisors' view" grep -q '^web$' "$SCRATCH/out"
must "and things to try" grep -q 'deploy/try kill hv1' "$SCRATCH/out"

step "one status at both levels"
must "the service is up" equal up field hv1 web avail
must "on hv1, with its container's resources" \
	contains "container#0" on hv1 encap status web
must "the container shows its own level" equal encap field vm1 web level
must "and is up" equal up field vm1 web avail
for path in revision overall group/leader instances/hv1/avail \
	instances/hv1/encap/container#0/resources/app#1/status; do
	must "hv1 and hv3 say the same: $path" \
		equal "$(field hv1 web $path)" field hv3 web $path
done

step "it serves"
must "a page from another host" \
	contains "Served from within vm1" \
	on hv3 curl -s -m 5 http://10.99.0.102/

step "down, and up again"
try down
begin=$(now_ms)
try up
took=$(($(now_ms) - begin))
must "in under 10 s (it took $took ms)" [ $took -lt 10000 ]
must "the service is up" equal up field hv1 web avail
