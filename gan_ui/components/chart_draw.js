// The chart's panels: where everything goes, in CSS pixels, and how it is drawn. chart.py joins this file between
// chart_scale.js and chart.js; `points`, `find` and the like are chart.js's.

// `tall` is a panel's share of the height. `measured` ones show what was measured of the fakes, now and then.
const PANELS = {
  loss: {series: ['d_loss', 'g_loss'], tall: 200},
  d: {series: ['d_real', 'd_fake'], tall: 120, range: [0, 1]},
  fid: {series: ['digit_fid'], tall: 130, log: true, measured: true},
  grad: {series: ['grad_d', 'grad_g'], tall: 120, log: true},
  pr: {series: ['precision', 'recall'], tall: 120, range: [0, 1], measured: true},
};
const LOGISTIC = ['non-saturating', 'saturating'], COMPARING = ['relativistic', 'wasserstein'];  // objectives
const TOP = 24, BETWEEN = 38, BOTTOM = 28;  // pixels around the panels
const LABEL_ROWS = 4;                       // of the marks, before one has to go without

/** The dashed lines of a panel: {at, label, word}. Losses have them only where the objective gives them a meaning. */
function references(id) {
  const {objective, floor} = points;
  if (id === 'loss') {
    const guess = {at: Math.LN2, label: 'ln 2', word: 'ln2'}, twice = {at: 2 * Math.LN2, label: '2 ln 2', word: 'two_ln2'};
    return LOGISTIC.includes(objective) ? [guess, twice] : objective === 'relativistic' ? [guess] : [];
  }
  if (id === 'd') return COMPARING.includes(objective) ? [] : [{at: 0.5, label: '0.5', word: 'half'}];
  const reals = name => Number.isFinite(floor[name]) ? [{at: floor[name], label: word('real'), word: 'floor'}] : [];
  return id === 'fid' ? reals('digit_fid') : id === 'pr' ? reals('precision') : [];
}

const titleOf = id => word(id === 'd' && COMPARING.includes(points.objective) ? 'd_title_compared' : id + '_title');

/** [low, high, whether logarithmic] of a panel's axis. */
function rangeOf(id, {range, log}) {
  if (range) return [...range, false];
  const visible = shownIn(id).map(key => points.of[key]), logarithmic = log || logBox.checked;
  return [...lossRange(visible.map(s => s.strong), visible.flatMap(s => [s.lo, s.hi]), references(id).map(r => r.at), logarithmic), logarithmic];
}

function measure() {
  const width = base.clientWidth, small = width < 500 ? 0.85 : 1, ids = Object.keys(PANELS).filter(unfolded);
  let bottom = TOP - BETWEEN;
  const panels = ids.map(id => {
    const [low, high, log] = rangeOf(id, PANELS[id]), top = bottom + BETWEEN, tall = Math.round(PANELS[id].tall * small);
    bottom = top + tall;
    const ticks = log ? logTicks(low, high, 5) : linearTicks(low, high, tall > 150 ? 5 : 2);
    return {id, top, bottom, log, ticks, y: scale(low, high, bottom, top, log)};
  });
  const height = Math.max(bottom, TOP) + BOTTOM, left = width < 500 ? 34 : 44, right = Math.max(left + 10, width - 42);
  const at = positions(points), n = at.length, start = n ? at[0] - stepsPerPoint(at)[0] : 0;
  const end = Math.max(start + (byTime() ? 0.1 : 1), n ? at[n - 1] : 0, positions(points.measured).at(-1) ?? 0);
  return {
    width, height, left, right, start, end, panels, last: Math.max(bottom, TOP), x: scale(start, end, left, right, false),
    xTicks: linearTicks(start, end, (right - left) / 85, byTime() ? 0 : 1),
  };
}

/** The colours and the font that chart.css and the theme give now; the theme may be switched at any moment. */
function theme() {
  const {color, backgroundColor, fontFamily} = getComputedStyle(find('.gc'));
  const colourOf = node => getComputedStyle(node).color;
  const of = Object.fromEntries(SERIES.map(key => [key, colourOf(buttons[key].querySelector('.gc-swatch'))]));
  return {text: color, quiet: colourOf(find('.gc-readout')), ground: backgroundColor, of, font: '11px ' + fontFamily};
}

function drawGrid(context, colours) {
  const {left, right, x, xTicks, panels, last} = layout;
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
  text(context, word(byTime() ? 'second' : 'step'), right + 8, last + 16, 'left', colours.quiet);
}

function drawTitles(context, colours) {
  const {left, panels} = layout;
  for (const {id, top, bottom} of panels) {
    context.font = '600 ' + colours.font.replace('11px', '12px');
    text(context, titleOf(id), left, top - 13, 'left', colours.text);
    context.font = colours.font;
    const waits = PANELS[id].measured && points.trains && points.x.length && !points.measured.x.length;
    if (waits) text(context, word('soon'), left + 8, (top + bottom) / 2, 'left', colours.quiet);
  }
}

function drawCurves(context, colours) {
  const {left, right, panels} = layout;
  for (const {id, top, bottom, y} of panels) {
    const across = positions(PANELS[id].measured ? points.measured : points).map(layout.x);
    const visible = shownIn(id).map(key => ({...points.of[key], colour: colours.of[key]}));
    context.save();
    context.beginPath();
    context.rect(left - 3, top - 3, right - left + 6, bottom - top + 6);
    context.clip();
    for (const {lo, hi, mean, colour} of PANELS[id].measured ? [] : visible) {
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
  }
}

function drawReferences(context, colours) {
  const {left, right, panels} = layout;
  layout.references = panels.flatMap(({id, y}) => references(id).map(reference => ({...reference, y: y(reference.at)})));
  context.strokeStyle = colours.quiet;
  context.setLineDash([4, 4]);
  for (const {y} of layout.references) rule(context, left, y, right, y);
  context.setLineDash([]);
  let above = -Infinity;
  for (const reference of [...layout.references].sort((a, b) => a.y - b.y)) {  // two labels must not touch
    above = Math.max(reference.y, above + 13);
    text(context, reference.label, right + 8, above, 'left', colours.text);
  }
}

const markLabel = ({changes, parent}) => parent ? word('branched').replace('{run}', parent) : changes.map(([name, old, now]) => name + ' ' + (old ?? '?') + '→' + now).join(', ');

/** A line for every change of a setting, through all panels; labels move down until they are free of each other. */
function drawMarks(context, colours) {
  const {left, right, panels, start, end} = layout, ends = new Array(LABEL_ROWS).fill(-Infinity);
  layout.marks = points.marks.map(mark => ({...mark, at: positionOf(mark.step)}))
    .filter(({at}) => at >= start && at <= end).map(mark => ({...mark, x: layout.x(mark.at)}));
  if (!panels.length) return;
  context.strokeStyle = colours.text;
  context.globalAlpha = 0.6;
  context.setLineDash([2, 3]);
  for (const mark of layout.marks) for (const {top, bottom} of panels) rule(context, mark.x, top, mark.x, bottom);
  context.setLineDash([]);
  context.globalAlpha = 1;
  for (const mark of layout.marks) {
    const label = markLabel(mark), wide = context.measureText(label).width + 8;
    const from = mark.x + 3 + wide > right ? Math.max(left, mark.x - 3 - wide) : mark.x + 3;
    const row = ends.findIndex(end => end <= from);
    if (row < 0 || wide > right - left) continue;
    ends[row] = from + wide;
    const y = panels[0].top + 9 + 16 * row;
    context.fillStyle = colours.ground;
    context.globalAlpha = 0.85;
    context.fillRect(from, y - 8, wide, 16);
    context.globalAlpha = 1;
    text(context, label, from + 4, y, 'left', colours.text);
  }
}

function drawCrosshair() {
  const context = freshContext(over), colours = theme(), i = hoverStep === null ? -1 : nearest(points.x, hoverStep);
  if (i < 0 || !layout) return;
  const at = positions(points)[i], label = byTime() ? word('seconds').replace('{n}', at.toFixed(1)) : at.toLocaleString('en');
  const place = layout.x(at);
  context.strokeStyle = colours.quiet;
  for (const {top, bottom} of layout.panels) rule(context, place, top, place, bottom);
  for (const {id, y, top, bottom} of layout.panels) {
    for (const key of shownIn(id)) {
      const index = indexAt(key), height = y(points.of[key].strong[index]);
      if (!(height >= top - 2 && height <= bottom + 2)) continue;
      context.beginPath();
      context.arc(layout.x(positions(sourceOf(key))[index]), height, 4.5, 0, 2 * Math.PI);
      context.fillStyle = colours.of[key];
      context.strokeStyle = colours.ground;
      context.lineWidth = 2;
      context.fill();
      context.stroke();
    }
  }
  context.font = colours.font;
  context.textBaseline = 'middle';
  const half = context.measureText(label).width / 2 + 7, centre = Math.min(Math.max(place, half), layout.right + 8 - half);
  context.fillStyle = colours.text;
  context.beginPath();
  context.roundRect(centre - half, layout.last + 7, 2 * half, 18, 4);
  context.fill();
  text(context, label, centre, layout.last + 16, 'center', colours.ground);
}
