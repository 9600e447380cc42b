/*
 * drivers - the names of the kinds, for the registry alone. Everybody else
 * goes through driver_table and driver_find().
 */
#pragma once

#include "drivers/driver.h"

extern const struct driver driver_app_forking;
extern const struct driver driver_app_sim;
extern const struct driver driver_app_simple;
extern const struct driver driver_container_lxc;
extern const struct driver driver_container_sim;
extern const struct driver driver_disk_loop;
extern const struct driver driver_fs_bind;
extern const struct driver driver_fs_btrfs;
extern const struct driver driver_fs_directory;
extern const struct driver driver_fs_ext2;
extern const struct driver driver_fs_ext3;
extern const struct driver driver_fs_ext4;
extern const struct driver driver_fs_flag;
extern const struct driver driver_fs_tmpfs;
extern const struct driver driver_fs_xfs;
extern const struct driver driver_ip_host;
extern const struct driver driver_sync_rsync;
extern const struct driver driver_task_host;
