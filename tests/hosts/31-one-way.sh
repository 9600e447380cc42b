#!/bin/bash
# A network that works one way only: who is not heard cannot know it but by its
# lease, and who hears nothing is heard to be well.
# deadline: 180
. "$(dirname "$0")/lib.sh"
. "$HERE/twice.sh"

one_way() # deaf|mute FROM
{
	local from=$2 ask

	ask=$(printf '%s\n' hv1 hv2 hv3 | grep -vx "$from" | tail -n 1)
	try cut "$from" "$1"
	within 10000 "it is stopped there" differs contains "$from" container_on vm1
	within 20000 "it runs elsewhere" contains hv container_on vm1
	within 10000 "and is up" equal up field "$ask" web avail
	must_fail 5 "an edit on $from has no quorum" \
		timeout 30 "$SOURCE/deploy/try" sh "$from" \
		encap set web app#1.comment=lost
	must "one on $ask has" on "$ask" encap set web "app#1.comment=$1"
	try heal "$from"
	within 10000 "$from has the edit once it is healed" \
		equal "$1" on "$from" encap get web app#1.comment
}

twice_up

step "nobody hears the host of the service"
one_way mute "$(container_on vm1)"

step "it hears nobody"
one_way deaf "$(container_on vm1)"

step "was it ever up twice?"
twice_never
