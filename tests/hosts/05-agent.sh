#!/bin/bash
# The agent dies, or is replaced, on each node in turn: no container and no
# application is touched, and the new one adopts them.
# deadline: 180
. "$(dirname "$0")/lib.sh"

members=(hv1 hv2 hv3 vm1)

actions() # how many the cluster has made
{
	on hv2 encap events web -n 1000 -o json | grep -c '"action"' || :
}

untouched()
{
	equal "$before" processes vm1 && equal hv1 container_on vm1
}

try up
before=$(processes vm1)
acted=$(actions)
echo "$before" | sed 's/^/   /'
must "$acted actions were counted" [ "$acted" -ge 10 ]
must "there is an application" grep -q python3 <<<"$before"

step "killed"
for m in "${members[@]}"; do
	pid=$(agent_pid "$m")
	on "$m" kill -KILL "$pid"
	within 10000 "$m: it is back" agent_is_new "$m" "$pid"
	within 10000 "$m: it says that the service is up" \
		equal up field "$m" web avail
	must "$m: everything runs on as it was" untouched
	must "$m: an edit goes through" \
		on "$m" encap set web "app#1.comment=after-$m"
	within 2000 "$m: for all" \
		equal "after-$m" on hv3 encap get web app#1.comment
done

step "replaced"
program=$STATE/local/sbin/encapd
cp -p "$program" "$program.new"
mv "$program.new" "$program"
for m in "${members[@]}"; do
	pid=$(agent_pid "$m")
	within 2000 "$m: it runs the old one" \
		contains deleted on "$m" readlink "/proc/$pid/exe"
	on "$m" kill -TERM "$pid"
	within 10000 "$m: it is back" agent_is_new "$m" "$pid"
	must "$m: it runs the new one" \
		equal /usr/local/sbin/encapd \
		on "$m" readlink "/proc/$(agent_pid "$m")/exe"
	within 10000 "$m: it says that the service is up" \
		equal up field "$m" web avail
	must "$m: everything runs on as it was" untouched
done
throughout 3000 "and goes on doing so" untouched
must "nobody has started or stopped anything" equal "$acted" actions
must "it serves" contains "Served from" \
	on hv3 curl -s -m 5 http://10.99.0.102/
