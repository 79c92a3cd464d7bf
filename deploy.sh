#!/usr/bin/env bash
# The one command of GreenWatt Intake. It prepares .venv and starts a Python module.
set -euo pipefail

ROOT=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
VENV="$ROOT/.venv"

usage() {
  cat <<'TEXT'
Usage: ./deploy.sh COMMAND [OPTION]...

  demo      run a sample bill through the whole product on this machine, and print its row
  local     run the product on this machine, at http://localhost:8080 (--port N for another port)
  submit    submit FILE... as ONE bill to a running deployment, and show its progress

  gcp       create or update the deployment on Google Cloud; --plan prints every command and runs none
  check     test a deployment, and every assumption of the code about Google; --local for this machine
  status    show functions, memory, backlog, and intakes of a deployment; --local for this machine
  redrive   send dead letters again
  destroy   delete what gcp created; bills, database, and Sheet stay

For the options of a command: ./deploy.sh COMMAND --help. You need only Python 3.11 or later.
TEXT
}

# shellcheck source=infra/local/venv.sh
source "$ROOT/infra/local/venv.sh"

# Runs a Python module of this project in place of the shell, from whatever folder the user is in.
hand_over() {
  local module=$1
  shift
  prepare_venv infra/local/requirements.txt
  # -P: a folder named infra where the user stands must not hide ours.
  PYTHONPATH="$ROOT" exec "$VENV/bin/python" -P -m "$module" "$@"
}

case "${1:-}" in
  check) hand_over infra.check "${@:2}" ;;
  demo) hand_over infra.demo "${@:2}" ;;
  local) hand_over infra.local "${@:2}" ;;
  submit) hand_over infra.submit_bill "${@:2}" ;;
  status) hand_over infra.status "${@:2}" ;;
  gcp | redrive | destroy) hand_over infra.gcp "$@" ;;
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
