#!/usr/bin/env bash
# Puts the book where the package has it, with links that lead to what the package holds. Called by scripts/package.sh.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

root=${1:?the folder that becomes the / of the package}
book=$root/usr/share/doc/wolfscale
install -d "$book/images"
install -m 0644 docs/*.md "$book" # its README.md is the table of contents
install -m 0644 README.md "$book/overview.md" # the checkout's own
install -m 0644 docs/images/*.png "$book/images"
# From the book's folder. What the package puts elsewhere is linked there; of what it lacks (the sources' own pages) the name alone stays.
sed -i -E \
  -e 's#\]\(docs/#](#g' \
  -e 's#\[([^]]*)\]\((tests/|CONTRIBUTING\.md|CHANGELOG\.md|LICENSE)[^)]*\)#\1#g' "$book/overview.md"
sed -i -E \
  -e 's#\]\(\.\./README\.md#](overview.md#g' \
  -e 's#\]\(\.\./deploy/(grafana|prometheus)/#](../../wolfscale/\1/#g' \
  -e 's#\]\(configuration\.schema\.json#](../../wolfscale/configuration.schema.json#g' "$book"/*.md
install -d "$root/usr/share/wolfscale/grafana" "$root/usr/share/wolfscale/prometheus"
install -m 0644 deploy/grafana/*.json "$root/usr/share/wolfscale/grafana"
install -m 0644 deploy/prometheus/alerts.yml "$root/usr/share/wolfscale/prometheus"
install -m 0644 docs/configuration.schema.json deploy/99-wolfscale.cnf "$root/usr/share/wolfscale"

# A page may have been written since with a link that this does not know.
dangling=0
while IFS=: read -r page link; do
  target=${link#](}
  target=${target%)}
  target=${target%%#*}
  [[ $target != *://* && $target != mailto:* && -n $target ]] || continue
  if [[ ! -e $book/$target ]]; then
    printf 'package-docs.sh: %s links to %s, which is not in the package: rewrite the link here, or ship the file\n' "$page" "$target" >&2
    dangling=1
  fi
done < <(cd "$book" && for page in *.md; do awk '/^```/ { code = !code } !code' "$page" | { grep -oE '\]\([^) ]+\)' || true; } | sed "s/^/$page:/"; done)
exit $dangling
