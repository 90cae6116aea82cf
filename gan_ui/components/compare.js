// Runs over one another. compare.py joins chart_scale.js, the maths and the pen, in front of this file.
//
// Asks the server when the choice changes and, while the tab can be seen and one of the runs trains, every two seconds.

const AT_MOST = 4, EVERY_MS = 2000, LEFT = 48, RIGHT = 16, TOP = 12, BOTTOM = 28;
const DASHES = [[], [8, 4], [2, 3], [10, 3, 2, 3]];            // with the colours of compare.css: no colour is alone
const find = selector => element.querySelector(selector);
const word = (key, values) => ganLive.t('compare.' + key, values);
const canvas = find('canvas'), quantity = find('.gk-quantity'), axis = find('.gk-axis'), logBox = find('.gk-log'), logXBox = find('.gk-log-x');

let view = null, visible = false, answer = {runs: []}, asking = false, timer = 0, hover = null, layout = null;
const chosen = new Map();                                      // id -> its place, 0 to 3, which is its colour and dash
element.drawn = () => layout && layout.lines;

function setText(node, words) {
  if (node.textContent !== words) node.textContent = words;
}

// ---- the choice ----

const candidates = () => view ? [...(view.pretrained || []).map(run => ({...run, ships: true})), ...(view.runs || [])] : [];

function toggle(id) {
  if (chosen.has(id)) chosen.delete(id);
  else chosen.set(id, [0, 1, 2, 3].find(place => ![...chosen.values()].includes(place)));
  showRuns();
  ask();
}

function showRuns() {
  const box = find('.gk-runs'), listed = candidates(), ids = listed.map(run => run.id);
  for (const id of [...chosen.keys()]) if (!ids.includes(id)) chosen.delete(id);
  const known = new Map([...box.children].map(node => [node.dataset.run, node]));
  for (const [id, node] of known) if (!ids.includes(id)) node.remove();
  listed.forEach(({id, preset, branch, ships, step, status}, place) => {
    let chip = known.get(id);
    if (!chip) {
      chip = document.createElement('button');
      chip.type = 'button';
      chip.dataset.run = id;
      chip.innerHTML = '<strong></strong><small></small>';
      chip.addEventListener('click', () => toggle(id));
    }
    if (box.children[place] !== chip) box.insertBefore(chip, box.children[place] || null);
    const on = chosen.has(id);
    chip.setAttribute('aria-pressed', String(on));
    chip.dataset.place = on ? chosen.get(id) : '';
    chip.disabled = !on && chosen.size >= AT_MOST;
    setText(chip.querySelector('strong'), ships ? id : branch ? ganLive.t('runs.branch', {preset}) : preset);
    setText(chip.querySelector('small'), ships ? word('ships') : id.slice(0, 15) + ' · ' + ganLive.t('status.is_' + status));
    chip.title = id + (step === undefined ? '' : ' · ' + step);
  });
}

// ---- the data ----

async function ask() {
  clearTimeout(timer);
  if (asking || !visible || document.hidden) return;
  asking = true;
  const ids = [...chosen.keys()].sort().join(' ');
  try {
    if (!chosen.size) answer = {runs: []};
    else {
      const query = new URLSearchParams([...chosen.keys()].map(id => ['run', id]));
      const response = await fetch('gradio_api/lab/compare?' + query, {signal: AbortSignal.timeout(10000)});
      if (response.ok) answer = await response.json();
    }
  } catch (error) { console.debug('GAN Live: ' + error.message); }
  asking = false;
  draw();
  if ([...chosen.keys()].sort().join(' ') !== ids) return ask();  // the choice changed meanwhile
  const trains = candidates().some(run => chosen.has(run.id) && ['running', 'starting', 'stopping', 'queued'].includes(run.status));
  if (trains) timer = setTimeout(ask, EVERY_MS);
}

/** The chosen quantity of each run as {id, place, x, y}. */
function lines() {
  return answer.runs.filter(run => chosen.has(run.id)).map(({id, preset, curves, measured}) => {
    const source = quantity.value === 'digit_fid' ? measured : curves, x = (source[axis.value] || []).map(Number);
    const absent = x.length > 0 && !(source[quantity.value] || []).length;  // measured, but not this: no data set of digits
    return {id, preset, place: chosen.get(id), x, y: numbers(source[quantity.value], x.length), absent};
  }).sort((a, b) => a.place - b.place);
}

// ---- drawing ----

function draw() {
  if (!canvas.clientWidth) return;
  const shown = lines(), floor = quantity.value === 'digit_fid' && Number.isFinite(answer.floor) ? [answer.floor] : [];
  const usable = shown.filter(line => line.y.some(Number.isFinite)), context = freshContext(canvas);
  const width = canvas.clientWidth, height = canvas.clientHeight, log = logBox.checked;
  const {color, fontFamily, backgroundColor} = getComputedStyle(find('.gk'));
  const colours = DASHES.map((_, place) => getComputedStyle(find('.gk')).getPropertyValue('--gk-' + place));
  const [low, high] = lossRange(usable.map(line => line.y), [], usable.length ? floor : [], log);
  const logX = logXBox.checked, firsts = usable.map(line => line.x.find(at => at > 0)).filter(Boolean);
  const end = Math.max(1, ...usable.map(line => line.x.at(-1))), begin = logX ? Math.min(end / 2, ...firsts) : 0;
  const along = scale(begin, end, LEFT, width - RIGHT, logX), x = value => Math.max(LEFT, along(value)), y = scale(low, high, height - BOTTOM, TOP, log);
  layout = {lines: usable, x, y, at: part => logX ? begin * (end / begin) ** part : part * end};
  find('.gk-empty').hidden = usable.length > 0;
  setText(find('.gk-empty'), word(chosen.size ? 'nothing' : 'choose'));
  canvas.setAttribute('aria-label', word('plot', {runs: usable.map(line => line.preset + ' ' + shortNumber(lastOf(line.y), 2)).join(', ')}));
  showTable(shown, colours);
  if (!usable.length) return;
  context.font = '11px ' + fontFamily;
  context.textBaseline = 'middle';
  context.strokeStyle = color;
  context.lineWidth = 1;
  const ticks = log ? logTicks(low, high, 6) : linearTicks(low, high, 6), xTicks = (logX ? logTicks : linearTicks)(begin, end, (width - LEFT) / 90);
  const rules = (...ends) => { context.globalAlpha = 0.12; rule(context, ...ends); context.globalAlpha = 1; };
  for (const tick of ticks) {
    rules(LEFT, y(tick), width - RIGHT, y(tick));
    text(context, shortNumber(tick, decimalsOf(tick)), LEFT - 8, y(tick), 'right', color);
  }
  for (const tick of xTicks) {
    rules(x(tick), TOP, x(tick), height - BOTTOM);
    text(context, tick.toLocaleString('en'), Math.min(x(tick), width - RIGHT - 12), height - BOTTOM + 14, 'center', color);
  }
  for (const at of floor) {
    context.setLineDash([4, 4]);
    rule(context, LEFT, y(at), width - RIGHT, y(at));
    context.setLineDash([]);
    const label = word('floor'), wide = context.measureText(label).width;
    context.fillStyle = backgroundColor;
    context.fillRect(width - RIGHT - wide - 6, y(at) - 7, wide + 6, 14);
    text(context, label, width - RIGHT - 3, y(at), 'right', color);
  }
  for (const {place, x: steps, y: values} of usable) {
    context.strokeStyle = colours[place];
    context.setLineDash(DASHES[place]);
    strokeLine(context, steps.map(x), values, y, 2);
    const seen = values.filter(Number.isFinite), only = values.indexOf(seen[0]);
    if (seen.length > 1) continue;                       // a single measurement is a dot, whatever the dashes
    context.beginPath();
    context.arc(x(steps[only]), y(values[only]), 4, 0, 2 * Math.PI);
    context.fillStyle = colours[place];
    context.fill();
  }
  context.setLineDash([]);
  if (hover === null) return;
  context.strokeStyle = color;
  context.lineWidth = 1;
  rule(context, x(hover), TOP, x(hover), height - BOTTOM);
}

const lastOf = values => values.filter(Number.isFinite).at(-1) ?? NaN;

/** The legend, with the last values or those under the pointer. */
function showTable(shown, colours) {
  const unit = axis.value === 'seconds' ? ' s' : '';
  find('table').hidden = !shown.length;
  setText(find('.gk-value'), hover === null ? word('last') : Math.round(hover).toLocaleString('en') + unit);
  find('tbody').replaceChildren(...shown.map(({id, place, x, y, absent}) => {
    const row = document.createElement('tr'), name = document.createElement('th');
    row.dataset.run = id;
    row.insertCell().innerHTML = '<svg width="34" height="8" aria-hidden="true"><line x1="1" y1="4" x2="33" y2="4" stroke="' +
      colours[place] + '" stroke-width="3" stroke-dasharray="' + DASHES[place].join(' ') + '"/></svg>';
    name.scope = 'row';
    name.textContent = id;
    row.append(name);
    const finite = y.filter(Number.isFinite), now = hover === null ? lastOf(y) : hover > x.at(-1) ? NaN : y[nearest(x, hover)] ?? NaN;
    const lowest = finite.length ? Math.min(...finite) : NaN;
    for (const value of [now, lowest]) row.insertCell().textContent = absent ? ganLive.t('quality.not_available') : shortNumber(value, 2);
    return row;
  }));
}

function speak() {
  for (const node of element.querySelectorAll('[data-t]')) setText(node, word(node.dataset.t));
  for (const node of element.querySelectorAll('[data-label]')) node.setAttribute('aria-label', word(node.dataset.label));
  showRuns();
  draw();
}

canvas.addEventListener('pointermove', event => {
  if (!layout || !layout.lines.length) return;
  const part = (event.offsetX - LEFT) / (canvas.clientWidth - LEFT - RIGHT);
  hover = layout.at(Math.min(1, Math.max(0, part)));
  draw();
});
canvas.addEventListener('pointerleave', () => { hover = null; draw(); });
for (const control of [quantity, axis, logBox, logXBox]) control.addEventListener('change', () => { hover = null; draw(); });
document.addEventListener('visibilitychange', ask);
new MutationObserver(draw).observe(document.body, {attributes: true, attributeFilter: ['class']});
new ResizeObserver(draw).observe(canvas);
new IntersectionObserver(entries => { visible = entries.at(-1).isIntersecting; if (visible) ask(); }).observe(find('.gk'));
ganLive.on('language', speak);
ganLive.on('view', fresh => { view = fresh; showRuns(); });
