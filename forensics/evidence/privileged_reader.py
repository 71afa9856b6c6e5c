#!/usr/bin/python3 -I
"""Reads one drive for a user who may not: started by pkexec as root, it opens the drive and stops being root.

    privileged-reader /dev/sdX

It refuses everything but a removable or USB drive that nothing else uses, or a loop device whose file the user can read
anyway. It opens for reading only and claims the drive, so that nothing can mount it; it takes on the user and group of
who called, gives up all other rights for good, and only then reads. Requests come on standard input, answers go to
standard output; it ends when the input ends.

Standard library only, and none of DriveCustody: what runs as root should be read in one sitting. Every number is
little-endian. Request: 4 bytes `DCRQ`, offset (8), length (4); length 0 asks for the size. Answer: 4 bytes `DCRA`,
offset (8), length (4), errno (4), then `length` bytes. The first answer is unasked: its offset is the size of the
drive, its length 16, and its bytes are sector size (4), flags (4; 1 = past the page cache, 2 = kernel's read-only flag
set) and st_rdev (8). Standard error has one line where it refuses. Status: 0 done, 2 refused, 3 garbage on its input.
"""

import ctypes
import errno
import fcntl
import mmap
import os
import re
import signal
import stat
import struct
import sys
from pathlib import Path

REQUEST = struct.Struct("<4sQI")
ANSWER = struct.Struct("<4sQII")
HELLO = struct.Struct("<IIQ")
MOST = 1 << 20
"""Bytes that one request may ask for."""

BLKROGET, BLKSSZGET, LOOP_GET_STATUS64 = 0x125E, 0x1268, 0x4C05
PR_SET_NO_NEW_PRIVS = 38


class Refusal(Exception):
    pass


def caller() -> tuple[int, int]:
    """User and group of who asked. pkexec and sudo remove these variables and set them themselves."""
    if os.geteuid() != 0:
        raise Refusal("it is started by pkexec, as root")
    given = os.environ.get("PKEXEC_UID") or os.environ.get("SUDO_UID") or ""
    if not re.fullmatch(r"[1-9][0-9]{0,9}", given):
        raise Refusal("there is no calling user, or it is root, who needs no help")
    uid = int(given)
    try:
        # Imported here because it is not there on systems without user names, where no reader runs.
        import pwd

        return uid, pwd.getpwuid(uid).pw_gid
    except KeyError as error:
        raise Refusal("the calling user is unknown") from error


def open_drive(path: str) -> int:
    """The drive, open past the page cache. Symbolic links and names outside /dev are refused, and what was opened must
    have the number that was judged, so that no name can be changed in between.
    """
    if not re.fullmatch(r"/dev/[a-z][a-z0-9]{1,31}", path):
        raise Refusal("the name is not that of a drive in /dev")
    try:
        # Asked first, because opening a device of another kind can set something off: a watchdog, a tape.
        node = os.lstat(path)
        if not stat.S_ISBLK(node.st_mode):
            raise Refusal("it is no block device")
        require_exhibit(place_of(node.st_rdev))
        # O_EXCL on a block device claims it: nothing can mount it, or have it mounted, while we read (open(2)).
        drive = os.open(path, os.O_RDONLY | os.O_DIRECT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError as error:
        if error.errno == errno.EBUSY:
            raise Refusal("it is in use: mounted, or held by something else") from error
        raise Refusal(f"the drive cannot be opened: {os.strerror(error.errno or 0)}") from error
    opened = os.fstat(drive)
    if not stat.S_ISBLK(opened.st_mode) or opened.st_rdev != node.st_rdev:
        raise Refusal("another drive stands under that name by now")
    return drive


def place_of(number: int) -> Path:
    """The folder in sysfs of a drive, and of the whole drive where the number is that of a partition."""
    place = Path(f"/sys/dev/block/{os.major(number)}:{os.minor(number)}").resolve()
    return place.parent if (place / "partition").exists() else place


def require_exhibit(place: Path) -> None:
    """Refuses what is no removable or USB drive. A loop device passes here and is judged by its file later."""
    try:
        removable = (place / "removable").read_text().strip() == "1"
    except OSError:
        removable = False
    if not (removable or re.search(r"/usb[0-9]+/", str(place)) or (place / "loop").is_dir()):
        raise Refusal("it is neither a removable nor a USB drive")


def become(uid: int, gid: int) -> None:
    """Takes on the user for good: no other groups, no saved rights, no way to new ones."""
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise Refusal("the rights to new rights cannot be given up")
    if os.getresuid() != (uid, uid, uid) or os.getresgid() != (gid, gid, gid) or os.getgroups():
        raise Refusal("the rights of root could not be given up")
    try:
        os.setuid(0)
    except OSError:
        return
    raise Refusal("the rights of root came back")


def require_file_of_caller(drive: int) -> None:
    """As the user: the file behind a loop device must be one that the user can read without us."""
    loop = place_of(os.fstat(drive).st_rdev) / "loop"
    if not loop.is_dir():
        return
    device, inode = struct.unpack_from("<QQ", fcntl.ioctl(drive, LOOP_GET_STATUS64, bytes(232)))
    try:
        name = (loop / "backing_file").read_bytes()
        backing = os.open(name.removesuffix(b"\n"), os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise Refusal("the file behind the loop device may not be read by the calling user") from error
    found = os.fstat(backing)
    os.close(backing)
    if (found.st_dev, found.st_ino) != (device, inode):
        raise Refusal("the file behind the loop device is another one by now")


def exactly(stream: int, count: int) -> bytes:
    """`count` bytes, or none where the stream ends before the first."""
    data = b""
    while len(data) < count:
        more = os.read(stream, count - len(data))
        if not more:
            if data:
                raise Refusal("the request ends in its middle")
            return b""
        data += more
    return data


def send(data: memoryview) -> None:
    while len(data):
        data = data[os.write(1, data) :]


def serve(drive: int) -> None:
    sector = int.from_bytes(fcntl.ioctl(drive, BLKSSZGET, bytes(4)), "little")
    size = os.lseek(drive, 0, os.SEEK_END)
    flags = 1 | (2 if fcntl.ioctl(drive, BLKROGET, bytes(4)) != bytes(4) else 0)
    hello = HELLO.pack(sector, flags, os.fstat(drive).st_rdev)
    send(memoryview(ANSWER.pack(b"DCRA", size, len(hello), 0) + hello))
    # An anonymous map begins at a page, as reads past the page cache require.
    with mmap.mmap(-1, MOST) as room, memoryview(room) as buffer:
        while request := exactly(0, REQUEST.size):
            magic, offset, length = REQUEST.unpack(request)
            if magic != b"DCRQ" or length > MOST or offset + length > size or offset % sector or length % sector:
                raise Refusal("the request is not one")
            done, failure = 0, 0
            try:
                if length == 0:
                    offset = os.lseek(drive, 0, os.SEEK_END)
                while done < length:
                    count = os.preadv(drive, [buffer[done:length]], offset + done)
                    if count == 0:
                        break
                    done += count
            except OSError as error:
                done, failure = 0, error.errno or errno.EIO
            send(memoryview(ANSWER.pack(b"DCRA", offset, done, failure)))
            send(buffer[:done])


def main(arguments: list[str]) -> int:
    try:
        if len(arguments) != 1:
            raise Refusal("it takes the name of one drive")
        # Ctrl-C reaches everybody at the terminal. Who called decides; then the input ends, and so does this.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        os.chdir("/")
        os.closerange(3, 1024)
        uid, gid = caller()
        drive = open_drive(arguments[0])
        become(uid, gid)
        require_file_of_caller(drive)
    except (Refusal, OSError) as refusal:
        print(f"privileged-reader: {refusal}", file=sys.stderr)
        return 2
    try:
        serve(drive)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    except (Refusal, OSError) as refusal:
        print(f"privileged-reader: {refusal}", file=sys.stderr)
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
