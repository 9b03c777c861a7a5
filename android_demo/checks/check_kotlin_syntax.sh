#!/bin/bash
# Has a Kotlin compiler parse Gradle's files; what their names mean, only Gradle knows.
#
#   check_kotlin_syntax.sh TOOLS PROJECT
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
tools=$(cd "$1" && pwd)
# shellcheck source=tools.sh
. "$here/tools.sh"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
faults() { # FILE...
    kotlinc "" -Xallow-any-scripts-in-source-roots -d "$work/classes" "$@" 2>&1 | grep 'error: syntax error' || true
}
# A fault is found where there is one.
echo 'dependencies { { fun (' > "$work/broken.gradle.kts"
test -n "$(faults "$work/broken.gradle.kts")"
mapfile -t files < <(cd "$2" && find "$PWD" -name '*.gradle.kts' -not -path '*/build/*' | sort)
for file in "${files[@]}"; do
    found=$(faults "$file")
    test -z "$found" || { echo "$found"; exit 1; }
done
echo "Kotlin: ${#files[@]} Gradle files parsed without a syntax error"
