// A colour for each class, by its number alone: the same in every chart, feed and visit.

const FIRST_HUE = 260;
const GOLDEN_ANGLE = 137.50776;
// In turn, so that classes whose hues come close differ all the same. OKLCH's lightness is that
// which people see, so all of these stand out from the background, whatever their hue.
const LIGHTNESS = { light: [0.58, 0.48, 0.64], dark: [0.74, 0.87, 0.62] };
const CHROMA = 0.18;
const DASHES = [[], [7, 4], [2, 3]];
const HUES_PER_DASH = 8;

const darkness = window.matchMedia("(prefers-color-scheme: dark)");

// Of a class, as CSS; dark for a dark background, by default as the page is.
export function classColor(index, dark = darkness.matches) {
  const lightness = LIGHTNESS[dark ? "dark" : "light"][index % 3];
  const hue = ((FIRST_HUE + index * GOLDEN_ANGLE) % 360) * (Math.PI / 180);
  // Where a screen has no such colour, a paler one of the same hue.
  let chroma = CHROMA;
  let linear = linearRgb(lightness, chroma, hue);
  while (chroma > 0 && linear.some((level) => level < 0 || level > 1)) {
    chroma -= 0.01;
    linear = linearRgb(lightness, chroma, hue);
  }
  return `rgb(${linear.map(encoded).join(" ")})`;
}

// How the curve of a class is dashed, as canvases take it, for eyes that tell few colours apart.
export function classDash(index) {
  return DASHES[Math.floor(index / HUES_PER_DASH) % DASHES.length];
}

// A mark that stands for a class, before its name.
export function classMark(index) {
  const mark = document.createElement("i");
  mark.className = `mark ${["solid", "dashed", "dotted"][DASHES.indexOf(classDash(index))]}`;
  paint(mark, index);
  return mark;
}

// Gives an element, and what is in it, the colours of a class, for both schemes.
export function paint(element, index) {
  element.style.setProperty("--class-light", classColor(index, false));
  element.style.setProperty("--class-dark", classColor(index, true));
}

// From OKLCH, by the matrices of its author, Björn Ottosson.
function linearRgb(lightness, chroma, hue) {
  const a = chroma * Math.cos(hue), b = chroma * Math.sin(hue);
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ];
}

function encoded(level) {
  const clipped = Math.min(1, Math.max(0, level));
  const shown = clipped <= 0.0031308 ? 12.92 * clipped : 1.055 * clipped ** (1 / 2.4) - 0.055;
  return Math.round(255 * shown);
}
