#!/bin/bash
# A plan says what is done then: the same actions, on the same machines, in the
# same order as the events tell afterwards.
# deadline: 180
. "$(dirname "$0")/lib.sh"

# One line for each action of a plan: NODE OP RID.
planned() # HOST PLAN-ARGUMENT...
{
	on "$1" encap plan "${@:2}" -o json | python3 -c '
import json, sys
for s in json.load(sys.stdin)["steps"]:
    if s["kind"] == "action":
        print(s["node"], s["op"], s["rid"])'
}

# Likewise of what has begun since the mark.
done_since_mark()
{
	on hv1 encap events web -n 500 -o json | python3 -c '
import json, sys
mark = int(sys.argv[1])
for line in sys.stdin:
    e = json.loads(line)
    if e["kind"] == "action" and e["at"] > mark and ":" not in e["text"]:
        print(e["node"], e["text"])' "$mark"
}

as_planned() # WHAT COMMAND...
{
	local what=$1

	shift
	planned hv1 "$@" >"$SCRATCH/planned"
	must "there is something to do" test -s "$SCRATCH/planned"
	mark=$(date +%s%3N)
	on hv1 encap "$@" >"$SCRATCH/command" 2>&1 ||
		fail "$*: $(tail -n 1 "$SCRATCH/command")"
	done_since_mark >"$SCRATCH/done"
	must "$what: what was done is what was planned" \
		diff "$SCRATCH/planned" "$SCRATCH/done"
}

try up

step "a plan changes nothing"
before=$(field hv1 web intent)
must "it is printed" contains "stop container#0" on hv1 encap plan stop web
must "it says who is interrupted" contains \
	"interrupted: web in vm1 on hv1, from the stop of app#1; it stays down" \
	on hv1 encap plan stop web
must "--dry-run is the same" equal "$(on hv1 encap plan stop web)" \
	on hv1 encap stop web --dry-run
must "the intent is what it was" equal "$before" field hv1 web intent
must "every agent has the same answer" equal "$(planned hv1 stop web)" \
	planned hv3 stop web

step "what is done is what was planned"
as_planned "stop" stop web
as_planned "start" start web
as_planned "move" move web hv2
as_planned "the container's part" stop web --slaves
as_planned "and its start" start web --slaves
as_planned "restart" restart web

step "what would be refused is refused with the same words"
rc=0
on hv1 encap delete web >/dev/null 2>"$SCRATCH/refused" || rc=$?
must_fail "$rc" "delete" on hv1 encap plan delete web
must "by the same words" equal "$(sed 's/^encap delete: //' "$SCRATCH/refused")" \
	sed 's/^encap plan: //' "$SCRATCH/said"
must_fail 3 "a service that is not there" on hv1 encap plan stop nothing
must_fail 2 "an action that is none" on hv1 encap plan stpo web

step "an edit is planned, too"
must "an edit of the comment starts and stops nothing" \
	equal "nothing would be done" \
	on hv1 encap set web DEFAULT.comment=later --dry-run
must "nothing was set" differs on hv1 encap get web DEFAULT.comment
on hv1 encap config web | sed 's/^nodes.*/nodes = hv2 hv3/' >"$SCRATCH/new.conf"
edit_plan() { on hv1 encap plan edit web --config - <"$SCRATCH/new.conf"; }
must "a file without hv1, where nothing of it runs: allowed" edit_plan

step "why it is here, and not there"
must "the assignment and its reason" contains "hv2 is assigned up: root asked for" \
	on hv1 encap why web
must "who asked" contains "the last word was that of root" on hv3 encap why web
on hv1 encap node freeze hv3
must "not on a frozen node" contains "hv3 is frozen" on hv1 encap why web hv3
must "a resource in a container" contains "app#1 is up on vm1" \
	on hv1 encap why web app#1
must "from inside" contains "it is up on vm1" on vm1 encap why web vm1
must_fail 3 "nothing of that name" on hv1 encap why web fs#99

step "a node that is not fit is refused at once"
must_fail 4 "a frozen node" on hv1 encap move web hv3
must_fail 4 "its plan likewise" on hv1 encap plan move web hv3
must "nothing was asked for" equal "$(field hv1 web intent/seq)" \
	field hv2 web intent/seq
on hv1 encap node thaw hv3

step "a container is one service's"
sed 's/10\.99\.0\.100/10.99.0.200/' "$SCRATCH/new.conf" |
	on hv1 tee /run/other.conf >/dev/null
must_fail 1 "another service that names it" \
	on hv1 encap create other --config /run/other.conf

step "a start waits for its parent"
simple() # PARENTS
{
	printf '[DEFAULT]\nnodes = hv1 hv2 hv3\nparents = %s\n' "$1"
	printf '[app#1]\ntype = simple\nstart = /bin/sleep 1000\n'
}
simple "" | on hv1 encap create db --config - >/dev/null
simple "db" | on hv1 encap create shop --config - >/dev/null
on hv1 encap start shop --no-wait
within 5000 "it says so" contains "waits for its parent db" \
	on hv1 encap why shop
must "it is not up" equal down field hv1 shop avail
on hv1 encap start db
within 10000 "it goes on by itself" equal up field hv1 shop avail
on hv1 encap stop shop
on hv1 encap stop db
