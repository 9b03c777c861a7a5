#!/bin/bash
# Installs this project on an emulated Raspberry Pi 5, runs a model on a clip, serves it to a browser on
# loopback, and benchmarks it there.
#
#   arm_install.sh EMULATOR MODEL.tflite CLIP LABEL
#
# EMULATOR is the folder of 'movistream bench-arm --folder'; LABEL is what the clip shows at 6 s.
# Times of an emulator say nothing about a Pi; that everything installs and runs is what is shown.
set -euo pipefail

emulator=$(cd "$1" && pwd)
model=$(realpath "$2")
clip=$(realpath "$3")
label=$4
port=${PORT:-18097}
work=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2> /dev/null; rm -rf "$work"' EXIT

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
"$work/python" -c 'import importlib.util; assert not importlib.util.find_spec("tensorflow")'

"$work/python" -m movistream run "$model" "$clip" --end 6 --top 1 --threads 1 --out "$work/annotated.mp4" > "$work/run.txt"
tail -n 1 "$work/run.txt"
tail -n 1 "$work/run.txt" | grep -q " $label " || { echo "the top label should be '$label'"; exit 1; }
test -s "$work/annotated.mp4"

"$work/python" -m movistream serve "$model" "$clip" --loop --threads 1 --port "$port" &
server=$!
for _ in $(seq 60); do
    steps=$(curl -s "http://127.0.0.1:$port/metrics" | sed -n 's/^movistream_steps_total{.*} //p' || true)
    [ "${steps%.*}" -gt 5 ] 2> /dev/null && break
    sleep 1
done
echo "the server answers: ${steps%.*} steps, healthz says $(curl -s "http://127.0.0.1:$port/healthz")"
curl -s "http://127.0.0.1:$port/" | grep -q '<title>movistream</title>'
curl -s "http://127.0.0.1:$port/api/feeds/source-1/picture" | head -c 3 | od -An -tx1 | grep -q 'ff d8 ff'
[ "${steps%.*}" -gt 5 ]
kill "$server"
wait "$server" || true
server=

"$work/python" -m movistream bench "$model" --frames 5 --rounds 3 --html "$work/report.html"
grep -c '<svg' "$work/report.html" | sed 's/$/ plots in the report/'
