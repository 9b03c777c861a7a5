#!/bin/bash
# Installs this project on an emulated Raspberry Pi 5, runs the demo and a clip, serves it to a browser on
# loopback, and benchmarks the demo's model there.
#
#   arm_install.sh EMULATOR
#
# EMULATOR is the folder of 'movistream bench-arm --folder'.
# Times of an emulator say nothing about a Pi; that everything installs and runs is what is shown.
set -euo pipefail

emulator=$(cd "$1" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

python3 -m pip wheel --quiet --no-deps --wheel-dir "$work/wheels" "$(dirname "$0")/.."
python3 -m pip download --quiet --no-deps --dest "$work/pip" pip

# A Python that starts itself again, as multiprocessing asks it to: through the emulator.
cat > "$work/python" <<END
#!/bin/sh
export PYTHONHOME=$emulator/arm/usr
exec $emulator/qemu-aarch64 -cpu cortex-a76 -L $emulator/cortex-a76 -0 $work/python \
    $emulator/arm/usr/bin/python3.11 "\$@"
END
chmod +x "$work/python"

"$work/python" -c 'import platform; print("Python", platform.python_version(), platform.machine())'
wheel=$(echo "$work"/wheels/*.whl)
PYTHONPATH=$(echo "$work"/pip/*.whl) "$work/python" -m pip install --quiet --root-user-action ignore --only-binary :all: \
    --target "$work/site" "movistream[bench,serve] @ file://$wheel"
export PYTHONPATH=$work/site
ls "$work/site" | grep -cE '\.dist-info$' | sed 's/$/ packages installed/'
bash "$(dirname "$0")/../tests/runtime_smoke.sh" "$work/python"

"$work/python" -m movistream bench camera-motion --frames 5 --rounds 3 --output "$work/report.html"
grep -c '<svg' "$work/report.html" | sed 's/$/ plots in the report/'
