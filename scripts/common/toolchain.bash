# For the scripts that build: says in one line what is missing, before cargo says it in many, and what is wrong with an
# argument.

# Ends the script if there is no Rust that can build this checkout, or nothing to link with.
needs_toolchain() {
  needs_rust
  needs_linker
}

needs_rust() {
  local checkout problem target
  checkout=$(dirname "${BASH_SOURCE[0]}")/../..
  target=$(realpath -m "${CARGO_TARGET_DIR:-$checkout/target}")
  [[ $target != *:* ]] || give_up "cargo cannot build in $target, because of the colon; move the checkout, or set CARGO_TARGET_DIR to a directory elsewhere"
  problem=$(rust_problem) || give_up "$problem"
}

needs_linker() {
  local problem
  problem=$(linker_problem) || give_up "$problem"
}

# Ends the script if there is no C++ compiler, which xalloc-check is built with.
needs_cxx() {
  command -v "${CXX:-c++}" >/dev/null \
    || give_up "there is no C++ compiler (${CXX:-c++}), which xalloc-check is built with: install g++ (Debian, Ubuntu: apt-get install g++)"
}

# Ends the script if the library cannot be preloaded from below this directory: LD_PRELOAD has neither quotes nor escapes.
needs_preloadable() {
  case $1 in
    *[[:space:]:\$]*)
      give_up "LD_PRELOAD cannot name a library in $1: it takes no path with a blank, a colon, a dollar sign or a line break; move the checkout, or set CARGO_TARGET_DIR to a directory elsewhere"
      ;;
  esac
}

give_up() {
  echo "scripts/${0##*/}: $1" >&2
  exit 1
}

# Ends the script if one of its arguments is not a number.
takes_numbers() {
  local argument
  for argument in "$@"; do
    [[ $argument =~ ^[1-9][0-9]*$ ]] || wrong_usage "'$argument' is no number"
  done
}

# Ends the script if it has an argument.
takes_nothing() {
  [[ $# -eq 0 ]] || wrong_usage "it takes no argument, and this is one: '$1'"
}

wrong_usage() {
  echo "scripts/${0##*/}: $1 (see --help)" >&2
  exit 2
}

# Fails if cargo or rustc is older than Cargo.toml demands, and prints so, with the way out. An older cargo cannot read that
# file.
rust_problem() {
  local checkout needed way_out tool found
  checkout=$(dirname "${BASH_SOURCE[0]}")/../..
  needed=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$checkout/Cargo.toml")
  way_out="install Rust $needed or newer (https://rustup.rs; Debian 12: apt-get install cargo-web)"
  for tool in cargo "${RUSTC:-rustc}"; do
    if ! command -v "$tool" >/dev/null; then
      echo "$tool is not on the PATH: $way_out"
    # In the checkout, because rustup can have another toolchain for a directory.
    elif ! found=$(cd "$checkout" && env -u LD_PRELOAD "$tool" --version 2>&1); then
      echo "'$tool --version' fails (${found%%$'\n'*}): $way_out"
    elif ! is_new_enough "$found" "$needed"; then
      echo "$found is too old: $way_out"
    else
      continue
    fi
    return 1
  done
}

# is_new_enough "cargo 1.65.0 (…)" 1.89
is_new_enough() {
  local has needs
  IFS=. read -ra has <<<"${1#* }"
  IFS=. read -ra needs <<<"$2"
  ((has[0] > needs[0] || (has[0] == needs[0] && has[1] >= needs[1])))
}

# Fails if there is nothing by which rustc can link, and prints so, with the way out.
linker_problem() {
  if has_other_linker; then
    return 0
  elif ! command -v cc >/dev/null; then
    echo "there is no C compiler (cc), by which Rust links: install gcc (Debian, Ubuntu: apt-get install gcc libc6-dev)"
  # The compiler prints a path for a file that it finds, otherwise only the name.
  elif [[ $(uname -s) == Linux && $(cc -print-file-name=crt1.o) != /* ]]; then
    echo "the C compiler (cc) has no C library to link with: install it (Debian, Ubuntu: apt-get install libc6-dev)"
  else
    return 0
  fi
  return 1
}

# Whether cargo is told of another linker: by a variable as CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER, or in its
# configuration.
has_other_linker() {
  local checkout
  checkout=$(dirname "${BASH_SOURCE[0]}")/../..
  compgen -e | grep -q '^CARGO_TARGET_.*_LINKER$' \
    || grep -qs '^ *linker *=' {"${CARGO_HOME:-${HOME:-}/.cargo}","$checkout/.cargo"}/config{,.toml}
}
