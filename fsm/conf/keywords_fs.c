/* The rows of file systems and shares. */
#include "fsm/conf/keywords.h"

// clang-format off
/* Made by mkfs, by the drivers of this version and by others. */
#define FS_MADE_HERE "ext2 ext3 ext4 xfs btrfs"
#define FS_MADE_ELSE "vfat reiserfs jfs jfs2 ufs vxfs advfs gfs gfs2 ocfs2"
#define FS_MADE      FS_MADE_HERE " " FS_MADE_ELSE
/* What is mounted from something. */
#define FS_OTHER     FS_MADE_ELSE " zfs nfs nfs4 cifs smbfs 9p"
#define FS_DEVICE    FS_MADE_HERE " bind"
#define FS_MOUNTED   FS_DEVICE " tmpfs " FS_OTHER " shm"

const struct keyword keywords_fs[] = {
	{ "fs", FS_DEVICE, "dev", STRING, MUST, "the device; for bind the directory",
	  .more = "A block device, LABEL=NAME, UUID=NUMBER, or a file that holds a file system; "
	  "for bind a directory or a file." },
	{ "fs", "tmpfs", "dev", STRING, 0, "a name for the mount",
	  .fallback = "tmpfs",
	  .more = "Shown in the list of mounts." },
	{ "fs", FS_MOUNTED, "mnt", STRING, MUST, "the mount point",
	  .more = "An absolute path; the directory is made if it is not there. File systems "
	  "start in the order of the depth of their mount points, and stop in the reverse." },
	{ "fs", FS_MOUNTED, "mnt_opt", STRING, 0, "mount options, comma-separated",
	  .more = "As mount -o has them, as in 'noatime,nodev'." },
	{ "fs", FS_MOUNTED, "stat_timeout", TIME, 0, "a file system that does not answer for so long is not responding",
	  .fallback = "5s", .from = FROM_V23,
	  .more = "The look is done aside, so that a dead server does not stop the agent. It "
	  "shows warn then." },
	{ "fs", FS_MOUNTED, "check_read", BOOL, 0, "read from it at every look",
	  .fallback = "false", .from = FROM_V23,
	  .more = "false: it is only looked whether it is mounted and can be written to." },
	{ "fs", FS_MOUNTED, "zone", STRING, LATER, "the zone that it is mounted in",
	  .more = "The name of a container#, below whose root the mount point is." },
	{ "fs", FS_MOUNTED, "snap_size", SIZE, LATER, "how large its snapshots are",
	  .more = "By default a tenth of the volume." },
	{ "fs", "tmpfs", "size", SIZE, 0, "what it may hold at most",
	  .more = "Half of the memory if it is not given." },
	{ "fs", FS_MADE, "size", SIZE, LATER, "how large it is made",
	  .more = "An amount, or a share as LVM has it: '10g', '50%FREE'." },
	{ "fs", FS_MADE, "vg", STRING, LATER, "the volume group in which its volume is made",
	  .depends = "size",
	  .more = "The volume is made in it before the file system is." },
	{ "fs", FS_MADE_HERE, "mkfs_opt", SHLEX, 0, "options of mkfs",
	  .more = "As in '-L data -m 1'. What holds data is not formatted unless mkfs's own word "
	  "for that is among them: -F of ext*, -f of xfs and btrfs." },
	{ "fs", FS_MADE_ELSE, "mkfs_opt", SHLEX, LATER, "options of mkfs",
	  .more = "As in '-L data -m 1'." },
	{ "fs", FS_MOUNTED, "user", STRING, 0, "the owner of the mount point",
	  .from = FROM_V23,
	  .more = "A name or number; set when it is mounted, warned of when it has changed." },
	{ "fs", FS_MOUNTED, "group", STRING, 0, "the group of the mount point",
	  .from = FROM_V23,
	  .more = "A name or number." },
	{ "fs", FS_MOUNTED, "perm", STRING, 0, "the mode of the mount point, in octal",
	  .from = FROM_V23,
	  .more = "As in 0755." },
	{ "fs", "directory", "path", STRING, MUST, "the directory",
	  .from = FROM_V23,
	  .more = "An absolute path; made when it starts, and left when it stops." },
	{ "fs", "directory", "user", STRING, 0, "its owner",
	  .from = FROM_V23,
	  .more = "A name or number; set when it starts, warned of when it has changed." },
	{ "fs", "directory", "group", STRING, 0, "its group",
	  .from = FROM_V23,
	  .more = "A name or number." },
	{ "fs", "directory", "perm", STRING, 0, "its mode, in octal",
	  .from = FROM_V23,
	  .more = "As in 0755." },
	{ "fs", "directory", "zone", STRING, LATER, "the zone that it is in",
	  .from = FROM_V23,
	  .more = "The name of a container#, below whose root the path is." },
	{ "fs", FS_OTHER, "dev", STRING, MUST, "what is mounted",
	  .more = "A device, LABEL=NAME, UUID=NUMBER, a dataset of ZFS, SERVER:PATH of NFS, "
	  "//SERVER/SHARE." },
	{ "fs", "shm", "dev", STRING, 0, "a name for the mount",
	  .fallback = "shm", .from = FROM_V23,
	  .more = "Shown in the list of mounts." },
	{ "fs", "zfs", "size", SIZE, 0, "the quota of the dataset, when it is made",
	  .from = FROM_V23,
	  .more = "An amount, as in 10g." },
	{ "fs", "zfs", "refquota", STRING, 0, "its refquota",
	  .fallback = "x1", .depends = "size", .from = FROM_V23,
	  .more = "An amount, or xN: so many times its size." },
	{ "fs", "zfs", "quota", STRING, 0, "its quota",
	  .depends = "size", .from = FROM_V23,
	  .more = "An amount, or xN: so many times its refquota." },
	{ "fs", "zfs", "reservation", STRING, 0, "its reservation",
	  .depends = "size", .from = FROM_V23,
	  .more = "An amount, or xN." },
	{ "fs", "zfs", "refreservation", STRING, 0, "its refreservation",
	  .depends = "size", .from = FROM_V23,
	  .more = "An amount, or xN." },
	{ "fs", "zfs", "mkfs_opt", SHLEX, 0, "options of zfs create",
	  .more = "As in '-o compression=lz4'." },
	{ "fs", "shm", "size", SIZE, 0, "what it may hold at most",
	  .from = FROM_V23,
	  .more = "Half of the memory if it is not given." },
	{ "fs", "docker", "name", STRING, 0, "the volume, as Docker names it",
	  .from = FROM_V2,
	  .more = "By default made from the names of service and resource." },
	{ "fs", "docker", "driver", STRING, 0, "Docker's driver of the volume",
	  .fallback = "local", .from = FROM_V2,
	  .more = "As in local." },
	{ "fs", "docker", "options", SHLEX, 0, "options of that driver",
	  .from = FROM_V2,
	  .more = "KEY=VALUE words." },

	{ "share", "nfs", "path", STRING, MUST, "the directory",
	  .more = "An absolute path, most often the mount point of an fs#: {fs#1.mnt}." },
	{ "share", "nfs", "opts", STRING, MUST, "to whom it is exported, as CLIENT(OPTIONS) words",
	  .more = "As in '10.0.0.0/24(rw,sync) backup(ro)'. Each client is exported to "
	  "alone; the status is warn if not all of them are." },
	{ 0 },
};
// clang-format on
