#!/usr/bin/env bash
# The one command of GreenWatt Intake. It prepares .venv and hands over to Python; ./deploy.sh --help lists what it can do.
set -euo pipefail

ROOT=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
VENV="$ROOT/.venv"
REQUIREMENTS="$ROOT/infra/local/requirements.txt"

usage() {
  cat <<'TEXT'
Usage: ./deploy.sh COMMAND [OPTION]...

  demo      a specimen bill through the whole product on this machine; prints its row and stops again
  local     keep the product running on this machine, at http://localhost:8080 (--port N for another)
  submit    submit FILE... as ONE bill to a running deployment and show its progress

./deploy.sh COMMAND --help explains a command's options. Nothing needs to be installed first but Python 3.11 or later.
TEXT
}

fail() {
  printf '%s\n' "$*" >&2
  exit 1
}

find_python() {
  local candidate
  for candidate in python3 python3.11 python3.12 python3.13 python3.14 python; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      command -v "$candidate"
      return
    fi
  done
  fail "Python 3.11 or later is needed and none was found. Install it, for example: sudo apt-get install python3 python3-venv"
}

# Makes .venv and installs the pinned packages, each only when it is not there as it should be.
prepare() {
  local stamp="$VENV/.local-requirements.sha256" wanted python
  if ! "$VENV/bin/python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    python=$(find_python)
    echo "Making .venv with $python ..." >&2
    "$python" -m venv --clear "$VENV" ||
      fail "The virtual environment could not be made. On Debian, run: sudo apt-get install python3-venv"
  fi
  wanted=$("$VENV/bin/python" -c 'import hashlib, sys; print(hashlib.sha256(open(sys.argv[1], "rb").read()).hexdigest())' \
    "$REQUIREMENTS")
  if [[ "$(cat "$stamp" 2>/dev/null || true)" != "$wanted" ]]; then
    echo "Installing the pinned packages into .venv (once) ..." >&2
    "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
      -r "$REQUIREMENTS" || fail "The packages could not be installed; pip's message is above. Run the command again to go on."
    printf '%s\n' "$wanted" >"$stamp"
  fi
}

# Runs a Python module of this project in place of the shell, from whatever folder the user is in.
hand_over() {
  local module=$1
  shift
  prepare
  # -P: a folder named infra where the user stands must not hide ours.
  PYTHONPATH="$ROOT" exec "$VENV/bin/python" -P -m "$module" "$@"
}

case "${1:-}" in
  demo) hand_over infra.demo "${@:2}" ;;
  local) hand_over infra.local "${@:2}" ;;
  submit) hand_over infra.submit_bill "${@:2}" ;;
  -h | --help | help) usage ;;
  "")
    usage >&2
    exit 2
    ;;
  *)
    printf '%s\n\n' "There is no command '$1'." >&2
    usage >&2
    exit 2
    ;;
esac
