#!/bin/bash
# Edits of one revision: merged where they can be, a draft where not; and who
# wrote which line.
# deadline: 120
. "$(dirname "$0")/lib.sh"

readonly FILE=/etc/encap/services/web.conf

value() { on "$1" encap get web "$2"; }
drafts() { on "$1" encap drafts web 2>/dev/null | tail -n +2; }
first_draft() { drafts "$1" | awk '{ print $1; exit }'; }
has_draft() { [ -n "$(first_draft "$1")" ]; }
merges() { on hv3 encap history web | grep -c 'merge of' || :; }
no_draft() { [ -z "$(first_draft "$1")" ]; }

try up
on hv1 encap set web env.a=0 env.b=0 env.c=0 env.d=0

step "three keys at once from three places"
head=$(field hv1 web revision)
on hv1 encap set web env.a=1 --comment first >"$SCRATCH/one" &
one=$!
on hv2 encap set web env.b=1 >"$SCRATCH/two" &
two=$!
on vm1 encap set web env.c=1 >"$SCRATCH/three" &
three=$!
must "hv1 is acknowledged" wait $one
must "hv2 is acknowledged" wait $two
must "vm1 is acknowledged" wait $three
for key in a b c; do
	within 1000 "$key is in the head" equal 1 value hv3 env.$key
done

step "the same head, other keys"
head=$(field hv1 web revision)
on hv1 encap config web >"$SCRATCH/base"
edit() # HOST KEY VALUE
{
	on "$1" env EDITOR="sleep 1; sed -i 's/^$2 = .*/$2 = $3/'" \
		encap edit web
}
before=$(merges)
edit hv1 a 2 >"$SCRATCH/one" 2>&1 &
one=$!
edit hv2 b 2 >"$SCRATCH/two" 2>&1 &
two=$!
edit vm1 c 2 >"$SCRATCH/three" 2>&1 &
three=$!
must "hv1 is acknowledged" wait $one
must "hv2 is acknowledged" wait $two
must "vm1 is acknowledged" wait $three
for key in a b c; do
	within 1000 "$key is in the head" equal 2 value hv3 env.$key
done
must "the history shows the merges" \
	[ $(($(merges) - before)) = 2 ]
must "and the comment" contains first on hv3 encap history web

step "the same key"
must_fail 4 "--if-rev of another revision" \
	on hv2 encap set web env.a=3 --if-rev "$head"
must "which leaves no draft" no_draft hv2
# Its exit code is in $SCRATCH/rc.HOST.
attempt() # HOST VALUE
{
	local rc=0

	edit "$1" a "$2" >"$SCRATCH/$1" 2>&1 || rc=$?
	echo $rc >"$SCRATCH/rc.$1"
}
attempt vm1 3 &
one=$!
attempt hv2 4 &
two=$!
wait $one $two
codes=$(cat "$SCRATCH/rc.vm1" "$SCRATCH/rc.hv2" | tr -d '\n')
must "one is acknowledged, the other is a conflict" \
	eval '[ $codes = 04 ] || [ $codes = 40 ]'
loser=$([ "$codes" = 40 ] && echo vm1 || echo hv2)
must "base, ours and theirs are told" \
	eval "cat $SCRATCH/$loser; grep -q 'base  *2' $SCRATCH/$loser &&
	grep -q 'ours  *[34]' $SCRATCH/$loser &&
	grep -q 'theirs  *[34]' $SCRATCH/$loser"
within 2000 "the draft is seen on hv2" has_draft hv2
within 2000 "and in vm1" has_draft vm1
id=$(first_draft vm1)
must "with its text" contains "theirs" on hv1 encap show web "$id"
must "it is resolved" on hv1 encap resolve web "$id" --theirs
within 2000 "the draft is gone in vm1" no_draft vm1
within 2000 "and on hv2" no_draft hv2
within 1000 "the loser's value holds" \
	equal "$([ "$loser" = vm1 ] && echo 3 || echo 4)" value hv3 env.a

step "cut off, and back"
host=$(container_on vm1)
other=$([ "$host" = hv3 ] && echo hv2 || echo hv3)
try cut "$host"
on vm1 sed -i 's/^b = .*/b = 5/' $FILE
within 3000 "the container says that its edit waits" \
	contains "waits, for" on vm1 encap status web
on "$other" encap set web env.c=5 --comment outside
try heal "$host"
within 20000 "the container's edit is everybody's" equal 5 value hv2 env.b
must "the other's, too" equal 5 value hv2 env.c
within 5000 "in the container's file, both" \
	eval "on vm1 grep -qx 'c = 5' $FILE && on vm1 grep -qx 'b = 5' $FILE"
on hv2 encap blame web >"$SCRATCH/blame"
must "blame: the container's line" \
	grep -q 'root@vm1 (encap) .*| b = 5' "$SCRATCH/blame"
must "blame: the other's line" \
	grep -q "root@$other .*| c = 5" "$SCRATCH/blame"

step "revert"
before=$(on hv1 encap history web -n 1 -o json | grep -m1 '"head"' | cut -d'"' -f4)
on hv1 encap set web env.a=99
must "it is done" on vm1 encap revert web "$before"
within 2000 "the text is the old one's" \
	equal "$(on hv1 encap config web --rev "$before")" on hv2 encap config web
must "as a new revision" contains "reverts to" on hv2 encap history web -n 1
