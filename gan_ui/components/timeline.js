// The Timeline tab: a slider over all snapshots of a run, and everything that belongs to the step it stands at.
//
// Runs once when Gradio mounts the component, as the body of a function with `element` in scope. The run is the page's
// (ganLive), or one that ships and was chosen here; the pose is the page's (ganPose). timeline.py joins this file behind
// timeline_words.js, which says all this in words, and those of the parts.

const find = selector => element.querySelector(selector);
const word = (key, values) => ganLive.t('timeline.' + key, values);
const root = find('.tl'), slider = find('.tl-slider'), runBox = find('.tl-run'), play = find('.tl-play');
const number = value => value.toLocaleString('en-US');

let view = null, visible = false;
let line = null, now = 0, atEnd = true;       // the server's timeline; the place in it; whether to stay at its end as it grows
let notice = null, refused = null, trouble = null;  // a word with its values; the server's no to this run; what is tried again
let linked = null;                            // a place to go to, {run, step}, until its run's timeline is there
// For whoever measures or tests: what is on the screen, and whether all of it belongs to the slider's step.
element.lastShown = {run: '', step: null, grid: null, pose: null};
element.settled = () => Boolean(line) && line.run === subject() && askedFor === lineKey() && nextPose() === null && complete();
element.prefetched = () => Boolean(line) && line.steps.every((_, place) =>
  (!line.pictures[place] || pictures.grid(line, place)) && (!line.generators[place] || !poseNow() || pictures.frame(line, place)));

// ---- the run, and what the server knows of it ----

const isShipped = run => Boolean(view && (view.pretrained || []).some(one => one.id === run));
const subject = () => ganSubject.run;
const summary = run => view && (view.runs || []).find(one => one.id === run);
const runsToChoose = () => [
  ...(view ? view.runs || [] : []).map(({id, status}) => [id, id + ' · ' + ganLive.t('status.is_' + status)]),
  ...(view ? view.pretrained || [] : []).map(({id}) => [id, ganLive.t('explore.ships', {run: id})]),
];
/** Changes when the server has more to tell of the run. */
function lineKey() {
  const {snapshots = [], measured} = view;
  return [subject(), ...(isShipped(subject()) ? [] : [snapshots.length, snapshots.at(-1), measured && measured.tag])].join(' ');
}
let askedFor = '', stale = false;

function nextLine() {
  if (!visible || document.hidden || !subject()) return null;
  return askedFor !== lineKey() || stale ? fetchLine : null;
}

async function fetchLine() {
  const run = subject(), key = lineKey();
  stale = false;
  try {
    const answer = await ask('timeline', {run, tag: line && line.run === run ? line.tag : ''});
    if (run !== subject()) return;
    if (answer.status !== 204) takeLine(await answer.json());
    refused = null;
  } catch (error) {
    if (!isFinal(error)) throw error;
    refused = error;                            // said until the run is another one, or its folder changes
    line = null;
  }
  askedFor = key;
  show();
  pumps[1]();
  pictures.pump();
}

function takeLine(fresh) {
  const before = line && line.run === fresh.run ? line.steps[now] : null;
  if (!line || line.run !== fresh.run) { atEnd = true; player.stop(); }
  line = fresh;
  const last = fresh.steps.length - 1, step = linked && linked.run === fresh.run ? linked.step : null, wanted = step ?? before;
  linked = null;
  if (atEnd && wanted === before) now = last;
  else if (wanted !== null) {
    now = nearestPlace(wanted);
    if (wanted === before && fresh.steps[now] !== before && last >= 0) say('thinned', {step: number(before), now: number(fresh.steps[now])});
  } else now = Math.min(now, last);
  now = Math.max(0, now);
  if (step !== null) atEnd = now === last;
}

const nearestPlace = step => line.steps.reduce((best, one, place) => Math.abs(one - step) < Math.abs(line.steps[best] - step) ? place : best, 0);

function say(key, values) { notice = key ? {key, values} : null; }

function failed(error) {
  if (error) console.debug('GAN Live: ' + error.message);
  if (!error && !trouble) return;
  trouble = error;
  tellNotice();
}

// ---- the pose ----

/** The page's pose if this run's G can draw it. */
function poseNow() {
  const pose = ganPose.pose;
  return pose && line && pose.z.length === line.z_dim ? pose : null;
}

let drawSeed = null;                          // the seed that z is to be drawn from, until it has been

function nextPose() {
  if (!visible || document.hidden || !line || !line.generators.some(Boolean)) return null;
  // whoever was not on the Sample tab yet has no pose: it begins with the same one there
  return drawSeed !== null || !ganPose.pose ? drawPose : null;
}

async function drawPose() {
  const {run} = line, seed = drawSeed ?? 0, answer = await ask('z', {run, seed}), values = new Float32Array(await answer.arrayBuffer());
  if (drawSeed === seed) drawSeed = null;       // another one may be wanted by now
  ganPose.set({z: values.slice(0, values.length / 3), seed, run});
}

// ---- pictures ----

const pictures = makePictures({
  wanted: () => visible && !document.hidden && line && line.steps.length ? {line, now, pose: poseNow()} : null,
  got: () => show(),
  failed,
  lost: () => refreshSoon(),
});
const pumps = [makePump(nextLine, failed), makePump(nextPose, failed)];

function pump() {
  for (const one of pumps) one();
  pictures.pump();
}

function complete() {
  const step = line.steps[now], shown = element.lastShown;
  const drawn = (exists, at) => !exists || at === step;
  return !line.steps.length || (shown.step === step && drawn(line.pictures[now], shown.grid) && drawn(line.generators[now] && poseNow(), shown.pose));
}

/** Draws what there is of the place; what has not come yet stays as it was, and is drawn when it comes. */
function paint() {
  const step = line.steps[now], grid = pictures.grid(line, now), frame = pictures.frame(line, now), shown = element.lastShown;
  if (shown.run !== line.run) for (const name of ['.tl-grid', '.tl-pose']) clearCanvas(find(name));
  element.lastShown = {run: line.run, step, grid: grid ? step : shown.grid, pose: frame ? step : shown.pose};
  if (grid && !grid.error) drawGrid(find('.tl-grid'), grid);
  else if (grid || !line.pictures[now]) clearCanvas(find('.tl-grid'));
  if (frame && frame.pixels) drawPixels(find('.tl-pose'), frame.pixels);
  else if (frame || !line.generators[now] || !poseNow()) clearCanvas(find('.tl-pose'));
  root.classList.toggle('tl-late', !complete());
}

/** The folder has changed; asked once for each timeline at most. */
let refreshedFor = '';
function refreshSoon() {
  if (!line || refreshedFor === line.tag) return;
  refreshedFor = line.tag;
  stale = true;
  pumps[0]();
}

function show() {
  if (!visible) return;
  tellNotice();
  tellNone();
  tellJumps();
  if (line && line.steps.length) {
    ganPlace.set({step: line.steps[now]});       // for those who follow
    paint();
    tellPlace();
    tellFound();
  }
  drawTrack();
  branch.look();
  film.look();
  duel.look();
}

// ---- moving ----

function move(place) {
  if (!line || !line.steps.length) return;
  now = Math.max(0, Math.min(line.steps.length - 1, place));
  atEnd = now === line.steps.length - 1;
  say('');
  show();
  pump();
}
function go(place) { player.stop(); move(place); }

const player = makePlayer({
  now: () => now, last: () => line ? line.steps.length - 1 : 0, show: move, told: () => { if (line && line.steps.length) tellPlace(); },
});
const drawTrack = makeTrack(find('.tl-track'), {state: () => line && {line, now}, go});
const tree = makeTree(find('.tt'), {choose, word});
const branch = makeBranch(find('.tb'), {
  place: () => line && line.steps.length ? {run: line.run, step: line.steps[now], ships: isShipped(line.run)} : null,
  started: run => { choose(run); },
  word,
});
const film = makeFilm(find('.tf'), {subject: () => line && {run: line.run, pose: poseNow(), conditional: line.conditional}});
const duel = makeDuel(find('.td'), {
  here: () => line && line.steps.length
    ? {line, place: now, grid: pictures.grid(line, now), frame: pictures.frame(line, now), pose: poseNow()} : null,
  runs: runsToChoose, tellNumbers, verdictOf, word,
});

function choose(run) {
  say('');
  ganSubject.choose(run);
}

let known = '';
function newSubject() {
  const run = subject();
  if (known && known !== run && view && !isShipped(known) && !summary(known)) say('deleted', {run: known});
  if (known !== run) { line = refused = null; player.stop(); }
  known = run;
  root.classList.remove('tl-waiting');
  fillOptions(runBox, runsToChoose(), run);
  showTree();
  show();
  pump();
}
function showTree() { if (visible && view) tree.show(view.runs || [], subject()); }

function speak() {
  for (const node of element.querySelectorAll('[data-t]')) setWords(node, word(node.dataset.t));
  for (const node of element.querySelectorAll('[data-label]')) node.setAttribute('aria-label', word(node.dataset.label));
  for (const node of element.querySelectorAll('[data-title]')) node.title = word(node.dataset.title);
  root.lang = ganLive.language === 'zh' ? 'zh-CN' : 'en';
  if (view) fillOptions(runBox, runsToChoose(), subject());
  branch.speak();
  showTree();
  show();
}

slider.addEventListener('input', () => go(Number(slider.value)));
slider.addEventListener('keydown', event => { if (event.key === ' ') { event.preventDefault(); player.toggle(); } });
play.addEventListener('click', () => player.toggle());
find('.tl-back').addEventListener('click', () => go(now - 1));
find('.tl-on').addEventListener('click', () => go(now + 1));
find('.tl-best').addEventListener('click', () => go(line.best));
find('.tl-random').addEventListener('click', () => {
  drawSeed = ((drawSeed ?? (ganPose.pose || {seed: -1}).seed) + 1) % 2 ** 31;
  pump();
});
find('.tl-steer').addEventListener('click', () => ganLive.openTab('explore'));
runBox.addEventListener('change', () => choose(runBox.value));
document.addEventListener('visibilitychange', pump);
new IntersectionObserver(entries => {
  visible = entries.at(-1).isIntersecting;
  if (!visible) player.stop();
  showTree();
  show();
  pump();
}).observe(root);
ganPose.on(() => { if (line) { show(); pump(); } });
ganPlace.on('go', place => {
  if (!Number.isFinite(place.step) || place.tab !== 'timeline') return;
  if (line && line.run === (place.run || line.run)) go(nearestPlace(place.step));
  else linked = {run: place.run || subject(), step: place.step};
});
ganLive.on('language', speak);
ganSubject.on((_, fresh) => {
  view = fresh;
  newSubject();
});
