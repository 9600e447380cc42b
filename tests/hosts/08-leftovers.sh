#!/bin/bash
# What a stopped service, a removed cluster, and a cluster that crashed leave
# behind: nothing.
# deadline: 180
. "$(dirname "$0")/lib.sh"

# Everything of the machine that we might leave.
machine()
{
	echo "-- mounts"
	awk '{ print $5, $9 }' /proc/self/mountinfo | grep -E 'encap|lxc|netns' || :
	echo "-- network namespaces"
	find /run/netns -name "$ENCAP_TRY_NAME-*" || :
	echo "-- interfaces"
	ip -o link | awk '{ print $2 }'
	echo "-- loop devices"
	losetup -l -n -O NAME,BACK-FILE | grep deleted || :
	echo "-- control groups"
	find /sys/fs/cgroup -name "encap-try-$ENCAP_TRY_NAME*"
	echo "-- processes"
	ps -e -o args= | grep "[e]ncap-try-$ENCAP_TRY_NAME" || :
	echo "-- files"
	find /var/lib /run /tmp /etc -maxdepth 2 -name "*$ENCAP_TRY_NAME*"
	true
} 2>/dev/null

ours() # processes, of this checkout's cluster
{
	grep -l "/encap-try-$ENCAP_TRY_NAME/" /proc/[0-9]*/cgroup 2>/dev/null
}

# What there is in a host: processes, mounts, addresses, groups.
host()
{
	local pid

	read -r pid _ <"$STATE/$1/pid"
	echo "-- processes"
	on "$1" ps -e -o comm= | grep -vxE 'ps|sleep|nsenter' | sort
	echo "-- mounts"
	awk '{ print $5 }' "/proc/$pid/mountinfo"
	echo "-- addresses"
	on "$1" ip -br addr | sed 's/@[^ ]*//'
	echo "-- control groups"
	# Where LXC's monitors go to end; LXC keeps one for all containers.
	on "$1" find /sys/fs/cgroup -name 'lxc.*' ! -name lxc.pivot
}

same() # COMMAND...
{
	"$@" | diff "$SCRATCH/before" -
}

machine >"$SCRATCH/machine"
try up --bare

step "a service that was stopped and deleted"
sleep 1
host hv1 >"$SCRATCH/before"
sample "hv1 hv2 hv3" </dev/null >"$SCRATCH/web.conf"
create "$SCRATCH/web.conf"
must "it is up on hv1" up_at hv2 hv1
on hv1 encap stop web
within 5000 "nothing is left on hv1" same host hv1
on hv1 encap start web
on hv1 encap stop web
must "it is deleted" on hv1 encap delete web
within 2000 "its file is gone" \
	eval "! ls $STATE/hv?/etc/encap/services/web.conf"
within 5000 "nothing is left on hv1" same host hv1
must_fail 3 "it is not known" on hv2 encap status web

step "a cluster that was removed"
cp "$SCRATCH/machine" "$SCRATCH/before"
create "$SCRATCH/web.conf"
try down
must "nothing is left" same machine
within 2000 "no process" differs ours

step "a cluster that crashed"
try up
try kill hv2
rm "$STATE"/hv*/pid "$STATE/cgroups"
try down
must "nothing is left" same machine
within 2000 "no process" differs ours

step "a cluster whose directory is gone"
try up --bare
rm -rf "$STATE"
try down
must "nothing is left" same machine
within 2000 "no process" differs ours
