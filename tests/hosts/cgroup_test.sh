#!/bin/bash
# Where deploy/try puts its control groups, for each arrangement of hierarchies
# that there is: from what /proc says, as collected from such machines.
set -euo pipefail

TRY_HERE=$(readlink -f "$(dirname "$0")/../../deploy")
# shellcheck disable=SC2034 # for base.sh
ENCAP_TRY_NAME=t
. "$TRY_HERE/try.d/base.sh"
. "$TRY_HERE/try.d/cgroup.sh"

failed=0 n=$'\n'
tmp=$(mktemp -d)
trap 'rm -r "$tmp"' EXIT

# plan NAME MOUNTINFO CGROUP EXPECTED
plan()
{
	echo "$2" >"$tmp/mountinfo"
	echo "$3" >"$tmp/cgroup"
	cgroup_plan "$tmp/mountinfo" "$tmp/cgroup" >"$tmp/got"
	if ! diff -u --label expected --label "got ($1)" <(printf "%s" "${4:+$4$n}") "$tmp/got"
	then
		failed=$((failed + 1))
	fi
}

plan "v2, systemd, in a login session" \
'23 28 0:21 / /proc rw,nosuid - proc proc rw
34 24 0:29 / /sys/fs/cgroup rw,nosuid,nodev,noexec - cgroup2 cgroup2 rw,nsdelegate' \
'0::/user.slice/user-0.slice/session-4.scope' \
'v2 - /sys/fs/cgroup/encap-try-t'

plan "v2, without systemd" \
'34 24 0:29 / /sys/fs/cgroup rw shared:9 - cgroup2 none rw' \
'0::/' \
'v2 - /sys/fs/cgroup/encap-try-t'

plan "v2, below a limit that is no unit" \
'34 24 0:29 / /sys/fs/cgroup rw - cgroup2 none rw' \
'0::/jobs/17' \
'v2 - /sys/fs/cgroup/jobs/17/encap-try-t'

plan "v2, a unit within a delegated group" \
'34 24 0:29 / /sys/fs/cgroup rw - cgroup2 none rw' \
'0::/jobs/17/system.slice/ci.service' \
'v2 - /sys/fs/cgroup/jobs/17/encap-try-t'

plan "v2, in a container with its own cgroup namespace" \
'900 800 0:29 / /sys/fs/cgroup rw - cgroup2 cgroup rw' \
'0::/' \
'v2 - /sys/fs/cgroup/encap-try-t'

plan "v2, in a container with the machine's cgroup namespace" \
'900 800 0:29 /docker/5f3a /sys/fs/cgroup rw - cgroup2 cgroup rw' \
'0::/docker/5f3a' \
'v2 - /sys/fs/cgroup/encap-try-t'

plan "v2, moved out of the namespace's root" \
'900 800 0:29 /../.. /sys/fs/cgroup rw - cgroup2 cgroup rw' \
'0::/../other' \
'v2 - /sys/fs/cgroup/encap-try-t'

plan "hybrid, systemd" \
'30 24 0:25 / /sys/fs/cgroup ro - tmpfs tmpfs ro,mode=755
31 30 0:26 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw,nsdelegate
32 30 0:27 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd
35 30 0:30 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct
36 30 0:31 / /sys/fs/cgroup/net_cls,net_prio rw - cgroup cgroup rw,net_cls,net_prio
37 30 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory' \
'11:memory:/user.slice/user-0.slice/session-1.scope
7:net_cls,net_prio:/
4:cpu,cpuacct:/user.slice
1:name=systemd:/user.slice/user-0.slice/session-1.scope
0::/user.slice/user-0.slice/session-1.scope' \
'v1 memory /sys/fs/cgroup/memory/encap-try-t
v1 net_cls,net_prio /sys/fs/cgroup/net_cls,net_prio/encap-try-t
v1 cpu,cpuacct /sys/fs/cgroup/cpu,cpuacct/encap-try-t
v1 name=systemd /sys/fs/cgroup/systemd/encap-try-t
v2 - /sys/fs/cgroup/unified/encap-try-t'

plan "v1 without systemd, limited in one hierarchy" \
'31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu
33 31 0:30 / /sys/fs/cgroup/cpuacct rw,relatime - cgroup cgroup rw,cpuacct
35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw' \
'4:memory:/limited/a1b2
2:cpuacct:/
1:cpu:/
0::/' \
'v1 memory /sys/fs/cgroup/memory/limited/a1b2/encap-try-t
v1 cpuacct /sys/fs/cgroup/cpuacct/encap-try-t
v1 cpu /sys/fs/cgroup/cpu/encap-try-t
v2 - /sys/fs/cgroup/unified/encap-try-t'

plan "v1, in a container that sees its part" \
'800 790 0:29 /docker/77 /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct
801 790 0:30 /docker/77 /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd' \
'3:cpu,cpuacct:/docker/77
2:perf_event:/docker/77
1:name=systemd:/docker/77/inner' \
'v1 cpu,cpuacct /sys/fs/cgroup/cpu,cpuacct/encap-try-t
v1 name=systemd /sys/fs/cgroup/systemd/inner/encap-try-t'

plan "no cgroups at all" '23 28 0:21 / /proc rw - proc proc rw' '0::/' ''

[ $failed = 0 ] || {
	echo "$failed failed"
	exit 1
}
