#!/usr/bin/env bash
# Brings the products in Python that the tests talk to, from PyPI, into .cache/products: a virtual environment of this checkout.
# ACKSPAN_TEST_INSTALL=no: installs nothing.
set -u
cd "$(dirname "$0")/../.."
list=test/support/python/products.txt
home=${ACKSPAN_TEST_PRODUCTS:-.cache/products}
# The list is copied last: an environment that was begun and not finished is made anew.
cmp -s "$list" "$home/products.txt" && exit 0
python=${ACKSPAN_TEST_PYTHON:-/usr/bin/python3}
if [ "${ACKSPAN_TEST_INSTALL:-yes}" != no ] && [ -x "$python" ]; then
  echo "npm test now installs Jupyter and Streamlit into $home" >&2
  log=${TMPDIR:-/tmp}/ackspan-products.log
  rm -rf "$home"
  {
    "$python" -m venv "$home" &&
      # The list is whole: nothing that it does not name is installed, and nothing is built.
      "$home/bin/pip" install --quiet --no-compile --no-deps --only-binary :all: -r "$list" &&
      cp "$list" "$home/products.txt"
  } >"$log" 2>&1 && exit 0
  tail -n 20 "$log" >&2
fi
echo "Missing for some tests: Jupyter and Streamlit (bash test/support/products.sh installs them; needs python3-venv)" >&2
if [ -n "${CI:-}" ]; then exit 1; fi
echo "The tests that need them will be skipped, loudly." >&2
exit 0
