#!/bin/bash
# Bad input and bad peers: refused with a reason, and everybody lives on.
# deadline: 180
. "$(dirname "$0")/lib.sh"

members=(hv1 hv2 hv3)

pids() { for m in "${members[@]}"; do agent_pid "$m"; done; }

# No agent was started again, no container touched, and edits go through.
alive()
{
	equal "$agents" pids && equal "$untouched" processes vm1 &&
		on hv1 encap set web "env.alive=$RANDOM"
}

not_a_member() # HOST
{
	local rc=0

	on "$1" encap cluster status >"$SCRATCH/member" 2>&1 || rc=$?
	[ $rc != 0 ] && grep -q 'member' "$SCRATCH/member"
}

nodes() { on "$1" encap node ls -o json | grep -c '"name"'; }

try up --hosts 5 --members 3
agents=$(pids)
untouched=$(processes vm1)

step "tokens"
token=$(on hv1 encap cluster token)
on hv4 encap cluster init other --address 10.99.0.4
must_fail 4 "a member of another cluster does not join" \
	on hv4 encap cluster join "$token" 10.99.0.1
must_fail 1 "a token of another cluster does not open this one" \
	on hv5 encap cluster join "$(on hv4 encap cluster token)" 10.99.0.1
must_fail 1 "one that was made up neither" \
	on hv5 encap cluster join "${token%????????}00000000" 10.99.0.1
must_fail 2 "what is no token is told so" \
	on hv5 encap cluster join nonsense 10.99.0.1
on hv5 encap cluster join "$token" 10.99.0.1 --address 10.99.0.5
within 5000 "the right one does" equal 4 nodes hv1
on hv4 sh -c 'rm -rf /var/lib/encap /etc/encap'
on hv4 kill -KILL "$(agent_pid hv4)"
within 5000 "hv4 is a member of nothing" not_a_member hv4
must_fail 1 "a token is good once" \
	on hv4 encap cluster join "$token" 10.99.0.1
must "and it is told so" grep -q 'used' "$SCRATCH/said"
must "four members" equal 4 nodes hv1
must "all live on" alive

step "bytes on the port"
for peer in "head -c 100000 /dev/urandom" "printf '\\377\\377\\377\\377'" \
	"printf 'GET / HTTP/1.0\\r\\n\\r\\n'" ; do
	on hv4 timeout 5 bash -c \
		"$peer >/dev/tcp/10.99.0.1/7600" 2>/dev/null || :
done
must "all live on" alive

step "a client that says nothing, and one that reads nothing"
in_background on hv4 timeout 60 bash -c \
	'exec 3<>/dev/tcp/10.99.0.1/7600; sleep 60'
in_background on hv1 timeout 60 python3 -c '
import socket, time
s = socket.socket(socket.AF_UNIX)
s.connect("/run/encap/api.sock")
ask = bytes([0x84, 0xa1, ord("v"), 1, 0xa2]) + b"id" + bytes([1, 0xa2]) \
    + b"op" + bytes([0xa6]) + b"status" + bytes([0xa4]) + b"name" \
    + bytes([0xa3]) + b"web"
while True:
    try:
        s.sendall(len(ask).to_bytes(4, "big") + ask)
    except OSError:
        break
time.sleep(60)'
sleep 3
must "all live on" alive
must "and are not slower for it" timeout 2 "$SOURCE/deploy/try" sh hv1 \
	encap status web

step "frames on the agent's own socket"
on hv1 python3 - <<'TEXT'
import os, socket
for size, body in ((2**32 - 1, b""), (16 * 2**20 + 1, b"x"), (10, b"123"),
                   (8, os.urandom(8)), (0, b""), (3, b"\xdf\xff\xff"),
                   (5, b"\xdd\xff\xff\xff\xff"), (200, b"\x91" * 200)):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(2)
    s.connect("/run/encap/api.sock")
    s.sendall(size.to_bytes(4, "big") + body)
    try:
        s.shutdown(socket.SHUT_WR)
        s.recv(1000)
    except OSError:
        pass
TEXT
must "all live on" alive

step "another cluster's certificate"
on hv4 encap cluster init other --address 10.99.0.4
pki=$(on hv4 sh -c 'find /var/lib/encap /etc/encap -name node.pem')
must "it has one" [ -n "$pki" ]
on hv4 sh -c "(echo; sleep 2) | timeout 5 openssl s_client -quiet \
	-connect 10.99.0.1:7600 -cert $pki -key ${pki%.pem}.key" \
	>"$SCRATCH/tls" 2>&1 || :
must "it is refused" grep -qi 'alert\|unknown ca\|closed\|errno' "$SCRATCH/tls"
must "all live on" alive
must "four members" equal 4 nodes hv1

step "a container that claims another's name"
pid=$(agent_pid vm1)
on vm1 hostname vm9
on vm1 kill -KILL "$pid"
within 10000 "the status says why" \
	contains "vm9" on hv1 encap status web
sleep 3
must "it is logged once" \
	equal 1 eval "agent_log hv1 | grep -c \"calls itself 'vm9'\""
must "all live on" alive
pid=$(agent_pid vm1)
on vm1 hostname vm1
on vm1 kill -KILL "$pid"
within 10000 "with its own name it is let in" equal up field vm1 web avail

step "env files"
bad() # "WHAT" TEXT: the sample with TEXT appended
{
	sample "hv1 hv2 hv3" <<<"$2" >"$SCRATCH/bad.conf"
	must_fail 1 "$1" on hv1 encap create bad --config - <"$SCRATCH/bad.conf"
	must "with file and line" grep -qE '^[^ ]+:[0-9]+: ' "$SCRATCH/said"
}
bad "an unknown section" $'[nonsense#1]\ntype = x'
bad "a bad scope" $'[fs#2]\ntype = directory\npath@hv9 = /x'
bad "a keyword that is missing" $'[fs#2]\ntype = bind\nmnt = /x'
bad "a cycle" $'[env]\na = {env.b}\nb = {env.a}'
bad "invalid UTF-8" $'[env]\na = \xff\xfe'
bad "a long line" "[env]
a = $(head -c 100000 /dev/zero | tr '\0' x)"
{
	sample "hv1 hv2 hv3" </dev/null
	echo "[env]"
	head -c 10000000 /dev/zero | tr '\0' x
} >"$SCRATCH/bad.conf"
must_fail 1 "a line of 10 MB" on hv1 encap create bad --config - \
	<"$SCRATCH/bad.conf"
must "with file, line, and what is allowed" \
	grep -qE '^[^ ]+:[0-9]+: a line of 10000000 bytes; 65536' \
	"$SCRATCH/said"
must_fail 3 "nothing was created" on hv1 encap status bad
must "all live on" alive
