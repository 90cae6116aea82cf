// Asking the server for pictures. latent_bank.py joins this file in front of latent_bank.js.

const RETRY_MS = 2000, PATIENCE_MS = 20000;

/** A request to the server; a refusal is thrown with the server's `sentences`, {en, zh}, if it sent any. */
async function ask(path, query, options) {
  const address = 'gradio_api/lab/' + path + '?' + new URLSearchParams(query);
  const response = await fetch(address, {signal: AbortSignal.timeout(PATIENCE_MS), ...options});
  if (response.ok) return response;
  const sentences = await response.json().catch(() => null);
  throw Object.assign(new Error('HTTP ' + response.status), {sentences: sentences && sentences.en ? sentences : null});
}

/**
 * Does what there is to do, one job after the other and never two at once. `next()` names what is due at the moment
 * it is called, so the newest value wins and the last one is never lost: it returns a job, or the milliseconds until
 * there may be one, or null. `failed(error)` hears of an error, which is tried again later, and of null after success.
 */
function makePump(next, failed) {
  let busy = false, timer = 0;

  return async function pump() {
    clearTimeout(timer);
    if (busy) return;
    busy = true;
    try {
      let job = next();
      for (; typeof job === 'function'; job = next()) {
        await job();
        failed(null);
      }
      if (job) timer = setTimeout(pump, job);
    } catch (error) {
      failed(error);
      timer = setTimeout(pump, RETRY_MS);
    }
    busy = false;
  };
}
