#!/bin/bash
# A backup of a running cluster makes a new cluster with the same services,
# histories and secrets; a file that is not whole changes nothing.
# deadline: 150
. "$(dirname "$0")/lib.sh"

readonly FILE=/root/lab.backup

history_of() # HOST
{
	on "$1" encap history web -o json | python3 -c '
import json, sys
for r in json.load(sys.stdin)["revs"]:
    print(r["rev"], r["at"], r.get("author"), r.get("comment"))'
}

has_secret()
{
	on vm1 grep -qz "^PW=open-sesame\$" \
		"/proc/$(on vm1 pgrep -f 'http.server' | head -n 1)/environ"
}

try up
step "a cluster with a history"
on hv1 encap secret set web pw <<<open-sesame
on hv1 encap set web app#1.secrets_environment=PW=pw --comment "for the app"
on vm1 encap set web app#1.comment=from-inside
on hv3 encap set web app#1.comment=last
printf '[DEFAULT]\nnodes = hv1 hv2\n[fs#1]\ntype = flag\n' |
	on hv2 encap create plain --config -
on hv2 encap freeze plain
on hv2 encap cluster set fence#hv1.command='grep -qx pin=4711'
on hv2 encap secret set fence#hv1 pin <<<4711
before=$(history_of hv2)
must "it has revisions" [ "$(wc -l <<<"$before")" -ge 4 ]
must "a backup is made" on hv2 encap cluster backup "$FILE"
must "for root alone" equal 600 on hv2 stat -c %a "$FILE"
cp "$STATE/hv2$FILE" "$SCRATCH/backup"
must_fail 2 "there must be a path" on hv2 encap cluster backup
must_fail 1 "no such folder" on hv2 encap cluster backup /nowhere/x

step "without a majority"
try cut hv2
within 30000 "it is refused" must_say 5 on hv2 encap cluster backup "$FILE"
must "and made of what is there, if asked" \
	on hv2 encap cluster backup --stale "$FILE"
try down

step "another cluster"
try up --bare
cp "$SCRATCH/backup" "$STATE/hv1$FILE"
head -c 5000 "$SCRATCH/backup" >"$STATE/hv1/root/half"
must_fail 1 "half a file is refused" on hv1 encap cluster restore /root/half
must_fail 1 "no file is refused" on hv1 encap cluster restore /root/none
must "nothing is there" differs on hv1 encap config web
must "it is restored" contains "nothing was started" \
	on hv1 encap cluster restore "$FILE"
within 5000 "its history is the same, everywhere" \
	equal "$before" history_of hv3
must "so is its text" equal last on hv3 encap get web app#1.comment
must "what was frozen is" equal frozen field hv3 plain frozen
must "the devices are there, with their secrets" \
	on hv2 encap fence test hv1
must "again, it touches nothing" contains "not touched" \
	on hv1 encap cluster restore "$FILE"
must "nothing runs" equal "" container_on vm1

step "and used"
try tree vm1
mkdir -p "$STATE/shared/vm1/var/www"
on hv1 encap start web --timeout 60s
must "it runs" equal up field hv2 web avail
within 5000 "with its secret" has_secret
