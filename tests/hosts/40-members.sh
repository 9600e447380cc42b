#!/bin/bash
# Machines leave, are removed when they are dead, come back under their old
# name, and have their votes taken by others.
# deadline: 200
. "$(dirname "$0")/lib.sh"

role() { said role "$1"; }
state() { said state "$1"; }

said() # FIELD NODE, by hv1
{
	on hv1 encap node ls -o json | python3 -c '
import json, sys
print([n[sys.argv[1]] for n in json.load(sys.stdin)["nodes"]
       if n["name"] == sys.argv[2]][0])' "$1" "$2"
}

is_gone() { ! on hv1 encap node ls | grep -q "^$1 "; }

try up --hosts 5 --members 4
within 20000 "three of four vote" contains "voters    3" \
	on hv1 encap cluster status
step "a machine leaves"
must "the service is on hv1" on hv1 encap move web hv1 --timeout 60s
must_fail 4 "one that is up is not removed" on hv1 encap cluster remove hv2
must "hv1 leaves, and the service moves" contains "has left" \
	on hv1 encap cluster leave --timeout 60s
within 20000 "the service is up" equal up field hv2 web avail
must "elsewhere" differs equal hv1 container_on vm1
must "the others know hv1 no more" differs contains "hv1" on hv2 encap node ls
must_fail 1 "it is a member of nothing" on hv1 encap node ls

step "it joins again, as another member"
must "it joins" on hv1 encap cluster join \
	"$(on hv2 encap cluster token)" 10.99.0.2
within 20000 "it has the service" on hv1 encap get web nodes
within 20000 "it is up" equal up state hv1
must "the service can run there again" on hv1 encap move web hv1 --timeout 60s

step "where something has nowhere to go"
on hv1 encap set web nodes=hv1
must_fail 4 "it stays, and says why" on hv1 encap cluster leave
must "the service is what keeps it" grep -q "web: no node is left" \
	"$SCRATCH/said"
on hv1 encap set web "nodes=hv1 hv2 hv3"

step "a voter that is gone is replaced"
on hv1 encap node label hv1 rack=a
must "labels are shown" contains "rack=a" on hv1 encap node ls
on hv1 encap cluster set voter_grace=2s
within 20000 "three of four vote" contains "voters    3" \
	on hv1 encap cluster status
dead=hv4
within 20000 "hv1 is a standby" equal standby role hv1
must "hv4 votes" equal voter role hv4
try kill hv4
within 30000 "hv1 votes in its place" equal voter role hv1
within 20000 "hv4 does not" equal standby role hv4

step "it is removed, and not let in again"
must "it is removed" on hv1 encap cluster remove $dead
within 10000 "and out of the list" is_gone $dead
try boot $dead
within 20000 "its agent is there" on $dead encap node ls
throughout 3000 "it has no leader" contains "leader    no" \
	on $dead encap cluster status
must "it forgets what it was" on $dead encap cluster forget --yes
must "and joins again" on $dead encap cluster join \
	"$(on hv1 encap cluster token)" 10.99.0.1
within 20000 "it is up" equal up state $dead

step "a new machine takes the place of a dead one, under its name"
must "hv1 runs it" on hv1 encap move web hv1 --timeout 60s
try kill $dead
within 20000 "it is lost" equal lost state $dead
rm -rf "$STATE/$dead/var/lib/encap"
try boot $dead
within 20000 "its agent is there" on $dead encap version
must_fail 4 "its name is taken" on $dead encap cluster join \
	"$(on hv1 encap cluster token)" 10.99.0.1
must "it joins in its own place" on $dead encap cluster join \
	--replace $dead "$(on hv1 encap cluster token)" 10.99.0.1
within 20000 "it is up" equal up state $dead

step "and under another name"
try kill hv3
within 20000 "hv3 is lost" equal lost state hv3
must "hv5 joins" on hv5 encap cluster join \
	"$(on hv1 encap cluster token)" 10.99.0.1
within 20000 "hv5 is up" equal up state hv5
must "it takes the place" on hv1 encap cluster replace hv3 hv5
must "in the env file" equal "hv1 hv2 hv5" on hv1 encap get web nodes
within 10000 "hv3 is out of the list" is_gone hv3
must "the service runs there" on hv1 encap move web hv5 --timeout 60s
