// The latent map: a mosaic of what G draws over two directions of z. Pointing at a digit, or the arrow keys, show it large.
const {maps, mapStep, facts} = ganReplay.record, {side, reach, names} = facts.map, PIXELS = 28, ZOOMS = [1, 2, 4];
const find = id => document.getElementById(id);
const mosaic = find('rp-mosaic'), large = find('rp-digit'), choices = find('rp-choices'), sprite = new Image();
let chosen = 0, column = side >> 1, row = side >> 1, zoom = 0, left = 0, top = 0;  // left and top: of the part that is seen
let dragging = false;

const seen = () => side / ZOOMS[zoom];
const within = (value, low, high) => Math.max(low, Math.min(high, value));

function draw() {
  const size = Math.round(mosaic.clientWidth * (devicePixelRatio || 1)), tile = size / seen();
  if (!sprite.complete || !sprite.naturalWidth || !size) return;
  if (mosaic.width !== size) mosaic.width = mosaic.height = size;
  const context = mosaic.getContext('2d');
  context.imageSmoothingEnabled = tile < PIXELS;  // larger than it is, every pixel should be seen
  context.drawImage(sprite, left * PIXELS, top * PIXELS, seen() * PIXELS, seen() * PIXELS, 0, 0, size, size);
  context.lineWidth = within(tile / 10, 2, 5);
  context.strokeStyle = '#ff9d4d';
  context.strokeRect((column - left) * tile, (row - top) * tile, tile, tile);
  large.getContext('2d').drawImage(sprite, column * PIXELS, row * PIXELS, PIXELS, PIXELS, 0, 0, PIXELS, PIXELS);
}

const signed = place => { const z = reach * (2 * place / (side - 1) - 1); return (z < 0 ? '−' : '+') + Math.abs(z).toFixed(1); };

function tell() {
  const reads = maps[chosen].reads[row * side + column];
  const [first, second] = names.map((name, i) => name || ganLive.t('replay.direction', {n: i + 1}));
  const at = ganLive.t('replay.here', {across: signed(column), down: signed(row), first, second});
  find('rp-here').textContent = at + (reads === undefined ? '' : ganLive.t('replay.reads', {digit: reads}));
  large.setAttribute('aria-label', find('rp-here').textContent);
  find('rp-zoom').textContent = ZOOMS[zoom] + ' ×';
  find('rp-out').disabled = zoom === 0;
  find('rp-in').disabled = zoom === ZOOMS.length - 1;
  document.querySelector('.rp-map-step').textContent = ganLive.t('replay.at', {step: mapStep.toLocaleString('en-US')});
  [...choices.children].forEach((button, place) => {
    const {digit, seed} = maps[place];
    button.textContent = digit === null ? ganLive.t('replay.seed', {seed}) : String(digit);
    button.setAttribute('aria-label', digit === null ? button.textContent : ganLive.t('replay.draw', {digit}));
    button.setAttribute('aria-pressed', String(place === chosen));
  });
}

/** Shows a digit, and moves the part that is seen so far that the digit is in it. */
function go(toColumn, toRow) {
  column = within(toColumn, 0, side - 1);
  row = within(toRow, 0, side - 1);
  left = within(left, column - seen() + 1, column);
  top = within(top, row - seen() + 1, row);
  tell();
  draw();
}

function zoomTo(wanted) {
  zoom = within(wanted, 0, ZOOMS.length - 1);
  left = within(Math.round(column - seen() / 2), 0, side - seen());
  top = within(Math.round(row - seen() / 2), 0, side - seen());
  go(column, row);
}

function choose(place) {
  chosen = place;
  sprite.src = 'data:image/png;base64,' + maps[place].png;
  tell();
}

function pointed(event) {
  const box = mosaic.getBoundingClientRect(), tile = box.width / seen();
  // a drag past the edge moves on by one digit; without a button pressed, only what can be seen is pointed at
  const [low, high] = dragging ? [-1, seen()] : [0, seen() - 1];
  const place = along => within(Math.floor(along / tile), low, high);
  go(left + place(event.clientX - box.left), top + place(event.clientY - box.top));
}

function keyed(event) {
  const moves = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1], Home: [-side, -side], End: [side, side]};
  const zooms = {'+': 1, '=': 1, '-': -1};
  if (event.ctrlKey || event.altKey || event.metaKey || !(event.key in moves || event.key in zooms)) return;
  event.preventDefault();
  if (event.key in zooms) zoomTo(zoom + zooms[event.key]);
  else go(column + moves[event.key][0], row + moves[event.key][1]);
}

function start() {
  maps.forEach((_, place) => {
    const button = document.createElement('button');
    button.type = 'button';
    button.addEventListener('click', () => choose(place));
    choices.append(button);
  });
  sprite.addEventListener('load', draw);
  mosaic.addEventListener('pointerdown', event => { dragging = true; mosaic.setPointerCapture(event.pointerId); pointed(event); });
  mosaic.addEventListener('pointermove', pointed);
  for (const kind of ['pointerup', 'pointercancel']) mosaic.addEventListener(kind, () => { dragging = false; });
  mosaic.addEventListener('dblclick', () => zoomTo((zoom + 1) % ZOOMS.length));
  mosaic.addEventListener('keydown', keyed);
  find('rp-in').addEventListener('click', () => zoomTo(zoom + 1));
  find('rp-out').addEventListener('click', () => zoomTo(zoom - 1));
  new ResizeObserver(draw).observe(mosaic);
  choose(0);
  ganLive.on('language', tell);
}

find('rp-map').hidden = !maps.length;
find('rp-no-map').hidden = maps.length > 0;
if (maps.length) start();
