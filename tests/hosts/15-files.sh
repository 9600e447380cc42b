#!/bin/bash
# The env file as a real file: removed, made unwritable, on a full disk, new.
# deadline: 120
. "$(dirname "$0")/lib.sh"

readonly DIR=/etc/encap/services FILE=/etc/encap/services/web.conf

value() { on "$1" encap get web "$2"; }
line_in() { on "$1" grep -qx "$2" $FILE; }
mode() { on "$1" stat -c %a $FILE; }
drafts() { on "$1" encap drafts 2>/dev/null | tail -n +2; }

try up
on hv1 encap set web env.a=0 env.b=0
within 2000 "the file has it" line_in vm1 "a = 0"

step "removed"
on hv2 rm $FILE
within 3000 "the file is back" line_in hv2 "a = 0"
within 2000 "and the events say how to delete" \
	contains "encap delete web" on hv1 encap events web
on vm1 rm $FILE
within 3000 "in the container, too" line_in vm1 "a = 0"
must "the service is as it was" equal up field hv1 web avail

step "chmod"
on hv1 chmod 640 $FILE
on hv2 encap set web env.a=1
within 2000 "another revision is written" line_in hv1 "a = 1"
must "the mode holds" equal 640 mode hv1

step "backups, and what editors leave"
on hv3 sh -c "cd $DIR && cp web.conf web.conf~ && cp web.conf .web.conf.swp &&
	cp web.conf '#web.conf#'"
on hv3 sed -i.bak 's/^b = .*/b = 1/' $FILE
within 2000 "the edit is everybody's" equal 1 value hv1 env.b
sleep 1
must "they are left alone" on hv3 sh -c "cd $DIR && ls web.conf~ .web.conf.swp \
	'#web.conf#' web.conf.bak"
must "and are no drafts" equal "" drafts hv1

step "a folder that is read-only"
on hv2 mount --bind $DIR $DIR
on hv2 mount -o remount,ro,bind $DIR
on hv1 encap set web env.a=2
sleep 3
must "the file stays" line_in hv2 "a = 1"
must "the agent answers" equal 2 value hv2 env.a
on hv2 umount $DIR
within 5000 "then it is written" line_in hv2 "a = 2"
must "there is no draft of it" equal "" drafts hv1
must "and no other revision" equal 2 value hv1 env.a

step "a disk that is full"
on hv3 mount -t tmpfs -o size=64k none $DIR
within 8000 "the folder is another: the file is there" line_in hv3 "a = 2"
on hv3 sh -c "head -c 200000 /dev/zero >$DIR/fill" 2>/dev/null || :
on hv1 encap set web env.a=3
on hv3 sh -c "sed 's/^b = .*/b = 7/' $FILE >/tmp/new; cat /tmp/new >$FILE" \
	2>/dev/null || :
sleep 3
on hv3 rm $DIR/fill
within 10000 "with room again the file is the head" line_in hv3 "a = 3"
within 5000 "an edit is one again" eval \
	"on hv3 sed -i 's/^b = .*/b = 8/' $FILE; sleep 1;
	equal 8 value hv1 env.b"
within 3000 "everywhere" line_in vm1 "b = 8"

step "edits while the agent is stopped"
pid=$(agent_pid hv2)
on hv2 kill -STOP "$pid"
on hv2 sed -i 's/^b = .*/b = 9/' $FILE
on hv1 encap set web env.a=9
on hv2 kill -KILL "$pid"
within 10000 "they are merged with what came meanwhile" equal 9 value hv1 env.b
must "both hold" equal 9 value hv1 env.a
within 3000 "and both are in the file" \
	eval "line_in hv2 'a = 9' && line_in hv2 'b = 9'"

step "a new file"
printf '[DEFAULT]\nnodes = hv1 hv2\n\n[env]\nx = 1\n' |
	on hv3 sh -c "cat >$DIR/mail.conf"
within 15000 "it is an offer, everywhere" contains "mail.conf" drafts hv1
must "the service is made of it" on hv1 encap create mail --draft
must "as it was offered" equal 1 on hv2 encap get mail env.x
within 8000 "the offer is gone" equal "" drafts hv2
must_fail 3 "without an offer there is nothing" \
	on hv1 encap create news --draft
