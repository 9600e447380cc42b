"""type.py LINE SHELL ARGUMENT...: types LINE and a tab into an interactive
shell, after what standard input has for it; prints the line that then stands
at the prompt."""
import os
import pty
import re
import select
import sys
import time


def read_until(fd, done, seconds):
    text, end = "", time.monotonic() + seconds
    while time.monotonic() < end:
        if select.select([fd], [], [], 0.1)[0]:
            try:
                text += os.read(fd, 4096).decode(errors="replace")
            except OSError:  # it has ended
                break
        elif done(text):
            break
    return text


def plain(text):
    text = re.sub(r"\x1b(\[[0-9;?]*[a-zA-Z]|[=>])", "", text)
    while re.search(r"[^\x08]\x08", text):
        text = re.sub(r"[^\x08]\x08", "", text)
    return text.replace("\r", "").replace("\a", "")


def main():
    line, shell = sys.argv[1], sys.argv[2:]
    setup = " ; ".join(sys.stdin.read().strip().splitlines())
    pid, fd = pty.fork()
    if pid == 0:
        os.environ["TERM"] = "dumb"
        os.execvp(shell[0], shell)
    os.write(fd, (setup + " ; echo REA''DY\n").encode())
    read_until(fd, lambda t: "READY" in t, 10)
    os.write(fd, (line + "\t").encode())
    shown = plain(read_until(fd, lambda t: len(plain(t)) > len(line), 5))
    os.write(fd, b"\x15exit\n")
    read_until(fd, lambda t: False, 0.2)
    os.close(fd)
    os.waitpid(pid, 0)
    print(shown.strip().splitlines()[-1].removeprefix("% ").rstrip())


main()
