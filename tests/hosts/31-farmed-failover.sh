#!/bin/bash
# A container on each hypervisor, and what runs in them up in one of them: it
# goes elsewhere by hand, from either level, and by itself when its container,
# its agent, its hypervisor or its network is lost; and is never up twice.
# deadline: 240
. "$(dirname "$0")/lib.sh"
. "$HERE/farmed.sh"

farmed_up farmed-failover
within 5000 "it is up in the first container" up_in hv2 vm1
for n in 1 2 3; do
	within 10000 "vm$n is on hv$n" equal "hv$n" container_on "vm$n"
done
must "and in no other one" eval 'silent_in vm2 && silent_in vm3'

step "by hand, from either level"
must "to vm2, by a hypervisor" on hv3 encap move web vm2 --timeout 60s
within 5000 "it is there" up_in hv1 vm2
must "to vm1, by a container" on vm3 encap move web vm1 --timeout 60s
within 5000 "it is there" up_in hv3 vm1
must_fail 3 "vm9 is none" on hv1 encap move web vm9

step "its container dies, and may be started again (restart = 1)"
container_kill hv1 vm1
within 10000 "it is gone" silent_in vm1
within 30000 "it is up again, there or elsewhere" \
	eval 'beats_in vm1 || beats_in vm2'
within 30000 "the container is, too" equal hv1 container_on vm1

step "its container dies, and may not"
on hv1 encap set web container#0.restart=0
on hv1 encap move web vm1 --timeout 60s
within 5000 "it is in vm1" up_in hv2 vm1
container_kill hv1 vm1
within 15000 "it is up in vm2" up_in hv2 vm2
on hv2 encap set web container#0.restart=1
within 30000 "the container is started again" equal hv1 container_on vm1
throughout 2000 "and does not get it back" up_in hv3 vm2

step "its agent hangs"
on vm2 kill -STOP "$(agent_pid vm2)"
within 10000 "it is stopped there" silent_in vm2
within 15000 "it is up again, there or elsewhere" \
	eval 'up_in hv1 vm1 || up_in hv1 vm2'
must "the container is not touched" equal hv2 container_on vm2

step "its hypervisor is cut off"
on hv2 encap move web vm1 --timeout 60s
within 5000 "it is in vm1" up_in hv2 vm1
try cut hv1
within 10000 "it is stopped there" silent_in vm1
within 20000 "it is up elsewhere" eval 'up_in hv3 vm2 || up_in hv3 vm3'
try heal hv1
within 30000 "its container is back" equal hv1 container_on vm1

step "its hypervisor is dead"
on hv2 encap move web vm3 --timeout 60s
within 5000 "it is on hv3" up_in hv2 vm3
try kill hv3
within 20000 "it is up elsewhere" eval 'up_in hv2 vm1 || up_in hv2 vm2'
must "and why says so" contains "the lease of hv3 has run out" \
	on hv2 encap why web vm3

step "was it ever up twice?"
farmed_never_twice
