# For the scripts beside this file: what `xalloc bench` runs as workloads. ALLOCATOR is the library to preload, or empty.

# needs PROGRAM…: leaves with 77, "skipped", if one is missing.
needs() {
  for program in "$@"; do
    if ! command -v "$program" >/dev/null; then
      echo "$program is not installed" >&2
      exit 77
    fi
  done
}

# under PROGRAM ARGUMENT…: runs it under the allocator.
under() {
  env ${ALLOCATOR:+LD_PRELOAD="$ALLOCATOR"} "$@"
}
