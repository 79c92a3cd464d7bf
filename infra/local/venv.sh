# shellcheck shell=bash
# Sourced by deploy.sh and tests/run: makes .venv and installs pinned packages, each only when it is not there as it should be.

find_python() {
  local candidate
  for candidate in python3 python3.11 python3.12 python3.13 python3.14 python; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      command -v "$candidate"
      return
    fi
  done
  echo "Python 3.11 or later is needed and none was found. Install it, for example: sudo apt-get install python3 python3-venv" >&2
  return 1
}

# prepare_venv REQUIREMENTS: .venv in the project's folder with exactly what the file pins; a stamp says which file that was.
prepare_venv() {
  local root venv requirements=$1 stamp wanted python
  root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
  venv="$root/.venv"
  stamp="$venv/.installed-$(basename "$(dirname "$requirements")")"
  if ! "$venv/bin/python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    python=$(find_python) || return 1
    echo "Making .venv with $python ..." >&2
    if ! "$python" -m venv --clear "$venv"; then
      echo "The virtual environment could not be made. On Debian, run: sudo apt-get install python3-venv" >&2
      return 1
    fi
  fi
  wanted=$("$venv/bin/python" -c 'import hashlib, sys; print(hashlib.sha256(open(sys.argv[1], "rb").read()).hexdigest())' \
    "$root/$requirements")
  if [[ "$(cat "$stamp" 2>/dev/null || true)" != "$wanted" ]]; then
    echo "Installing the pinned packages into .venv (once) ..." >&2
    if ! "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
      -r "$root/$requirements"; then
      echo "The packages could not be installed; pip's message is above. Run the command again to go on." >&2
      return 1
    fi
    printf '%s\n' "$wanted" >"$stamp"
  fi
}
