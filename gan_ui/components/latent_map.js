// The map: a plane through z as a mosaic of what G draws there, coarse first and then fine. A press or a drag moves the
// pose along the plane; whatever else moves it takes the plane with it.
//
// Runs once when Gradio mounts the component, as the body of a function with `element` in scope.

const SIDE = 448, LEVELS = [8, 16], AT_ONCE = 64;              // tiles a side, the coarse and the fine; pictures a request
const SPAN = 8, SPANS = [0.25, 12], ZOOM = 1.5;                // units of z across the map
const REST_MS = 150, NEWER_G_MS = 5000, SCROLLS_MS = 300;      // how long to wait: for a change, for newer G, for a scroll to end
const MARKER_MS = 100;                                         // while a slider is dragged, the marker moves so often

const root = element.querySelector('.lc-part');
const part = makePart(root, 'latent_map', {changed, spoke: tellChoices}), {find, word} = part;
const map = find('.lm-map'), tiles = find('.lm-tiles'), marker = find('.lm-marker'), trouble = find('.lm-trouble');
const selects = [find('.lm-right'), find('.lm-down')];
const context = tiles.getContext('2d'), tile = document.createElement('canvas'), before = document.createElement('canvas');
tile.width = tile.height = 28;
before.width = before.height = SIDE;
context.imageSmoothingEnabled = before.getContext('2d').imageSmoothingEnabled = false;

let rows = [], names = [], rowsKey = '';     // the directions to choose from: those found, then the seed's two axes
let chosen = ['0', '1'];                     // of which the map shows these
let plane = null, planeSerial = 0, zSeen = null;
let view = {x: 0, y: 0, span: SPAN};         // the middle of the map, and its width
let drawnLook = '', level = 0, first = 0;    // what is being drawn, how finely, and the first tile that is missing
let drawnOrigin = '', drawnAt = 0;           // the G that this was begun with, and when a tile came last
let digitOf = null, digitKey = '';           // the z of the small picture, and what else it depends on
let touched = 0, toldAt = 0;                 // when the view or the plane changed last; when the marker was put
const pointers = new Map();                  // those that are down, by id
let scrolledAt = -SCROLLS_MS;                // when the page scrolled last
let pinched = false, taps = false;           // since one was down: there have been two; it is a finger that did not move

const held = () => pointers.size > 0;
const wantedRows = () => [part.pose.run, part.pose.snapshot, part.pose.seed, part.pose.z.length].join(' ');
/** What a tile shows, but for where it is and how old G may be. */
const look = () => [part.pose.run, part.pose.snapshot, part.pose.psi, JSON.stringify(classAsked(part.pose)), planeSerial, JSON.stringify(view)].join(' ');
const complete = () => drawnLook === look() && level === LEVELS.length;
element.settled = () => Boolean(part.pose) && complete() && drawnOrigin === part.origin;

// ---- what there is to do ----

function next() {
  if (!part.pose || !part.seen) return null;
  if (rowsKey !== wantedRows()) return fetchRows;
  if (!plane) return null;
  const now = performance.now();
  if ((digitOf !== part.pose.z || digitKey !== digitWanted()) && (held() || !ganPose.held)) return fetchDigit;
  if (complete() && drawnOrigin === part.origin) return null;
  if (ganPose.held && !held()) return REST_MS;                 // the sliders come first
  if (drawnLook !== look()) return touched + REST_MS > now ? Math.ceil(touched + REST_MS - now) : begin(0);
  if (!complete()) return fetchTiles;
  // only G has changed: fine at once, but not all the time
  return drawnAt + NEWER_G_MS > now ? Math.ceil(drawnAt + NEWER_G_MS - now) : begin(LEVELS.length - 1);
}

/** The first tiles of another picture of the plane. */
function begin(newLevel) {
  [drawnLook, drawnOrigin, level, first] = [look(), part.origin, newLevel, 0];
  return fetchTiles;
}

const digitWanted = () => [part.origin, part.pose.psi, JSON.stringify(classAsked(part.pose))].join(' ');

async function fetchRows() {
  const wanted = wantedRows(), {run, snapshot, seed} = part.pose;
  const found = await (await ask('directions', {run, step: snapshot})).json();
  const values = new Float32Array(await (await ask('z', {run, seed})).arrayBuffer()), n = values.length / 3;
  if (!part.pose || wanted !== wantedRows()) return;
  rows = [...unpackDirections(found), values.subarray(n, 2 * n), values.subarray(2 * n)];
  names = found.names || [];
  rowsKey = wanted;
  if (chosen.some(name => name >= rows.length)) chosen = ['0', '1'];
  plane = null;
  tellChoices();
  moved();
}

async function fetchDigit() {
  const wanted = digitWanted(), {z} = part.pose;
  const answer = await ask('sample', asked(part.pose), {method: 'POST', body: z});
  drawPixels(find('.lm-digit'), new Uint8Array(await answer.arrayBuffer()));
  [digitOf, digitKey] = [z, wanted];
}

async function fetchTiles() {
  const wanted = drawnLook, n = LEVELS[level], from = first, count = Math.min(AT_ONCE, n * n - from);
  const z_dim = part.pose.z.length, body = new Float32Array(count * z_dim);
  for (let k = 0; k < count; k++) body.set(plane.point(...place(from + k, n)), k * z_dim);
  const answer = await ask('sample', {...asked(part.pose), side: 'many'}, {method: 'POST', body});
  const pixels = new Uint8Array(await answer.arrayBuffer());
  if (!part.pose || wanted !== look()) return;                  // the newest wins
  const size = SIDE / n;
  for (let k = 0; k < count; k++) {
    drawPixels(tile, pixels.subarray(k * PIXELS, (k + 1) * PIXELS));
    context.drawImage(tile, (from + k) % n * size, Math.floor((from + k) / n) * size, size, size);
  }
  first = from + count;
  if (first === n * n) [level, first] = [level + 1, 0];
  drawnAt = performance.now();
}

/** The middle of tile `i` of n x n, on the plane. */
function place(i, n) {
  return [view.x + ((i % n + 0.5) / n - 0.5) * view.span, view.y + ((Math.floor(i / n) + 0.5) / n - 0.5) * view.span];
}

const pump = makePump(next, error => part.tell(trouble, error && part.reason(error)));

// ---- what changes ----

/** The pose, the run, the language, or whether the card is seen. */
function changed() {
  const ready = Boolean(part.pose);
  find('.lm-body').hidden = !ready;
  find('.lm-waits').hidden = ready;
  if (!ready) { rowsKey = ''; plane = null; return; }
  const now = performance.now();
  if (!part.seen || (ganPose.held && !held() && now - toldAt < MARKER_MS)) return;
  toldAt = now;
  if (rowsKey === wantedRows()) moved();
  pump();
}

/** The pose is elsewhere: on the plane or beside it. */
function moved() {
  const {z} = part.pose, [right, down] = chosen.map(name => rows[name]);
  if (!right || right.length !== z.length) return;
  if (!plane || !plane.holds(z)) {
    plane = makePlane(z, right, down);
    planeSerial++;
    touched = performance.now();
  }
  // the map follows a pose that leaves it, but stays where somebody has moved it
  const left = z !== zSeen && !held() && !insight(shares());
  zSeen = z;
  if (left) centre();
  tellMarker();
}

/** Shows another part of the plane; what was there stays, moved and stretched, until the new tiles come. */
function show(x, y, span) {
  const wide = Math.min(SPANS[1], Math.max(SPANS[0], span)), old = view;
  view = {x, y, span: wide};
  const scale = old.span / wide, left = SIDE / 2 + ((old.x - x) / wide - 0.5 * scale) * SIDE, top = SIDE / 2 + ((old.y - y) / wide - 0.5 * scale) * SIDE;
  before.getContext('2d').drawImage(tiles, 0, 0);
  context.clearRect(0, 0, SIDE, SIDE);
  context.drawImage(before, left, top, SIDE * scale, SIDE * scale);
  touched = performance.now();
  tellMarker();
  pump();
}

/** Zooms so that the point at a share (0 to 1) of the width and height stays where it is. */
function zoom(by, [right, down] = middle()) {
  const span = Math.min(SPANS[1], Math.max(SPANS[0], view.span * by)), grown = view.span - span;
  show(view.x + (right - 0.5) * grown, view.y + (down - 0.5) * grown, span);
}

/** Where the pose is on the map, as shares of its width and height; the buttons zoom towards it if it is in sight. */
function shares() {
  const {x, y} = plane.at(part.pose.z);
  return [(x - view.x) / view.span + 0.5, (y - view.y) / view.span + 0.5];
}
const insight = ([right, down]) => Math.min(right, down) >= 0 && Math.max(right, down) <= 1;
const middle = () => plane && insight(shares()) ? shares() : [0.5, 0.5];

function centre() {
  const {x, y} = plane.at(part.pose.z);
  show(x, y, view.span);
}

// ---- pointers and keys ----

function sharesOf(event) {
  const box = map.getBoundingClientRect();
  return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
}

function pressed(event) {
  if (event.button || !plane) return;
  event.preventDefault();
  map.focus({preventScroll: true});
  map.setPointerCapture(event.pointerId);
  pointers.set(event.pointerId, sharesOf(event));
  pinched = pointers.size > 1;
  taps = !pinched && event.pointerType === 'touch';            // it may be the first of two: wait and see
  if (!pinched && !taps) goTo(event);
}

function released(event) {
  if (event.type === 'pointerup' && taps && plane) goTo(event);
  taps = false;
  pointers.delete(event.pointerId);
  pump();
}

function goTo(event) {
  const [right, down] = sharesOf(event).map(share => Math.min(1, Math.max(0, share)));
  ganPose.set({z: plane.point(view.x + (right - 0.5) * view.span, view.y + (down - 0.5) * view.span)});
}

function dragged(event) {
  if (!pointers.has(event.pointerId) || !plane) return;
  const old = [...pointers.values()];
  pointers.set(event.pointerId, sharesOf(event));
  taps = false;
  if (pointers.size === 1 && !pinched) return goTo(event);
  if (pointers.size !== 2) return;
  // two fingers: what was between them stays between them
  const now = [...pointers.values()], apart = ([a, b]) => Math.hypot(a[0] - b[0], a[1] - b[1]), between = ([a, b]) => [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2];
  const span = Math.min(SPANS[1], Math.max(SPANS[0], view.span * apart(old) / Math.max(0.01, apart(now))));
  const [from, to] = [between(old), between(now)];
  show(view.x + (from[0] - 0.5) * view.span - (to[0] - 0.5) * span, view.y + (from[1] - 0.5) * view.span - (to[1] - 0.5) * span, span);
}

function keyed(event) {
  if (event.ctrlKey || event.altKey || event.metaKey || !plane) return;
  const step = view.span / LEVELS[1] * (event.shiftKey ? 0.25 : 1), {x, y} = plane.at(part.pose.z);
  const goals = {ArrowLeft: [x - step, y], ArrowRight: [x + step, y], ArrowUp: [x, y - step], ArrowDown: [x, y + step]};
  if (event.key in goals) ganPose.set({z: plane.point(...goals[event.key])});
  else if (event.key === '+' || event.key === '=') zoom(1 / ZOOM);
  else if (event.key === '-') zoom(ZOOM);
  else if (event.key === 'Home') centre();
  else return;
  event.preventDefault();
}

// ---- telling ----

function tellChoices() {
  const called = i => i < rows.length - 2 ? names[i] || ganLive.t('explore.direction', {n: i + 1}) : word('axis', {n: i - rows.length + 3});
  selects.forEach((select, which) => {
    select.replaceChildren(...rows.map((_, i) => new Option(called(i), i)));
    select.value = chosen[which];
    for (const option of select.options) option.disabled = option.value === chosen[1 - which];
  });
  if (plane && part.pose) tellMarker();
}

function tellMarker() {
  const [right, down] = shares(), {x, y} = plane.at(part.pose.z), inside = insight([right, down]);
  marker.hidden = !inside;
  marker.style.left = right * 100 + '%';
  marker.style.top = down * 100 + '%';
  const number = value => value.toFixed(2).replace('-0.00', '0.00').replace('-', '−');
  const text = word(inside ? 'at' : 'outside', {x: number(x), y: number(y), span: view.span.toFixed(1)});
  if (find('.lm-at').textContent !== text) find('.lm-at').textContent = text;
  find('.lm-in').disabled = view.span <= SPANS[0];
  find('.lm-out').disabled = view.span >= SPANS[1];
}

selects.forEach((select, which) => select.addEventListener('change', () => {
  chosen = chosen.map((name, i) => i === which ? select.value : name);
  plane = null;
  tellChoices();
  moved();
  if (plane) centre();
}));
map.addEventListener('pointerdown', pressed);
map.addEventListener('pointermove', dragged);
for (const kind of ['pointerup', 'pointercancel']) map.addEventListener(kind, released);
map.addEventListener('wheel', event => {
  if (!plane || performance.now() - scrolledAt < SCROLLS_MS) return;   // the page scrolls past under the pointer
  event.preventDefault();
  zoom(Math.exp(Math.min(1, Math.max(-1, event.deltaY / 400))), sharesOf(event));
}, {passive: false});
map.addEventListener('keydown', keyed);
find('.lm-in').addEventListener('click', () => zoom(1 / ZOOM));
find('.lm-out').addEventListener('click', () => zoom(ZOOM));
find('.lm-centre').addEventListener('click', centre);
addEventListener('scroll', () => { scrolledAt = performance.now(); }, {passive: true});
for (const kind of ['pointerup', 'pointercancel']) addEventListener(kind, changed);   // a slider was let go of
part.begin();
