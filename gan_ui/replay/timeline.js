// The timeline: a slider over the frames, and everything that belongs to the step it stands at. The chart has a line there.
const {record} = ganReplay, {frames, rows} = record, last = frames.length - 1;
const find = id => document.getElementById(id);
const slider = find('rp-slider'), play = find('rp-play'), best = find('rp-best'), jumps = find('rp-jumps'), chart = find('chart');
const here = document.createElement('div');
const pictures = frames.map(frame => 'data:image/webp;base64,' + frame.picture);
const spell = step => step.toLocaleString('en-US');
let now = last;

function show(place) {
  now = Math.max(0, Math.min(last, place));
  const {row} = frames[now], measured = row !== null;
  slider.value = now;
  find('rp-fakes').src = pictures[now];
  for (const id of ['quality', 'digits', 'doctor']) find(id).hidden = !measured;
  find('rp-unmeasured').hidden = measured;
  if (measured) ganReplay.show(row);
  tell();
}

function tell() {
  const {step} = frames[now], at = ganLive.t('replay.at', {step: spell(step)}), failed = record.view.error;
  document.querySelector('.rp-at').textContent = at;
  slider.setAttribute('aria-valuetext', at + ganLive.t('replay.count', {i: now + 1, n: frames.length}));
  find('rp-fakes').alt = ganLive.t('grids.fakes_alt', {step: spell(step)});
  find('rp-reals').alt = ganLive.t('grids.reals_alt');
  play.textContent = ganLive.t(player.playing ? 'replay.pause' : 'replay.play');
  find('rp-back').disabled = now === 0;
  find('rp-on').disabled = now === last;
  if (record.best !== null) {
    const {digit_fid: value, step} = record.lowest;
    best.textContent = ganLive.t('replay.best', {value: value.toFixed(2), step: spell(step)});
  }
  find('rp-error').hidden = !failed;
  find('rp-error').textContent = failed ? ganLive.t('replay.failed', {why: failed[ganLive.language]}) : '';
  for (const button of jumps.children) {
    const {place, alert} = button.jump;
    button.textContent = '⚠ ' + (alert.title[ganLive.language] || alert.kind) + ' · ' + spell(frames[place].step);
  }
  mark();
}

/** A button for each kind of alert, to the frame where it began. */
function addJumps() {
  const begun = new Set();
  frames.forEach(({row}, place) => {
    for (const alert of (row !== null && rows[row].alerts) || []) {
      if (begun.has(alert.kind)) continue;
      begun.add(alert.kind);
      const button = document.createElement('button');
      button.type = 'button';
      button.jump = {place, alert};
      button.addEventListener('click', () => go(place));
      jumps.append(button);
    }
  });
}

const player = makePlayer({now: () => now, last: () => last, show, told: tell});
function go(place) { player.stop(); show(place); }

// ---- the line in the chart ----

const bySeconds = () => chart.querySelector('.gc-axis').value === 'seconds';

/** A value of the list `to` where the list `from`, which rises beside it, has this one. */
function between(value, from, to) {
  const after = from.findIndex(one => one >= value);
  if (after <= 0) return after < 0 ? to.at(-1) ?? value : to[0];
  const part = (value - from[after - 1]) / (from[after] - from[after - 1] || 1);
  return to[after - 1] + part * (to[after] - to[after - 1]);
}

function mark() {
  const layout = chart.chartLayout(), {x, seconds} = record.view.curves;
  here.hidden = !layout || !layout.panels.length || !x.length;
  if (here.hidden) return;
  const at = bySeconds() ? between(frames[now].step, x, seconds) : frames[now].step;
  here.style.left = Math.max(layout.left, Math.min(layout.right, layout.x(at))) + 'px';
  here.style.top = layout.panels[0].top + 'px';
  here.style.height = layout.last - layout.panels[0].top + 'px';
}
const markSoon = () => requestAnimationFrame(() => requestAnimationFrame(mark));  // the chart draws in the next frame

function pick(event) {
  const layout = chart.chartLayout(), {x, seconds} = record.view.curves;
  if (!layout || !x.length) return;
  const part = (event.clientX - event.currentTarget.getBoundingClientRect().left - layout.left) / (layout.right - layout.left);
  if (part < -0.02 || part > 1.02) return;
  const at = layout.start + part * (layout.end - layout.start), step = bySeconds() ? between(at, seconds, x) : at;
  const far = frames.map(frame => Math.abs(frame.step - step));
  go(far.indexOf(Math.min(...far)));
}

here.className = 'rp-mark';
chart.querySelector('.gc-plot').append(here);
chart.querySelector('.gc-over').addEventListener('click', pick);
for (const kind of ['change', 'click']) chart.addEventListener(kind, markSoon);
new ResizeObserver(markSoon).observe(chart.querySelector('.gc-plot'));

slider.max = last;
slider.addEventListener('input', () => go(Number(slider.value)));
slider.addEventListener('keydown', event => { if (event.key === ' ') { event.preventDefault(); player.toggle(); } });
play.addEventListener('click', player.toggle);
find('rp-back').addEventListener('click', () => go(now - 1));
find('rp-on').addEventListener('click', () => go(now + 1));
document.querySelector('.rp-numbers').hidden = !rows.length;
best.hidden = record.best === null;
best.addEventListener('click', () => go(record.best));
find('rp-real-ones').hidden = !record.reals;
if (record.reals) find('rp-reals').src = 'data:image/webp;base64,' + record.reals;
addJumps();
show(last);
ganLive.on('language', tell);
