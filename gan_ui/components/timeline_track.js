// The strip above the timeline's slider: digit-FID at every snapshot, the alerts, the best, and where a branch began.

const TRACK_PAD = 8;  // half of the slider's thumb: the strip and the slider are aligned

/** Runs the strip. `state()` gives {line, now}, or null; `go(place)` is called when somebody points at a place in it. */
function makeTrack(canvas, {state, go}) {
  let pointing = false;

  function draw() {
    const at = state(), ratio = devicePixelRatio || 1, width = canvas.clientWidth, height = canvas.clientHeight;
    if (!width || !height) return;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    if (!at || !at.line.steps.length) return;
    const {line, now} = at, context = canvas.getContext('2d'), last = Math.max(1, line.steps.length - 1);
    const style = getComputedStyle(canvas), colour = name => style.getPropertyValue('--tl-' + name);
    const x = place => TRACK_PAD + place / last * (width - 2 * TRACK_PAD);
    context.scale(ratio, ratio);
    context.strokeStyle = colour('line');
    context.strokeRect(0.5, 0.5, width - 1, height - 1);
    // where the doctor had something to say
    const wide = Math.max(3, (width - 2 * TRACK_PAD) / (last + 1));
    context.fillStyle = colour('alert');
    line.row_of.forEach((row, place) => {
      if (row !== null && line.rows[row].alerts.length) context.fillRect(x(place) - wide / 2, 1, wide, 6);
    });
    for (const {place} of line.begun) context.fillRect(x(place) - 1.5, 1, 3, height - 2);
    // digit-FID, on a logarithmic axis of its own
    const values = line.row_of.map(row => row === null ? NaN : line.rows[row].digit_fid ?? NaN), seen = values.filter(value => value > 0);
    const low = Math.log(Math.min(...seen)), high = Math.log(Math.max(...seen)), top = 14, bottom = height - 8;
    const y = value => high > low ? bottom - (Math.log(value) - low) / (high - low) * (bottom - top) : (top + bottom) / 2;
    context.strokeStyle = colour('fid');
    context.lineWidth = 2;
    context.beginPath();
    values.forEach((value, place) => { if (value > 0) context.lineTo(x(place), y(value)); });
    context.stroke();
    if (seen.length) {
      context.fillStyle = colour('quiet');
      context.font = '11px ' + style.fontFamily;
      context.textAlign = 'left';
      context.fillText('digit-FID', 6, height - 7);
    }
    const begin = line.parent ? line.steps.findIndex(step => step > line.parent.step) : -1;
    if (begin > 0) rule(context, x(begin - 0.5), height, colour('quiet'), [2, 3]);
    if (line.best !== null) {
      context.fillStyle = colour('fid');
      context.textAlign = 'center';
      context.font = '15px ' + style.fontFamily;
      context.fillText('★', x(line.best), Math.min(height - 3, (values[line.best] > 0 ? y(values[line.best]) : bottom) + 5));
    }
    rule(context, x(now), height, colour('accent'), []);
  }

  function rule(context, at, height, colour, dashes) {
    context.strokeStyle = colour;
    context.lineWidth = 2;
    context.setLineDash(dashes);
    context.beginPath();
    context.moveTo(at, 0);
    context.lineTo(at, height);
    context.stroke();
    context.setLineDash([]);
  }

  function pointed(event) {
    const at = state();
    if (!at || !at.line.steps.length) return;
    const part = (event.clientX - canvas.getBoundingClientRect().left - TRACK_PAD) / (canvas.clientWidth - 2 * TRACK_PAD);
    go(Math.round(Math.max(0, Math.min(1, part)) * (at.line.steps.length - 1)));
  }

  canvas.addEventListener('pointerdown', event => { pointing = true; canvas.setPointerCapture(event.pointerId); pointed(event); });
  canvas.addEventListener('pointermove', event => { if (pointing) pointed(event); });
  for (const kind of ['pointerup', 'pointercancel']) canvas.addEventListener(kind, () => { pointing = false; });
  new ResizeObserver(draw).observe(canvas);
  new MutationObserver(draw).observe(document.body, {attributes: true, attributeFilter: ['class']});  // dark
  return draw;
}
