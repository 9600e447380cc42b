#!/bin/bash
# Two of three machines are lost for good: the cluster is founded anew on the
# third, with everything that was agreed, and the others can come back.
# deadline: 150
. "$(dirname "$0")/lib.sh"

try up
step "while there is a majority"
on vm1 encap set web app#1.comment=kept
must_fail 4 "it is refused" on hv1 encap cluster recover --yes
must_fail 4 "so is forgetting it" on hv1 encap cluster forget --yes

step "without"
try kill hv2
try kill hv3
within 30000 "nothing can be changed" must_say 5 \
	on hv1 encap set web DEFAULT.comment=perhaps
must_fail 2 "nobody is there to be asked" on hv1 encap cluster recover
must "it says who must not come back" grep -q "hv3 must not come back" \
	"$SCRATCH/said"
must "it is founded anew" contains "nothing was started" \
	on hv1 encap cluster recover --yes
must "everything is there" equal kept on hv1 encap get web app#1.comment
must "with its history" contains "vm1" on hv1 encap history web
must "what it had is kept" test -d "$STATE"/hv1/var/lib/encap/before-*/log
on hv1 encap start web --timeout 60s
must "the service runs" equal up field hv1 web avail
within 10000 "its container is a member" equal kept \
	on vm1 encap get web app#1.comment

step "one comes back"
try boot hv2
within 10000 "its agent is there" on hv2 encap node ls
must "it is not let in as it was" differs on hv2 encap set web app#1.comment=x
must "it forgets the old cluster" on hv2 encap cluster forget --yes
must "and joins the new one" on hv2 encap cluster join \
	"$(on hv1 encap cluster token)" 10.99.0.1
within 10000 "it has the service" equal kept on hv2 encap get web app#1.comment
on hv1 encap move web hv2 --timeout 60s
must "and can run it" equal hv2 container_on vm1
