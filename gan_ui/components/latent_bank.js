// The Sample tab: z as a bank of sliders, the digit G makes of it, and the digits around it.
//
// Runs once when Gradio mounts the component, as the body of a function with `element` in scope. Everything here is
// between this page and the routes of gan_ui/sample_routes.py; no event goes through Python. What is drawn is the page's
// pose (pose_store.js). What is on the screen is described by a key; whenever the key of what is wanted differs, and the
// tab can be seen, the server is asked.

const NEAR = 5, NEAR_EVERY_MS = 250, NEAR_EVERY_MS_HELD = 600, LAST_SEED = 2 ** 31 - 1, MAGNIFY = 10;

const find = selector => element.querySelector(selector);
const word = (key, values) => ganLive.t('explore.' + key, values);
const root = find('.lb'), digit = find('.lb-digit'), tiles = [...element.querySelectorAll('.lb-near .lb-tile')];
const classes = find('.lb-classes'), digits = [...element.querySelectorAll('.lb-class')];
const runs = find('.lb-run'), snapshots = find('.lb-snapshot'), seedBox = find('.lb-seed'), zooms = find('.lb-zoom');
const psi = find('.lb-psi'), radius = find('.lb-radius'), share = find('.lb-share'), other = find('.lb-to'), trouble = find('.lb-trouble');
const query = new URLSearchParams(location.search);

let view = null, language = 'en', visible = false, error = null;
let refusal = null;                        // of a direction's name; said until z, the run or the snapshot changes, or another name is tried
let sampled = '';                          // the run that the axes, the classes and the directions belong to
let drawSeed = 0;                          // the seed that z is to be drawn from, until it has been; else null
let axes = null, axesOf = '';              // [right, down], the directions of the neighbourhood; of which run and seed
let shownZ = null, zSerial = 0;            // the serial rises with every change of z
let directionsOf = '', foundAt = null;     // the run and snapshot whose directions are shown, and the step they were found at
let linked = query.get('pose');            // of the link that opened the page
let bankView = query.get('view') === 'dimensions' ? 'dimensions' : 'directions';
let digitShown = '', nearShown = '', classesShown = '', pairsShown = '', nearAt = 0;
// For whoever measures or tests: which z there is, which one the digit on the screen is of, and whether all is drawn.
element.zSerial = 0;
element.lastDrawn = {zSerial: -1, run: '', step: null, seed: 0};
element.settled = () => Boolean(pose()) && !linked && digitShown === digitKey() && idle();

// ---- what is wanted, what is shown ----

const pose = () => ganPose.pose;
const snapshot = () => snapshots.value || 'live';
function subject() {
  const ships = (view.pretrained || []).find(run => run.id === ganSubject.run);
  return ships ? {run: ships.id, version: 0, steps: ships.snapshots}
    : {run: view.run, version: view.live_version, steps: view.snapshots || []};
}
const origin = () => [subject().run, snapshot(), snapshot() === 'live' ? subject().version : ''].join(' ');
const zKey = () => [origin(), zSerial, pose().psi].join(' ');
const digitKey = () => [zKey(), JSON.stringify(classAsked(pose()))].join(' ');
const nearKey = () => [digitKey(), pose().seed, radius.value].join(' ');
const classesKey = () => pose().classes ? zKey() : '';
const directionsKey = () => subject().run + ' ' + snapshot();
const pairsKey = () => bankView === 'directions' ? [directionsOf, foundAt, digitKey()].join(' ') : pairsShown;
const question = () => ({run: subject().run, step: snapshot(), psi: pose().psi});
const seedNow = () => drawSeed ?? pose().seed;
const axesWanted = () => subject().run + ' ' + seedNow();
const idle = () => drawSeed === null && axesOf === axesWanted() && nearShown === nearKey() && classesShown === classesKey()
  && (bankView !== 'directions' || directionsOf === directionsKey()) && pairsShown === pairsKey();

/** Whether the tab is open; the bank itself may be out of sight, above the cards that follow its pose. */
const onPage = () => root.offsetParent !== null;

function next() {
  if (!onPage() || document.hidden || !view || !subject().run) return null;
  if (linked) return fetchLinked;
  if (drawSeed !== null || axesOf !== axesWanted()) return fetchSeed;
  if (!visible) return null;
  if (digitShown !== digitKey()) return fetchDigit;
  if (bankView === 'directions' && directionsOf !== directionsKey()) return fetchDirections;
  if (idle()) return null;
  const wait = nearAt + (ganPose.held ? NEAR_EVERY_MS_HELD : NEAR_EVERY_MS) - performance.now();
  return wait > 0 ? Math.ceil(wait) : fetchNear;
}

async function fetchSeed() {
  const wanted = axesWanted(), number = seedNow(), answer = await ask('z', {run: subject().run, seed: number});
  const values = new Float32Array(await answer.arrayBuffer()), n = values.length / 3;
  if (wanted !== axesWanted()) return;  // another one is wanted by now
  axes = [values.subarray(n, 2 * n), values.subarray(2 * n)];
  axesOf = wanted;
  const fits = pose() && pose().z.length === n;
  if (!fits) measureRadius(n);
  const drawn = fits && drawSeed === null ? {} : {z: fits ? keepLocked(values.slice(0, n)) : values.slice(0, n), seed: number};
  drawSeed = null;
  ganPose.set({...drawn, run: subject().run, snapshot: snapshot(), classes: Number(answer.headers.get('X-Classes'))});
}

async function fetchDigit() {
  const key = digitKey(), drawn = {zSerial, run: subject().run, seed: pose().seed};
  const answer = await ask('sample', {...asked(pose())}, {method: 'POST', body: pose().z});
  const pixels = new Uint8Array(await answer.arrayBuffer());
  drawPixels(digit, pixels);
  digitShown = key;
  element.lastDrawn = {...drawn, step: Number(answer.headers.get('X-Step'))};
  tellStep();
}

async function fetchDirections() {
  const key = directionsKey(), answer = await ask('directions', {run: subject().run, step: snapshot()}), found = await answer.json();
  if (key !== directionsKey()) return;
  directionsOf = key;
  foundAt = found.step;
  const run = view.runs.find(each => each.id === subject().run);
  const ships = (view.pretrained || []).some(each => each.id === subject().run);
  directions.take(unpackDirections(found), found.names, ships ? 'ships_unnamed' : ganLive.may('name', run) ? '' : 'not_yours_unnamed');
  directions.show(pose().z);
  tellStep();
}

/** The pictures around the digit: its neighbourhood, the ends of the directions, and this z as each of the digits. */
async function fetchNear() {
  const key = nearKey(), classKey = classesKey(), pairs = pairsKey(), body = pose().z;
  nearAt = performance.now();
  const fill = async (wanted, canvases, content = body) => {
    const answer = await ask('sample', {...question(), ...wanted}, {method: 'POST', body: content});
    const pixels = new Uint8Array(await answer.arrayBuffer());
    canvases.forEach((canvas, i) => drawPixels(canvas, pixels.subarray(i * PIXELS, (i + 1) * PIXELS)));
  };
  const canvasOf = button => button.firstElementChild;
  if (nearShown !== key) await fill({...classAsked(pose()), side: NEAR, seed: pose().seed, radius: radius.value}, tiles.map(canvasOf));
  nearShown = key;
  if (pairsShown !== pairs) {
    const ends = directions.ends();
    await fill({...classAsked(pose()), side: 'many'}, ends.canvases, ends.body);
  }
  pairsShown = pairs;
  if (classKey && classesShown !== classKey) await fill({side: 'digits'}, digits.map(canvasOf));
  classesShown = classKey;
}

function failed(newError) {
  if (newError) console.debug('GAN Live: ' + newError.message);
  if (!newError && !error) return;
  error = newError;
  tellTrouble();
}

const pump = makePump(next, failed);

// ---- drawing ----

function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

function tellStep() {
  const {step} = element.lastDrawn, at = number => word('step', {step: number.toLocaleString('en')});
  setText(find('.lb-step'), step === null ? '' : at(step));
  setText(find('.ld-found'), foundAt === null ? '' : word('found_at', {step: foundAt.toLocaleString('en')}));
  find('.ld-again').hidden = foundAt === null || step === foundAt;
}

function tellTrouble() {
  const said = refusal || error;
  root.classList.toggle('lb-stale', Boolean(error));
  trouble.hidden = !said;
  setText(trouble, said ? (said.sentences || {})[language] || word('unreachable') : '');
}

function tellBar(i) {
  setText(find('.lb-value'), 'z' + i + ' = ' + twoDecimals(bars.z[i]));
  const lock = find('.lb-lock'), on = bars.locked.has(i);
  lock.setAttribute('aria-pressed', String(on));
  setText(lock, word(on ? 'unlock' : 'lock') + ' z' + i);
}

function tellPage({first, count, total, zoom}) {
  find('.lb-zooms').hidden = total <= ZOOMS[ZOOMS.length - 1];
  find('.lb-pages').hidden = count === total;
  setText(find('.lb-page'), word('page', {first, last: first + count - 1, total}));
  find('.lb-previous').disabled = first === 0;
  find('.lb-next').disabled = first + count >= total;
  options(zooms, [[0, word('zoom_auto')], [total, word('zoom_all')], ...ZOOMS.filter(n => n < total).map(n => [n, word('zoom', {n})])], zoom);
}

function tellKnobs() {
  setText(find('.lb-psi-value'), Number(psi.value).toFixed(2));
  setText(find('.lb-radius-value'), Number(radius.value).toFixed(1));
  setText(find('.lb-share-value'), Math.round(share.value * 100) + ' %');
}

function tellClasses() {
  const now = pose() || {digit: '7', to: '', share: 0};
  classes.hidden = !now.classes;
  for (const button of element.querySelectorAll('[data-digit]'))
    button.setAttribute('aria-pressed', String(button.dataset.digit === String(now.digit)));
  find('.lb-blend').hidden = now.digit === '';
  options(other, [['', word('no_blend')], ...[...Array(10).keys()].filter(i => String(i) !== String(now.digit)).map(i => [i, word('draw', {digit: i})])], now.to);
  share.disabled = now.to === '';
  share.value = now.share;
}

function tellBankView() {
  for (const button of element.querySelectorAll('.lb-view')) button.setAttribute('aria-pressed', String(button.dataset.view === bankView));
  root.classList.toggle('lb-by-direction', bankView === 'directions');
}

// ---- changes ----

/** The pose has changed, here or elsewhere on the page. */
function newPose(now) {
  if (!axes) { drawSeed = null; measureRadius(now.z.length); }  // another tab was opened first: its pose stays
  if (now.z !== shownZ) {
    shownZ = now.z;
    forget();
    element.zSerial = ++zSerial;
    bars.set(now.z);
    directions.show(now.z);
    setText(find('.lb-norm'), '|z| ' + Math.hypot(...now.z).toFixed(2));
  }
  if (document.activeElement !== seedBox) seedBox.value = seedNow();
  psi.value = now.psi;
  find('.lb-undo').disabled = !ganPose.past;
  find('.lb-redo').disabled = !ganPose.future;
  tellClasses();
  tellKnobs();
  pump();
}

/** These values, but with what is locked as it is now. */
function keepLocked(values) {
  const z = pose().z;
  let kept = values;
  for (const i of directions.locked) kept = moved(kept, directions.rows[i], along(z, directions.rows[i]) - along(kept, directions.rows[i]));
  for (const i of bars.locked) kept[i] = z[i];
  return kept;
}

function newSeed(value) {
  const number = Math.round(Number(value));
  drawSeed = Number.isFinite(number) ? Math.min(LAST_SEED, Math.max(0, number)) : seedNow();
  seedBox.value = drawSeed;
  pump();
}

/** The radius in steps that suit z: two independent draws are about sqrt(2 * z_dim) apart. */
function measureRadius(n) {
  radius.max = Math.sqrt(2 * n).toFixed(1);
  radius.value = (Math.sqrt(n) / 2).toFixed(1);
  tellKnobs();
}

/** Moves z to a tile, so that its picture becomes the digit. */
function moveTo(index) {
  if (!axes || axes[0].length !== pose().z.length) return;
  const offset = k => (k - (NEAR - 1) / 2) / ((NEAR - 1) / 2) * Number(radius.value);
  const x = offset(index % NEAR), y = offset(Math.floor(index / NEAR));
  ganPose.set({z: pose().z.map((value, i) => value + x * axes[0][i] + y * axes[1][i])});
}

/** Arrow keys walk over the tiles; one of them at a time is in the order of the Tab key. */
function walkTiles(event) {
  const i = tiles.indexOf(event.target), row = Math.floor(i / NEAR), column = i % NEAR;
  const goal = {ArrowLeft: [row, column - 1], ArrowRight: [row, column + 1], ArrowUp: [row - 1, column], ArrowDown: [row + 1, column]}[event.key];
  if (!goal) return;
  event.preventDefault();
  if (Math.min(...goal) < 0 || Math.max(...goal) >= NEAR) return;
  tiles.forEach(tile => { tile.tabIndex = -1; });
  const tile = tiles[goal[0] * NEAR + goal[1]];
  tile.tabIndex = 0;
  tile.focus();
}

function lockCurrent() {
  if (bankView === 'dimensions') { bars.lock(bars.current); tellBar(bars.current); }
  else if (directions.current() >= 0) directions.lock(directions.current());
}

/** R, L and Ctrl-Z work wherever the focus is while the tab is open, but not while somebody types. */
function keyed(event) {
  const typing = event.target.closest && event.target.closest('input:not([type=range]):not([type=checkbox]), textarea, select, [contenteditable]');
  if (!onPage() || typing || event.altKey || !pose()) return;
  const key = event.key.toLowerCase(), command = event.ctrlKey || event.metaKey;
  if (command && key === 'z') event.shiftKey ? ganPose.redo() : ganPose.undo();
  else if (command && key === 'y') ganPose.redo();
  else if (!command && key === 'r') newSeed(seedNow() < LAST_SEED ? seedNow() + 1 : 0);
  else if (!command && key === 'l') lockCurrent();
  else return;
  event.preventDefault();
}

/** What was refused is over. */
function forget() {
  if (!refusal) return;
  refusal = null;
  tellTrouble();
}

async function nameDirection(index, name) {
  forget();
  try {
    await ask('directions', {run: subject().run, step: foundAt, index}, {method: 'POST', body: name});
    failed(null);
    directions.speak();
  } catch (refused) {
    refusal = refused;
    directionsOf = '';        // shows the name that is kept
    pump();
    tellTrouble();
  }
}

function download() {
  const {run, step, seed} = element.lastDrawn;
  if (step === null) return;
  const large = document.createElement('canvas'), context = large.getContext('2d');
  large.width = large.height = 28 * MAGNIFY;
  context.imageSmoothingEnabled = false;
  context.drawImage(digit, 0, 0, large.width, large.height);
  large.toBlob(blob => {
    const link = document.createElement('a');
    link.href = URL.createObjectURL(blob);
    link.download = run + '-step' + step + '-seed' + seed + '.png';
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  });
}

// ---- a pose as text ----

async function writePose() {
  const answer = await ask('pose', {...asked(pose())}, {method: 'POST', body: pose().z});
  return (await answer.json()).text;
}

/** Takes the pose of a text, with its run and snapshot; promises a note for the reader, or null. */
async function readPose(text) {
  const said = await (await ask('pose', {text, run: subject().run})).json(), fits = pose() && pose().z.length === said.z.length;
  if (said.run !== subject().run) ganSubject.choose(said.run);
  wantedSnapshot = said.step === null ? 'live' : String(said.step);
  drawSeed = null;
  if (!fits) measureRadius(said.z.length);
  ganPose.set({z: Float32Array.from(said.z), psi: said.psi, seed: pose() ? pose().seed : 0, to: said.to ?? '', share: said.share,
               ...(said.digit === null ? {} : {digit: String(said.digit)})});
  tellChoices();
  pump();
  return said.note;
}

/** The pose of the link that opened the page; a link that cannot be used leaves the page as it is without one. */
async function fetchLinked() {
  const text = linked;
  linked = null;
  try { poseText.tell(await readPose(text) || 'pasted'); }
  catch (refused) {
    if (!refused.sentences) { linked = text; throw refused; }
    poseText.tell(refused.sentences);
    element.querySelector('.lp').open = true;
  }
}

function poseAddress(text) {
  const url = new URL(location.href);
  url.search = new URLSearchParams({pose: text, tab: 'explore', view: bankView});
  url.hash = '';
  return url.href;
}

// ---- the page's view ----

/** Fills a <select> with [value, label] pairs, touching it only when they have changed: it may be open. */
function options(select, pairs, value) {
  const described = JSON.stringify(pairs);
  if (select.dataset.pairs !== described) {
    select.dataset.pairs = described;
    select.replaceChildren(...pairs.map(([value, label]) => new Option(label, value)));
  }
  if (select.value !== String(value)) select.value = value;
}

let wantedSnapshot = null;                 // of a pasted pose, until its run is the one that is shown

function tellChoices() {
  if (!view) return;
  const status = name => ganLive.t('status.is_' + name), {run, steps} = subject();
  options(runs, [...(view.pretrained || []).map(({id}) => [id, word('ships', {run: id})]),
                 ...(view.runs || []).map(({id, status: now}) => [id, id + ' · ' + status(now)])], run);
  const chosen = wantedSnapshot ?? snapshot();
  // a snapshot that was thinned out hands over to its nearest neighbour
  const kept = chosen === 'live' || !steps.length || steps.includes(Number(chosen)) ? chosen
    : steps.reduce((best, one) => Math.abs(one - chosen) < Math.abs(best - chosen) ? one : best);
  const label = one => word('step', {step: one.toLocaleString('en')});
  options(snapshots, [['live', word('live')], ...[...steps].reverse().map(one => [one, label(one)])], steps.length ? kept : 'live');
  if (!pose() || (pose().run === run && String(pose().snapshot) === snapshot())) return;
  forget();
  const other = pose().run !== run;
  if (other) axesOf = '';                  // which asks for its classes, too
  ganPose.set({run, snapshot: snapshot(), ...(other ? {classes: null} : {})});
}

function newSubject() {
  const {run} = subject();
  root.classList.remove('lb-waiting');
  root.classList.toggle('lb-empty', !run);
  if (run && run !== sampled) {
    sampled = run;
    if (wantedSnapshot === null) snapshots.value = 'live';
  }
  tellChoices();
  wantedSnapshot = null;
  pump();
}

function speak(newLanguage) {
  language = newLanguage;
  root.lang = language === 'zh' ? 'zh-CN' : 'en';
  for (const node of element.querySelectorAll('[data-t]')) setText(node, word(node.dataset.t));
  for (const node of element.querySelectorAll('[data-title]')) node.title = word(node.dataset.title);
  for (const node of element.querySelectorAll('[data-label]')) node.setAttribute('aria-label', word(node.dataset.label));
  digits.forEach((button, i) => button.setAttribute('aria-label', word('draw', {digit: i})));
  tiles.forEach((tile, i) => tile.setAttribute('aria-label', word('tile', {row: Math.floor(i / NEAR) + 1, column: i % NEAR + 1})));
  directions.speak();
  poseText.speak();
  tellStep();
  tellTrouble();
  tellChoices();
  tellClasses();
  tellPage(bars.page());
  if (bars.z.length) tellBar(bars.current);
}

const bars = makeBars(find('.lb-bars'), {changed: () => ganPose.set({z: bars.z.slice()}), told: tellBar, turned: tellPage});
const directions = makeDirections(find('.ld-rows'), {changed: z => ganPose.set({z}), named: nameDirection, word});
const poseText = makePoseText(find('.lp'), {write: writePose, address: poseAddress, read: readPose, word});
find('.lb-randomise').addEventListener('click', () => newSeed(seedNow() < LAST_SEED ? seedNow() + 1 : 0));
find('.lb-reset').addEventListener('click', () => pose() && ganPose.set({z: keepLocked(new Float32Array(pose().z.length))}));
find('.lb-undo').addEventListener('click', () => ganPose.undo());
find('.lb-redo').addEventListener('click', () => ganPose.redo());
find('.lb-lock').addEventListener('click', lockCurrent);
find('.ld-again').addEventListener('click', () => { directionsOf = ''; pump(); });
find('.lb-png').addEventListener('click', download);
find('.lb-previous').addEventListener('click', () => bars.turn(-1));
find('.lb-next').addEventListener('click', () => bars.turn(1));
find('.lb-near').addEventListener('keydown', walkTiles);
tiles.forEach((tile, i) => tile.addEventListener('click', () => moveTo(i)));
seedBox.addEventListener('change', () => newSeed(seedBox.value));
zooms.addEventListener('change', () => bars.zoom(Number(zooms.value)));
runs.addEventListener('change', () => ganSubject.choose(runs.value));
for (const button of element.querySelectorAll('.lb-view')) {
  button.addEventListener('click', () => { bankView = button.dataset.view; tellBankView(); pump(); });
}
for (const button of element.querySelectorAll('[data-digit]')) {
  button.addEventListener('click', () => {
    const digit = button.dataset.digit, blends = digit !== '' && pose().to !== '' && String(pose().to) !== digit;
    ganPose.set({digit, ...(blends ? {} : {to: '', share: 0})});
  });
}
other.addEventListener('change', () => ganPose.set({to: other.value, share: other.value === '' ? 0 : pose().share || 0.5}));
share.addEventListener('input', () => ganPose.set({share: Number(share.value)}));
snapshots.addEventListener('change', () => { tellChoices(); pump(); });
psi.addEventListener('input', () => ganPose.set({psi: Number(psi.value)}));
radius.addEventListener('input', () => { tellKnobs(); pump(); });
document.addEventListener('keydown', keyed);
document.addEventListener('visibilitychange', pump);
new IntersectionObserver(entries => { visible = entries[entries.length - 1].isIntersecting; pump(); }).observe(root);
tellBankView();
tellClasses();
ganPose.on(newPose);
ganLive.on('language', speak);
ganSubject.on((_, fresh) => { view = fresh; newSubject(); });
