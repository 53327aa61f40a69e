#!/usr/bin/env bash
# Makes docs/report.png, the picture in README: `run quick` against the embedded server, and the top of its report as a
# browser shows it. Needs chromium; pngquant or ImageMagick's `convert` makes the file smaller where one is installed.
# It wants a quiet machine: where others use the CPUs the run is DISTURBED, and no picture is made.
set -euo pipefail
cd "$(dirname "$0")/.."
width=1400 height=${HEIGHT:-1690} picture=docs/report.png
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome) || {
  echo "picture.sh: chromium is not installed" >&2
  exit 4
}

cargo run --release -- run quick --out "$out"
if grep -qE '"disturbed"|"verdict": *"invalid"' "$out/result.json"; then
  echo "picture.sh: the run was disturbed; try again when the machine is quiet" >&2
  exit 3
fi

# The window is the crop: the page is longer, and what is below is left out.
"$browser" --headless --no-sandbox --disable-gpu --hide-scrollbars --force-device-scale-factor=1 \
  --user-data-dir="$out/browser" --window-size="$width,$height" --screenshot="$out/page.png" \
  "file://$out/report.html" 2> "$out/browser.log" || { cat "$out/browser.log" >&2; exit 4; }

# Few colours are enough for text and lines.
if command -v pngquant > /dev/null; then
  pngquant --force --strip --output "$picture" 64 "$out/page.png"
elif command -v convert > /dev/null; then
  convert "$out/page.png" -strip -dither None -colors 64 "PNG8:$picture"
else
  cp "$out/page.png" "$picture"
fi
bytes=$(wc -c < "$picture")
echo "$picture: $bytes bytes"
[ "$bytes" -lt 150000 ] || { echo "picture.sh: the picture is larger than 150 KB" >&2; exit 1; }
