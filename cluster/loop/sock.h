/*
 * sock - unix sockets: listening, connecting, and who is at the other end.
 */
#pragma once

#include <sys/types.h>
#include <uv.h>

#include "store/err.h"

/* A listening socket with @mode at @path, whatever was there before. Any
 * length of @path will do. Returns the descriptor. */
int unix_listen(const char *path, mode_t mode, struct err *err);
/* At once, or -EAGAIN, -ECONNREFUSED, -ENOENT, ... Returns the descriptor. */
int unix_connect(const char *path, struct err *err);
/* Who is at the other end of @fd. */
int unix_peer(int fd, uid_t *ret_uid, pid_t *ret_pid, struct err *err);

/* A listening socket on the loop. libuv's own listeners give no descriptor
 * before the connection is a handle, and this one is looked at first. */
struct listener {
	/* Set by the user before listener_open(): */
	void *data;
	void (*on_client)(void *data, int fd); /* owns @fd */

	uv_poll_t poll;
	int fd, spare; /* spare: to be able to turn clients away */
	void (*on_closed)(void *data);
};

int listener_open(struct listener *l, uv_loop_t *loop, const char *path,
		  mode_t mode, struct err *err);
/* The struct must live until @on_closed, which may be NULL. */
void listener_close(struct listener *l, void (*on_closed)(void *data));
