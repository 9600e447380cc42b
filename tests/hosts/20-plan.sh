#!/bin/bash
# A plan says what is done then: the same actions, on the same machines, in the
# same order as the events tell afterwards.
# deadline: 180
. "$(dirname "$0")/lib.sh"

# One line for each action of a plan: NODE OP RID.
planned() # PLAN-ARGUMENT...
{
	on hv1 encap plan "$@" -o json | python3 -c '
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
text = sys.stdin.read()
events = json.loads(text) if text.startswith("[") else \
    [json.loads(line) for line in text.splitlines()]
for e in events:
    if e["kind"] == "action" and e["at"] > mark and ":" not in e["text"]:
        print(e["node"], e["text"])' "$mark"
}

as_planned() # WHAT COMMAND...
{
	local what=$1

	shift
	planned "$@" >"$SCRATCH/planned"
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
must "every agent has the same answer" equal "$(planned stop web)" \
	eval "on hv3 encap plan stop web -o json | python3 -c '
import json, sys
for s in json.load(sys.stdin)[\"steps\"]:
    if s[\"kind\"] == \"action\":
        print(s[\"node\"], s[\"op\"], s[\"rid\"])'"

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
