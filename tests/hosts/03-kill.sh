#!/bin/bash
# The hypervisor that runs the service dies: it is up on another one, with the
# container's data; and it was never up twice, by what the kernel and the
# container's own application say.
# deadline: 180
. "$(dirname "$0")/lib.sh"
. "$HERE/twice.sh"

step "a service whose application tells where and when it runs"
twice_up
on vm1 sh -c 'echo precious >/var/www/data'
within 5000 "it serves its data" \
	equal precious on hv3 curl -s -m 2 http://10.99.0.102/data

step "hv1 dies"
begin=$(now_ms)
try kill hv1
within 20000 "the container runs on hv2" equal hv2 container_on vm1
within 10000 "the service is up there" up_at hv3 hv2
echo "   from kill to up: $(($(now_ms) - begin)) ms"
within 5000 "it serves the container's data" \
	equal precious on hv3 curl -s -m 2 http://10.99.0.102/data
must "status on hv2 and in the container" equal up field vm1 web avail

step "hv1 comes back"
try boot hv1
within 10000 "it is a member again" \
	contains '"state": "up"' on hv1 encap node ls -o json
within 10000 "and knows where the service is" up_at hv1 hv2
throughout 3000 "which stays there" equal hv2 container_on vm1

step "hv2 dies"
try kill hv2
within 30000 "the service is up again" eval 'up_at hv3 hv1 || up_at hv3 hv3'
within 5000 "with its data" \
	equal precious on hv3 curl -s -m 2 http://10.99.0.102/data
try boot hv2
within 10000 "hv2 is back" eval 'up_at hv2 hv1 || up_at hv2 hv3'

step "was it ever up twice?"
twice_never
