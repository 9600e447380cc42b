# host - power on, power off, and a way in.
# shellcheck shell=bash

# Not waited for. Nothing of the caller is passed on: no descriptor, no
# environment, no terminal.
host_start()
{
	local host=$1 dir=$TRY/$1

	rm -f "$dir/pid"
	net_host_remove "$host"
	net_host "$host"
	net_plug "$host"
	cgroup_make "$host"
	(
		for fd in /proc/self/fd/*; do
			fd=${fd##*/}
			[ "$fd" -le 2 ] || [ "$fd" = 255 ] || eval "exec $fd>&-"
		done
		cgroup_join_host "$host"
		exec setsid nsenter --net="/run/netns/$(net_name "$host")" \
			unshare --mount --pid --uts --ipc --cgroup --fork \
			--kill-child --propagation private \
			env -i PATH="$TRY_PATH" HOME=/root LANG=C.UTF-8 \
			bash "$TRY_HERE/try.d/host-root" "$TRY" "$host"
	) </dev/null >>"$dir/console" 2>&1 &
	disown
}

host_started()
{
	wait_for 10000 [ -s "$TRY/$1/pid" ] || {
		tail -n 5 "$TRY/$1/console" >&2
		die "$1 did not boot (its last words are above)"
	}
}

# Several at once, as when power comes back.
host_boot()
{
	local host

	for host in "$@"; do
		need_host "$host"
		[ -z "$(host_pid "$host")" ] ||
			die "$host is running: deploy/try kill $host"
	done
	lock
	for host in "$@"; do
		host_start "$host"
	done
	for host in "$@"; do
		host_started "$host"
	done
	unlock
}

# A power cut, of several hosts at once: the cables first, so that no peer is
# told by a closed connection; then the first processes, and the kernel ends
# all others with them.
host_kill()
{
	local host pid pids=() loops=()

	for host in "$@"; do
		need_host "$host"
		pid=$(host_pid "$host") || die "$host is off: deploy/try boot $host"
		pids+=("$pid")
	done
	lock
	for host in "$@"; do
		mapfile -t -O ${#loops[@]} loops < <(loops_of_host "$host")
	done
	for host in "$@"; do
		net_unplug "$host"
	done
	kill -KILL "${pids[@]}" 2>/dev/null || :
	for host in "$@"; do
		wait_for 10000 host_gone "$host" || die "$host: processes that" \
			"do not die: $(cgroup_pids "$host" | xargs)"
		net_host_remove "$host"
		rm -f "$TRY/$host/pid"
	done
	loops_detach "${loops[@]}"
	unlock
}

host_gone()
{
	[ -z "$(host_pid "$1")" ] && [ -z "$(cgroup_pids "$1")" ]
}

# Loop devices are the machine's, and outlive the host that made them. Those on
# files below a directory:
loops_of()
{
	local name inode device

	losetup -l -n -O NAME,BACK-INO,BACK-MAJ:MIN 2>/dev/null |
		while read -r name inode device; do
			find "$1" -xdev -inum "$inode" \
				-exec stat -c %Hd:%Ld {} + 2>/dev/null |
				grep -qx "$device" && echo "$name" || :
		done
}

# Those of a host that runs: on its own disks, and what it has mounted.
loops_of_host()
{
	local name pid

	loops_of "$TRY/$1"
	pid=$(host_pid "$1")
	for name in $(loops_of "$TRY/shared"); do
		! grep -q " $name " "/proc/$pid/mountinfo" || echo "$name"
	done
}

loops_detach()
{
	local name

	for name in "$@"; do
		losetup -d "$name" || :
	done
}

# The first process of a container: in the group that LXC gave it, and number
# one in its own namespace.
container_pid()
{
	local group="/$TRY_CGROUP/hv[0-9]+/(.*/)?lxc\\.payload\\.${1//./\\.}" files
	local file

	# Processes end while it looks, which grep calls an error.
	files=$(grep -lE "$group(-[0-9]+)?(/|\$)" /proc/[0-9]*/cgroup \
		2>/dev/null || :)
	for file in $files; do
		file=${file%/cgroup}
		if grep -q '^NSpid:.*[^0-9]1$' "$file/status" 2>/dev/null; then
			echo "${file##*/}"
			return
		fi
	done
	return 1
}

# enter HOST|CONTAINER [COMMAND...]: the calling process becomes it.
enter()
{
	local name=$1 pid

	shift
	if [[ $name =~ ^hv[0-9]+$ ]]; then
		need_host "$name"
		pid=$(host_pid "$name") || die "$name is off: deploy/try boot $name"
	else
		pid=$(container_pid "$name") ||
			die "no container '$name' runs on any host"
	fi
	[ $# -gt 0 ] || set -- /bin/bash -l
	cgroup_join_pid "$pid"
	exec nsenter --target "$pid" --mount --uts --ipc --net --pid --cgroup \
		env -i PATH="$TRY_PATH" HOME=/root USER=root LANG=C.UTF-8 \
		TERM="${TERM:-dumb}" ${EDITOR+"EDITOR=$EDITOR"} "$@"
}

# As a command whose success is of interest.
inside() { (enter "$@"); }
