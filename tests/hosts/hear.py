#!/usr/bin/python3
"""hear - what an application tells the network, and when.

    hear.py PORT LOG      datagrams with a word in them; append each to LOG as
                          "MICROSECONDS WORD", by the clock of who hears it
"""
import socket
import sys
import time


def main(port, path):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ear, \
            open(path, "a", encoding="ascii", buffering=1) as log:
        ear.bind(("", int(port)))
        while True:
            word = ear.recv(64).decode("ascii", "replace").strip()
            print(time.time_ns() // 1000, word, file=log)


if __name__ == "__main__":
    main(*sys.argv[1:])
