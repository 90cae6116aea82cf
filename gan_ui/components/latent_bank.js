// The Sample tab: z as a bank of bars, the digit G makes of it, and the digits around it.
//
// Runs once when Gradio mounts the component, as the body of a function with `element` in scope. Everything here is
// between this page and the two routes of gan_ui/sampling.py; no event goes through Python. What is on the screen is
// described by a key; whenever the key of what is wanted differs, and the tab can be seen, the server is asked.

const NEAR = 5, NEAR_EVERY_MS = 250, PIXELS = 784, LAST_SEED = 2 ** 31 - 1, MAGNIFY = 10, BEST = 'best';

const find = selector => element.querySelector(selector);
const word = (key, values) => ganLive.t('explore.' + key, values);
const root = find('.lb'), digit = find('.lb-digit'), tiles = [...element.querySelectorAll('.lb-near .lb-tile')];
const classes = find('.lb-classes'), digits = [...element.querySelectorAll('.lb-class')];
const runs = find('.lb-run'), snapshots = find('.lb-snapshot'), seedBox = find('.lb-seed'), zooms = find('.lb-zoom');
const psi = find('.lb-psi'), radius = find('.lb-radius'), trouble = find('.lb-trouble');

let view = null, language = 'en', visible = false, error = null;
let shipped = '', followed = null;         // a run that ships, chosen here; and the page's choice when that was made
let sampled = '';                          // the run that z, the axes and the classes belong to
let seed = 0, seedWanted = true;           // whether the z and the axes of `seed` have still to be fetched
let keepZ = false;                         // whether z stays what it is, if it fits
let axes = null;                           // [right, down], the directions of the neighbourhood
let classCount = 0, wanted = 7;            // of a conditional run: how many classes, and which one to draw; '' all in turn
let zSerial = 0;                           // rises with every change of z
let digitShown = '', nearShown = '', classesShown = '', nearAt = 0;
// For whoever measures or tests: which z there is, which one the digit on the screen is of, and whether all is drawn.
element.zSerial = 0;
element.lastDrawn = {zSerial: -1, run: '', step: null, seed: 0};
element.settled = () => !seedWanted && digitShown === digitKey() && nearShown === nearKey() && classesShown === classesKey();

// ---- what is wanted, what is shown ----

const snapshot = () => snapshots.value || 'live';
/** What is sampled: a run that ships, or else the run that the page shows. */
function subject() {
  const ships = (view.pretrained || []).find(run => run.id === (shipped || (view.run ? '' : view.pretrained[0].id)));
  return ships ? {run: ships.id, version: 0, steps: ships.snapshots}
    : {run: view.run, version: view.live_version, steps: view.snapshots || []};
}
const origin = () => [subject().run, snapshot(), snapshot() === 'live' ? subject().version : ''].join(' ');
const classAsked = () => classCount ? {digit: wanted} : {};
const zKey = () => [origin(), zSerial, psi.value].join(' ');
const digitKey = () => [zKey(), classCount ? wanted : ''].join(' ');
const nearKey = () => [digitKey(), seed, radius.value].join(' ');
const classesKey = () => classCount ? zKey() : '';
const question = () => ({run: subject().run, step: snapshot(), psi: psi.value});

function next() {
  if (!visible || document.hidden || !view || !subject().run) return null;
  if (seedWanted) return fetchSeed;
  if (digitShown !== digitKey()) return fetchDigit;
  if (nearShown === nearKey() && classesShown === classesKey()) return null;
  const wait = nearAt + NEAR_EVERY_MS - performance.now();
  return wait > 0 ? Math.ceil(wait) : fetchNear;
}

async function fetchSeed() {
  const number = seed, {run} = subject(), answer = await ask('z', {run, seed});
  const values = new Float32Array(await answer.arrayBuffer()), n = values.length / 3;
  if (number !== seed || run !== subject().run) return;  // another one is wanted by now
  seedWanted = false;
  classCount = Number(answer.headers.get('X-Classes'));
  classes.hidden = !classCount;
  axes = [values.subarray(n, 2 * n), values.subarray(2 * n)];
  if (n !== bars.z.length) measureRadius(n);
  if (!keepZ || n !== bars.z.length) newZ(values.subarray(0, n));
  keepZ = false;
}

async function fetchDigit() {
  const key = digitKey(), drawn = {zSerial, run: subject().run, seed};
  const answer = await ask('sample', {...question(), ...classAsked()}, {method: 'POST', body: bars.z.slice()});
  const pixels = new Uint8Array(await answer.arrayBuffer());
  draw(digit, pixels);
  digitShown = key;
  element.lastDrawn = {...drawn, step: Number(answer.headers.get('X-Step'))};
  tellStep();
}

/** The pictures around the digit: its neighbourhood and, of a conditional run, this z as each of the digits. */
async function fetchNear() {
  const key = nearKey(), classKey = classesKey(), body = bars.z.slice();
  nearAt = performance.now();
  const fill = async (query, buttons) => {
    const answer = await ask('sample', {...question(), ...query}, {method: 'POST', body});
    const pixels = new Uint8Array(await answer.arrayBuffer());
    buttons.forEach((button, i) => draw(button.firstElementChild, pixels.subarray(i * PIXELS, (i + 1) * PIXELS)));
  };
  if (nearShown !== key) await fill({...classAsked(), side: NEAR, seed, radius: radius.value}, tiles);
  nearShown = key;
  if (classKey && classesShown !== classKey) await fill({side: 'digits'}, digits);
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

function draw(canvas, pixels) {
  const context = canvas.getContext('2d'), image = context.createImageData(28, 28);
  const words = new Uint32Array(image.data.buffer);
  for (let i = 0; i < PIXELS; i++) words[i] = 0xff000000 | pixels[i] * 0x010101;
  context.putImageData(image, 0, 0);
}

function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

function tellStep() {
  const {step} = element.lastDrawn;
  setText(find('.lb-step'), step === null ? '' : word('step', {step: step.toLocaleString('en')}));
}

function tellNorm() {
  setText(find('.lb-norm'), '|z| ' + Math.hypot(...bars.z).toFixed(2));
}

function tellTrouble() {
  root.classList.toggle('lb-stale', Boolean(error));
  trouble.hidden = !error;
  setText(trouble, error ? (error.sentences || {})[language] || word('unreachable') : '');
}

function tellBar(i) {
  setText(find('.lb-value'), 'z' + i + ' = ' + twoDecimals(bars.z[i]));
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
}

// ---- changes ----

function newZ(values) {
  bars.set(values);
  zChanged();
}

function zChanged() {
  element.zSerial = ++zSerial;
  tellNorm();
  pump();
}

function newSeed(value) {
  const number = Math.round(Number(value));
  seed = Number.isFinite(number) ? Math.min(LAST_SEED, Math.max(0, number)) : seed;
  seedBox.value = seed;
  seedWanted = true;
  keepZ = false;
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
  if (!axes || axes[0].length !== bars.z.length) return;
  const offset = k => (k - (NEAR - 1) / 2) / ((NEAR - 1) / 2) * Number(radius.value);
  const x = offset(index % NEAR), y = offset(Math.floor(index / NEAR));
  newZ(bars.z.map((value, i) => value + x * axes[0][i] + y * axes[1][i]));
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

function tellChoices() {
  if (!view) return;
  const status = name => ganLive.t('status.is_' + name), {run, steps} = subject(), chosen = snapshot();
  options(runs, [...(view.pretrained || []).map(({id}) => [id, word('ships', {run: id})]),
                 ...(view.runs || []).map(({id, status: now}) => [id, id + ' · ' + status(now)])], run);
  // a snapshot that was thinned out hands over to its nearest neighbour
  const kept = chosen === 'live' || !steps.length || steps.includes(Number(chosen)) ? chosen
    : steps.reduce((best, one) => Math.abs(one - chosen) < Math.abs(best - chosen) ? one : best);
  const label = one => word('step', {step: one.toLocaleString('en')});
  options(snapshots, [['live', word('live')], ...[...steps].reverse().map(one => [one, label(one)])], steps.length ? kept : 'live');
}

function tellClasses() {
  for (const button of element.querySelectorAll('[data-digit]'))
    button.setAttribute('aria-pressed', String(button.dataset.digit === String(wanted)));
}

/** A visitor who has chosen nothing sees the best that ships; whoever starts or opens a run samples that one. */
function newView(fresh) {
  view = fresh;
  if (followed !== ganLive.chosen) {
    shipped = !ganLive.chosen && (view.pretrained || []).some(run => run.id === BEST) ? BEST : '';
    followed = ganLive.chosen;
  }
  newSubject();
}

function newSubject() {
  const {run} = subject();
  root.classList.remove('lb-waiting');
  root.classList.toggle('lb-empty', !run);
  if (run && run !== sampled) {
    sampled = run;
    snapshots.value = 'live';
    keepZ = seedWanted = true;
  }
  tellChoices();
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
  tellStep();
  tellTrouble();
  tellChoices();
  tellPage(bars.page());
}

const bars = makeBars(find('.lb-bars'), {changed: zChanged, told: tellBar, turned: tellPage});
find('.lb-randomise').addEventListener('click', () => newSeed(seed < LAST_SEED ? seed + 1 : 0));
find('.lb-reset').addEventListener('click', () => newZ(new Float32Array(bars.z.length)));
find('.lb-png').addEventListener('click', download);
find('.lb-previous').addEventListener('click', () => bars.turn(-1));
find('.lb-next').addEventListener('click', () => bars.turn(1));
find('.lb-near').addEventListener('keydown', walkTiles);
tiles.forEach((tile, i) => tile.addEventListener('click', () => moveTo(i)));
seedBox.addEventListener('change', () => newSeed(seedBox.value));
zooms.addEventListener('change', () => bars.zoom(Number(zooms.value)));
runs.addEventListener('change', () => {
  shipped = (view.pretrained || []).some(run => run.id === runs.value) ? runs.value : '';
  if (!shipped) ganLive.select(runs.value);
  followed = ganLive.chosen;
  newSubject();
});
for (const button of element.querySelectorAll('[data-digit]')) {
  button.addEventListener('click', () => { wanted = button.dataset.digit; tellClasses(); pump(); });
}
tellClasses();
snapshots.addEventListener('change', pump);
for (const knob of [psi, radius]) knob.addEventListener('input', () => { tellKnobs(); pump(); });
document.addEventListener('visibilitychange', pump);
new IntersectionObserver(entries => { visible = entries[entries.length - 1].isIntersecting; pump(); }).observe(root);
ganLive.on('language', speak);
ganLive.on('view', newView);
