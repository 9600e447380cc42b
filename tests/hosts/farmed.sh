# farmed - is what runs in the containers ever up in two of them?
# shellcheck shell=bash
. "$HERE/beats.sh"

readonly FARM="vm1 vm2 vm3"

# Three hosts, and the sample of that topology with the application of beats.sh
# in each container.
farmed_up() # TOPOLOGY
{
	local vm

	try up --bare
	beat_service <"$SOURCE/deploy/sample/$1.conf"
	for vm in $FARM; do
		beat_install "$vm" "$vm"
		mkdir -p "$STATE/shared/$vm/var/www"
		: >"$STATE/shared/$vm/var/beats"
	done
	beat_hear
	on hv1 encap create web --config - <"$SCRATCH/web.conf"
	on hv1 encap start web --timeout 60s
}

# By the application itself: the last beat is no older than that.
beats_in() # VM
{
	local last

	read -r last _ < <(tail -n 1 "$STATE/shared/$1/var/beats")
	[ -n "${last:-}" ] && [ $(($(now_ms) - last / 1000)) -lt 300 ]
}

silent_in() { ! beats_in "$1"; }

# In just this one, by what a host says and by the application.
up_in() # HOST(to ask) VM
{
	equal "['$2']" field "$1" web encap/up && beats_in "$2"
}

# All of a container at once, as when its kernel had died.
container_kill() # HOST VM
{
	on "$1" lxc-stop -k -n "$2"
}

farmed_never_twice()
{
	local vm

	for vm in $FARM; do
		cat "$STATE/shared/$vm/var/beats"
	done >"$SCRATCH/beats"
	beats_in_turn "$SCRATCH/beats" 40 40
}
