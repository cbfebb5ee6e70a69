# Shared by the scripts of this folder; sourced, not run.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

say() { printf '\033[1m==>\033[0m %s\n' "$*"; }
fail() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

# Re-runs the script as root, by sudo where that is there.
need_root() {
  [ "$(id -u)" -eq 0 ] && return
  command -v sudo >/dev/null || fail "needs root: run it as root, or install sudo"
  exec sudo --preserve-env=CMAKE_CXX_COMPILER_LAUNCHER "$0" "$@"
}

# install_packages STEP...: what deploy/packages names for these steps and is not there yet.
install_packages() {
  local missing=() step package
  command -v dpkg-query >/dev/null || fail "this is no Debian: install what deploy/packages names by hand, then build with cmake --preset release"
  while read -r step package; do
    case " $* " in *" $step "*) ;; *) continue ;; esac
    dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
  done < <(grep -v '^#' "$root/deploy/packages")
  [ ${#missing[@]} -eq 0 ] && return
  [ "$(id -u)" -eq 0 ] || fail "missing packages: ${missing[*]}; run as root, or: sudo apt-get install ${missing[*]}"
  say "installing by apt: ${missing[*]}"
  local log
  log=$(mktemp)
  if ! { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
    tail -n 5 "$log" >&2
    fail "apt could not install ${missing[*]}; the whole log is $log"
  fi
  rm -f "$log"
}

configure=()  # further words for cmake, of build()

# build PRESET [TARGET...]: configures and builds, quietly unless it fails; through ccache where that is installed, and
# so that another checkout of the same sources finds what this one compiled.
build() {
  local preset=$1 log
  shift
  if [ -z "${CMAKE_CXX_COMPILER_LAUNCHER-}" ] && command -v ccache >/dev/null; then
    export CMAKE_C_COMPILER_LAUNCHER=ccache CMAKE_CXX_COMPILER_LAUNCHER=ccache CCACHE_BASEDIR=$root CCACHE_NOHASHDIR=1
  fi
  log=$(mktemp)
  local start=$SECONDS
  if ! (cd "$root" && cmake --preset "$preset" "${configure[@]}" && cmake --build --preset "$preset" ${*:+--target "$@"}) >"$log" 2>&1; then
    grep -E 'error|Error|FAILED' "$log" | head -n 20 >&2
    tail -n 15 "$log" >&2
    fail "the $preset build failed; the whole log is $log"
  fi
  rm -f "$log"
  say "built $preset in $((SECONDS - start)) s"
}
