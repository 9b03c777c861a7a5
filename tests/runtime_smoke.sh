#!/bin/bash
# Shows that an installed runtime works: runs the demo, runs its model on the clip, writes the annotated
# video, serves the clip to a browser on loopback. Needs nothing but the runtime, bash and curl.
#
#   runtime_smoke.sh PYTHON
#
# The port is $PORT, or one that is free.
set -euo pipefail

python=$1
model=camera-motion
label='pan right' # What the demo's clip shows at 6 s.
free_port='import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
port=${PORT:-$("$python" -c "$free_port")}
work=$(mktemp -d)
clip=$work/demo/clip.mp4
server=
trap '[ -z "$server" ] || kill "$server" 2> /dev/null; rm -rf "$work"' EXIT

"$python" -c 'import importlib.util; assert not importlib.util.find_spec("tensorflow")'
"$python" -m movistream models
"$python" -m movistream inspect "$model" > /dev/null
"$python" -m movistream demo -o "$work/demo" > "$work/demo.txt"
tail -n 2 "$work/demo.txt"
grep -qE '^(9[0-9]|100)\.[0-9]% of the frames' "$work/demo.txt" || { echo "the demo should be right"; exit 1; }

"$python" -m movistream run "$model" "$clip" --end 6 --top 1 --threads 1 -o "$work/annotated.mp4" > "$work/run.txt"
last_frame=$(grep '^frame' "$work/run.txt" | tail -n 1)
echo "$last_frame"
echo "$last_frame" | grep -q " $label " || { echo "the top label should be '$label'"; exit 1; }
test -s "$work/annotated.mp4"

"$python" -m movistream serve "$model" "$clip" --loop --threads 1 --port "$port" &
server=$!
steps=0
for _ in $(seq 60); do
    steps=$(curl -s "http://127.0.0.1:$port/metrics" | sed -n 's/^movistream_steps_total{.*} //p' || true)
    [ "${steps%.*}" -gt 5 ] 2> /dev/null && break
    sleep 1
done
[ "${steps%.*}" -gt 5 ] || { echo "the server gave no steps within a minute"; exit 1; }
echo "the server answers: ${steps%.*} steps, healthz says $(curl -s "http://127.0.0.1:$port/healthz")"
curl -s "http://127.0.0.1:$port/" -o "$work/page"
grep -q '<title>movistream</title>' "$work/page"
curl -s "http://127.0.0.1:$port/api/feeds/source-1/picture" -o "$work/picture"
od -An -tx1 -N3 "$work/picture" | grep -q 'ff d8 ff'
kill "$server"
wait "$server" || true
server=
