#!/usr/bin/env bash
# Brings the real programs that the tests talk to: says what is missing, then installs it where it may (root on Debian).
# ACKSPAN_TEST_INSTALL=no: only says it.
set -u
policy=${ACKSPAN_TEST_POLICY:-/usr/sbin/policy-rc.d}
# program:Debian package
wanted="
nginx:nginx-light
haproxy:haproxy
prometheus:prometheus
promtool:prometheus
prometheus-alertmanager:prometheus-alertmanager
chromium:chromium
faketime:faketime
docker-compose:docker-compose
nats-server:nats-server
redis-server:redis-server
redis-sentinel:redis-sentinel
zsh:zsh
fish:fish
python3:python3
"
# Python modules of Debian's own interpreter: module:package
modules="
websockets:python3-websockets
uvicorn:python3-uvicorn
fastapi:python3-fastapi
ensurepip:python3-venv
"
missing=""
note() { case " $missing " in *" $1 "*) ;; *) missing="$missing $1" ;; esac; }
for pair in $wanted; do
  command -v "${pair%%:*}" >/dev/null 2>&1 || PATH="$PATH:/usr/sbin" command -v "${pair%%:*}" >/dev/null 2>&1 || note "${pair##*:}"
done
for pair in $modules; do
  [ -x /usr/bin/python3 ] && /usr/bin/python3 -c "import ${pair%%:*}" >/dev/null 2>&1 || note "${pair##*:}"
done
[ -z "$missing" ] && exit 0
if [ "${ACKSPAN_TEST_INSTALL:-yes}" != no ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  echo "npm test now installs, with apt-get, what some tests talk to:$missing" >&2
  echo "(ACKSPAN_TEST_INSTALL=no installs nothing; npm run test:fast needs nothing.)" >&2
  # The tests start these programs themselves: Debian must not start them as services.
  created=""
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod +x "$policy" && created=yes
  fi
  log=${TMPDIR:-/tmp}/ackspan-components.log
  export DEBIAN_FRONTEND=noninteractive
  # shellcheck disable=SC2086
  { apt-get update -qq && apt-get install -y -qq --no-install-recommends $missing; } >"$log" 2>&1
  status=$?
  [ -n "$created" ] && rm -f "$policy"
  [ "$status" = 0 ] && exit 0
  tail -n 20 "$log" >&2
fi
echo "Missing for some tests:$missing" >&2
echo "On Debian or Ubuntu: sudo apt-get install --no-install-recommends$missing" >&2
if [ -n "${CI:-}" ]; then exit 1; fi
echo "The tests that need them will be skipped, loudly." >&2
exit 0
