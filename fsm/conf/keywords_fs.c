/* The rows of file systems and shares. */
#include "fsm/conf/keywords.h"

// clang-format off
#define FS_MOUNTED "ext2 ext3 ext4 xfs btrfs bind tmpfs"
#define FS_DEVICE  "ext2 ext3 ext4 xfs btrfs bind"
#define FS_MADE    "ext2 ext3 ext4 xfs btrfs"

const struct keyword keywords_fs[] = {
	{ "fs", FS_DEVICE, "dev", STRING, MUST, "the device; for bind the directory" },
	{ "fs", "tmpfs", "dev", STRING, 0, "a name for the mount",
	  .fallback = "tmpfs" },
	{ "fs", FS_MOUNTED, "mnt", STRING, MUST, "the mount point" },
	{ "fs", FS_MOUNTED, "mnt_opt", STRING, 0, "mount options, comma-separated" },
	{ "fs", FS_MOUNTED, "stat_timeout", TIME, 0, "a file system that does not answer for so long is not responding",
	  .fallback = "5s" },
	{ "fs", FS_MOUNTED, "check_read", BOOL, 0, "read from it at every look",
	  .fallback = "false" },
	{ "fs", FS_MOUNTED, "zone", STRING, LATER, "the zone that it is mounted in" },
	{ "fs", FS_MOUNTED, "snap_size", SIZE, LATER, "of its snapshots" },
	{ "fs", "tmpfs", "size", SIZE, 0, "what it may hold at most" },
	{ "fs", FS_MADE, "size", SIZE, LATER, "when it is made" },
	{ "fs", FS_MADE, "vg", STRING, LATER, "the volume group in which its volume is made" },
	{ "fs", FS_MADE, "mkfs_opt", SHLEX, LATER, "options of mkfs" },
	{ "fs", FS_MOUNTED, "user", STRING, 0, "the owner of the mount point" },
	{ "fs", FS_MOUNTED, "group", STRING, 0, "the group of the mount point" },
	{ "fs", FS_MOUNTED, "perm", STRING, 0, "the mode of the mount point, in octal" },
	{ "fs", "directory", "path", STRING, MUST, "the directory" },
	{ "fs", "directory", "user", STRING, 0, "its owner" },
	{ "fs", "directory", "group", STRING, 0, "its group" },
	{ "fs", "directory", "perm", STRING, 0, "its mode, in octal" },
	{ "fs", "directory", "zone", STRING, LATER, "the zone that it is in" },
	{ 0 },
};
// clang-format on
