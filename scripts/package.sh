#!/usr/bin/env bash
# Makes the Debian package of what `./run.sh publish` has made. Called by `./run.sh package`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

programs=${1:?the folder of the programs} version=${2:?the version} target=${3:?the folder for the package} compression=${4:-xz}
umask 022
root=$(mktemp -d)
chmod 0755 "$root" # it is the / of the package
trap 'rm -rf "$root"' EXIT

install_to() { # mode folder file…
  local mode=$1 folder=$root/$2
  shift 2
  install -d "$folder"
  install -m "$mode" "$@" "$folder"
}

# --- files ------------------------------------------------------------------------------------------------------
install -d "$root/opt" "$root/usr/bin"
cp -r "$programs" "$root/opt/wolfscale"
chmod -R u=rwX,go=rX "$root/opt/wolfscale"
find "$root/opt/wolfscale" \( -name '*.so' -o -name '*.dll' \) -exec chmod a-x {} + # libraries; the programs and createdump stay executable
ln -s /opt/wolfscale/wolfscale /opt/wolfscale/wolfctl "$root/usr/bin"
install_to 0644 usr/lib/systemd/system deploy/systemd/*.service
install_to 0644 etc/default deploy/default/*
install_to 0644 etc/logrotate.d deploy/logrotate/wolfscale
install_to 0755 usr/share/wolfscale/scripts scripts/backup.sh scripts/full_backup.sh scripts/install-service.sh
install_to 0644 usr/share/wolfscale/scripts scripts/dump.bash
scripts/package-docs.sh "$root" # and what its pages link to
gzip -9n <CHANGELOG.md >"$root/usr/share/doc/wolfscale/changelog.gz"
{
  printf 'Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\nUpstream-Name: WolfScale\n\nFiles: *\nCopyright: %s\nLicense: Expat\n' \
    "$(sed -n 's/^Copyright (c) //p' LICENSE | head -1)"
  sed -n '/^Permission/,$p' LICENSE | sed 's/^$/./; s/^/ /'
} >"$root/usr/share/doc/wolfscale/copyright"
install -d "$root"/usr/share/{man/man1,bash-completion/completions,zsh/vendor-completions,fish/vendor_completions.d,lintian/overrides}
for program in wolfscale wolfctl; do
  "$programs/$program" manual | gzip -9n >"$root/usr/share/man/man1/$program.1.gz"
  "$programs/$program" completion bash >"$root/usr/share/bash-completion/completions/$program"
  "$programs/$program" completion zsh >"$root/usr/share/zsh/vendor-completions/_$program"
  "$programs/$program" completion fish >"$root/usr/share/fish/vendor_completions.d/$program.fish"
done
install -m 0644 deploy/debian/lintian-overrides "$root/usr/share/lintian/overrides/wolfscale"

# --- what dpkg must know ----------------------------------------------------------------------------------------
install -d "$root/DEBIAN"
size=$(du -sk --exclude=DEBIAN "$root" | cut -f1)
# What a newer C library than Debian 12's has linked wants that one.
libc=$(find "$programs" -type f ! -name '*.dll' ! -name '*.pdb' -exec grep -haoE 'GLIBC_2\.[0-9]+' {} + | sort -Vu | tail -1)
sed "s/@VERSION@/$version/; s/@SIZE@/$size/; s/@LIBC@/${libc#GLIBC_}/" deploy/debian/control >"$root/DEBIAN/control"
(cd "$root" && find etc -type f -printf '/%p\n' | sort) >"$root/DEBIAN/conffiles"
for script in postinst prerm postrm; do
  sed -e '/^@COMMON@$/{r deploy/debian/common.sh
d}' "deploy/debian/$script" >"$root/DEBIAN/$script"
  chmod 0755 "$root/DEBIAN/$script"
done
(cd "$root" && find . -path ./DEBIAN -prune -o -type f -printf '%P\0' | sort -z | xargs -0 md5sum) >"$root/DEBIAN/md5sums"

mkdir -p "$target"
dpkg-deb --root-owner-group -Z"$compression" --build "$root" "$target/wolfscale_${version}_amd64.deb" >&2
printf '%s\n' "$target/wolfscale_${version}_amd64.deb"
