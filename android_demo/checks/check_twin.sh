#!/bin/bash
# Runs the command-line twin as its documentation says, and compares its JSON with Python's.
#
#   check_twin.sh FOLDER LIBLITERT MODEL PYTHON JAVA...
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
folder=$1 litert=$2 model=$3 python=$4
shift 4
twin=("$@" org.movistream.desktop.CommandLine)

# Ten frames of random noise: 64 by 48 pixels, 4608 bytes each.
head -c 46080 /dev/urandom > "$folder/noise.yuv"
"${twin[@]}" run "$litert" "$model" --size 64x48 --rotation 90 --frames "$folder/noise.yuv" \
    > "$folder/twin.jsonl" 2> "$folder/twin.log" || { cat "$folder/twin.log"; exit 1; }
"${twin[@]}" run "$litert" "$model" --size 64x48 --rotation 90 < "$folder/noise.yuv" \
    2> "$folder/twin.log" | wc -l > "$folder/twin-lines.txt"
"${twin[@]}" bench "$litert" "$model" --rounds 3 --frames-per-round 5 \
    > "$folder/twin-bench.json" 2> "$folder/twin.log" || { cat "$folder/twin.log"; exit 1; }
# Refusals are one line and exit code 1.
for wrong in "run $litert $folder/noise.yuv" "run $litert $model --size 64x47 --frames \
    $folder/noise.yuv" "dance $litert $model"; do
    # shellcheck disable=SC2086
    if "${twin[@]}" $wrong > /dev/null 2> "$folder/twin.log"; then
        echo "the twin accepts: $wrong"
        exit 1
    fi
    ! grep -q 'Exception' "$folder/twin.log" || { cat "$folder/twin.log"; exit 1; }
done
"$python" "$here/check_twin.py" "$folder" "$model"
