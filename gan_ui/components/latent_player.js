// Plays a round trip of frames that the server draws in batches. latent_walk.py joins this file in front of
// latent_walk.js. What is shown comes out of a buffer, which is filled ahead: the frame rate does not depend on the
// round trip. A whole trip is 1,500 frames at most, 1.2 MB, so that all of it stays.

const RATE = 30, BATCH = 64, AHEAD = 2, MOST_FRAMES = 1500;

/**
 * Plays on `canvas`. `wanted()` says what: {key, frames, query, body}, or null for nothing; another key is another walk.
 * `shown(frame, frames)` hears of every frame drawn, and `failed(error)` of an error, or null.
 */
function makePlayer(canvas, {wanted, shown, failed}) {
  let walk = null, batches = new Map();        // of this walk: its number to its pictures
  let playing = false, at = 0, last = 0, frameShown = -1, drawn = 0, refusedAt = -RETRY_MS;

  const number = frame => Math.floor(frame / BATCH);

  /** Takes up another walk at the same share of the way; its old frames are no use. */
  function refresh() {
    const now = wanted();
    if (now && walk && now.key === walk.key) return walk;
    at = walk && now ? at / walk.frames * now.frames : 0;
    walk = now;
    refusedAt = -RETRY_MS;
    batches = new Map();
    frameShown = -1;
    return walk;
  }

  function next() {
    const now = refresh();
    if (!now || (!playing && frameShown >= 0)) return null;
    const wait = refusedAt + RETRY_MS - performance.now();   // every frame asks for what is missing, but not all the time
    if (wait > 0) return Math.ceil(wait);
    const count = Math.ceil(now.frames / BATCH), here = number(at);
    for (let k = 0; k <= Math.min(AHEAD, count - 1); k++) {
      const batch = (here + k) % count;
      if (!batches.has(batch)) return () => fetchBatch(now, batch);
    }
    return null;
  }

  async function fetchBatch(asked, batch) {
    const answer = await ask('walk', {...asked.query, frames: asked.frames, first: batch * BATCH}, {method: 'POST', body: asked.body});
    const pixels = new Uint8Array(await answer.arrayBuffer());
    if (walk !== asked) return;
    batches.set(batch, pixels);
    if (!playing) draw();
  }

  const pump = makePump(next, error => {
    if (error) refusedAt = performance.now();
    failed(error);
  });

  function draw() {
    const frame = Math.min(walk.frames - 1, Math.floor(at)), batch = batches.get(number(frame));
    if (!batch) return false;
    if (frame === frameShown) return true;
    const from = frame % BATCH * PIXELS;
    drawPixels(canvas, batch.subarray(from, from + PIXELS));
    frameShown = frame;
    drawn++;
    shown(frame, walk.frames);
    return true;
  }

  function tick(now) {
    if (!playing) return;
    requestAnimationFrame(tick);
    if (!walk) return;
    const passed = Math.min(250, now - last);     // a tab that slept goes on where it was
    last = now;
    // where there is no frame yet, time stands still instead of passing unseen
    const before = at;
    at = (at + passed * RATE / 1000) % walk.frames;
    const drew = draw();
    if (!drew) at = before;
    if (!drew || number(at) !== number(before)) pump();
  }

  return {
    get playing() { return playing; },
    /** How many frames were drawn so far: for whoever measures. */
    get drawn() { return drawn; },
    play() { if (playing) return; playing = true; last = performance.now(); requestAnimationFrame(tick); pump(); },
    pause() { playing = false; },
    /** Something about `wanted()` may have changed. */
    pump,
  };
}
