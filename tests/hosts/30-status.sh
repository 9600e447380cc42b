#!/bin/bash
# What the status says of a container is what is: at both levels, and for each
# of the steps between "it runs" and "all is well".
. "$(dirname "$0")/lib.sh"

reach() { field "$1" web "instances/$2/encap/container#0/reach"; }

age() { field "$1" web "instances/$2/encap/container#0/age_ms"; }

is_for() # HOST NODE MIN MAX: the age of what is known of the container
{
	local ms

	ms=$(age "$1" "$2")
	[ "$ms" -ge "$3" ] && [ "$ms" -le "$4" ] || {
		echo "it is of $ms ms, not of $3 to $4"
		return 1
	}
}

overall() { field "$1" web "instances/$2/overall"; }

avail() { field "$1" web "instances/$2/avail"; }

try up --hosts 3 --members 3 --bare
sample "hv1 hv2 hv3" </dev/null >"$SCRATCH/web.conf"
create "$SCRATCH/web.conf"

step "both levels"
within 5000 "all is well" equal ok reach hv1 hv1
must "the tree has what runs in the container" \
	contains "|  |  '- app#1       ...E up       python3" \
	on hv1 encap status web
must "in the container it is a resource like any other" \
	contains "|  '- app#1          .... up       python3" \
	on vm1 encap status web
must "a line per service, a column per node" \
	contains "web      up     up       up   down  down" \
	on hv2 encap status
must "as a table" equal $'ON\nup,down,down' \
	on hv2 encap status web -o 'tab=ON:.instances[].avail'

step "its agent hangs"
since=$(now_ms)
pid=$(agent_pid vm1)
on vm1 kill -STOP "$pid"
within 15000 "it is unreachable" equal unreachable reach hv1 hv1
must "which overall warns of" equal warn overall hv1 hv1
must "and avail does not" equal up avail hv1 hv1
must "the same on another node" equal unreachable reach hv2 hv1
sleep 2
must "its age grows" is_for hv1 hv1 2000 $(($(now_ms) - since))
must "the tree says why" \
	contains "# its system is up, its agent does not answer, for " \
	on hv1 encap status web

step "the system in it is not up"
on vm1 mkdir -p /run/systemd/system
within 10000 "it boots" equal booting reach hv1 hv1
must "which is of now" is_for hv1 hv1 0 10000
on vm1 rmdir /run/systemd/system
within 10000 "and is up, its agent is not" equal unreachable reach hv1 hv1
on vm1 kill -CONT "$pid"
within 10000 "all is well" equal ok reach hv1 hv1
must "there is no age to that" equal - age hv1 hv1
must "nor a warning" equal up overall hv1 hv1

step "the agent in it is restarted"
on hv1 kill -KILL "$(agent_pid hv1)"
within 10000 "the hypervisor's comes back, all is well" equal ok reach hv1 hv1

step "the container is ended by hand"
on hv1 encap freeze web
on hv1 lxc-stop -k -n vm1
within 10000 "it is down" equal "container down" reach hv2 hv1
sleep 1
must "since then" is_for hv2 hv1 500 12000
must "what was in it is not shown" \
	differs contains "app#1" on hv1 encap status web
on hv1 encap thaw web
on hv1 encap start web --timeout 60s
within 10000 "all is well" equal ok reach hv2 hv1

step "a hypervisor that is cut off"
on hv1 encap status web --watch -o json >"$SCRATCH/watched" &
background+=($!)
within 5000 "what changes is watched" [ -s "$SCRATCH/watched" ]
try cut hv1
within 10000 "it knows" contains "hv1 is cut off, for" \
	on hv1 encap status web
within 5000 "what it has stopped is down" equal down avail hv1 hv1
within 10000 "the others say that it is lost" \
	contains "node is lost, for" on hv2 encap status
try heal hv1
within 20000 "it is back" differs contains "?" on hv1 encap status
must "each change was a document on a line" python3 -c '
import json, sys
words = [json.loads(line)["instances"]["hv1"]["avail"]
         for line in open(sys.argv[1])]
assert words[0] == "up" and "down" in words, words' "$SCRATCH/watched"
