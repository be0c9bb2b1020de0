# For every script: where the checkout is, and how a script says that it was called wrongly.

# By its real path, for scripts that are reached by a symbolic link.
checkout=$(dirname "$(dirname "$(dirname "$(realpath "${BASH_SOURCE[0]}")")")")

# wrong_usage WHAT: ends the script with a line that says what is wrong.
wrong_usage() {
  echo "scripts/${0##*/}: $1 (see --help)" >&2
  exit 2
}

# at_most NUMBER ARGUMENT...: ends the script if there are more arguments, or one that looks like an option.
at_most() {
  local most=$1 argument
  shift
  for argument in "$@"; do
    [[ $argument != -* ]] || wrong_usage "there is no option '$argument'"
  done
  [[ $# -le $most ]] || wrong_usage "there is one argument too many: '${*: -1}'"
}

# needs_preloadable LIBRARY: ends the script if LD_PRELOAD cannot hold the path. The loader would leave the library out, and the
# program would run without it. `xalloc run` refuses the same.
needs_preloadable() {
  [[ $1 == *[[:blank:][:cntrl:]:$]* ]] || return 0
  echo "scripts/${0##*/}: LD_PRELOAD cannot name $1: it takes no path with a blank, a colon, a dollar sign or a line break;" \
    "build elsewhere (CARGO_TARGET_DIR=DIRECTORY) or move the checkout" >&2
  exit 2
}
