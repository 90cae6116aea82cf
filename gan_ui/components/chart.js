// The live curves: two stacked panels on one canvas, losses above, D(x) and D(G(z)) below, over one axis of steps.
//
// Runs once when Gradio mounts the component, as the body of a function with `element` in scope. The newest view and
// the language come from the page's store, `ganLive`; nothing goes back to Python. All work, reading the view
// included, waits for an animation frame in which the chart can be seen, so a hidden page costs nothing. The
// crosshair lives on a second canvas on top: moving it never redraws the curves.

const SERIES = [
  {key: 'd_loss', panel: 0}, {key: 'g_loss', panel: 0}, {key: 'd_real', panel: 1}, {key: 'd_fake', panel: 1},
];
const REFERENCES = [
  {panel: 0, at: Math.LN2, label: 'ln 2', word: 'ln2'},
  {panel: 0, at: 2 * Math.LN2, label: '2 ln 2', word: 'two_ln2'},
  {panel: 1, at: 0.5, label: '0.5', word: 'half'},
];
const WINDOWS = [0, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000];  // the smoothing slider's stops, in steps
const TOP = 24, BETWEEN = 38, BOTTOM = 28;                         // pixels around the panels

const find = selector => element.querySelector(selector);
const word = key => window.ganLive.t('chart.' + key);
const base = find('.gc-base'), over = find('.gc-over'), slider = find('.gc-window'), logBox = find('.gc-log');
const buttons = Object.fromEntries(SERIES.map(({key}) => [key, find('[data-series="' + key + '"]')]));

let latest = null;             // newest view, not yet read
let points = {x: [], of: {}};  // what is on the screen: of[key] = {lo, hi, mean, strong}
let run, layout = null;
let hoverStep = null;          // the step under the crosshair: it stays there when points come in
let smoothed = false;          // whether `strong` belongs to these points and this window
let stale = false, frame = 0;  // whether the curves must be drawn again, not just the crosshair; the frame asked for
const stats = element.chartStats = {draws: 0, lastMs: 0};
element.chartMaths = {runningMean, nearest, linearTicks, logTicks, lossRange};

// ---- data ----

function readView(view) {
  const curves = view.curves || {}, x = (Array.isArray(curves.x) ? curves.x : []).map(Number);
  const of = {};
  for (const {key} of SERIES) {
    const series = (curves.series || {})[key] || {}, mean = numbers(series.mean, x.length);
    of[key] = {mean, lo: numbers(series.lo || series.mean, x.length), hi: numbers(series.hi || series.mean, x.length)};
  }
  if (view.run !== run) hoverStep = null;
  run = view.run;
  points = {x, of};
  smoothed = false;
}

function smooth() {
  const steps = WINDOWS[slider.value];
  for (const one of Object.values(points.of)) one.strong = steps ? runningMean(points.x, one.mean, steps) : one.mean;
  smoothed = true;
}

const shown = key => buttons[key].getAttribute('aria-pressed') === 'true';
const shownIn = panel => SERIES.filter(s => s.panel === panel && points.of[s.key] && shown(s.key));

// ---- layout: where every value goes, in CSS pixels ----

function measure() {
  const width = base.clientWidth, height = base.clientHeight, {x} = points, n = x.length;
  const room = Math.max(40, height - TOP - BETWEEN - BOTTOM), split = TOP + Math.round(room * 0.6);
  const left = width < 500 ? 34 : 44, right = Math.max(left + 10, width - 42);
  const start = n ? x[0] - stepsPerPoint(x)[0] : 0, end = n && x[n - 1] > start ? x[n - 1] : start + 1;
  const losses = shownIn(0).map(s => points.of[s.key]), log = logBox.checked;
  const references = REFERENCES.filter(r => r.panel === 0).map(r => r.at);
  const [low, high] = lossRange(losses.map(s => s.strong), losses.flatMap(s => [s.lo, s.hi]), references, log);
  const panel = (low, high, top, bottom, log, count) => ({
    top, bottom, y: scale(low, high, bottom, top, log),
    ticks: log ? logTicks(low, high, count) : linearTicks(low, high, count), log,
  });
  return {
    width, height, left, right, start, end, x: scale(start, end, left, right, false),
    panels: [
      panel(low, high, TOP, split, log, 5),
      panel(0, 1, split + BETWEEN, height - BOTTOM, false, room > 300 ? 5 : 2),
    ],
    xTicks: linearTicks(start, end, (right - left) / 85, 1),
  };
}

// ---- drawing ----

/** The colours and the font that chart.css and the theme give now; the theme may be switched at any moment. */
function theme() {
  const {color, backgroundColor, fontFamily} = getComputedStyle(find('.gc'));
  const colourOf = node => getComputedStyle(node).color;
  const of = Object.fromEntries(SERIES.map(({key}) => [key, colourOf(buttons[key].querySelector('.gc-swatch'))]));
  return {text: color, quiet: colourOf(find('.gc-readout')), ground: backgroundColor, of, font: '11px ' + fontFamily};
}

function drawGrid(context, colours) {
  const {left, right, x, xTicks, panels} = layout, last = panels[1].bottom;
  const grid = (...ends) => { context.globalAlpha = 0.11; rule(context, ...ends); context.globalAlpha = 1; };
  context.lineWidth = 1;
  context.strokeStyle = colours.text;
  for (const {ticks, y, top, bottom, log} of panels) {
    const decimals = decimalsOf(ticks.length > 1 ? ticks[1] - ticks[0] : 1);
    for (const tick of ticks) {
      grid(left, y(tick), right, y(tick));
      const label = tick === 0 ? '0' : shortNumber(tick, log ? decimalsOf(tick) : decimals);
      text(context, label, left - 8, y(tick), 'right', colours.quiet);
    }
    for (const tick of xTicks) grid(x(tick), top, x(tick), bottom);
  }
  for (const tick of xTicks) {
    const label = tick.toLocaleString('en'), half = context.measureText(label).width / 2;
    text(context, label, Math.min(x(tick), right - half), last + 16, 'center', colours.quiet);
  }
  text(context, word('step'), right + 8, last + 16, 'left', colours.quiet);
}

function drawTitles(context, colours) {
  const {left, panels} = layout;
  context.font = '600 ' + colours.font.replace('11px', '12px');
  panels.forEach(({top}, i) => text(context, word(i ? 'd_title' : 'loss_title'), left, top - 13, 'left', colours.text));
  context.font = colours.font;
}

function drawCurves(context, colours) {
  const {left, right, panels} = layout, across = points.x.map(layout.x);
  panels.forEach(({top, bottom, y}, index) => {
    const visible = shownIn(index).map(s => ({...points.of[s.key], colour: colours.of[s.key]}));
    context.save();
    context.beginPath();
    context.rect(left - 3, top - 3, right - left + 6, bottom - top + 6);
    context.clip();
    for (const {lo, hi, mean, colour} of visible) {
      context.fillStyle = context.strokeStyle = colour;
      context.globalAlpha = 0.16;
      fillBand(context, across, lo, hi, y);
      context.globalAlpha = 0.3;
      strokeThin(context, across, mean, y);
    }
    context.globalAlpha = 1;
    for (const {strong, colour} of visible) {
      context.strokeStyle = colour;
      strokeLine(context, across, strong, y, 2);
    }
    context.restore();
  });
}

function drawReferences(context, colours) {
  const {left, right, panels} = layout;
  context.strokeStyle = colours.quiet;
  context.setLineDash([4, 4]);
  for (const reference of REFERENCES) {
    reference.y = panels[reference.panel].y(reference.at);
    rule(context, left, reference.y, right, reference.y);
  }
  context.setLineDash([]);
  const apart = Math.max(0, 13 - (REFERENCES[0].y - REFERENCES[1].y)) / 2;  // the two labels must not touch
  const shifts = [apart, -apart, 0];
  REFERENCES.forEach(({label, y}, i) => text(context, label, right + 8, y + shifts[i], 'left', colours.text));
}

function drawCrosshair() {
  const context = freshContext(over), colours = theme(), i = hoverStep === null ? -1 : nearest(points.x, hoverStep);
  if (i < 0 || !layout) return;
  const at = layout.x(points.x[i]), last = layout.panels[1].bottom, label = points.x[i].toLocaleString('en');
  context.strokeStyle = colours.quiet;
  for (const {top, bottom} of layout.panels) rule(context, at, top, at, bottom);
  layout.panels.forEach(({y, top, bottom}, index) => {
    for (const {key} of shownIn(index)) {
      const height = y(points.of[key].strong[i]);
      if (!(height >= top - 2 && height <= bottom + 2)) continue;
      context.beginPath();
      context.arc(at, height, 4.5, 0, 2 * Math.PI);
      context.fillStyle = colours.of[key];
      context.strokeStyle = colours.ground;
      context.lineWidth = 2;
      context.fill();
      context.stroke();
    }
  });
  context.font = colours.font;
  context.textBaseline = 'middle';
  const half = context.measureText(label).width / 2 + 7, centre = Math.min(Math.max(at, half), layout.right + 8 - half);
  context.fillStyle = colours.text;
  context.beginPath();
  context.roundRect(centre - half, last + 7, 2 * half, 18, 4);
  context.fill();
  text(context, label, centre, last + 16, 'center', colours.ground);
}

function drawAll() {
  const began = performance.now();
  stale = false;
  if (latest) { readView(latest); latest = null; }
  if (!smoothed) smooth();
  layout = measure();
  const context = freshContext(base), colours = theme();
  context.font = colours.font;
  context.textBaseline = 'middle';
  drawGrid(context, colours);
  drawTitles(context, colours);
  drawCurves(context, colours);
  drawReferences(context, colours);
  drawCrosshair();
  tell();
  stats.draws += 1;
  stats.lastMs = performance.now() - began;
}

function draw() {
  frame = 0;
  if (document.hidden || !base.clientWidth || !base.clientHeight) return;  // drawn when it is shown again
  if (stale) return drawAll();
  drawCrosshair();
  tell();
}

function schedule(curves = true) {
  stale ||= curves;
  if (!frame) frame = requestAnimationFrame(draw);
}

// ---- words and numbers around the canvas ----

function setText(node, words) {
  if (node.textContent !== words) node.textContent = words;
}

/** Puts the values under the crosshair, or else the last ones, in the legend, and the last ones in the hidden table. */
function tell() {
  const {x, of} = points, last = x.length - 1, i = hoverStep === null ? last : nearest(x, hoverStep);
  find('.gc').classList.toggle('gc-without', last < 0);
  setText(find('.gc-step'), i < 0 ? '–' : x[i].toLocaleString('en'));
  for (const {key} of SERIES) {
    const {strong = [], lo = [], hi = []} = of[key] || {}, value = (list, at) => shortNumber(list[at] ?? NaN, 3);
    const low = value(lo, i), high = value(hi, i);
    setText(buttons[key].querySelector('.gc-value'), value(strong, i));
    setText(buttons[key].querySelector('.gc-raw'), low === high ? low : low + ' – ' + high);
    const cells = find('[data-row="' + key + '"]').cells;
    [strong, lo, hi].forEach((list, column) => setText(cells[column + 1], value(list, last)));
  }
  over.setAttribute('aria-valuemin', last < 0 ? 0 : x[0]);
  over.setAttribute('aria-valuemax', last < 0 ? 0 : x[last]);
  over.setAttribute('aria-valuenow', hoverStep === null || i < 0 ? over.getAttribute('aria-valuemax') : x[i]);
  const values = SERIES.map(s => word(s.key) + ' ' + buttons[s.key].querySelector('.gc-value').textContent).join(', ');
  const spoken = i < 0 ? word('empty') : word('step') + ' ' + x[i] + ': ' + values;
  if (hoverStep !== null || !over.hasAttribute('aria-valuetext')) over.setAttribute('aria-valuetext', spoken);
}

function tellWindow() {
  const steps = WINDOWS[slider.value];
  const words = steps ? word('steps').replace('{n}', steps.toLocaleString('en')) : word('off');
  setText(find('.gc-window-value'), words);
  slider.setAttribute('aria-valuetext', words);
}

function speak(language) {
  const all = selector => element.querySelectorAll(selector);
  for (const node of all('[data-t]')) setText(node, word(node.dataset.t));
  for (const node of all('[data-label]')) node.setAttribute('aria-label', word(node.dataset.label));
  for (const node of all('[data-title]')) node.title = word(node.dataset.title);
  find('.gc').lang = language === 'zh' ? 'zh-CN' : 'en';
  over.removeAttribute('aria-valuetext');
  tellWindow();
  schedule();
}

// ---- what people do ----

function hover(step) {
  hoverStep = step;
  schedule(false);
}

function pointed(event) {
  const {x} = points, box = over.getBoundingClientRect(), at = event.clientX - box.left;
  if (!layout || !x.length) return;
  const {left, right, start, end} = layout;
  hover(x[nearest(x, start + (at - left) / (right - left) * (end - start))]);
  const reference = at > right && REFERENCES.find(r => Math.abs(r.y - (event.clientY - box.top)) < 8);
  over.title = reference ? word(reference.word) : '';
}

function keyed(event) {
  const {x} = points, last = x.length - 1, page = Math.ceil(x.length / 10);
  const i = hoverStep === null ? last : nearest(x, hoverStep);
  const goals = {  // the first ArrowLeft only shows the crosshair, at the last point
    ArrowLeft: hoverStep === null ? i : i - 1, ArrowRight: i + 1,
    PageDown: i - page, PageUp: i + page, Home: 0, End: last,
  };
  if (event.key === 'Escape') hover(null);
  if (!(event.key in goals) || last < 0 || event.ctrlKey || event.altKey || event.metaKey) return;
  event.preventDefault();
  hover(x[Math.min(last, Math.max(0, goals[event.key]))]);
}

function csv() {
  const endings = {mean: '', lo: '_lowest', hi: '_highest', strong: '_running_mean'};
  const columns = SERIES.flatMap(({key}) => Object.entries(endings)
    .map(([part, ending]) => ({name: key + ending, list: (points.of[key] || {})[part] || []})));
  const cell = value => Number.isFinite(value) ? value : '';
  const rows = points.x.map((step, i) => [step, ...columns.map(c => cell(c.list[i]))].join(','));
  return [['step', ...columns.map(c => c.name)].join(','), ...rows, ''].join('\n');
}

function download(event) {
  const link = event.currentTarget, url = URL.createObjectURL(new Blob([csv()], {type: 'text/csv'}));
  link.href = url;
  link.download = String(run || 'run').replace(/[^\w.-]+/g, '_') + '-curves.csv';
  setTimeout(() => { URL.revokeObjectURL(url); link.href = '#'; }, 1000);
}

over.addEventListener('pointerdown', pointed);
over.addEventListener('pointermove', pointed);
// A finger that lifts leaves the values on show, to be read; tapping elsewhere takes them away.
over.addEventListener('pointerleave', event => { if (event.pointerType !== 'touch') hover(null); });
over.addEventListener('blur', () => hover(null));
over.addEventListener('focus', () => { over.removeAttribute('aria-valuetext'); schedule(false); });
over.addEventListener('keydown', keyed);
slider.addEventListener('input', () => { smoothed = false; tellWindow(); schedule(); });
logBox.addEventListener('change', () => schedule());
for (const [key, button] of Object.entries(buttons)) {
  button.addEventListener('click', () => { button.setAttribute('aria-pressed', String(!shown(key))); schedule(); });
}
find('.gc-csv').addEventListener('click', download);

document.addEventListener('visibilitychange', () => schedule());
new MutationObserver(() => schedule()).observe(document.body, {attributes: true, attributeFilter: ['class']});  // dark
// Drawn at once, in the frame that shows the new size, so that nothing is stretched in between.
new ResizeObserver(() => { stale = true; draw(); }).observe(base);
document.fonts.ready.then(() => schedule());
window.ganLive.on('language', speak);
window.ganLive.on('view', view => { latest = view; schedule(); });
