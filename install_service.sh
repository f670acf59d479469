#!/usr/bin/env bash
# The same as scripts/install-service.sh.
exec "$(dirname "${BASH_SOURCE[0]}")/scripts/install-service.sh" "$@"
