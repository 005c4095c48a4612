#!/usr/bin/env bash
# Brings the real programs that the tests talk to: installs what is missing where it may (root on Debian), else says what to install.
set -u
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
zsh:zsh
fish:fish
python3:python3
"
# Python modules of Debian's own interpreter: module:package
modules="
websockets:python3-websockets
uvicorn:python3-uvicorn
fastapi:python3-fastapi
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
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  echo "Installing for the tests:$missing" >&2
  # The tests start these programs themselves: Debian must not start them as services.
  created=""
  if [ ! -e /usr/sbin/policy-rc.d ]; then
    printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d && chmod +x /usr/sbin/policy-rc.d && created=yes
  fi
  export DEBIAN_FRONTEND=noninteractive
  # shellcheck disable=SC2086
  { apt-get update -qq && apt-get install -y -qq --no-install-recommends $missing; } >/tmp/ackspan-components.log 2>&1
  status=$?
  [ -n "$created" ] && rm -f /usr/sbin/policy-rc.d
  [ "$status" = 0 ] && exit 0
  tail -n 20 /tmp/ackspan-components.log >&2
fi
echo "Missing for some tests:$missing" >&2
echo "On Debian or Ubuntu: sudo apt-get install --no-install-recommends$missing" >&2
if [ -n "${CI:-}" ]; then exit 1; fi
echo "The tests that need them will be skipped, loudly." >&2
exit 0
