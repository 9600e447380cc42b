#!/bin/bash
# An env file says the same in the container and on the hypervisors; each value
# can be traced to its line; every operator and selector works as typed.
. "$(dirname "$0")/lib.sh"

# Each value as NODE has it, asked from MEMBER; the name is the file's.
values() # MEMBER NODE
{
	on "$1" encap config web --eval --as "$2" -o json
}

reasons() # MEMBER NODE
{
	on "$1" encap config web --why --as "$2"
}

same_everywhere() # COMMAND NODE
{
	local m

	"$1" hv1 "$2" >"$SCRATCH/hv1"
	for m in hv2 vm1; do
		"$1" $m "$2" >"$SCRATCH/$m"
		cmp "$SCRATCH/hv1" "$SCRATCH/$m" || return
	done
}

config() # NAME: an env file of two flags
{
	cat <<-TEXT
		[DEFAULT]
		nodes = hv1 hv2
		app = $1
		[fs#1]
		type = flag
		[fs#2]
		type = flag
	TEXT
}

try up

step "one file, one meaning, wherever it is read"
must "scopes, a reference and an expression are set" on hv1 encap set web \
	'env.where@nodes=outside' 'env.where@encapnodes=inside' \
	'env.last={nodes[$({#nodes} - 1)]}' \
	'app#1.comment={env.where} {env.last}'
for node in hv1 hv3 vm1; do
	must "all say what $node makes of it" same_everywhere values $node
	must "all say why" same_everywhere reasons $node
done
must "the container's value" equal "inside hv3" \
	on vm1 encap get web app#1.comment --eval
must "a hypervisor's" equal "outside hv3" \
	on hv2 encap get web app#1.comment --eval
must "the line that won is named" contains "where@encapnodes: vm1 is in encapnodes" \
	on hv1 encap get web env.where --why --as vm1
must "and the one that it beat" contains "not web.conf:" \
	on hv1 encap get web env.where --why --as vm1
must "and what OpenSVC made of it" contains "# OpenSVC: outside" \
	on hv1 encap get web env.where --why --as vm1

step "operators"
for name in shop office; do
	config $name >"$STATE/hv1/root/$name.conf"
	must "$name is created" on hv1 encap create $name \
		--config /root/$name.conf
done
must "a group, a word inserted, one toggled, a pattern of nodes" \
	on hv1 encap set shop 'fs.tags=b c' 'fs#1.tags[0]=a' 'fs#2.tags^=c d' \
	'nodes=hv[23]'
must "the words" equal "fs#1.tags=a b c
fs#2.tags=b d" on hv1 encap get shop fs.tags
must "the names of the nodes" equal "hv2 hv3" on hv1 encap get shop nodes
must "a section is removed" on hv1 encap unset shop 'fs#2'
must_fail 3 "it is gone" on hv1 encap get shop 'fs#2.type'

step "selectors"
must "a pattern and a comparison start two" \
	on hv1 encap start 'off*,app=shop'
must "both are up" equal "== office
== shop" on hv1 bash -c "encap status 'office,shop' | grep ^=="
must "an expression stops both" on hv1 encap stop 'app~^(shop|office)$'
must "all but web are removed" on hv1 encap delete '!web'
must_fail 3 "nothing is meant" on hv1 encap freeze 'off*'
must_fail 3 "a name that is not there" on hv1 encap freeze 'web,office'
must_fail 2 "no selector" on hv1 encap freeze 'web,,office'
