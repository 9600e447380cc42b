# twice - was a container ever on two hosts at once?
# shellcheck shell=bash
#
# Three witnesses, none of them an agent: the kernel's control groups, looked at
# every 20 ms, and the two of beats.sh.
. "$HERE/beats.sh"

# Three hosts, the service with that application, up on hv1, and the witnesses.
twice_up() # [OPTION OF deploy/try up...]
{
	try up --bare "$@"
	sample "hv1 hv2 hv3" </dev/null | beat_service
	# shellcheck disable=SC2016 # it is run there
	beat_install vm1 '$(</etc/hypervisor)'
	beat_hear
	create "$SCRATCH/web.conf"
	must "it is up on hv1" up_at hv2 hv1
	in_background "$HERE/watch.py" "$STATE" vm1 "$SCRATCH/watch"
	within 2000 "the application tells where it is" \
		grep -q . "$STATE/shared/vm1/var/beats"
	within 2000 "and the network hears it" grep -q . "$SCRATCH/heard"
}

twice_never()
{
	sed 's/^/   /' "$SCRATCH/watch"
	must "not by the control groups" \
		awk 'NF > 2 { bad = 1 } END { exit bad }' "$SCRATCH/watch"
	beats_in_turn "$STATE/shared/vm1/var/beats" 40 20
}
