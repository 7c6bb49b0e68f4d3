#!/usr/bin/env python3
"""Writes order.ld: which functions the linker lays beside each other, because an agent with everything on calls them.

    valgrind --tool=callgrind --demangle=no --callgrind-out-file=calls BINARY run --config FILE     # SIGTERM after some minutes
    deploy/image/order.py BINARY calls... > deploy/image/order.ld

BINARY is what `deploy/image/build --keep-symbols` printed. (valgrind 3.19 has no vDSO, where rustix looks for the size of a page: a seccomp
filter that refuses prctl(PR_GET_AUXV) makes it ask valgrind instead.) What a name ends with, a hash of the compiler and of the crate's version, is
replaced by `*`; a name that no longer exists does no harm, and a function that is not listed only lies with the rest.
"""

import argparse
import collections
import re
import subprocess
import sys

# A module or an implementation is written as one pattern from this share of its bytes on.
MOST = 0.6

HASH = re.compile(r"(?<=17h)[0-9a-f]{16}E.*$")
# The end of a crate's name in the newer form of mangling, which the standard library has.
CRATE = re.compile(r"Cs[0-9A-Za-z]+_")
HEAD = """\
/* Made by order.py: see there. What an agent with everything on calls, from its start on, lies together in the file. Of a file the
   kernel maps 64 KiB around each page that is touched; where the rest lay between, nearly all of it counted as memory. */
SECTIONS
{
  .text.called :
  {
"""
TAIL = """\
  }
}
INSERT BEFORE .text;
"""


def called(paths):
    """The functions in files of callgrind."""
    names = set()
    for path in paths:
        with open(path, encoding="utf-8", errors="replace") as lines:
            for line in lines:
                # A name is told once, with a number that stands for it from there on.
                if match := re.match(r"c?fn=\(\d+\) (\S+)", line):
                    names.add(re.sub(r"'\d+$", "", match[1]))
    return names


def sizes(binary):
    """Functions of the file and their sizes in bytes; those of one name are one."""
    sizes = collections.Counter()
    listing = subprocess.run(["nm", "-S", "--defined-only", binary], check=True, capture_output=True, text=True)
    for line in listing.stdout.splitlines():
        words = line.split()
        if len(words) == 4 and words[2] in "tTwW" and words[3].startswith(("_ZN", "_R")):
            sizes[stem(words[3])] += int(words[1], 16)
    return sizes


def stem(name):
    """A name without what changes with the compiler and with versions."""
    return CRATE.sub("Cs*_", name) if name.startswith("_R") else HASH.sub("", name)


def prefixes(name):
    """The beginnings of a name that stand for more than it, the widest first: modules, or an implementation. No crate is one."""
    if not name.startswith("_ZN"):
        return
    at, parts = 3, 0
    while match := re.match(r"\d+", name[at:]):
        at += len(match[0]) + int(match[0])
        parts += 1
        if at < len(name) and (parts > 1 or "$LT$" in name[:at]):
            yield name[:at]


def patterns(sizes, used):
    """The fewest patterns that take in `used` and little else."""
    whole, part = collections.Counter(), collections.Counter()
    for name, size in sizes.items():
        for prefix in prefixes(name):
            whole[prefix] += size
            part[prefix] += size if name in used else 0
    found = set()
    for name in used:
        wide = (prefix for prefix in prefixes(name) if part[prefix] >= MOST * whole[prefix])
        found.add(next(wide, name))
    return sorted(found)


def line(pattern):
    """The linker's line for a pattern. What is marked as cold has `.text.unlikely.` before its name."""
    return f"    *(.text.*{pattern}*)\n"


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("binary")
    arguments.add_argument("calls", nargs="+")
    arguments = arguments.parse_args()
    of_file = sizes(arguments.binary)
    used = {stem(name) for name in called(arguments.calls)} & of_file.keys()
    if not used:
        sys.exit("order.py: the binary has none of these functions: was it made with --keep-symbols, and called with --demangle=no?")
    print(HEAD, *map(line, patterns(of_file, used)), TAIL, sep="", end="")
    share = sum(of_file[name] for name in used) / sum(of_file.values())
    print(f"{len(used)} names, {share:.0%} of the code's bytes", file=sys.stderr)


if __name__ == "__main__":
    main()
