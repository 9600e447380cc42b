#!/bin/bash
# What is not there is answered with 3 by every command; the older spellings
# act, with their own codes; and completion knows the names that there are.
. "$(dirname "$0")/lib.sh"

try up

step "what is not there"
while read -r line; do
	# shellcheck disable=SC2086 # its words
	must_fail 3 "$line" on hv1 encap $line
done <<'LINES'
status nowhere
events nowhere
log nowhere
config nowhere
config web --rev 0123456789ab
config web --as hv9
get nowhere app#1.start
get web app#9.start
set nowhere app#1.comment=x
unset nowhere app#1.comment
unset web app#1.nothing
validate nowhere
edit nowhere
start nowhere
start web --slave vm9
stop nowhere
stop web --slave vm9
restart nowhere
move nowhere hv2
move web hv9
freeze nowhere
thaw nowhere
delete nowhere
secret ls nowhere
secret unset web nothing
node freeze hv9
node thaw hv9
LINES
must_fail 1 "svcmgr knows of 1 alone" on hv1 svcmgr -s nowhere start
must "and nothing has happened" up_at hv1 hv1

step "the older spellings"
must "print status" contains "container#0" on hv2 svcmgr -s web print status
must "status, of the instance here" equal up on hv1 svcmgr -s web status
must_fail 1 "status, where it is down" on hv2 svcmgr -s web status
must "in the container" equal up on vm1 svcmgr -s web status
must "svcmon" contains web on hv3 svcmon
must "ls" equal web on hv3 svcmgr ls
on hv1 svcmgr -s web set --param app#1.comment --value old
must "set and get" equal old on vm1 svcmgr -s web get --param app#1.comment
must "validate config" equal "web: valid" on hv1 svcmgr -s web validate config
on hv2 svcmgr -s web takeover --time 60s
must "takeover" up_at hv2 hv2
on hv2 svcmgr -s web switch --to hv1 --time 60s
must "switch" up_at hv2 hv1
must_fail 2 "a part needs its level" on hv1 svcmgr -s web stopapp
on hv1 svcmgr -s web stopapp --slaves --time 60s
must "stopapp" equal down field hv1 web \
	"instances/hv1/encap/container#0/resources/app#1/status"
on hv1 svcmgr -s web startapp --slaves --time 60s
must "startapp" equal up field hv1 web \
	"instances/hv1/encap/container#0/resources/app#1/status"
on hv2 svcmgr -s web freeze
must_fail 1 "frozen" on hv1 svcmgr -s web frozen
on hv2 svcmgr -s web thaw
must "thawed" equal thawed on hv1 svcmgr -s web frozen
on hv3 nodemgr freeze
must_fail 1 "a node is frozen" on hv1 nodemgr frozen --node hv3
on hv1 nodemgr thaw --node hv3
must "and thawed" equal thawed on hv3 nodemgr frozen
must "nodemgr ls" contains hv2 on hv1 nodemgr ls
must "daemon running" on hv1 nodemgr daemon running
must_fail 2 "what is no more says so" on hv1 svcmgr -s web push config
must "who did what" contains "(root on hv2)" on hv1 encap log web

step "completion"
complete() { on "$1" encap __complete "${@:2}" | cut -f1 | sort | xargs; }
must "services" equal web complete hv1 encap start ""
must "nodes" equal "hv1 hv2 hv3" complete hv1 encap move web ""
must "machines" equal "hv1 hv2 hv3" complete hv1 encap node freeze ""
must "containers" equal vm1 complete hv1 encap stop web --slave v
must "resources" equal "fs#0 fs#1" complete hv2 svcmgr -s web disable --rid fs
must "keywords" contains "container#0.rootfs=" \
	complete vm1 encap set web container#0.ro
must "in the container" equal web complete vm1 encap status ""
