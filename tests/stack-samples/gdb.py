"""For gdb: compares each stack that the preloaded library has captured with gdb's own, and prints a line of sums.

The library stops at `stack_sample(frames, count)`, called by the function in which it has captured the frames. So our first
frame and gdb's second one are in the same function, at different instructions; from the next one on, the two must be equal.
"""

import os

import gdb

LIMIT = int(os.environ["STACK_SAMPLES"])
# As many as the library captures.
FRAMES = 64
REGISTERS = ("$rdi", "$rsi") if "x86-64" in gdb.execute("show architecture", to_string=True) else ("$x0", "$x1")


def frames_of_gdb():
    """The addresses of gdb's frames that are on the stack. It also shows inlined functions, and those that have left their
    frame to what they called last, where debugging information tells of them."""
    found = []
    frame = gdb.newest_frame()
    while frame is not None and len(found) < FRAMES + 1:
        if frame.type() not in (gdb.INLINE_FRAME, gdb.TAILCALL_FRAME):
            found.append(frame.pc())
        frame = frame.older()
    return found


def frames_of_ours():
    start, count = (int(gdb.parse_and_eval(f"(unsigned long){register}")) for register in REGISTERS)
    data = gdb.selected_inferior().read_memory(start, 8 * count)
    return list(memoryview(data).cast("B").cast("Q"))


class Sample(gdb.Breakpoint):
    stacks = compared = equal = 0
    differences = []

    def stop(self):
        ours, theirs = frames_of_ours()[1:], frames_of_gdb()[2:]
        same = sum(one == other for one, other in zip(ours, theirs))
        Sample.stacks += 1
        Sample.compared += max(len(ours), len(theirs))
        Sample.equal += same
        if same < max(len(ours), len(theirs)) and len(Sample.differences) < 5:
            at = next((at for at, pair in enumerate(zip(ours, theirs)) if pair[0] != pair[1]), min(len(ours), len(theirs)))
            Sample.differences.append((at, named(ours[at - 1 : at + 2]), named(theirs[at - 1 : at + 2])))
        return Sample.stacks >= LIMIT


def named(addresses):
    return [gdb.execute(f"info symbol {address:#x}", to_string=True).strip() or hex(address) for address in addresses]


for setting in ("breakpoint pending on", "backtrace past-main on", "backtrace past-entry on", "backtrace limit unlimited",
                "confirm off", "pagination off", "width 0", "detach-on-fork on", "language c", "print thread-events off"):
    gdb.execute(f"set {setting}")
for signal in ("SIGPIPE", "SIGCHLD", "SIGUSR1", "SIGALRM"):
    gdb.execute(f"handle {signal} nostop noprint pass", to_string=True)
Sample("stack_sample")
gdb.execute("run")
for at, ours, theirs in Sample.differences:
    print(f"difference at frame {at}: ours {ours}, gdb's {theirs}")
print(f"stacks={Sample.stacks} compared={Sample.compared} equal={Sample.equal}")
if gdb.selected_inferior().pid:
    gdb.execute("kill", to_string=True)
