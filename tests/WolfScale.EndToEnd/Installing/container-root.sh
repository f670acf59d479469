#!/usr/bin/env bash
# Makes, once, the root file system that the tests of the installation boot: Debian with systemd and MariaDB, as of this machine's release and its package sources.
set -euo pipefail

root=${1:?the folder}
packages=systemd,systemd-sysv,dbus,adduser,libssl3,procps,iproute2,util-linux,ca-certificates,logrotate,mariadb-server,mariadb-client
made="$(. /etc/os-release && printf '%s' "$VERSION_CODENAME") $packages"

[[ $(cat "$root.made" 2>/dev/null) != "$made" ]] || exit 0
rm -rf "$root" "$root.made"
mkdir -p "$(dirname "$root")"
# No services are started while it is made (there is no systemd in it yet), and no manual pages come along.
mmdebstrap --quiet --variant=minbase --include="$packages" \
  --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/wolfscale/*' \
  --dpkgopt='path-include=/usr/share/man/man1/wolf*' --aptopt='Apt::Install-Recommends "false"' \
  "${made%% *}" "$root"
rm -f "$root/etc/dpkg/dpkg.cfg.d/99mmdebstrap"
printf '%s' "$made" >"$root.made"
