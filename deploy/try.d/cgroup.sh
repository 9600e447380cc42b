# cgroup - a control group per host, in each hierarchy that this machine has.
# shellcheck shell=bash
#
# Works from /proc alone, so with cgroup v1, v2 and both, with and without
# systemd, and within a container that has a part of the hierarchies. A host's
# group is BASE/encap-try/hvN. BASE is the caller's own group, so that what
# limits the caller limits the hosts; but not below a unit of systemd, which
# may end with the session while the hosts stay: then what that unit is in.

# "v1|v2 CONTROLLERS MOUNTPOINT GROUP" for each hierarchy, the group as seen
# below the mount point; CONTROLLERS of v2 is "-". Arguments: files like
# /proc/self/mountinfo and /proc/PID/cgroup.
cgroup_table()
{
	awk '
	function below(root, path) {
		if (root != "/") {
			if (index(path "/", root "/") != 1)
				return "/"
			path = substr(path, length(root) + 1)
		}
		return path ~ /^\/\.\.(\/|$)/ || path == "" ? "/" : path
	}
	function member(names, options,    n, i, a) {
		n = split(names, a, ",")
		for (i = 1; i <= n; i++)
			if (index("," options ",", "," a[i] ",") == 0)
				return 0
		return n > 0
	}
	FNR == NR {
		for (i = 7; $i != "-"; i++)
			;
		if ($(i + 1) == "cgroup2" || $(i + 1) == "cgroup") {
			n++
			kind[n] = $(i + 1); root[n] = $4; mount[n] = $5
			options[n] = $(i + 3)
		}
		next
	}
	{
		split($0, part, ":")
		path = substr($0, length(part[1] part[2]) + 3)
		for (i = 1; i <= n; i++) {
			if (part[2] == "" && kind[i] == "cgroup2") {
				print "v2", "-", mount[i], below(root[i], path)
				break
			}
			if (part[2] != "" && kind[i] == "cgroup" &&
			    member(part[2], options[i])) {
				print "v1", part[2], mount[i], below(root[i], path)
				break
			}
		}
	}' "$1" "$2"
}

# The group in which to make ours: without units of systemd.
cgroup_base()
{
	local part base=

	while IFS= read -r -d / part; do
		case $part in
		*.slice | *.scope | *.service) break ;;
		'') ;;
		*) base=$base/$part ;;
		esac
	done <<<"$1/"
	echo "$base"
}

# "v1|v2 CONTROLLERS DIRECTORY": where ours are made. Arguments as above.
cgroup_plan()
{
	local kind controllers mount group

	cgroup_table "$1" "$2" |
		while read -r kind controllers mount group; do
			echo "$kind $controllers" \
				"$mount$(cgroup_base "$group")/$TRY_CGROUP"
		done
}

# Remembered, as later callers may be in other groups.
cgroup_save()
{
	cgroup_plan /proc/self/mountinfo /proc/self/cgroup \
		>"$TRY/cgroups"
	[ -s "$TRY/cgroups" ] || die "no cgroup hierarchy is mounted" \
		"(see /proc/self/mountinfo); mount cgroup2 on /sys/fs/cgroup"
}

# Hand what controllers there are to the groups below.
cgroup_enable()
{
	local controller

	for controller in $(<"$1/cgroup.controllers"); do
		echo "+$controller" 2>/dev/null >"$1/cgroup.subtree_control" || :
	done
}

cgroup_cpuset()
{
	local file

	for file in cpuset.cpus cpuset.mems; do
		[ -n "$(<"$1/$file")" ] || cat "$1/../$file" >"$1/$file"
	done
	echo 1 >"$1/cgroup.clone_children"
}

cgroup_make()
{
	local kind controllers dir group

	while read -r kind controllers dir; do
		for group in "$dir" "$dir/$1"; do
			[ -d "$group" ] || mkdir "$group" ||
				die "cannot make a cgroup in $(dirname "$group")"
			[[ ,$controllers, != *,cpuset,* ]] ||
				cgroup_cpuset "$group"
		done
		[ "$kind" != v2 ] || cgroup_enable "$dir"
	done <"$TRY/cgroups"
}

# Put the calling process into a host's groups.
cgroup_join_host()
{
	local kind controllers dir

	while read -r kind controllers dir; do
		echo "$BASHPID" >"$dir/$1/cgroup.procs"
	done <"$TRY/cgroups"
}

# Put the calling process into the groups of another one.
cgroup_join_pid()
{
	local kind controllers mount group

	while read -r kind controllers mount group; do
		echo "$BASHPID" >"$mount$group/cgroup.procs"
	done < <(cgroup_table /proc/self/mountinfo "/proc/$1/cgroup")
}

# Our groups, wherever they are: those that were planned, and those that a
# cluster without a state directory has left.
cgroup_dirs()
{
	local kind controllers mount group

	{
		[ ! -s "$TRY/cgroups" ] || awk '{ print $3 }' "$TRY/cgroups"
		while read -r kind controllers mount group; do
			find "$mount" -maxdepth 6 -type d -name "$TRY_CGROUP" \
				-prune
		done < <(cgroup_table /proc/self/mountinfo /proc/self/cgroup)
	} | sort -u
}

# Every process of our groups (of one host, if given).
cgroup_pids()
{
	local dir

	for dir in $(cgroup_dirs); do
		find "$dir${1:+/$1}" -name cgroup.procs \
			-exec cat {} + 2>/dev/null || :
	done | sort -u
}

# Empty groups only; what is not empty yet makes it fail.
cgroup_remove()
{
	local dir

	for dir in $(cgroup_dirs); do
		[ ! -d "$dir" ] || find "$dir" -depth -type d \
			-exec rmdir {} + 2>/dev/null || return 1
	done
}
