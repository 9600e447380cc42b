#!/bin/bash
# Who changed what: recorded, the same on every member, and a chain that holds,
# by our own check and by another.
. "$(dirname "$0")/lib.sh"

members=(hv1 hv2 hv3 vm1)

last_hash() { on "$1" encap audit web --verify | grep -o '[0-9a-f]\{64\}$'; }

same_everywhere()
{
	local want m

	want=$(last_hash hv1) && [ -n "$want" ] || return
	for m in "${members[@]}"; do
		equal "$want" last_hash "$m" || return
	done
}

# As fsm/state/audit.h says that anybody can.
check_export()
{
	on "$1" encap audit "${@:2}" -o json | python3 -c '
import hashlib, json, sys
prev = "0" * 64
records = json.load(sys.stdin)
for seq, r in enumerate(records, 1):
    want = r.pop("hash")
    text = json.dumps(r, ensure_ascii=False).encode()
    assert r["seq"] == seq and r["prev"] == prev, r
    assert hashlib.sha256(text).hexdigest() == want, r
    prev = want
assert len(records) > 3
'
}

try up

step "what people did"
on hv1 encap set web app#1.comment=one --comment "for the test" >/dev/null
on vm1 encap set web app#1.comment=two >/dev/null
on hv2 encap freeze web
within 2000 "edits, with their reason" \
	contains "(root on hv1): for the test" on hv3 encap audit web
within 2000 "from inside the container" \
	contains "(root on vm1)" on hv3 encap audit web
within 2000 "frozen" contains "web freeze: frozen (root on hv2)" \
	on hv3 encap audit web
must "who joined the cluster" contains "hv3 node: joins the cluster" \
	on hv2 encap audit

step "the chain"
within 2000 "it is the same on every member" same_everywhere
must "all chains hold" on hv2 encap audit --verify
must "by another program, of the service" check_export hv2 web
must "in the container it is the service's" \
	contains "web: " on vm1 encap audit --verify
