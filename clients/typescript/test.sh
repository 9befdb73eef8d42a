#!/usr/bin/env bash
# Checks format and types, builds, and runs the tests: clients/typescript/test.sh. Needs the built hub. Ends with "N passed, N failed".
set -uo pipefail
cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")" || exit 70

passed=0 failed=0
check() {
    if "$@"; then ((passed++)); else ((failed++)); echo "FAILED: $*" >&2; fi
}

if ./prepare; then
    check node_modules/.bin/prettier --check --log-level warn .
    check node_modules/.bin/tsc -p tsconfig.json
    log="$(mktemp)"
    node_modules/.bin/node scripts/test.js "$@" 2>&1 | tee "$log"
    status=${PIPESTATUS[0]}
    read -r pass fail < <(awk '$2 == "pass" { p = $3 } $2 == "fail" { f = $3 } $2 == "cancelled" { f += $3 } END { print p + 0, f + 0 }' "$log")
    rm -f -- "$log"
    ((passed += pass, failed += fail))
    ((status == 0 || fail > 0)) || { ((failed++)); echo "FAILED: the tests ended with exit code $status" >&2; }
else
    ((failed++))
    echo "FAILED: clients/typescript/prepare" >&2
fi
printf '%d passed, %d failed\n' "$passed" "$failed"
((failed == 0))
