// The live curves: stacked panels on one canvas, over one axis of steps or of seconds. What is drawn: chart_draw.js.
//
// Runs once when Gradio mounts the component, as the body of a function with `element` in scope. The newest view and
// the language come from the page's store, `ganLive`; nothing goes back to Python. All work, reading the view
// included, waits for an animation frame in which the chart can be seen, so a hidden page costs nothing. The
// crosshair lives on a second canvas on top: moving it never redraws the curves.

const SERIES = Object.values(PANELS).flatMap(panel => panel.series);
const WINDOWS = [0, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000];  // the smoothing slider's stops, in steps

const find = selector => element.querySelector(selector);
const word = key => window.ganLive.t('chart.' + key);
const base = find('.gc-base'), over = find('.gc-over'), slider = find('.gc-window'), logBox = find('.gc-log');
const axis = find('.gc-axis');
const buttons = Object.fromEntries(SERIES.map(key => [key, find('[data-series="' + key + '"]')]));
const chips = Object.fromEntries(Object.keys(PANELS).map(id => [id, find('[data-panel="' + id + '"]')]));

let latest = null;             // newest view, not yet read
// What is on the screen: of[key] = {lo, hi, mean, strong}, at the steps `x` or, for what is measured, `measured.x`.
let points = {x: [], seconds: [], measured: {x: [], seconds: []}, of: {}, floor: {}, marks: [], objective: 'non-saturating', digits: true, trains: false};
let run, layout = null;
let hoverStep = null;          // the step under the crosshair: it stays there when points come in
let smoothed = false;          // whether `strong` belongs to these points and this window
let stale = false, frame = 0;  // whether the curves must be drawn again, not just the crosshair; the frame asked for
const stats = element.chartStats = {draws: 0, lastMs: 0};
element.chartMaths = {runningMean, nearest, linearTicks, logTicks, lossRange};
element.chartLayout = () => layout;

// ---- data ----

function readView(view) {
  const curves = view.curves || {}, x = (Array.isArray(curves.x) ? curves.x : []).map(Number);
  const measured = view.measured || {}, columns = measured.columns || {}, rows = (columns.step || []).map(Number), of = {};
  for (const {series, measured: now} of Object.values(PANELS)) for (const key of series) {
    if (now) {
      const values = numbers(columns[key], rows.length);
      of[key] = {mean: values, lo: values, hi: values};
      continue;
    }
    const one = (curves.series || {})[key] || {}, mean = numbers(one.mean, x.length);
    of[key] = {mean, lo: numbers(one.lo || one.mean, x.length), hi: numbers(one.hi || one.mean, x.length)};
  }
  const marks = [...(view.parent ? [{step: view.parent.step, parent: view.parent.run}] : []), ...(measured.marks || [])];
  if (view.run !== run) hoverStep = null;
  run = view.run;
  points = {
    x, seconds: (curves.seconds || []).map(Number), of, floor: measured.floor || {}, marks,
    measured: {x: rows, seconds: (columns.seconds || []).map(Number)},
    objective: (view.settings || {}).objective || 'non-saturating',
    digits: !measured.newest || 'digit_fid' in measured.newest,
    trains: ['queued', 'starting', 'running'].includes(view.status),
  };
  smoothed = false;
}

function smooth() {
  const steps = WINDOWS[slider.value];
  for (const [key, one] of Object.entries(points.of))
    one.strong = steps && sourceOf(key) === points ? runningMean(points.x, one.mean, steps) : one.mean;
  smoothed = true;
}

const pressed = button => button.getAttribute('aria-pressed') === 'true';
const unfolded = id => pressed(chips[id]) && (points.digits || !PANELS[id].measured);
const shownIn = id => PANELS[id].series.filter(key => points.of[key] && pressed(buttons[key]));
const sourceOf = key => ['digit_fid', 'precision', 'recall'].includes(key) ? points.measured : points;
/** Where the crosshair meets a series: the nearest of its points, or else its last. */
const indexAt = key => hoverStep === null ? sourceOf(key).x.length - 1 : nearest(sourceOf(key).x, hoverStep);

const byTime = () => axis.value === 'seconds' && points.seconds.length === points.x.length && points.seconds.at(-1) > 0;
const positions = ({x, seconds}) => byTime() ? seconds : x;

/** A step's place on the axis; by seconds, between the points around it. */
function positionOf(step) {
  const {x, seconds} = points, after = x.findIndex(one => one >= step);
  if (!byTime()) return step;
  if (after < 0) return Infinity;
  const [x0, s0] = after ? [x[after - 1], seconds[after - 1]] : [0, 0], part = (step - x0) / (x[after] - x0 || 1);
  return s0 + part * (seconds[after] - s0);
}

// ---- drawing ----

function drawAll() {
  const began = performance.now();
  stale = false;
  if (latest) { readView(latest); latest = null; }
  if (!smoothed) smooth();
  for (const id of Object.keys(PANELS)) {
    const absent = Boolean(PANELS[id].measured && !points.digits), about = absent ? word('no_judge') : word('about_panel');
    chips[id].disabled = absent;
    if (chips[id].title !== about) chips[id].title = about;
    for (const key of PANELS[id].series) buttons[key].hidden = !unfolded(id);
  }
  layout = measure();
  find('.gc-plot').style.height = layout.height + 'px';
  const context = freshContext(base), colours = theme();
  context.font = colours.font;
  context.textBaseline = 'middle';
  drawGrid(context, colours);
  drawTitles(context, colours);
  drawCurves(context, colours);
  drawReferences(context, colours);
  drawMarks(context, colours);
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
  for (const key of SERIES) {
    const {strong = [], lo = [], hi = []} = of[key] || {}, decimals = sourceOf(key) === points ? 3 : 2;
    const value = (list, at) => shortNumber(list[at] ?? NaN, decimals);
    const at = indexAt(key), low = value(lo, at), high = value(hi, at);
    setText(buttons[key].querySelector('.gc-value'), value(strong, at));
    setText(buttons[key].querySelector('.gc-raw'), sourceOf(key) !== points ? '' : low === high ? low : low + ' – ' + high);
    const cells = find('[data-row="' + key + '"]').cells;
    [strong, lo, hi].forEach((list, column) => setText(cells[column + 1], value(list, list.length - 1)));
  }
  over.setAttribute('aria-valuemin', last < 0 ? 0 : x[0]);
  over.setAttribute('aria-valuemax', last < 0 ? 0 : x[last]);
  over.setAttribute('aria-valuenow', hoverStep === null || i < 0 ? over.getAttribute('aria-valuemax') : x[i]);
  const seen = SERIES.filter(key => !buttons[key].hidden);
  const values = seen.map(key => word(key) + ' ' + buttons[key].querySelector('.gc-value').textContent).join(', ');
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
  hover(x[nearest(positions(points), start + (at - left) / (right - left) * (end - start))]);
  const reference = at > right && layout.references.find(r => Math.abs(r.y - (event.clientY - box.top)) < 8);
  const mark = layout.marks.find(one => Math.abs(one.x - at) < 5);
  over.title = reference ? word(reference.word) : mark ? markLabel(mark) : '';
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
  const columns = SERIES.filter(key => sourceOf(key) === points).flatMap(key => Object.entries(endings)
    .map(([part, ending]) => ({name: key + ending, list: (points.of[key] || {})[part] || []})));
  const cell = value => Number.isFinite(value) ? value : '';
  const rows = points.x.map((step, i) => [step, cell(points.seconds[i]), ...columns.map(c => cell(c.list[i]))].join(','));
  return [['step', 'seconds', ...columns.map(c => c.name)].join(','), ...rows, ''].join('\n');
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
for (const control of [logBox, axis]) control.addEventListener('change', () => schedule());
for (const button of [...Object.values(buttons), ...Object.values(chips)]) {
  button.addEventListener('click', () => { button.setAttribute('aria-pressed', String(!pressed(button))); schedule(); });
}
find('.gc-csv').addEventListener('click', download);

document.addEventListener('visibilitychange', () => schedule());
new MutationObserver(() => schedule()).observe(document.body, {attributes: true, attributeFilter: ['class']});  // dark
// Drawn at once, in the frame that shows the new size, so that nothing is stretched in between.
new ResizeObserver(() => { stale = true; draw(); }).observe(base);
document.fonts.ready.then(() => schedule());
window.ganLive.on('language', speak);
window.ganLive.on('view', view => { latest = view; schedule(); });
