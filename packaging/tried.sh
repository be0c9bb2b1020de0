#!/bin/bash
# Installs, uses and removes the packages in /packages: scripts/test-package runs this in a system of its own.
set -euo pipefail
export LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive MANPAGER=cat
cd "$(mktemp -d)"

fail() {
  echo "packaging/tried.sh: $1" >&2
  exit 1
}
# says PATTERN COMMAND...: the command succeeds, and a line of what it prints matches.
says() {
  local output
  output=$("${@:2}" 2>&1) || fail "'${*:2}' fails: $output"
  grep -q -- "$1" <<<"$output" || fail "'${*:2}' does not say '$1': $output"
}
# All files but caches, logs, the kernel's, and what this script writes.
files() {
  local left_out='/(proc|sys|tmp|packages|var/cache|var/log)'
  find / -xdev -regextype posix-extended -regex "$left_out" -prune -o -print | sort
}

files >before
dpkg --install /packages/*.deb >log 2>&1 || fail "dpkg cannot install them: $(cat log)"

says '^xalloc 0.*pid' env XALLOC_CONF=verbose:true LD_PRELOAD=libxalloc.so.0 python3 -c ''
says '^42$' env LD_PRELOAD=libxalloc.so.0 python3 -c 'print(6 * 7)'
says '^42$' xalloc run python3 -c 'print(6 * 7)'
says 'libxalloc.so' xalloc run --verbose true
says '/bin/ls' xalloc doctor /bin/ls
says '^ *xalloc .*/libxalloc.so' xalloc list xalloc
says '0 broken' xalloc check xalloc --promises malloc,operators,foreign
says 'Run a program under an allocator' man xalloc-run
says 'LD_PRELOAD=libxalloc.so.0' man 7 libxalloc
says 'background_thread:' man 5 xalloc.conf
says 'libxalloc.a' pkg-config --cflags --libs xalloc
[[ ! -e /usr/share/man/man1/xalloc-bench.1.gz ]] || fail "there is a page of what is not installed"

cat >beside.c <<'PROGRAM'
#include <xalloc.h>
int main(void) { char *text = xalloc_strdup("hello"); xalloc_free(text); return text == 0; }
PROGRAM
# shellcheck disable=SC2046
{ cc -Wall -Werror beside.c -o beside $(pkg-config --cflags --libs xalloc) && ./beside; } \
  || fail "no program with the static library"
echo 'int main(void) { return 0; }' >linked.c
cc linked.c -o linked -Wl,--no-as-needed -lxalloc && says '^xalloc 0' env XALLOC_CONF=verbose:true ./linked

bash -c 'source /usr/share/bash-completion/completions/xalloc
  COMP_WORDS=(xalloc ru) COMP_CWORD=1 COMP_TYPE=9; _clap_complete_xalloc xalloc ru xalloc; [[ ${COMPREPLY[*]} == run ]]' \
  || fail "bash completes nothing"

# Without what programs are built with, the command has its library all the same.
dpkg --purge libxalloc-dev >log 2>&1 || fail "$(cat log)"
says 'libxalloc.so.0' xalloc run --verbose true
dpkg --purge xalloc libxalloc0 >log 2>&1 || fail "dpkg cannot remove them: $(cat log)"
files >after
diff before after || fail "purging them left files, or took some"
