#!/bin/bash
# Services as a folder of files says: applied, killed half-way, applied again.
# deadline: 120
. "$(dirname "$0")/lib.sh"

readonly N=50
files=$STATE/shared/services

write() # NUMBER TEXT
{
	printf '[DEFAULT]\nnodes = hv1 hv2 hv3\n\n[env]\ntext = %s\n' "$2" \
		>"$files/svc$1.conf"
}

names() { on hv1 encap ls | grep -c '^svc' || :; }

try up --bare
mkdir -p "$files"
for i in $(seq $N); do write "$i" one; done

step "create"
must_fail 1 "they differ" on hv1 encap diff -f /shared/services
must "it is applied" on hv1 encap apply -f /shared/services
must "all are there" equal $N names
must "they are the same" on hv2 encap diff -f /shared/services
must "once more is nothing to do" on hv2 encap apply -f /shared/services

step "edit, killed half-way"
for i in $(seq $N); do write "$i" two; done
on hv3 sh -c ': >/tmp/out; encap apply -f /shared/services >/tmp/out 2>&1 & p=$!
	until [ "$(grep -c "^svc" /tmp/out)" -ge 10 ]; do sleep 0.005; done
	kill -KILL $p' || :
rc=0
on hv1 encap diff -f /shared/services >"$SCRATCH/diff" 2>&1 || rc=$?
left=$(grep -c ^edit "$SCRATCH/diff" || :)
must "some were edited, some were not ($left of $N)" \
	eval '[ "$left" -gt 0 ] && [ "$left" -lt $N ]'
must "it is applied again" on hv2 encap apply -f /shared/services
must "they are the same" on hv1 encap diff -f /shared/services
must "each was edited once" equal $((N * 2)) eval 'for i in $(seq $N); do
	on hv1 encap history "svc$i" -o json; done | grep -c "\"rev\""'

step "a file that is wrong"
write 3 three
echo "[nonsense#1]" >>"$files/svc4.conf"
must_fail 1 "changes nothing" on hv1 encap apply -f /shared/services
must "not even the others" equal two on hv1 encap get svc3 env.text
write 4 two

step "prune"
rm "$files"/svc1*.conf
must_fail 1 "services without a file differ" \
	on hv1 encap diff --prune -f /shared/services
must "without --prune they do not" \
	eval "on hv1 encap apply -f /shared/services &&
	on hv1 encap diff -f /shared/services"
must "it is applied" on hv1 encap apply --prune -f /shared/services
must "and the others are gone" equal $((N - 11)) names
must "they are the same" on hv1 encap diff --prune -f /shared/services
