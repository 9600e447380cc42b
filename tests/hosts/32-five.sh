#!/bin/bash
# Five hypervisors: any two may die, at once or one after the other.
# deadline: 180
. "$(dirname "$0")/lib.sh"
. "$HERE/twice.sh"

leader()
{
	on "$1" encap cluster status -o json | python3 -c '
import json, sys
print(json.load(sys.stdin)["group"]["leader"])'
}

twice_up --hosts 5
must "all five vote" equal 5 eval "on hv3 encap node ls | grep -c voter"

step "the host of the service and the leader die at once"
first=$(container_on vm1)
second=$(leader hv3)
[ "$second" != "$first" ] || second=hv5
ask=$(printf 'hv%d\n' 1 2 3 4 5 | grep -vx -e "$first" -e "$second" | head -n 1)
try kill "$first" "$second"
within 30000 "the container runs elsewhere" differs equal "" container_on vm1
within 20000 "the service is up" \
	eval 'up_at "$ask" "$(container_on vm1)"'
must "an edit is agreed by the three that are left" \
	on "$ask" encap set web app#1.comment=three

step "a third one dies: no majority"
third=$(printf 'hv%d\n' 1 2 3 4 5 | grep -vx -e "$first" -e "$second" \
	-e "$ask" -e "$(container_on vm1)" | head -n 1)
try kill "$third"
within 30000 "nothing is agreed, and that is said" must_say 5 \
	timeout 40 "$SOURCE/deploy/try" sh "$ask" \
	encap set web app#2.comment=two

step "they come back"
try boot "$first" "$second" "$third"
within 30000 "all is well" \
	equal 5 eval "on $ask encap node ls | grep -c ' up '"
within 20000 "the service is up" equal up field "$ask" web avail
within 10000 "with what was agreed" \
	equal three on "$first" encap get web app#1.comment

step "was it ever up twice?"
twice_never
