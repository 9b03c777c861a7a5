"""Writes a row for each video of a folder: what it shows, how surely, and how many events.

python examples/batch_to_table.py MODEL FOLDER TABLE.csv
"""

import csv
import sys
from pathlib import Path

import movistream

if len(sys.argv) != 4:
    sys.exit(__doc__)
model_path, folder, table_path = sys.argv[1:]
clips = sorted(path for path in Path(folder).iterdir() if path.suffix in {".mp4", ".avi", ".mkv"})
failed = 0
with (
    movistream.load(model_path) as model,
    Path(table_path).open("w", newline="", encoding="utf-8") as file,
):
    table = csv.writer(file)
    table.writerow(["clip", "label", "score", "events", "error"])
    for clip in clips:
        try:
            answer = movistream.classify(clip, model)
        except movistream.VideoError as error:
            table.writerow([clip.name, "", "", "", error])
            failed += 1
        else:
            row = [clip.name, answer.label, f"{answer.score:.3f}", len(answer.events), ""]
            table.writerow(row)
print(f"{len(clips)} clips, {failed} failed")
sys.exit(1 if failed else 0)
