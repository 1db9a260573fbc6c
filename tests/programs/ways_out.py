"""Tries to get out of an attempt's folder in many ways; prints those that worked, one a line, as `out NAME`.

Arguments: a folder that is outside, a file there, a TCP port, a UDP port and a Unix socket on which somebody listens,
an abstract socket's name, the host's process id, the store's folder, the operator's repository, the home.
"""

import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys

outside, kept, tcp, udp, unix, abstract, host, store, repository, home = sys.argv[1:]
host = int(host)
libc = ctypes.CDLL(None, use_errno=True)
ways = {}


def way(attempt):
    ways[attempt.__name__] = attempt
    return attempt


def called(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")


def shell(line):
    subprocess.run(["sh", "-c", line], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def written(path):
    with open(path, "a") as file:
        file.write("out\n")


@way
def write_beside():
    written(os.path.join(os.path.dirname(os.getcwd()), "beside"))


@way
def write_outside():
    written(os.path.join(outside, "new"))


@way
def append_outside():
    written(kept)


@way
def read_outside():
    open(kept).read()


@way
def list_outside():
    os.listdir(outside)


@way
def truncate_outside():
    os.truncate(kept, 0)


@way
def open_with_truncation():
    os.open(kept, os.O_WRONLY | os.O_TRUNC)


@way
def remove_outside():
    os.unlink(kept)


@way
def make_folder_outside():
    os.mkdir(os.path.join(outside, "folder"))


@way
def remove_folder_outside():
    os.rmdir(os.path.join(outside, "empty"))


@way
def symbolic_link():
    os.symlink(kept, "link")
    written("link")


@way
def symbolic_link_to_folder():
    os.symlink(outside, "folder")
    written("folder/new")


@way
def hard_link_in():
    os.link(kept, "hard")


@way
def hard_link_out():
    open("own", "w").close()
    os.link("own", os.path.join(outside, "hard"))


@way
def rename_out():
    open("own", "w").close()
    os.rename("own", os.path.join(outside, "moved"))


@way
def rename_in():
    os.rename(kept, "taken")


@way
def climb():
    written("../" * 20 + kept.lstrip("/"))


@way
def by_proc_root():
    written("/proc/self/root" + kept)


@way
def by_proc_cwd():
    written("/proc/self/cwd/../" * 1 + "../" * 20 + kept.lstrip("/"))


@way
def by_host_root():
    open(f"/proc/{host}/root{kept}").read()


@way
def by_host_folder():
    os.listdir(f"/proc/{host}/cwd/")


@way
def environment_of_host():
    open(f"/proc/{host}/environ").read()


@way
def memory_of_host():
    os.open(f"/proc/{host}/mem", os.O_RDWR)


@way
def descriptors_of_host():
    os.listdir(f"/proc/{host}/fd")
    for number in os.listdir(f"/proc/{host}/fd"):
        os.open(f"/proc/{host}/fd/{number}", os.O_RDONLY)


@way
def inherited_descriptors():
    for number in range(3, 256):
        try:
            target = os.readlink(f"/proc/self/fd/{number}")
        except OSError:
            continue
        if target.startswith("/") and not target.startswith(os.getcwd()) and target != "/dev/null":
            return
    raise OSError("none")


@way
def folder_descriptor():
    folder = os.open("/", os.O_PATH)
    os.open(kept.lstrip("/"), os.O_RDWR, dir_fd=folder)


@way
def ssh_keys():
    open(os.path.join(home, ".ssh/id")).read()


@way
def cloud_keys():
    open(os.path.join(home, ".aws/credentials")).read()


@way
def write_shell_profile():
    written(os.path.join(home, ".bashrc"))


@way
def read_store():
    open(os.path.join(store, "baton.db"), "rb").read(16)


@way
def write_store():
    written(os.path.join(store, "baton.lock"))


@way
def list_store():
    if not os.listdir(store):
        raise OSError("it is hidden")


@way
def configuration():
    written(os.path.join(os.path.dirname(store), "baton.toml"))


@way
def socket_of_host():
    with socket.socket(socket.AF_UNIX) as stream:
        stream.connect(os.path.join(store, "baton.sock"))


@way
def git_hook():
    written(os.path.join(repository, ".git/hooks/post-merge"))


@way
def git_config():
    shell(f"git -C '{repository}' config core.hooksPath /tmp/evil")


@way
def global_git_config():
    shell("git config --global core.hooksPath /tmp/evil")


@way
def git_objects():
    written(os.path.join(repository, ".git/objects/evil"))


@way
def git_branch():
    shell(f"git -C '{repository}' update-ref refs/heads/evil HEAD")


@way
def trace_host():
    called(libc.ptrace(16, host, 0, 0))


@way
def kill_host():
    os.kill(host, signal.SIGCONT)


@way
def kill_supervisor():
    parent = os.getppid()
    if parent == 1:
        raise OSError("none")
    os.kill(parent, signal.SIGCONT)


@way
def kill_from_a_daemon():
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            try:
                os.kill(host, signal.SIGCONT)
                os._exit(7)
            except OSError:
                os._exit(0)
        os._exit(os.waitstatus_to_exitcode(os.wait()[1]))
    if os.waitstatus_to_exitcode(os.wait()[1]) != 7:
        raise OSError("refused")


@way
def connect_tcp():
    socket.create_connection(("127.0.0.1", int(tcp)), 2)


@way
def connect_tcp_6():
    socket.create_connection(("::1", int(tcp)), 2)


@way
def send_udp():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagram:
        datagram.sendto(b"out", ("127.0.0.1", int(udp)))


@way
def ask_dns():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagram:
        datagram.sendto(b"out", ("127.0.0.1", 53))


@way
def raw_socket():
    socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)


@way
def packet_socket():
    socket.socket(socket.AF_PACKET, socket.SOCK_RAW)


@way
def multipath_tcp():
    socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262)


@way
def ring():
    called(libc.syscall(425, 8, ctypes.create_string_buffer(256)))


@way
def connect_unix():
    with socket.socket(socket.AF_UNIX) as stream:
        stream.connect(unix)


@way
def connect_abstract():
    with socket.socket(socket.AF_UNIX) as stream:
        stream.connect("\0" + abstract)


@way
def others_temporary():
    os.listdir("/tmp")


@way
def write_temporary():
    written("/tmp/baton-evil")


@way
def shared_memory():
    written("/dev/shm/baton-evil")


@way
def change_mode():
    os.chmod(kept, 0o777)


@way
def change_mode_of_folder():
    os.chmod(outside, 0o777)


@way
def change_owner():
    os.chown(kept, os.getuid(), os.getgid())


@way
def change_times():
    os.utime(kept, (1, 1))


@way
def extended_attribute():
    os.setxattr(kept, "user.evil", b"out")


@way
def make_device():
    os.mknod("device", 0o600 | 0o060000, os.makedev(7, 0))


@way
def make_pipe_outside():
    os.mkfifo(os.path.join(outside, "pipe"))


@way
def mount_something():
    os.makedirs("mounted", exist_ok=True)
    called(libc.mount(b"none", b"mounted", b"tmpfs", 0, None))


@way
def bind_outside():
    os.makedirs("bound", exist_ok=True)
    called(libc.mount(outside.encode(), b"bound", None, 4096, None))


@way
def unmount():
    called(libc.umount2(os.getcwd().encode(), 2))


@way
def remount():
    called(libc.mount(None, b"/", None, 32 | 4096, None))


@way
def change_root():
    os.chroot(".")


@way
def new_namespaces():
    called(libc.unshare(0x10000000 | 0x00020000))
    called(libc.mount(None, b"/", None, 32 | 4096, None))


@way
def join_namespace_of_host():
    descriptor = os.open(f"/proc/{host}/ns/mnt", os.O_RDONLY)
    called(libc.setns(descriptor, 0))


@way
def terminal():
    os.open("/dev/tty", os.O_RDWR)


@way
def kernel_settings():
    os.open("/proc/sys/kernel/hostname", os.O_WRONLY)


@way
def copy_out():
    shutil.copytree(".", os.path.join(outside, "copy"))


@way
def shell_redirect():
    shell(f"echo out > '{outside}/shell'")


print("tried", len(ways), flush=True)
own = set(os.listdir("."))
for name, attempt in ways.items():
    try:
        attempt()
    except (OSError, subprocess.CalledProcessError, shutil.Error):
        continue
    print("out", name, flush=True)
