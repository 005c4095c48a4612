#!/bin/sh
# image: lays out the root directory of the image: Node, the libraries that Node is linked with, Ackspan, and nothing else.
#   sh deploy/image/root.sh DIRECTORY [NODE]      in the folder that has package.json, dist and node_modules
# No shell, no package manager and no other program is in there, so nothing else can be run.
set -eu
root=$1
node=${2:-$(command -v node)}
mkdir -p "$root/usr/local/bin" "$root/etc" "$root/app" "$root/var/lib" "$root/tmp"

cp "$node" "$root/usr/local/bin/node"
# The loader looks for the libraries where Node's own machine has them.
ldd "$node" | grep -o '/[^ ]*' | while read -r library; do
  mkdir -p "$root$(dirname "$library")"
  cp -L "$library" "$root$library"
done

# Names for the user id of the image, which the command line notes beside what it changes.
echo 'node:x:1000:1000:Ackspan:/app:/nonexistent' >"$root/etc/passwd"
echo 'node:x:1000:' >"$root/etc/group"
# Without this file the C library asks DNS before /etc/hosts.
echo 'hosts: files dns' >"$root/etc/nsswitch.conf"

# The command is bundled; the compose file's backend and clients use `ws`.
mkdir -p "$root/app/node_modules"
cp -a package.json LICENSE dist "$root/app/"
cp -a node_modules/ws "$root/app/node_modules/"
# `kubectl exec POD -c ackspan -- ackspan stats`: the interpreter by its full path, because there is no `env` to look for it.
printf '#!/usr/local/bin/node\nimport("/app/dist/cli/main.js");\n' >"$root/usr/local/bin/ackspan"
chmod 0755 "$root/usr/local/bin/ackspan"
chmod 1777 "$root/tmp"
