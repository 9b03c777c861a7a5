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

# Unpacks packages of a Debian release with all that they depend on.
unpack() { # RELEASE PACKAGE...
    local release=$1 target=$tools/$1
    shift
    if [ -e "$target/.complete" ]; then
        return
    fi
    echo "unpacking from Debian $release: $*"
    local state=$tools/apt-$release
    rm -rf "$state" "$target"
    mkdir -p "$state/lists/partial" "$state/cache/archives/partial" "$state/sources" "$target"
    local uri keyring=/usr/share/keyrings/debian-archive-keyring.gpg
    uri=$(debian_uri)
    echo "deb [signed-by=$keyring] $uri $release main" > "$state/sources/debian.list"
    local options=(
        -qq
        -o APT::Architecture=amd64 -o APT::Architectures=amd64 -o APT::Sandbox::User=root
        -o Dir::State="$state" -o Dir::State::Lists="$state/lists" -o Dir::State::status=/dev/null
        -o Dir::Cache="$state/cache" -o Acquire::Languages=none -o Acquire::Retries=3
        -o Acquire::Check-Valid-Until=false
        # Not the machine's hooks, and no sources but this one.
        -o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts="$state/sources"
        -o APT::Update::Post-Invoke::= -o APT::Update::Post-Invoke-Success::=
        -o Debug::NoLocking=true
    )
    apt-get "${options[@]}" update
    apt-get "${options[@]}" install --download-only --no-install-recommends --yes "$@" \
        > "$state/log" 2>&1 || { cat "$state/log"; return 1; }
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

unpack bookworm aapt zipalign apksigner android-framework-res libjna-java junit4 zip \
    openjdk-17-jdk-headless
unpack bullseye dalvik-exchange libandroid-23-java
