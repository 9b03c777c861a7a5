#!/bin/bash
# Sets up an emulated ARM Python with LiteRT and PyAV, and the plugin that counts its instructions.
#
#   setup.sh FOLDER PLUGIN.c WHEELS.txt
#
# Needs an x86-64 Debian 12 (bookworm) as apt's source, gcc, dpkg-deb, and a host Python with pip.
# Installs nothing on the host; takes packages from wherever apt and pip are configured to. apt checks
# Debian's signatures, pip the digests in WHEELS.txt.
set -euo pipefail

mkdir -p "$1"
build=$(cd "$1" && pwd)
plugin=$2
wheels_list=$3

# Unpacks a package of the given architecture and all that it depends on, as if on a bare machine.
unpack_debian() { # ARCHITECTURE TARGET PACKAGE...
    local arch=$1 target=$2
    shift 2
    if [ -e "$target/.complete" ]; then
        echo "have: $* ($arch)"
        return
    fi
    echo "unpacking $* ($arch) with dependencies into $target"
    local state=$build/apt-$arch
    mkdir -p "$state/lists/partial" "$state/cache/archives/partial"
    local options=(
        -qq
        -o APT::Architecture="$arch" -o APT::Architectures="$arch"
        -o APT::Sandbox::User=root
        -o Dir::State="$state" -o Dir::State::Lists="$state/lists" -o Dir::State::status=/dev/null
        -o Dir::Cache="$state/cache" -o Acquire::Languages=none
        # Not the machine's hooks, and no sources but Debian's own.
        -o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts="$state/sources"
        -o APT::Update::Post-Invoke::= -o APT::Update::Post-Invoke-Success::=
        -o Debug::NoLocking=true
    )
    mkdir -p "$state/sources"
    rm -f "$state/sources/"*
    if [ -e /etc/apt/sources.list.d/debian.sources ]; then
        cp /etc/apt/sources.list.d/debian.sources "$state/sources/"
    else
        cp /etc/apt/sources.list "$state/sources/debian.list"
    fi
    apt-get "${options[@]}" update
    apt-get "${options[@]}" install --download-only --no-install-recommends --yes "$@" > "$state/log" 2>&1 ||
        { cat "$state/log"; return 1; }
    rm -rf "$target"
    mkdir -p "$target"
    local package
    for package in "$state"/cache/archives/*.deb; do
        dpkg-deb -x "$package" "$target"
    done
    rm -rf "$state"
    touch "$target/.complete"
}

# What an ARM board shows under /sys and /proc, which cpuinfo (so XNNPACK) reads: without it,
# XNNPACK is silently left out, or the process crashes.
fake_board() { # ROOT PART FEATURES IMPLEMENTER_REVISION
    local root=$1 part=$2 features=$3 revision=$4
    local cpus=$root/sys/devices/system/cpu cpu
    mkdir -p "$cpus" "$root/proc"
    local file
    for file in online present possible; do
        echo 0-3 > "$cpus/$file"
    done
    echo 3 > "$cpus/kernel_max"
    : > "$root/proc/cpuinfo"
    for cpu in 0 1 2 3; do
        mkdir -p "$cpus/cpu$cpu/topology" "$cpus/cpu$cpu/cpufreq"
        echo "$cpu" > "$cpus/cpu$cpu/topology/core_id"
        echo 0 > "$cpus/cpu$cpu/topology/physical_package_id"
        echo f > "$cpus/cpu$cpu/topology/core_siblings"
        echo 0-3 > "$cpus/cpu$cpu/topology/core_siblings_list"
        echo $((1 << cpu)) > "$cpus/cpu$cpu/topology/thread_siblings"
        echo "$cpu" > "$cpus/cpu$cpu/topology/thread_siblings_list"
        echo 2400000 > "$cpus/cpu$cpu/cpufreq/cpuinfo_max_freq"
        echo 1500000 > "$cpus/cpu$cpu/cpufreq/cpuinfo_min_freq"
        printf '%s\n' "processor	: $cpu" "BogoMIPS	: 108.00" "Features	: $features" \
            "CPU implementer	: 0x41" "CPU architecture: 8" "CPU variant	: ${revision%p*}" \
            "CPU part	: $part" "CPU revision	: ${revision#*p}" "" >> "$root/proc/cpuinfo"
    done
}

unpack_debian amd64 "$build/host" qemu-user
unpack_debian arm64 "$build/arm" python3.11 libstdc++6

site=$build/site-packages
if cmp --silent "$wheels_list" "$site/.complete"; then
    echo "have: Python packages"
else
    echo "downloading Python packages for ARM into $site"
    wheels=$build/wheels
    platforms=()
    for glibc in 2_36 2_35 2_34 2_31 2_28 2_27 2_26 2_24 2_17; do
        platforms+=(--platform "manylinux_${glibc}_aarch64")
    done
    python3 -m pip download --quiet --dest "$wheels" "${platforms[@]}" --platform manylinux2014_aarch64 \
        --only-binary=:all: --implementation cp --abi cp311 --abi abi3 --abi none \
        --python-version 3.11 --require-hashes --requirement "$wheels_list"
    rm -rf "$site"
    mkdir -p "$site"
    for wheel in "$wheels"/*.whl; do
        python3 -m zipfile -e "$wheel" "$site"
    done
    rm -rf "$wheels"
    cp "$wheels_list" "$site/.complete"
fi

# One root per board; all but /sys and /proc are links to the same files.
for board in cortex-a76 cortex-a72; do
    root=$build/$board
    rm -rf "$root"
    mkdir -p "$root"
    for entry in "$build"/arm/*; do
        ln -s "../arm/$(basename "$entry")" "$root/"
    done
done
armv8="fp asimd evtstrm aes pmull sha1 sha2 crc32"
fake_board "$build/cortex-a76" 0xd0b "$armv8 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp" 0x4p1
fake_board "$build/cortex-a72" 0xd08 "fp asimd evtstrm crc32 cpuid" 0x0p3

echo "compiling the plugin"
gcc -O2 -Wall -shared -fPIC -o "$build/count_instructions.so" "$plugin"

# The emulator runs with the libraries it was packaged with, whatever the host has.
loader=("$build"/host/lib*/ld-linux-x86-64.so.2)
cat > "$build/qemu-aarch64" <<END
#!/bin/sh
exec "${loader[0]}" --library-path "$build/host/usr/lib/x86_64-linux-gnu:$build/host/lib/x86_64-linux-gnu" \
    "$build/host/usr/bin/qemu-aarch64" "\$@"
END
chmod +x "$build/qemu-aarch64"
"$build/qemu-aarch64" -version | head -1

for board in cortex-a76 cortex-a72; do
    printf '%s: ' "$board"
    PYTHONHOME=$build/arm/usr PYTHONPATH=$site "$build/qemu-aarch64" -cpu "$board" -L "$build/$board" \
        "$build/arm/usr/bin/python3.11" -c 'import platform, numpy, ai_edge_litert, av
print("Python", platform.python_version(), platform.machine(), "numpy", numpy.__version__,
    "PyAV", av.__version__)'
done
echo "ready: $build"
