#!/bin/bash
# Two hypervisors and a witness: any one of the three may die and the service
# is up, also right after something was agreed.
# deadline: 200
. "$(dirname "$0")/lib.sh"

role() # NODE, by HOST
{
	on "$2" encap node ls -o json | python3 -c '
import json, sys
print([n["role"] for n in json.load(sys.stdin)["nodes"]
       if n["name"] == sys.argv[1]][0])' "$1"
}

member() # NODE: its state, by hv1
{
	on hv1 encap node ls -o json | python3 -c '
import json, sys
print([n["state"] for n in json.load(sys.stdin)["nodes"]
       if n["name"] == sys.argv[1]][0])' "$1"
}

try up --hosts 3 --members 2
step "a witness joins"
must "it joins" on hv3 encap cluster join --witness \
	"$(on hv1 encap cluster token)" 10.99.0.1
within 20000 "it votes" equal witness role hv3 hv1
within 20000 "so do both hypervisors" contains "voters    3" \
	on hv1 encap cluster status
must "hv2 is one of them" equal voter role hv2 hv1
must_fail 1 "it can show nothing" on hv3 encap status
must "and says why" grep -q "is a witness" "$SCRATCH/said"
must_fail 4 "nothing runs there" on hv1 encap move web hv3
must "since it is a witness" grep -q "a witness, which runs nothing" \
	"$SCRATCH/said"
must "it has no key of the cluster's authority" \
	test ! -e "$STATE/hv3/var/lib/encap/pki/ca.key"
on hv1 encap set web env.mark=knownplaintext
within 20000 "the group of the service has three voters" \
	equal 3 field hv1 web group/voters
must "the witness keeps the log" grep -rqa "witness hv3" "$STATE/hv3/var/lib/encap/log"
must "hypervisors' logs have what was written" \
	grep -rqa "knownplaintext" "$STATE/hv1/var/lib/encap/log"
must "which the witness cannot read" differs \
	grep -rqa "knownplaintext" "$STATE/hv3/var/lib/encap"

step "a hypervisor dies"
must "hv1 runs it" on hv1 encap move web hv1 --timeout 60s
try kill hv1
within 30000 "hv2 runs it" equal hv2 container_on vm1
within 20000 "and all of it" equal up field hv2 web avail
must "and can change it" on hv2 encap set web env.mark=second
try boot hv1
within 30000 "hv1 has the change" equal second on hv1 encap get web env.mark

step "the other one dies, right after a change that only it and the witness have"
try cut hv1
within 20000 "hv1 is cut off" contains lost on hv2 encap node ls
on hv2 encap set web env.mark=third
try kill hv2
try heal hv1
within 40000 "hv1 has it" equal third on hv1 encap get web env.mark
within 40000 "hv1 runs the service" equal hv1 container_on vm1
try boot hv2
within 30000 "hv2 is back" contains "third" on hv2 encap get web env.mark
within 30000 "and up" equal up member hv2

step "the witness dies"
try kill hv3
must "the service can be changed" on hv1 encap set web env.mark=fourth
must "and moved" on hv1 encap move web hv2 --timeout 60s
try boot hv3
within 30000 "it is back" equal up member hv3
try kill hv2
within 30000 "and as good as before" equal hv1 container_on vm1
try boot hv2
within 30000 "hv2 is back" equal up member hv2

step "it is removed"
must "it goes" on hv1 encap cluster remove hv3
within 20000 "one vote is left of two" contains "voters    1" \
	on hv1 encap cluster status
