// The pictures of a timeline: the grid and the pose at each step, fetched in the order in which they may be looked at.

const FRAMES_AT_ONCE = 8;  // as many as gan_ui/timeline_routes.py draws at a time

/** Whether asking again would be answered the same; one who asks too often is refused with another status. */
const isFinal = error => Boolean(error.sentences) && error.message === 'HTTP 422';

/** What a pose asks of a conditional run, as a query. */
const classesAsked = (conditional, {digit, to, share}) => !conditional || digit === '' ? {} : {digit, ...(to === '' ? {} : {to, share})};

/** The places 0 to count - 1 nearer than `reach` to `now`, the nearest first, and of two as near the later one. */
function* outwards(now, reach, count) {
  for (let far = 0; far < reach; far++) {
    if (now + far < count) yield now + far;
    if (far && now - far >= 0) yield now - far;
  }
}

/**
 * `wanted()` says what there is to show: {line, now, pose}, or null while nobody looks. `line` is a timeline of the server,
 * `now` the place in it, `pose` one that fits its run, or null. `got()` hears of every picture, `failed(error)` of trouble.
 * A picture that there cannot be is kept as {error: {en, zh}}; it is a sign that the folder has changed, so `lost()` hears of
 * it, and until there is a newer timeline nothing is fetched in advance.
 */
function makePictures({wanted, got, failed, lost = () => {}}) {
  let run = '', haltedAt = '', grids = new Map(), frames = new Map(), poseNow = null;
  const idOf = (line, place) => line.steps[place] + ' ' + line.stamps[place];

  function settle({line, pose}) {
    if (run !== line.run) { grids = new Map(); frames = new Map(); run = line.run; }
    const same = poseNow && pose && ['z', 'psi', 'digit', 'to', 'share'].every(name => poseNow[name] === pose[name]);
    if (!same) { frames = new Map(); poseNow = pose; }
    for (const known of [grids, frames]) {                // what was thinned out is forgotten, so that this stays bounded
      if (known.size <= 2 * line.steps.length) continue;
      const ids = new Set(line.steps.map((_, place) => idOf(line, place)));
      for (const id of known.keys()) if (!ids.has(id)) known.delete(id);
    }
  }

  const near = (line, now) => outwards(now, haltedAt === line.tag ? 1 : line.steps.length, line.steps.length);

  function halt(line) {
    haltedAt = line.tag;
    lost();
  }

  function firstMissing(known, exist, line, now) {
    for (const place of near(line, now)) if (exist[place] && !known.has(idOf(line, place))) return place;
    return -1;
  }

  function nextGrid() {
    const now = wanted();
    if (!now) return null;
    settle(now);
    const place = firstMissing(grids, now.line.pictures, now.line, now.now);
    return place < 0 ? null : () => fetchGrid(now.line, place);
  }

  async function fetchGrid(line, place) {
    const mine = grids, id = idOf(line, place);
    try {
      const answer = await ask('snapshot/' + line.run + '/' + line.steps[place], {v: line.stamps[place]}, {cache: 'default'});
      mine.set(id, await createImageBitmap(await answer.blob()));
    } catch (error) {
      if (!isFinal(error)) throw error;
      mine.set(id, {error: error.sentences});
      halt(line);
    }
    got();
  }

  function nextFrames() {
    const now = wanted();
    if (!now || !now.pose) return null;
    settle(now);
    const {line} = now, places = [];
    for (const place of near(line, now.now)) {
      if (!line.generators[place] || frames.has(idOf(line, place))) continue;
      places.push(place);
      // the one that is looked at is not kept waiting by its neighbours
      if (place === now.now || places.length === FRAMES_AT_ONCE) break;
    }
    return places.length ? () => fetchFrames(now, places) : null;
  }

  async function fetchFrames({line, pose}, places) {
    const mine = frames, ids = new Map(places.map(place => [line.steps[place], idOf(line, place)]));
    try {
      const query = {run: line.run, steps: [...ids.keys()].join(), psi: pose.psi, ...classesAsked(line.conditional, pose)};
      const answer = await (await ask('frames', query, {method: 'POST', body: pose.z})).json();
      for (const {step, pixels, verdict, en, zh} of answer.frames) {
        mine.set(ids.get(step), en ? {error: {en, zh}} : {pixels: Uint8Array.from(atob(pixels), c => c.charCodeAt(0)), verdict});
      }
    } catch (error) {
      if (!isFinal(error)) throw error;
      for (const id of ids.values()) mine.set(id, {error: error.sentences});
      halt(line);
    }
    got();
  }

  const pumps = [makePump(nextGrid, failed), makePump(nextFrames, failed)];
  return {
    pump: () => pumps.forEach(pump => pump()),
    grid: (line, place) => grids.get(idOf(line, place)),
    frame: (line, place) => frames.get(idOf(line, place)),
  };
}

/** Draws a grid of the fixed z in its own size. */
function drawGrid(canvas, bitmap) {
  if (canvas.width !== bitmap.width) { canvas.width = bitmap.width; canvas.height = bitmap.height; }
  canvas.getContext('2d').drawImage(bitmap, 0, 0);
}

function clearCanvas(canvas) {
  canvas.getContext('2d').clearRect(0, 0, canvas.width, canvas.height);
}
