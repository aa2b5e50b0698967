#!/bin/sh
# Puts the reference Kafka's jars into .cache/reference-kafka, once for each pinned version.
# Needs Java 17 or newer and Maven, which fetches by its own settings.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cache=${1:-$here/../../../.cache/reference-kafka}
stamp=$(sha256sum <"$here/pom.xml")
[ "$(cat "$cache/stamp" 2>/dev/null)" = "$stamp" ] && exit 0
for tool in java mvn; do
    command -v "$tool" >/dev/null 2>&1 || { echo "reference Kafka: $tool is missing" >&2; exit 3; }
done
echo "reference Kafka: fetching $(sed -n 's/.*<kafka.version>\(.*\)<.*/\1/p' "$here/pom.xml")" >&2
rm -rf "$cache"
mkdir -p "$cache/jars"
mvn --batch-mode --quiet -f "$here/pom.xml" dependency:copy-dependencies \
    -DincludeScope=runtime -DoutputDirectory="$(cd "$cache/jars" && pwd)" >&2
echo "$stamp" >"$cache/stamp"
