#!/bin/bash
# Whatever a person edits the file with, on a hypervisor or in a container: it
# is everybody's, and nothing of another's is lost.
# deadline: 150
. "$(dirname "$0")/lib.sh"

readonly DIR=/etc/encap/services FILE=/etc/encap/services/web.conf
members=(hv1 hv2 hv3 vm1)

file_of() # MEMBER
{
	case $1 in
	hv*) echo "$STATE/$1$FILE" ;;
	*) echo "$STATE/shared/$1$FILE" ;;
	esac
}

everywhere() # LINE
{
	local m

	for m in "${members[@]}"; do
		grep -qxF "$1" "$(file_of "$m")" || {
			echo "not in the file of $m"
			return 1
		}
	done
}

same_files()
{
	local m

	for m in hv2 hv3 vm1; do
		cmp "$(file_of hv1)" "$(file_of "$m")" || return
	done
}

# with "WHAT" HOST LINE COMMAND: the shell command makes the line so.
with()
{
	on "$2" sh -c "cd $DIR && $4"
	within 3000 "$1 on $2" everywhere "$3"
	edits=$((edits + 1))
}

revisions() { on hv1 encap history web -o json | grep -c '"rev"'; }
leftovers() { on "$1" sh -c "ls -A $DIR" | grep -vx 'web.conf\|.*~' || :; }
edits=1

try up
on hv1 encap set web env.a=0 env.b=0

step "editors"
with "sed -i" hv1 "a = 1" "sed -i 's/^a = .*/a = 1/' web.conf"
with "sed -i" vm1 "b = 1" "sed -i 's/^b = .*/b = 1/' web.conf"
with "a redirect" hv2 "a = 2" \
	"sed 's/^a = .*/a = 2/' web.conf >/tmp/new && cat /tmp/new >web.conf"
with "an append" vm1 "c = 1" "echo 'c = 1' >>web.conf"
with "cp" hv3 "a = 3" \
	"sed 's/^a = .*/a = 3/' web.conf >/tmp/new && cp /tmp/new web.conf"
with "mv" vm1 "b = 2" \
	"sed 's/^b = .*/b = 2/' web.conf >/tmp/new && mv /tmp/new web.conf"
if command -v rsync >/dev/null; then
	with "rsync" vm1 "b = 3" "sed 's/^b = .*/b = 3/' web.conf >/tmp/new &&
		rsync -I /tmp/new web.conf"
	with "rsync in place" hv1 "a = 4" "sed 's/^a = .*/a = 4/' web.conf \
		>/tmp/new && rsync -I --inplace /tmp/new web.conf"
fi
if command -v ex >/dev/null; then
	with "vim" hv2 "a = 5" "ex -s -c '%s/^a = .*/a = 5/' -c wq web.conf"
	with "vim" vm1 "b = 4" "ex -s -c '%s/^b = .*/b = 4/' -c wq web.conf"
	with "vim with a backup" hv3 "a = 6" "ex -s -c 'set backup' \
		-c 'set backupcopy=no' -c '%s/^a = .*/a = 6/' -c wq web.conf"
	with "vim in place" vm1 "b = 5" "ex -s -c 'set backupcopy=yes' \
		-c '%s/^b = .*/b = 5/' -c wq web.conf"
fi
must "all files are the same to the byte" same_files
must "each edit is one revision" equal $((edits + 1)) revisions
must "there is no draft" equal "" \
	eval "on hv1 encap drafts 2>/dev/null | tail -n +2"
within 4000 "nothing of ours is left in the folder" equal "" leftovers hv3

step "two saves in quick succession"
on hv2 sh -c "cd $DIR && sed -i 's/^a = .*/a = 7/' web.conf; sleep 0.2
	sed -i 's/^a = .*/a = 8/' web.conf"
within 3000 "the second holds" everywhere "a = 8"
on vm1 sh -c "cd $DIR && sed -i 's/^b = .*/b = 7/' web.conf
	sed -i 's/^a = .*/a = 9/' web.conf"
within 3000 "both hold" everywhere "a = 9"
must "both hold" everywhere "b = 7"

step "a file in pieces"
on hv1 sh -c "cd $DIR && cp web.conf /tmp/whole && sed -i 's/^a = .*/a = 10/' \
	/tmp/whole && : >web.conf; sleep 0.5; head -n 12 /tmp/whole >web.conf
	printf 'type = l' >>web.conf; sleep 0.5; cat /tmp/whole >web.conf"
within 4000 "the whole of it is the edit" everywhere "a = 10"
must "all files are the same to the byte" same_files
must "there is no draft" equal "" \
	eval "on hv1 encap drafts 2>/dev/null | tail -n +2"

step "saves while other revisions come in"
for i in 1 2 3 4 5 6 7 8; do
	on hv1 encap set web "env.b=2$i" >/dev/null &
	on vm1 sed -i "s/^a = .*/a = 3$i/" "$FILE"
	wait $!
	within 4000 "round $i: the file's" everywhere "a = 3$i"
	within 2000 "round $i: the command's" everywhere "b = 2$i"
done
within 3000 "all files are the same to the byte" same_files
