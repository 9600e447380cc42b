#!/bin/bash
# An edit made anywhere, by command or in the file, is everybody's within a
# second; a wrong one is put aside; one made while cut off is not lost.
. "$(dirname "$0")/lib.sh"

readonly FILE=/etc/encap/services/web.conf KEY=app#1.comment
members=(hv1 hv2 hv3 vm1)

file_of() # MEMBER
{
	case $1 in
	hv*) echo "$STATE/$1$FILE" ;;
	*) echo "$STATE/shared/$1$FILE" ;;
	esac
}

everywhere() # VALUE
{
	local m

	for m in "${members[@]}"; do
		grep -q "^comment = $1\$" "$(file_of "$m")" || {
			echo "not in the file of $m"
			return 1
		}
	done
	# At once, for the time that it takes is part of what is measured.
	for m in "${members[@]}"; do
		on "$m" encap get web $KEY >"$SCRATCH/get.$m" &
	done
	wait
	equal "$(printf "$1\n%.0s" "${members[@]}")" cat "$SCRATCH"/get.*
}

same_files()
{
	local m

	for m in "${members[@]}"; do
		cmp "$(file_of hv1)" "$(file_of "$m")" || return
	done
}

replace() # MEMBER OLD NEW
{
	on "$1" sed -i "s/^comment = $2\$/comment = $3/" $FILE
}

try up

step "by command, in the container and on a hypervisor"
on vm1 encap set web $KEY=one
within 1000 "from vm1, everywhere" everywhere one
on hv3 encap set web $KEY=two
within 1000 "from hv3, everywhere" everywhere two

step "in the file, by an editor that replaces it"
replace vm1 two three
within 1000 "from vm1, everywhere" everywhere three
replace hv2 three four
within 1000 "from hv2, everywhere" everywhere four

step "in the file, written in place"
on vm1 sh -c "sed 's/^comment = four\$/comment = five/' $FILE >/tmp/new
	cat /tmp/new >$FILE"
within 1000 "from vm1, everywhere" everywhere five
must "all files are the same to the byte" same_files

step "an edit that was based on an older revision"
old=$(field hv1 web revision)
on vm1 encap set web $KEY=six
new=$(field vm1 web revision)
must_fail 4 "is refused" on hv1 encap set --if-rev "$old" web $KEY=seven
must "and the two revisions are named" \
	grep -q "${old:0:8}.*${new:0:8}\|${new:0:8}.*${old:0:8}" "$SCRATCH/said"
within 1000 "the other one holds" everywhere six

step "an edit that is not valid"
on hv2 sed -i 's/^type = lxc$/type = lxk/' $FILE
within 5000 "the head is restored" same_files
must "the text is kept as a draft, seen in the container" \
	contains "hv2:$FILE" on vm1 encap drafts web
must_fail 1 "by command it is refused too" \
	on hv2 encap set web container#0.type=lxk
must_fail 3 "of a service that is not there" on hv1 encap get nowhere $KEY
within 1000 "nothing has changed" everywhere six

step "an edit made while cut off"
try cut hv3
replace hv3 six seven
sleep 1
must "is nobody else's yet" equal six on hv1 encap get web $KEY
try heal hv3
within 10000 "is made when the network is back" everywhere seven

step "an edit made while the agent is stopped"
pid=$(agent_pid vm1)
on vm1 kill -STOP "$pid"
replace vm1 seven eight
on vm1 kill -KILL "$pid"
within 10000 "is made when it is back" everywhere eight
