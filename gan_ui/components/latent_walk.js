// Walks: the poses of the tray, the way through them played live, and the same as a film.
//
// Runs once when Gradio mounts the component, as the body of a function with `element` in scope.

const NEWEST_G_MS = 10000;         // while a run trains, how often the walk takes up its newer G

const root = element.querySelector('.lc-part');
const part = makePart(root, 'latent_walk', {changed, spoke: () => { tellTray(); tellPlay(); tellLeg(); }}), {find, word} = part;
const trayBox = find('.lw-tray'), said = find('.lw-said'), trouble = find('.lw-trouble'), speed = find('.lw-speed');
const calm = matchMedia('(prefers-reduced-motion: reduce)');

let selected = 0, leg = -1, version = '', versionAt = 0, stopped = false, knew = '';
const tray = makeTray(() => { tellTray(); refresh(); });
const player = makePlayer(find('.lw-film'), {
  wanted,
  shown: (frame, frames) => {
    const now = Math.floor(frame * tray.items.length / frames);
    if (now !== leg) { leg = now; tellLeg(); }
  },
  failed: error => part.tell(trouble, error && part.reason(error)),
});
const strip = makeJobStrip(find('.jb'));
element.player = player;           // for whoever measures or tests

/** How many frames the round trip has: the speed is in seconds from pose to pose. */
const frames = () => Math.min(MOST_FRAMES, Math.max(2, Math.round(tray.items.length * Number(speed.value) * RATE)));

/** What is to be played: the tray, drawn by the G that the page shows. */
function wanted() {
  if (!part.pose || tray.items.length < 2 || new Set(tray.items.map(item => item.z.length)).size > 1) return null;
  const {run, snapshot} = part.pose, now = part.origin, same = now.split(' ')[0] === version.split(' ')[0];
  if (now !== version && (!same || snapshot !== 'live' || performance.now() - versionAt > NEWEST_G_MS)) [version, versionAt] = [now, performance.now()];
  const body = JSON.stringify({poses: tray.items.map(item => item.text)});
  return {key: [version, snapshot, frames(), body].join(' '), frames: frames(), query: {run, step: snapshot}, body};
}

/** The pose has changed, or whether the card is seen. Most poses differ in z alone, which the walk does not look at. */
function changed() {
  const now = [part.pose ? part.origin : '', part.seen].join(' ');
  if (now === knew) return;
  knew = now;
  refresh();
}

/** Another G draws, the tray is another, or the card has come into sight. */
function refresh() {
  const sizes = [...new Set(tray.items.map(item => item.z.length))].sort((a, b) => a - b);
  part.tell(find('.lw-hint'), sizes.length > 1 ? 'mixed' : tray.items.length < 2 ? 'too_few' : null, {sizes: sizes.join(', ')});
  if (part.seen && tray.items.length > 1 && !calm.matches && !stopped) player.play();
  if (!part.seen || tray.items.length < 2) player.pause();
  find('.lw-add').disabled = find('.lw-random').disabled = !part.pose || tray.full;
  tellPlay();
  if (part.seen) player.pump();
}

/** Keeps a pose, as text and with its picture. */
async function keep(pose) {
  const query = asked(pose), body = pose.z;
  const [text, picture] = await Promise.all([
    ask('pose', query, {method: 'POST', body}).then(answer => answer.json()),
    ask('sample', query, {method: 'POST', body}).then(answer => answer.arrayBuffer())]);
  const {psi, digit, to, share} = pose, drawn = pose.classes ? {digit, to, share} : {digit: '', to: '', share: 0};
  selected = tray.items.length;
  tray.add({text: text.text, z: [...pose.z], psi, ...drawn, thumb: textOf(new Uint8Array(picture))});
  part.tell(said, tray.full ? 'full' : null, {room: TRAY_ROOM});
}

async function keepRandom() {
  const {pose} = part, seed = Math.floor(Math.random() * 2 ** 31);
  const values = new Float32Array(await (await ask('z', {run: pose.run, seed})).arrayBuffer());
  await keep({...pose, z: values.slice(0, values.length / 3)});
}

const orSay = work => async () => {
  try { await work(); } catch (error) { part.tell(said, part.reason(error)); }
};

/** Goes to a kept pose, if the run that is shown can draw it. */
function go(i) {
  selected = i;
  tellTray();
  const {z, psi, digit, to, share} = tray.items[i], {pose} = part;
  if (!pose) return;
  if (z.length !== pose.z.length) return part.tell(said, 'other_z_dim', {got: z.length, run: pose.run, want: pose.z.length});
  part.tell(said, null);
  ganPose.set({z: Float32Array.from(z), psi, ...(digit === '' ? {} : {digit, to, share})});
}

function move(by) { selected = tray.move(selected, by); tellTray(true); }

function remove() {
  tray.remove(selected);
  part.tell(said, null);
  tellTray(true);
}

function make() {
  const {run, snapshot} = part.pose || {};
  strip.start(() => ask('film/walk', {}, {method: 'POST', body: JSON.stringify({
    run, step: snapshot, poses: tray.items.map(item => item.text), kind: find('.lw-kind').value,
    size: Number(find('.lw-size').value), seconds: find('.lw-seconds').value})}));
}

// ---- telling ----

function tellTray(focus = false) {
  selected = Math.max(0, Math.min(tray.items.length - 1, selected));
  while (trayBox.children.length > tray.items.length) trayBox.lastChild.remove();
  tray.items.forEach((item, i) => {
    let button = trayBox.children[i];
    if (!button) {
      button = document.createElement('button');
      button.type = 'button';
      button.className = 'lb-tile lw-pose';
      button.setAttribute('role', 'option');
      button.innerHTML = '<canvas width="28" height="28"></canvas>';
      button.addEventListener('click', () => go(i));
      trayBox.append(button);
    }
    if (button.dataset.thumb !== item.thumb) drawPixels(button.firstChild, bytesOf(item.thumb));
    button.dataset.thumb = item.thumb;
    button.tabIndex = i === selected ? 0 : -1;
    button.setAttribute('aria-selected', String(i === selected));
    button.setAttribute('aria-label', word('pose', {n: i + 1, count: tray.items.length}));
    button.title = word('go');
  });
  if (focus && trayBox.children[selected]) trayBox.children[selected].focus({preventScroll: true});
  find('.lw-earlier').disabled = selected === 0;
  find('.lw-later').disabled = selected >= tray.items.length - 1;
  find('.lw-remove').disabled = find('.lw-make').disabled = !tray.items.length;
  trayBox.hidden = !tray.items.length;
}

function tellPlay() {
  const play = find('.lw-play');
  play.textContent = word(player.playing ? 'pause' : 'play');
  play.setAttribute('aria-pressed', String(player.playing));
  play.disabled = tray.items.length < 2;
  find('.lw-stage').classList.toggle('lw-empty', tray.items.length < 2);
  // a long tray goes faster than asked, as a trip has so many frames and no more
  const seconds = tray.items.length < 2 ? Number(speed.value) : frames() / RATE / tray.items.length;
  find('.lw-speed-value').textContent = word('per_leg', {seconds: Number(seconds.toFixed(2))});
}

function tellLeg() {
  const count = tray.items.length;
  find('.lw-leg').textContent = leg < 0 || count < 2 ? '' : word('leg', {from: leg + 1, to: (leg + 1) % count + 1});
}

function walkTray(event) {
  const goal = {ArrowLeft: selected - 1, ArrowRight: selected + 1, Home: 0, End: tray.items.length - 1}[event.key];
  if (event.key === 'Delete' && tray.items.length) remove();
  else if (goal === undefined || goal < 0 || goal >= tray.items.length) return;
  else { selected = goal; tellTray(true); }
  event.preventDefault();
}

find('.lw-add').addEventListener('click', orSay(() => keep(part.pose)));
find('.lw-random').addEventListener('click', orSay(keepRandom));
find('.lw-earlier').addEventListener('click', () => move(-1));
find('.lw-later').addEventListener('click', () => move(1));
find('.lw-remove').addEventListener('click', remove);
find('.lw-make').addEventListener('click', make);
find('.lw-play').addEventListener('click', () => {
  stopped = player.playing;
  player.playing ? player.pause() : player.play();
  tellPlay();
});
speed.addEventListener('input', () => { tellPlay(); player.pump(); });
trayBox.addEventListener('keydown', walkTray);
part.begin();
