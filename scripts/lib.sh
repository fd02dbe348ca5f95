# shellcheck shell=bash
# Shared by the scripts in this folder; sourced, never run.
# Sets ROOT, changes to it, and puts the runtimes on PATH.

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
TOOLS="$ROOT/.tools"
DENO_MINIMUM=2.9.0
BUN_MINIMUM=1.4.0
cd "$ROOT" || exit 1

# No colors in logs, no questions, no update notices.
export NO_COLOR=1 DENO_NO_UPDATE_CHECK=1 DENO_NO_PROMPT=1 NPM_CONFIG_UPDATE_NOTIFIER=false

say() { printf '%s\n' "$*"; }
die() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

# at_least FOUND MINIMUM: whether version FOUND is not older.
at_least() {
  [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]
}

# version_of PROGRAM: its version number, or nothing where it does not run.
version_of() {
  "$1" --version 2>/dev/null </dev/null | grep -oE '[0-9]+\.[0-9]+\.[0-9]+' | head -n 1 || true
}

# good_runtime PROGRAM MINIMUM: whether it runs and is new enough.
good_runtime() {
  local found
  found="$(version_of "$1")"
  [ -n "$found" ] && at_least "$found" "$2"
}

# A runtime of the user comes first, if it is new enough; ours is the fallback.
use_runtimes() {
  if ! good_runtime deno "$DENO_MINIMUM" || ! good_runtime bun "$BUN_MINIMUM"; then
    export PATH="$TOOLS/bin:$PATH"
  fi
}
use_runtimes

# environment NAME PACKAGE...: a virtual environment with these packages, below the
# folder ENVIRONMENTS.
environment() {
  local folder="$ENVIRONMENTS/$1" python
  shift
  if [ ! -f "$folder/complete" ]; then
    python="$(command -v python3.11)" || die "python3.11 is needed: MXNet has no wheels for newer versions"
    say "installing $*"
    "$python" -m venv "$folder"
    "$folder/bin/pip" install --quiet --disable-pip-version-check "$@"
    touch "$folder/complete"
  fi
}
