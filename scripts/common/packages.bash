# For scripts that use programs of Debian's packages.

# needs_packages PROGRAM:PACKAGE...: installs the packages whose programs are missing, as root or with sudo; ends the script,
# with a line that names them, if that cannot be.
needs_packages() {
  local need missing=() sudo=()
  for need in "$@"; do
    command -v "${need%%:*}" >/dev/null || missing+=("${need##*:}")
  done
  [[ ${#missing[@]} -gt 0 ]] || return 0
  [[ $(id -u) == 0 ]] || sudo=(sudo -n)
  echo "scripts/${0##*/}: installing ${missing[*]}" >&2
  if ! "${sudo[@]}" apt-get update -qq >/dev/null \
    || ! "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-remove "${missing[@]}" >/dev/null; then
    echo "scripts/${0##*/}: could not install them; on Debian: apt-get install ${missing[*]}" >&2
    exit 1
  fi
}
