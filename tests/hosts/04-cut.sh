#!/bin/bash
# The hypervisor that runs the service is cut off: it stops it by itself before
# another one starts it. Healed, it rejoins and catches up.
# deadline: 180
. "$(dirname "$0")/lib.sh"
. "$HERE/twice.sh"

twice_up

step "hv1 is cut off"
try cut hv1
within 10000 "it is stopped there" differs contains hv1 container_on vm1
within 20000 "it is up on hv2" up_at hv3 hv2
must_fail 5 "an edit on hv1 has no quorum" \
	timeout 30 "$SOURCE/deploy/try" sh hv1 encap set web app#1.comment=lost
must "one on hv3 has" on hv3 encap set web app#1.comment=made

step "hv1 is healed"
try heal hv1
within 10000 "it has the edit" equal made on hv1 encap get web app#1.comment
within 10000 "it knows where the service is" up_at hv1 hv2
within 10000 "nothing of it is left on hv1" \
	differs grep -q /srv/vm1 "/proc/$(cut -d' ' -f1 "$STATE/hv1/pid")/mountinfo"
throughout 3000 "it stays on hv2" equal hv2 container_on vm1

step "a hypervisor that does not run it is cut off"
try cut hv3
throughout 6000 "that changes nothing" equal hv2 container_on vm1
try heal hv3
within 10000 "it is back" \
	equal up eval 'field hv3 web instances/hv2/avail'

step "was it ever up twice?"
twice_never
