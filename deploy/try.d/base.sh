# base - names, places, messages.
# shellcheck shell=bash disable=SC2034 # used by the other files

readonly TRY_NAME=${ENCAP_TRY_NAME:-}
readonly TRY=${ENCAP_TRY_DIR:-/var/lib/encap-try${TRY_NAME:+-$TRY_NAME}}
TRY_SOURCE=$(dirname "$TRY_HERE")
readonly TRY_SOURCE
# Names on this machine begin with the cluster's; inside it is always hv1.
readonly TRY_PREFIX=${TRY_NAME:+$TRY_NAME-}
readonly TRY_CGROUP=encap-try${TRY_NAME:+-$TRY_NAME}
readonly TRY_PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

say() { echo "try: $*"; }

die()
{
	echo "try: $*" >&2
	exit 1
}

now_ms()
{
	local t=$EPOCHREALTIME

	echo $((${t/[.,]/} / 1000))
}

# wait_for MILLISECONDS COMMAND...: until it succeeds; fails when it is late.
wait_for()
{
	local end=$(($(now_ms) + $1))

	shift
	until "$@"; do
		[ "$(now_ms)" -lt $end ] || return 1
		sleep 0.02
	done
}

# One structural change at a time. The directory may have been removed by the
# one we waited for.
lock()
{
	while :; do
		mkdir -p "$TRY"
		exec 9<"$TRY"
		flock 9
		[ ! "/proc/$$/fd/9" -ef "$TRY" ] || return 0
	done
}

unlock() { exec 9<&-; }

# The hosts that there are, in order: names of directories.
hosts()
{
	local dir

	for dir in "$TRY"/hv[0-9]*/; do
		[ ! -d "$dir" ] || basename "$dir"
	done | sort -V
}

need_host()
{
	[[ $1 =~ ^hv[0-9]+$ && -d $TRY/$1 ]] ||
		die "there is no host '$1'; there are: $(hosts | xargs)"
}

# The start time of a process, which tells it from a later one of the same pid.
started()
{
	local stat

	read -r stat 2>/dev/null <"/proc/$1/stat" || return 1
	stat=${stat##*) }
	# shellcheck disable=SC2086 # its words
	set -- $stat
	[ "$1" != Z ] && echo "${20}"
}

# The first process of a host, or of the container of that name; fails if it
# does not run.
host_pid()
{
	local pid start

	read -r pid start 2>/dev/null <"$TRY/$1/pid" || return 1
	[ "$(started "$pid")" = "$start" ] && echo "$pid"
}
