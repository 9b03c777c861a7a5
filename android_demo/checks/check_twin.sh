#!/bin/bash
# Runs the command-line twin as its documentation says, and compares its JSON with Python's.
#
#   check_twin.sh FOLDER LIBLITERT FLOAT32_MODEL INT8_MODEL PYTHON JAVA...
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
folder=$1 litert=$2 models=("$3" "$4") model=$4 python=$5
shift 5
twin=("$@" org.movistream.desktop.CommandLine)

# Ten frames of random noise: 64 by 48 pixels, 4608 bytes each.
head -c 46080 /dev/urandom > "$folder/noise.yuv"
"${twin[@]}" run "$litert" "$model" --size 64x48 --rotation 90 --top 3 \
    --frames "$folder/noise.yuv" \
    > "$folder/twin.jsonl" 2> "$folder/twin.log" || { cat "$folder/twin.log"; exit 1; }
"${twin[@]}" run "$litert" "$model" --size 64x48 --rotation 90 < "$folder/noise.yuv" \
    2> "$folder/twin.log" | wc -l > "$folder/twin-lines.txt"
"${twin[@]}" bench "$litert" "$model" --rounds 3 --frames-per-round 5 \
    > "$folder/twin-bench.json" 2> "$folder/twin.log" || { cat "$folder/twin.log"; exit 1; }
# Refusals are one line and exit code 1.
for wrong in "run $litert $folder/noise.yuv" "run $litert $model --size 64x47 --frames \
    $folder/noise.yuv" "dance $litert $model" "run $litert $model --speed 3" \
    "run $litert $model --frames $folder/noise.yuv --size 64x48 --enter 2"; do
    # shellcheck disable=SC2086
    if "${twin[@]}" $wrong > /dev/null 2> "$folder/twin.log"; then
        echo "the twin accepts: $wrong"
        exit 1
    fi
    ! grep -q 'Exception' "$folder/twin.log" || { cat "$folder/twin.log"; exit 1; }
done
"$python" "$here/check_twin.py" "$folder" "$model"

"$python" "$here/check_clip.py" prepare "$folder" "${models[0]}"
models+=("$folder/several.tflite")
for model in "${models[@]}"; do
    name=$folder/$(basename "${model%.tflite}")
    run=("${twin[@]}" run "$litert" "$model" --size 192x192 --frames "$folder/clip.yuv"
        --source-fps 25 --top 3 --logits true)
    even=(--smoothing 0.3)
    uneven=(--enter 0.6 --leave 0.4 --shortest 0.2)
    if [ "$model" = "$folder/several.tflite" ]; then
        even=() uneven=(--leave 0.1 --smoothing 0.1) # The rest is as the model says.
    fi
    "${run[@]}" "${even[@]}" > "$name.even.jsonl" 2> "$folder/twin.log" ||
        { cat "$folder/twin.log"; exit 1; }
    "${run[@]}" --times "$folder/times.txt" "${uneven[@]}" --reset-on-cut true --reset-after-gap 2 --reset-every 7 \
        > "$name.times.jsonl" 2> "$folder/twin.log" || { cat "$folder/twin.log"; exit 1; }
done
"$python" "$here/check_clip.py" compare "$folder" "${models[@]}"
rm "$folder"/clip.{yuv,rgb,mp4} "$folder/several.tflite"
