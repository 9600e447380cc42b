#!/bin/bash
# Wrong env files as files, and wrong peers on this machine's own sockets, also
# from inside a container: refused, said once, and everybody lives on.
# deadline: 150
. "$(dirname "$0")/lib.sh"

readonly FILE=/etc/encap/services/web.conf
members=(hv1 hv2 hv3)

pids() { for m in "${members[@]}"; do agent_pid "$m"; done; }

lives() { equal "$agents" pids && on hv1 encap set web "env.alive=$RANDOM"; }
alive() { equal "$untouched" processes vm1 && lives; }

same_files()
{
	local m

	for m in hv2 hv3; do
		cmp "$STATE/hv1$FILE" "$STATE/$m$FILE" || return
	done
	cmp "$STATE/hv1$FILE" "$STATE/shared/vm1$FILE"
}

# The draft that comes of it, by a word of its reason.
kept() { contains "$1" on hv3 encap drafts web; }

# wrong HOST "WHAT" WORD TEXT: saved at the end of the file.
wrong()
{
	on "$1" sh -c "cat >>$FILE" <<<"$4"
	within 8000 "$2: a draft, and why" kept "$3"
	within 2000 "$2: the head is back" same_files
}

try up
agents=$(pids)
untouched=$(processes vm1)

step "wrong files, on a hypervisor and in the container"
wrong hv1 "an unknown section" "nonsense" $'\n[nonsense#1]\ntype = x'
wrong vm1 "a scope that is nobody" "fs#7.path" $'\n[fs#7]\ntype = directory\npath@hv9 = /x'
wrong hv2 "a keyword that is missing" "dev" $'\n[fs#7]\ntype = bind\nmnt = /x'
wrong hv3 "a cycle" "cycle" $'\n[env]\na = {env.b}\nb = {env.a}'
wrong vm1 "invalid UTF-8" "UTF-8" $'\n[env]\na = \xff\xfe'
must "all live on" alive
within 5000 "and all files are the same" same_files
printf '\n[env]\na = ' >"$SCRATCH/long"
head -c 100000 /dev/zero | tr '\0' x >>"$SCRATCH/long"
on hv1 sh -c "cat >>$FILE" <"$SCRATCH/long"
within 8000 "a long line: a draft, and why" kept "65536 are allowed"
within 2000 "a long line: the head is back" same_files
head -c 3000000 /dev/zero | tr '\0' '\n' | on vm1 sh -c "sed 's/^/# x/' >>$FILE"
within 8000 "3 MB of comments: the head is back" same_files
must "all live on" alive

step "random frames on the agent's socket, and answers that nobody reads"
cat >"$SCRATCH/peer.py" <<'TEXT'
import os, random, socket, sys
path, seed = sys.argv[1], int(sys.argv[2])
r = random.Random(seed)

def word():
    return r.choice([b"\x80", b"\xc0", b"\xdf\xff\xff\xff\xff", b"\x91" * 300,
                     b"\x81\xa1v\x01", b"\x83\xa1v\x01\xa2id\x01\xa2op\xa6status",
                     b"\x82\xa2op\xa8svc_edit\xa4name\xa3web",
                     r.randbytes(r.randrange(1, 3000))])

for i in range(60):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(1)
    s.connect(path)
    body = b"".join(word() for _ in range(r.randrange(1, 5)))
    size = r.choice([len(body), len(body) + 1, 0, 2**31, r.randrange(2**32)])
    try:
        s.sendall(size.to_bytes(4, "big") + body)
        if r.random() < 0.5:
            s.recv(1000)
    except OSError:
        pass
    s.close()
TEXT
on hv1 python3 - /run/encap/api.sock 1 <"$SCRATCH/peer.py"
on vm1 python3 - /run/encap/api.sock 2 <"$SCRATCH/peer.py"
must "all live on" alive

step "the same on the channel, from inside the container"
lines=$(agent_log hv1 | wc -l)
on vm1 python3 - /dev/encap/sock 3 <"$SCRATCH/peer.py"
must "all live on" alive
must "and the log is not flooded" \
	[ $(($(agent_log hv1 | wc -l) - lines)) -lt 120 ]

step "a second connection that says nothing and reads nothing"
silent()
{
	on vm1 timeout 8 python3 -c '
import socket, time
s = socket.socket(socket.AF_UNIX)
s.connect("/dev/encap/sock")
time.sleep(8)' || :
}
in_background silent
sleep 1
within 10000 "the agent in the container is heard" \
	on vm1 encap set web "env.second=$RANDOM"
must "all live on" lives

step "one that goes by another's name"
on vm1 timeout 20 python3 - <<'TEXT' || :
import socket
def text(s):
    return bytes([0xa0 + len(s)]) + s
frame = b"\x85" + text(b"v") + b"\x01" + text(b"t") + text(b"hello") \
    + text(b"node") + text(b"vm9") + text(b"service") + text(b"other") \
    + text(b"from") + b"\xcf" + (1).to_bytes(8, "big")
s = socket.socket(socket.AF_UNIX)
s.settimeout(3)
s.connect("/dev/encap/sock")
s.sendall(len(frame).to_bytes(4, "big") + frame)
try:
    s.recv(1000)
except OSError:
    pass
TEXT
within 10000 "the agent in the container is heard" \
	on vm1 encap set web "env.third=$RANDOM"
must_fail 3 "and it is no member of anything" on hv1 encap status other
must "all live on" lives
within 5000 "and all files are the same" same_files
within 10000 "and nothing in the container was touched" alive
