#!/bin/bash
# A container on each hypervisor, and what runs in them up in two of three: a
# surplus is stopped, a loss is replaced.
# deadline: 180
. "$(dirname "$0")/lib.sh"
. "$HERE/farmed.sh"

beating() # NUMBER: just so many are up
{
	local vm n=0

	for vm in $FARM; do
		! beats_in "$vm" || n=$((n + 1))
	done
	[ "$n" = "$1" ]
}

# Containers that are up, as numbers, and as a person is told: ['vm1', 'vm3'].
up_numbers() { field hv1 web encap/up | grep -o '[0-9]' | xargs; }
told() { printf "['vm%d', 'vm%d']" "$1" "$2"; }

farmed_up farmed-farmed
within 5000 "it is up in two containers" beating 2
read -r one two <<<"$(up_numbers)"
# Containers that were there first have it; hv1, which is asked, must not die.
if [ "$one" = 1 ]; then
	dies=$two
else
	dies=$one
fi
stays=$((one + two - dies)) idle=$((6 - one - two))

step "a loss is replaced"
try kill "hv$dies"
within 20000 "it is up in two again" \
	equal "$(told $((stays < idle ? stays : idle)) \
		$((stays < idle ? idle : stays)))" field hv1 web encap/up
within 5000 "by its own word" eval 'beats_in vm$stays && beats_in vm$idle'
must "the service says what is missing" contains \
	"3 are asked for, 2 can be" on hv1 encap status web

step "who is back is not one too many"
try boot "hv$dies"
within 30000 "the container is back" equal "hv$dies" container_on "vm$dies"
throughout 2000 "and it stays where it is" eval \
	'beating 2 && beats_in vm$stays && beats_in vm$idle'

step "other numbers"
must "one is enough" on hv1 encap set web flex_target@encapnodes=1
within 15000 "the surplus is stopped" beating 1
must "all of them" on hv1 encap set web flex_target@encapnodes=3
within 15000 "they are up" beating 3

step "a flex of hypervisors"
must "two are enough" on hv1 encap set web flex_min=1 flex_target=2
within 30000 "the third container is stopped" differs \
	contains hv3 container_on vm3
within 10000 "and what ran in it with it" beating 2
