#!/usr/bin/python3
"""watch - on which hosts the processes of a container are, as the kernel has it.

    watch.py --once STATE NAME          print the hosts
    watch.py STATE NAME LOG             look every 20 ms, append changes to LOG
                                        as "MILLISECONDS HOST HOST..."

Looks at the control groups that LXC makes for a container, in the directory of
each host, so it does not depend on anything that an agent says.
"""
import glob
import os
import sys
import time


def group_dirs(state):
    with open(os.path.join(state, "cgroups"), encoding="ascii") as f:
        return [line.split()[2] for line in f]


def has_process(top):
    for folder, _, _ in os.walk(top):
        try:
            with open(os.path.join(folder, "cgroup.procs"),
                      encoding="ascii") as f:
                if f.read(1):
                    return True
        except OSError:
            pass
    return False


def hosts(base, name):
    found = set()
    for path in glob.glob(f"{base}/hv*/lxc.payload.{name}*"):
        if has_process(path):
            found.add(os.path.relpath(path, base).split("/")[0])
    return sorted(found)


def main(args):
    once = args[0] == "--once"
    state, name = args[1:3] if once else args[0:2]
    base = group_dirs(state)[0]
    if once:
        print(*hosts(base, name))
        return
    before = None
    with open(args[2], "a", encoding="ascii", buffering=1) as log:
        while True:
            now = hosts(base, name)
            if now != before:
                print(int(time.time() * 1000), *now, file=log)
                before = now
            time.sleep(0.02)


if __name__ == "__main__":
    main(sys.argv[1:])
