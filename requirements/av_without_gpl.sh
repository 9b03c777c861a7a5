#!/bin/bash
# Builds FFmpeg with nothing under the GPL, and PyAV on it, and installs that PyAV in place of the wheel.
#
#   av_without_gpl.sh FOLDER PYTHON
#
# FOLDER gets sources and libraries, and has to stay: PyAV looks for FFmpeg in it. PYTHON is the environment
# to install into. Takes FFmpeg 7.1 from Debian 13's sources, whatever Debian this is; apt checks Debian's
# signatures, pip PyAV's digest. Needs gcc, make, nasm, dpkg-dev, zlib1g-dev, pkg-config.
set -euo pipefail

mkdir -p "$1"
folder=$(cd "$1" && pwd)
python=$2
prefix=$folder/ffmpeg
here=$(cd "$(dirname "$0")" && pwd)

if [ ! -e "$prefix/.complete" ]; then
    state=$folder/apt
    rm -rf "$folder/source" "$prefix"
    mkdir -p "$folder/source" "$state/lists/partial" "$state/cache/archives/partial" "$state/sources"
    # From where this system takes Debian's own packages.
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Label: Debian' | sed -n 1p)
    cat > "$state/sources/trixie.sources" <<END
Types: deb-src
URIs: $mirror
Suites: trixie
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
END
    options=(
        -qq
        -o APT::Sandbox::User=root
        -o Dir::State="$state" -o Dir::State::Lists="$state/lists" -o Dir::State::status=/dev/null
        -o Dir::Cache="$state/cache" -o Acquire::Languages=none
        -o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts="$state/sources"
        -o APT::Update::Post-Invoke::= -o APT::Update::Post-Invoke-Success::=
    )
    apt-get "${options[@]}" update
    (cd "$folder/source" && apt-get "${options[@]}" source ffmpeg)
    cd "$folder"/source/ffmpeg-*/
    # GPL parts are off unless asked for. What encodes is FFmpeg's own; nothing of the system's but zlib.
    ./configure --prefix="$prefix" --enable-shared --disable-static --disable-programs --disable-doc \
        --disable-debug --disable-autodetect --enable-zlib \
        --disable-encoders --enable-encoder=mpeg4,mjpeg,png,rawvideo \
        --disable-filters --enable-filter=buffer,buffersink,abuffer,abuffersink,format,null,scale \
        > "$folder/configure.log"
    grep '^License:' "$folder/configure.log"
    make -j"$(nproc)" > "$folder/make.log" 2>&1 || { tail -n 20 "$folder/make.log"; exit 1; }
    make install > /dev/null 2>> "$folder/make.log"
    touch "$prefix/.complete"
    cd - > /dev/null
    rm -rf "$state" "$folder/source"
fi

PKG_CONFIG_PATH=$prefix/lib/pkgconfig LDFLAGS="-Wl,-rpath,$prefix/lib" \
    "$python" -m pip install --quiet --no-deps --force-reinstall --no-cache-dir --no-binary av \
    --require-hashes --requirement "$here/av-source.txt"

"$python" - <<'END'
import ctypes
import re
from pathlib import Path

import av
import av.filter

maps = Path("/proc/self/maps").read_text()
loaded = {Path(each) for each in re.findall(r"/\S+\.so\S*", maps)}
(codecs,) = (each for each in loaded if each.name.startswith("libavcodec.so"))
avcodec_license = ctypes.CDLL(str(codecs)).avcodec_license
avcodec_license.restype = ctypes.c_char_p
said = avcodec_license().decode()
print(f"PyAV {av.__version__} on {codecs.name}: {said}")
assert said.startswith("LGPL"), said
assert not [each for each in loaded if re.match("libx26[45]", each.name)], loaded
END
