#!/bin/bash
# A service from nothing: its disk's file, the file system on it, the container
# on that, and what is in the container; moved, and taken away again. Nothing
# that a provision has not made is ever overwritten or removed.
# deadline: 180
. "$(dirname "$0")/lib.sh"

try up

file=/shared/box/disk.img
made() # HOST NODE RID [SERVICE]
{
	field "$1" "${4:-box}" "instances/$2/resources/$3/provisioned/state"
}
image_is_gone() { [ ! -e "$STATE/shared/box/disk.img" ]; }
# The sixth of the flags of a resource.
flag() # RID
{
	on hv1 encap status box --flags wide |
		sed -n "s/.*$1 *\([^ ]*\).*/\1/p" | cut -c6
}
loops() { losetup -n -O BACK-FILE | grep -c "/box/disk.img" || :; }

step "what it is made from"
# The tree of the sample's container.
tar -cpzf "$STATE/shared/base.tar.gz" -C "$STATE/shared/vm1" .
on hv1 sh -c 'cat >/tmp/box.conf' <<CONF
[DEFAULT]
nodes = hv1 hv2
encapnodes = vm5
orchestrate = ha

[disk#1]
type = loop
file = $file
size = 160m

[fs#1]
type = ext4
dev = $file
mnt = /srv/box
mkfs_opt = -L box

[container#0]
type = lxc
name = vm5
rootfs = /srv/box/root
template = /shared/base.tar.gz
init = /usr/local/lib/encap-try/init
mount = /usr usr none bind,ro 0 0
	/usr/local usr/local none bind,ro 0 0
	tmpfs run tmpfs mode=755 0 0
	/etc/hostname etc/hypervisor none bind,ro,create=file 0 0

[fs#5]
type = directory
encap = true
path = /data

[app#5]
type = sim
encap = true
post_provision = sh -c "echo made in \$ENCAP_RID > /data/told"
CONF
on hv1 encap create box --config /tmp/box.conf >/dev/null
within 20000 "hv2 sees that nothing is there" equal False made hv1 hv2 "disk#1"
must "which is said" contains "lacks what disk#1 needs" \
	on hv1 encap why box hv2
must "and in the flags" equal P flag "disk#1"
must "the plan makes before it starts" contains "provision fs#1" \
	on hv1 encap plan provision box
must "and has made nothing" image_is_gone

step "provision"
must "all of it" on hv1 encap provision box --timeout 120s
must "it is up on hv1" equal up field hv1 box instances/hv1/avail
must "with what is inside" equal up \
	field hv1 box "instances/hv1/encap/container#0/resources/app#5/status"
must "made from the archive" on hv1 test -e /srv/box/root/etc/hypervisor
must "inside, too" equal "made in app#5" on hv1 cat /srv/box/root/data/told
must "the flags say so" equal . flag "disk#1"
within 10000 "hv2 sees the file" equal True made hv2 hv2 "disk#1"
must "a provision of what is there changes nothing" \
	on hv1 encap provision box --timeout 60s
must "the data is there" equal "made in app#5" \
	on hv1 cat /srv/box/root/data/told

step "it goes with its storage"
must "moved" on hv1 encap move box hv2 --timeout 60s
must "with its data" equal "made in app#5" on hv2 cat /srv/box/root/data/told

step "unprovision"
must_fail 2 "it asks" on hv1 sh -c 'encap unprovision box --stop </dev/null'
must_fail 4 "not while it is up" on hv1 encap unprovision box --yes
must "untouched" equal "made in app#5" on hv2 cat /srv/box/root/data/told
must "told to stop it" on hv1 encap unprovision box --stop --yes --timeout 90s
must "the file is gone" image_is_gone
must "and its loop device" equal 0 loops
within 10000 "hv1 sees that" equal False made hv1 hv1 "disk#1"
must "it stays stopped" equal down field hv1 box avail

step "what is not shared is each node's own"
on hv1 sh -c 'cat >/tmp/own.conf' <<CONF
[DEFAULT]
nodes = hv1 hv2

[disk#1]
type = loop
file = /srv/own.img
size = 16m
shared = false

[fs#1]
type = ext4
dev = /srv/own.img
mnt = /srv/own
shared = false

[fs#2]
type = directory
path = /srv/own/data
shared = false

[app#1]
type = sim
CONF
on hv1 encap create own --config /tmp/own.conf --provision --timeout 60s \
	>/dev/null
must "made on the other, too" equal True made hv1 hv2 "fs#1" own
must "of another kind of its own" differs equal \
	"$(blkid -p -o value -s UUID "$STATE/hv1/srv/own.img")" \
	blkid -p -o value -s UUID "$STATE/hv2/srv/own.img"
must "not up there" equal down field hv1 own "instances/hv2/avail"
must "goes there" on hv1 encap move own hv2 --timeout 30s
must "where all is made" on hv2 test -d /srv/own/data
on hv1 encap delete own --unprovision --stop --yes --timeout 60s
for h in hv1 hv2; do
	must "nothing of it is left on $h" on "$h" sh -c '! test -e /srv/own.img'
done

step "an agent that ends in the middle of it goes on where it was"
on hv1 encap set box 'container#0.pre_provision=sleep 3' >/dev/null
on hv1 encap provision box --no-wait
within 20000 "it is about to make the container" equal provisioning \
	field hv2 box "instances/hv1/state"
within 20000 "the file system is made" equal up \
	field hv2 box "instances/hv1/resources/fs#1/status"
pid=$(agent_pid hv1)
on hv1 kill -KILL "$pid"
within 10000 "its agent is back" agent_is_new hv1 "$pid"
within 60000 "and has made the rest" equal "made in app#5" \
	on hv1 cat /srv/box/root/data/told
within 20000 "up" equal up field hv2 box "instances/hv1/avail"
must "and gone again" on hv1 encap unprovision box --stop --yes --timeout 90s
must "all of it" image_is_gone

step "what was not made here is left"
mkdir -p "$STATE/shared/box"
truncate -s 160M "$STATE/shared/box/disk.img"
mkfs.ext4 -q "$STATE/shared/box/disk.img"
was=$(blkid -p -o value -s UUID "$STATE/shared/box/disk.img")
must "used as it is" on hv1 encap provision box --timeout 120s
must "a container made anew is a new member" contains \
	"vm5 member: joins its service's group, incarnation 3" \
	on hv1 encap audit box -n 500
must "not formatted" equal "$was" blkid -p -o value -s UUID \
	"$STATE/shared/box/disk.img"
on hv1 encap unprovision box --stop --yes --timeout 90s
must "said to be left" contains "unprovision disk#1: left as it is" \
	on hv1 encap log box
must "not removed" equal "$was" blkid -p -o value -s UUID \
	"$STATE/shared/box/disk.img"
on hv1 encap delete box --unprovision --yes --timeout 90s
must "only the service is" equal "" on hv1 sh -c 'encap ls | grep box || :'
must "and its file is not" equal "$was" blkid -p -o value -s UUID \
	"$STATE/shared/box/disk.img"
