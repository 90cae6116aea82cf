// The chart's maths and pen strokes: functions that know nothing of the page. chart.py joins this file in front of
// chart.js.

/** One list of the view as n numbers; whatever is missing or not finite becomes NaN, which is drawn as a gap. */
function numbers(list, n) {
  const out = new Float64Array(n).fill(NaN);
  if (Array.isArray(list)) for (let i = 0; i < n; i++) if (Number.isFinite(list[i])) out[i] = list[i];
  return out;
}

/**
 * How many steps each point stands for: those since the point before it. The first stands for those since step 0,
 * but for no more than the second does: a branched run begins in the thousands.
 */
function stepsPerPoint(x) {
  const widths = Array.from(x, (step, i) => Math.max(0, step - x[i - 1]));
  if (x.length) widths[0] = Math.max(0, x.length > 1 ? Math.min(x[0], widths[1]) : x[0]) || widths[1] || 1;
  return widths;
}

/**
 * Mean over the last `window` steps, at every point. A point weighs as many of its steps as lie inside the window, so
 * points of unequal length count fairly, and early in a run the mean is over the steps there are. Gaps weigh nothing
 * and stay gaps. A window shorter than a point gives that point's own mean.
 */
function runningMean(x, values, window) {
  const n = x.length, widths = stepsPerPoint(x), out = new Float64Array(n).fill(NaN);
  const sums = new Float64Array(n + 1), weights = new Float64Array(n + 1);  // of everything before point i
  for (let i = 0; i < n; i++) {
    const weight = Number.isFinite(values[i]) ? widths[i] : 0;
    weights[i + 1] = weights[i] + weight;
    sums[i + 1] = sums[i] + (weight ? weight * values[i] : 0);
  }
  for (let i = 0, first = 0; i < n; i++) {
    if (!Number.isFinite(values[i])) continue;
    const start = x[i] - window;
    while (first < i && x[first] <= start) first++;
    const outside = widths[first] ? Math.min(1, Math.max(0, 1 - (x[first] - start) / widths[first])) : 0;
    const weight = weights[i + 1] - weights[first] - outside * (weights[first + 1] - weights[first]);
    const sum = sums[i + 1] - sums[first] - outside * (sums[first + 1] - sums[first]);
    out[i] = first < i && weight > 0 ? sum / weight : values[i];
  }
  return out;
}

/** Index of the step nearest to `step` in the rising list x, or -1 when x is empty. */
function nearest(x, step) {
  let low = 0, high = x.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (x[middle] < step) low = middle + 1; else high = middle;
  }
  return low > 0 && step - x[low - 1] < x[low] - step ? low - 1 : Math.min(low, x.length - 1);
}

/** The smallest of ..., 0.1, 0.2, 0.5, 1, 2, 5, 10, ... that is at least `size`. */
function niceAbove(size) {
  const power = 10 ** Math.floor(Math.log10(size)), digit = size / power * (1 - 1e-9);
  return (digit <= 1 ? 1 : digit <= 2 ? 2 : digit <= 5 ? 5 : 10) * power;
}

/** Round values from low to high, about `count` of them, `least` or more apart. */
function linearTicks(low, high, count, least = 0) {
  const step = Math.max(least, niceAbove((high - low) / Math.max(1, count))), ticks = [];
  const first = Math.ceil(low / step - 1e-9), last = Math.floor(high / step + 1e-9);
  for (let i = first; i <= last && ticks.length < 100; i++) ticks.push(i * step || 0);  // not -0
  return ticks;
}

/** 1-2-5 values from low to high, or powers of ten only where those would be crowded. */
function logTicks(low, high, count) {
  const from = Math.floor(Math.log10(low)), to = Math.ceil(Math.log10(high)), ticks = [];
  const digits = (to - from) * 3 <= count * 2 ? [1, 2, 5] : [1], skip = Math.ceil((to - from) / Math.max(1, count));
  for (let power = from; power <= to; power += skip)
    for (const digit of digits) {
      const tick = digit * 10 ** power;
      if (tick >= low * 0.999 && tick <= high * 1.001) ticks.push(tick);
    }
  return ticks;
}

/**
 * [low, high] of an axis that follows its values: all of the strong lines and the reference lines, and the raw values but for the
 * wildest 1 % at either end, which would flatten all the rest. Ends on round values, so that it seldom moves.
 */
function lossRange(strong, raw, references, log) {
  const usable = value => Number.isFinite(value) && (!log || value > 0);
  let low = Math.min(...references), high = Math.max(...references);
  const reach = value => { low = Math.min(low, value); high = Math.max(high, value); };
  for (const list of strong) for (const value of list) if (usable(value)) reach(value);
  const rough = Float64Array.from(raw.flatMap(list => Array.from(list).filter(usable))).sort();
  const cut = rough.length > 50 ? Math.floor(rough.length / 100) : 0;
  if (rough.length) { reach(rough[cut]); reach(rough[rough.length - 1 - cut]); }
  if (low > high) [low, high] = log ? [0.1, 1] : [0, 1];  // nothing to show
  if (log) {
    low = Math.max(low, high / 1e9, 1e-300);
    const ends = [1 / niceAbove(1 / low), niceAbove(Math.min(high, 1e300))];
    return ends[0] < ends[1] ? ends : [ends[0] / 2, ends[1] * 2];
  }
  low = Math.min(0, low);
  const step = niceAbove((high - low || 1) / 5);
  return [Math.floor(low / step) * step, Math.ceil(high * 1.02 / step) * step];
}

/** Maps low..high to the pixels from..to. On a log axis what is not positive lies far below the bottom. */
function scale(low, high, from, to, log) {
  if (!log) return value => from + (value - low) / (high - low || 1) * (to - from);
  const base = Math.log(low), span = Math.log(high) - base || 1;
  return value => from + (value > 0 ? (Math.log(value) - base) / span : -10) * (to - from);
}

/** A number in at most about six characters. */
function shortNumber(value, decimals) {
  if (!Number.isFinite(value)) return '–';
  const size = Math.abs(value), exponent = size >= 1e5 || (size > 0 && size < 1e-3 && decimals > 3);
  return exponent ? value.toExponential(0).replace('+', '') : value.toFixed(size >= 1000 ? 0 : decimals);
}

/** Decimals needed to tell the ticks apart. */
function decimalsOf(size) {
  return Math.max(0, -Math.floor(Math.log10(size) + 1e-9));
}

// ---- pen strokes ----

/** The canvas's context, cleared and sized for this screen's pixels. */
function freshContext(canvas) {
  const ratio = window.devicePixelRatio || 1, context = canvas.getContext('2d');
  const width = Math.round(canvas.clientWidth * ratio), height = Math.round(canvas.clientHeight * ratio);
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, canvas.clientWidth, canvas.clientHeight);
  return context;
}

function text(context, words, x, y, align, colour) {
  context.textAlign = align;
  context.fillStyle = colour;
  context.fillText(words, x, y);
}

function rule(context, x1, y1, x2, y2) {
  const crisp = at => Math.round(at) + 0.5;
  context.beginPath();
  context.moveTo(crisp(x1), crisp(y1));
  context.lineTo(crisp(x2), crisp(y2));
  context.stroke();
}

/** Strokes a line through the values, broken at gaps. A point alone becomes a dot. `across` is each point's pixel x. */
function strokeLine(context, across, values, y, width) {
  const missing = i => !Number.isFinite(values[i]);
  context.lineWidth = width;
  context.lineJoin = 'round';
  context.beginPath();
  across.forEach((at, i) => {
    if (missing(i)) return;
    if (!missing(i - 1)) context.lineTo(at, y(values[i]));
    else if (!missing(i + 1)) context.moveTo(at, y(values[i]));
    else { context.moveTo(at + width, y(values[i])); context.arc(at, y(values[i]), width, 0, 2 * Math.PI); }
  });
  context.stroke();
}

/** Many points, less than three pixels apart. To stroke or fill so jagged an outline takes tens of ms, columns few. */
function crowded(across) {
  return across.length > 400 && (across[across.length - 1] - across[0]) / across.length < 3;
}

/** Fills between lo and hi with one rectangle for each column of pixels. */
function fillColumns(context, across, lo, hi, y) {
  const ratio = context.getTransform().a, column = i => Math.round(across[i] * ratio) / ratio;
  let left = column(0), low = Infinity, high = -Infinity;
  across.forEach((_, i) => {
    if (lo[i] <= hi[i]) { low = Math.min(low, lo[i]); high = Math.max(high, hi[i]); }
    const right = column(i);
    if (right <= left) return;
    if (low <= high) context.fillRect(left, y(high), right - left, Math.max(1, y(low) - y(high)));
    left = right; low = Infinity; high = -Infinity;
  });
}

/** Fills between lo and hi, broken at gaps. */
function fillBand(context, across, lo, hi, y) {
  if (crowded(across)) return fillColumns(context, across, lo, hi, y);
  const n = across.length;
  context.beginPath();
  for (let from = 0, to; from < n; from = to + 1) {
    if (lo[from] <= hi[from]) context.moveTo(across[from], y(lo[from]));
    for (to = from; lo[to] <= hi[to]; to++) context.lineTo(across[to], y(hi[to]));
    for (let i = to - 1; i >= from; i--) context.lineTo(across[i], y(lo[i]));
    if (to > from) context.closePath();
  }
  context.fill();
}

/** A line one pixel wide. */
function strokeThin(context, across, values, y) {
  if (!crowded(across)) return strokeLine(context, across, values, y, 1);
  const before = i => Number.isFinite(values[i - 1]) ? values[i - 1] : values[i];
  const join = end => values.map((value, i) => end(value, before(i)));
  fillColumns(context, across, join(Math.min), join(Math.max), y);
}
